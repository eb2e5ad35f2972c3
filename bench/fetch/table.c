// The table on the terminal: a part for each cell. What does not fit is in the files.

#include "bench/fetch/report.h"

#include <string.h>

static void write_head(FILE *to)
{
    fprintf(to, "  %-10s %9s %17s %6s %8s %7s %9s %9s %9s %6s  %s\n", "style", "req/s",
            "lowest-highest", "ideal", "CPU us", "origin", "p50", "p99", "memory", "conns",
            "in its cell");
}

static void write_row(FILE *to, const struct report *report, const struct row *row)
{
    char t[8][SHORT_TEXT];
    char span[2 * SHORT_TEXT + 1];
    char verdict[32];
    snprintf(span, sizeof span, "%s-%s", text_count(t[0], row->rps.lowest),
             text_count(t[1], row->rps.highest));
    fprintf(to, "  %-10s %9s %17s %6s %8s %7s %9s %9s %9s %6ld  %s", row->name,
            text_count(t[1], row->rps.median), span, text_percent(t[2], row->efficiency),
            text_count(t[3], row->cpu_us.median), text_percent(t[4], row->origin_cpu),
            text_time(t[5], histogram_percentile_us(&row->latency, 0.50)),
            text_time(t[6], histogram_percentile_us(&row->latency, 0.99)),
            text_memory(t[7], row->rss_kib), row->connections,
            rows_verdict(report->rows, report->count, row, verdict));
    if (row->errors > 0) fprintf(to, ", %ld ERRORS", row->errors);
    fputc('\n', to);
}

static void write_part(FILE *to, const struct report *report, bool open)
{
    const struct row *before = NULL;
    char t[SHORT_TEXT];
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if ((row->rate > 0) != open) continue;
        if (!before || !rows_same_cell(before, row))
            fprintf(to, "%s, %d at once%s\n", text_delay(t, row->delay_ms), row->concurrency,
                    strcmp(row->bound, "origin") == 0
                        ? " (the origin is the limit: only CPU time counts)"
                        : "");
        write_row(to, report, row);
        before = row;
    }
}

void table_write(FILE *to, const struct report *report)
{
    const struct row *last = report->count > 0 ? &report->rows[report->count - 1] : NULL;
    if (report->plan->rounds < 2) fputs("\nONE ROUND: a first look, not a measurement.\n", to);
    fputs("\nClosed loop: a request begins when one has ended; times are service times.\n\n", to);
    write_head(to);
    write_part(to, report, false);
    if (!last || last->rate == 0) return;
    char rate[SHORT_TEXT];
    fprintf(to,
            "\nOpen: %s requests a second on a fixed schedule; times are latencies from when a "
            "request was due.\n\n",
            text_count(rate, last->rate));
    write_head(to);
    write_part(to, report, true);
}
