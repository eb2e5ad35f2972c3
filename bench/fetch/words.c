// The answer in words: what each way of fetching costs, and from where on asynchronous pays.

#include "bench/fetch/report.h"

#include <math.h>
#include <string.h>

static const char asynchronous[] = "coroutine";

// The row of a style in the cell of another row.
static const struct row *beside(const struct report *report, const struct row *like,
                                const char *name)
{
    return rows_find(report->rows, report->count, name, like);
}

// Surely more, and enough to speak of: every round of one above every round of the other, which
// happens by chance once in twenty times with three rounds, and a tenth more in the median. Of a
// single round only the plain is believed.
static bool is_faster(const struct row *row, const struct row *than)
{
    double least = row->rounds > 1 ? 1.1 : 1.5;
    return row->rps.lowest > than->rps.highest && row->rps.median > least * than->rps.median;
}

// ---- One cell -------------------------------------------------------------------------------

// "coroutine 5,873/s = 62 x sync and 97 % of the ideal 64 x".
static void write_speed(FILE *to, const struct report *report, const struct row *row)
{
    char t[SHORT_TEXT];
    const struct row *sync = beside(report, row, "sync");
    const struct row *blocking = beside(report, row, "blocking");
    fprintf(to, "%s %s/s", row->name, text_count(t, row->rps.median));
    if (sync) fprintf(to, " = %.3g x sync", row->rps.median / sync->rps.median);
    if (isfinite(row->efficiency) && blocking)
        fprintf(to, " and %.0f %% of the ideal %.3g x", row->efficiency * 100,
                row->ideal_rps / blocking->rps.median);
}

static void write_threads(FILE *to, const struct report *report, const struct row *row)
{
    char t[SHORT_TEXT];
    const struct row *threads = beside(report, row, "threads");
    if (!threads) return;
    fprintf(to, ", threads %s/s with %.2g x the memory and %.2g x the CPU",
            text_count(t, threads->rps.median), threads->rss_kib / row->rss_kib,
            threads->cpu_us.median / row->cpu_us.median);
}

// Where the origin is the limit, rates say nothing of the styles.
static void write_costs(FILE *to, const struct report *report, const struct row *row)
{
    static const char *const others[] = {"sync", "threads"};
    char t[SHORT_TEXT];
    fprintf(to, "the origin is the limit (%s/s), so only CPU time counts: %s ",
            text_count(t, row->rps.median), row->name);
    fprintf(to, "%s us a request", text_count(t, row->cpu_us.median));
    for (size_t i = 0; i < 2; i++) {
        const struct row *other = beside(report, row, others[i]);
        if (other) fprintf(to, ", %s %s", other->name, text_count(t, other->cpu_us.median));
    }
}

static void write_alone(FILE *to, const struct report *report, const struct row *row)
{
    char t[SHORT_TEXT];
    const struct row *sync = beside(report, row, "sync");
    if (!sync) return;
    if (is_faster(row, sync))
        fprintf(to, "asynchronous gains %.0f %%", (row->rps.median / sync->rps.median - 1) * 100);
    else
        fputs("asynchronous gains nothing", to);
    fprintf(to, ": coroutine %s/s", text_count(t, row->rps.median));
    fprintf(to, ", sync %s/s", text_count(t, sync->rps.median));
}

static void write_cells(FILE *to, const struct report *report)
{
    char t[SHORT_TEXT];
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if (strcmp(row->name, asynchronous) != 0 || row->rate > 0 || row->rounds == 0) continue;
        if (row->concurrency == 1 && !beside(report, row, "sync")) continue;
        fprintf(to, "At %s, ", text_delay(t, row->delay_ms));
        if (row->concurrency == 1) {
            fputs("one at a time: ", to);
            write_alone(to, report, row);
        } else {
            fprintf(to, "%d at once: ", row->concurrency);
            if (strcmp(row->bound, "origin") == 0) {
                write_costs(to, report, row);
            } else {
                write_speed(to, report, row);
                write_threads(to, report, row);
            }
        }
        fputs(".\n", to);
    }
}

// ---- All of them ----------------------------------------------------------------------------

// The least concurrency at which asynchronous is surely faster than sync; 0: none of those
// measured.
static int pays_from(const struct report *report, double delay_ms)
{
    int least = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if (strcmp(row->name, asynchronous) != 0 || row->rate > 0 || row->rounds == 0) continue;
        // One at a time there is nothing to overlap, whatever chance says.
        if (row->delay_ms != delay_ms || row->concurrency == 1) continue;
        const struct row *sync = beside(report, row, "sync");
        if (sync && is_faster(row, sync) && (least == 0 || row->concurrency < least))
            least = row->concurrency;
    }
    return least;
}

