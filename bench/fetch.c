// The benchmark of fetching: my URLs sit behind a latency of D; with C at once, what do
// synchronous, threads and asynchronous each cost in time, CPU and memory, and from where on does
// asynchronous pay?
//
//     build/bench/fetch [OPTION VALUE...]        see --help
//
// Design notes. The harness starts the origin on one core and each run in a process of its own on
// another (run.c), one after the other: a round goes through all cells, and in each cell through
// the styles, beginning with another one each time, so that what the machine does meanwhile falls
// on all of them. Files: plan (what is measured), run (processes), once (a worker), job and styles
// (what a worker does), blocking (the style without the library), rows and stats (figures), table,
// words, files, html and svg (what is told).

#include "bench/fetch/report.h"
#include "bench/fetch/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- Progress -------------------------------------------------------------------------------

struct progress {
    bool shown; // somebody looks
    int done;
    int total;
    gyre_time began;
};

static void show(const struct progress *progress, const struct row *row)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1];
    char t[SHORT_TEXT];
    if (!progress->shown) return;
    int full = progress->total ? WIDTH * progress->done / progress->total : 0;
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)full);
    bar[WIDTH] = '\0';
    double spent = (double)(gyre_now_exact() - progress->began) / 1e9;
    double left = progress->done ? spent / progress->done * (progress->total - progress->done) : 0;
    fprintf(stderr, "\r\033[K[%s] %d of %d, about %.0f s left: %s, %s, %d at once", bar,
            progress->done, progress->total, left, row->name, text_delay(t, row->delay_ms),
            row->concurrency);
    fflush(stderr);
}

static void hide(const struct progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
}

// ---- Rounds ---------------------------------------------------------------------------------

static void run_round(struct row *rows, size_t count, const struct setting *setting,
                      struct progress *progress)
{
    // In each round every cell begins with the style behind the one that began before.
    size_t turn = (size_t)(progress->done / (int)count);
    for (size_t first = 0; first < count;) {
        size_t cell = 1;
        while (first + cell < count && rows[first + cell].delay_ms == rows[first].delay_ms &&
               rows[first + cell].rate == rows[first].rate &&
               (rows[first].rate > 0 || rows_same_cell(&rows[first + cell], &rows[first])))
            cell++;
        for (size_t k = 0; k < cell && !run_was_interrupted(); k++) {
            struct row *row = &rows[first + (k + turn) % cell];
            show(progress, row);
            run_row(row, setting);
            progress->done++;
        }
        first += cell;
    }
}

static void run_rows(struct row *rows, size_t count, const struct setting *setting, int rounds)
{
    struct progress progress = {.shown = isatty(STDERR_FILENO) == 1,
                                .total = (int)count * rounds,
                                .began = gyre_now_exact()};
    for (int round = 0; round < rounds && count > 0 && !run_was_interrupted(); round++)
        run_round(rows, count, setting, &progress);
    hide(&progress);
    rows_finish(rows, count);
}

// ---- The two parts --------------------------------------------------------------------------

// What a schedule asks for: what the user said, or half of what coroutine reached there.
static double open_rate(const struct row *rows, size_t count, const struct plan *plan,
                        const struct options *options)
{
    if (options->rate > 0) return options->rate;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, "coroutine") == 0 && rows[i].delay_ms == plan->open_delay &&
            rows[i].concurrency == plan->open_concurrency && rows[i].rounds > 0)
            return (double)(long)(rows[i].rps.median / 2);
    return 0;
}

// Adds the rows with a schedule behind those of the grid; the block may move.
static struct row *run_open(struct row *rows, size_t *count, const struct plan *plan,
                            const struct setting *setting)
{
    double rate = open_rate(rows, *count, plan, setting->options);
    size_t open_count;
    if (!(rate > 0) || run_was_interrupted()) return rows;
    struct row *open = plan_open_rows(plan, rate, &open_count);
    struct row *all = realloc(rows, (*count + open_count) * sizeof *rows);
    if (all) rows = all;
    if (open && all) {
        run_rows(open, open_count, setting, plan->rounds);
        memcpy(rows + *count, open, open_count * sizeof *open);
        *count += open_count;
    }
    free(open);
    return rows;
}

// ---- Reports --------------------------------------------------------------------------------

static bool write_file(const struct options *options, const char *name,
                       void (*write)(FILE *to, const struct report *report),
                       const struct report *report)
{
    char path[4400];
    if (options->out)
        snprintf(path, sizeof path, "%s/%s", options->out, name);
    else
        machine_beside(path, sizeof path, name);
    FILE *file = fopen(path, "w");
    if (file) write(file, report);
    if (file && ferror(file) == 0 && fclose(file) == 0) {
        printf("written: %s\n", path);
        return true;
    }
    fprintf(stderr, "fetch: %s: %s\n", path, strerror(errno));
    return false;
}

static bool tell(struct report *report, const struct options *options)
{
    char *answer = NULL;
    size_t len;
    FILE *memory = open_memstream(&answer, &len);
    if (!memory) return false;
    words_write(memory, report);
    fclose(memory);
    report->answer = answer;
    table_write(stdout, report);
    printf("\n%s\n", answer);
    bool good = write_file(options, "fetch.json", json_write, report);
    good = write_file(options, "fetch.csv", csv_write, report) && good;
    good = write_file(options, "fetch.html", html_write, report) && good;
    free(answer);
    struct sums sums = report_sums(report);
    bool equal = report->counted < 0 || report->counted == sums.requests + sums.warm_up;
    return good && sums.errors == 0 && equal;
}

// ---- The benchmark --------------------------------------------------------------------------

static int bench(const struct options *options, const struct plan *plan, struct origin *origin,
                 const struct machine *machine)
{
    struct setting setting = {options, machine, origin, plan->seconds};
    struct report report = {.plan = plan, .machine = machine, .counted = -1};
    report.server =
        origin->pid ? origin->base : (options->urls_file ? options->urls_file : options->url);
    size_t count;
    struct row *rows = plan_closed_rows(plan, &count);
    if (!rows) return 1;
    printf("gyre's benchmark of fetching (%s): %d round%s of %g s a cell from %s\n", plan->kind,
           plan->rounds, plan->rounds == 1 ? "" : "s", plan->seconds, report.server);
    printf("%s, %s; pinned: %s\n", machine->cpu, machine->kernel, machine->pinning);
    fflush(stdout);
    run_rows(rows, count, &setting, plan->rounds);
    rows = run_open(rows, &count, plan, &setting);
    report.counted = origin_count(origin);
    report.rows = rows;
    report.count = count;
    bool good = !run_was_interrupted() && tell(&report, options);
    free(rows);
    if (run_was_interrupted()) fputs("fetch: interrupted\n", stderr);
    return run_was_interrupted() ? 130 : !good;
}

static int compare(const struct options *options)
{
    struct plan plan;
    struct machine machine;
    struct origin origin = {0};
    if (!plan_make(&plan, options)) return 2;
    if (options->out && mkdir(options->out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "fetch: %s: %s\n", options->out, strerror(errno));
        return 1;
    }
    machine_look(&machine);
    run_catch_signals();
    if (options->url_count == 0 && !origin_start(&origin, &machine)) return 1;
    int status = bench(options, &plan, &origin, &machine);
    origin_stop(&origin);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = 2;
    if (options_read(&options, argc, argv)) {
        status = 0;
        if (options.help)
            options_usage();
        else
            status = options.once ? once_main(&options) : compare(&options);
    }
    options_free(&options);
    return status;
}