static void write_pays(FILE *to, const struct report *report)
{
    const struct plan *plan = report->plan;
    bool began = false;
    for (size_t d = 0; d < plan->delay_count; d++) {
        char t[SHORT_TEXT];
        int from = pays_from(report, plan->delays[d]);
        if (from == 0) continue;
        fprintf(to, "%s %d at once at %s", began ? ", from" : "It pays from", from,
                text_delay(t, plan->delays[d]));
        began = true;
    }
    if (!began) return;
    fputs(" (measured:", to);
    for (size_t c = 0; c < plan->concurrency_count; c++)
        fprintf(to, "%s %d", c > 0 ? "," : "", plan->concurrencies[c]);
    fputs(").\n", to);
}

// How a style did against coroutine in the cells that both have.
static void write_against(FILE *to, const struct report *report, const char *name)
{
    int cells = 0, better = 0, worse = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        const struct row *other = beside(report, row, asynchronous);
        if (strcmp(row->name, name) != 0 || !other || row->rate > 0 || row->rounds < 2) continue;
        bool by_cpu = rows_judged_by_cpu(report->rows, report->count, row);
        struct range a = by_cpu ? row->cpu_us : row->rps;
        struct range b = by_cpu ? other->cpu_us : other->rps;
        cells++;
        if (ranges_overlap(a, b)) continue;
        if ((a.median > b.median) != by_cpu)
            better++;
        else
            worse++;
    }
    if (cells == 0) return;
    fprintf(to, "%s against %s: ", name, asynchronous);
    if (better + worse == 0)
        fprintf(to, "no difference in %s%d cell%s.\n", cells == 1 ? "" : "any of ", cells,
                cells == 1 ? "" : "s");
    else
        fprintf(to, "better in %d, worse in %d, no difference in %d of %d cells.\n", better, worse,
                cells - better - worse, cells);
}

static void write_comparisons(FILE *to, const struct report *report)
{
    const struct plan *plan = report->plan;
    if (plan->rounds < 2) {
        fputs("One round only: there are no ranges, so differences are a hint at most.\n", to);
        return;
    }
    for (size_t s = 0; s < plan->style_count; s++)
        if (!plan->styles[s].style->one_at_a_time &&
            strcmp(plan->styles[s].name, asynchronous) != 0)
            write_against(to, report, plan->styles[s].name);
}

// ---- On a schedule --------------------------------------------------------------------------

static void write_open(FILE *to, const struct report *report)
{
    char t[2][SHORT_TEXT];
    bool began = false;
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if (row->rate == 0 || row->rounds == 0) continue;
        if (!began)
            fprintf(to, "At %s with %s requests a second on a schedule: ",
                    text_delay(t[0], row->delay_ms), text_count(t[1], row->rate));
        fprintf(to, "%s%s ", began ? ", " : "", row->name);
        if (row->unsent > 0)
            fprintf(to, "falls behind (%s/s)", text_count(t[0], row->rps.median));
        else
            fprintf(to, "p99 %s", text_time(t[0], histogram_percentile_us(&row->latency, 0.99)));
        began = true;
    }
    if (began) fputs(".\n", to);
}

// Above this share of the two cores, what other programs take is worth a line.
static const double disturbing = 0.05;

// ---- Whether it can be trusted --------------------------------------------------------------

static void write_checks(FILE *to, const struct report *report)
{
    struct sums sums = report_sums(report);
    char t[4][SHORT_TEXT];
    if (sums.foreign > disturbing)
        fprintf(
            to,
            "OTHER PROGRAMS took %.0f %% of the two cores meanwhile: the figures are worse than "
            "they could be.\n",
            sums.foreign * 100);
    if (report->counted >= 0)
        fprintf(to, "The origin counted %s requests: %s in the rows and %s to warm up, %s.\n",
                text_count(t[0], (double)report->counted), text_count(t[1], (double)sums.requests),
                text_count(t[2], (double)sums.warm_up),
                report->counted == sums.requests + sums.warm_up ? "which is the same"
                                                                : "WHICH IS NOT THE SAME");
    if (sums.errors == 0) {
        fputs("No errors: status and length of every body were as expected.\n", to);
        return;
    }
    fprintf(to, "%ld ERRORS:\n", sums.errors);
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if (row->errors > 0)
            fprintf(to, "  %s at %s, %d at once: %ld, the first: %s\n", row->name,
                    text_delay(t[0], row->delay_ms), row->concurrency, row->errors, row->message);
    }
}

void words_write(FILE *to, const struct report *report)
{
    write_cells(to, report);
    write_pays(to, report);
    write_comparisons(to, report);
    write_open(to, report);
    write_checks(to, report);
}
