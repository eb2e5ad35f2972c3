// The page: one file, readable without a network.

#include "bench/fetch/report.h"

#include <string.h>

// Colours that also differ for those who see fewer (after Okabe and Ito).
static const char *const colours[] = {"#8a8a8a", "#222222", "#d55e00", "#0072b2",
                                      "#009e73", "#b5478f", "#a08000", "#56b4e9"};
enum { COLOURS = sizeof colours / sizeof *colours };

static const char style_sheet[] =
    "body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1240px;"
    "margin:2em auto;padding:0 1.2em}"
    "h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.1em;margin:1.8em 0 0}"
    ".note{color:#666;margin:.1em 0 .6em;font-size:.87em}"
    ".answer{background:#f5f6f8;border-left:3px solid #0072b2;padding:.6em 1em}"
    ".answer p{margin:.25em 0}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:1em}"
    "figure{margin:0}figcaption{font-weight:600;font-size:.9em;padding-left:52px}"
    "svg{width:100%;max-width:420px;height:auto}svg text{font-size:10.5px;fill:#555}"
    ".grid{stroke:#e4e6ea;fill:none}.axis{stroke:#888;fill:none}"
    ".line{fill:none;stroke-width:1.8}.second{fill:none;stroke-width:1.2;stroke-dasharray:4 3}"
    ".bar{fill:none;stroke-width:1.2}.hollow{stroke-width:1.6;fill:#fff!important}"
    ".legend{position:sticky;top:0;background:#ffffffee;padding:.5em 0;z-index:1}"
    ".legend span{margin-right:1.3em;white-space:nowrap}"
    ".legend i{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.4em}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.78em;"
    "font-variant-numeric:tabular-nums}"
    "th,td{padding:.2em .5em;text-align:right;white-space:nowrap}"
    "th{border-bottom:1px solid #888;font-weight:600}"
    "td:nth-child(3),th:nth-child(3),td:last-child,th:last-child{text-align:left}"
    "tr.cell td{border-top:1px solid #ddd}.bad{color:#b00020;font-weight:600}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;font-size:.87em}"
    "dt{color:#666}dd{margin:0}";

static void write_text(FILE *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<')
            fputs("&lt;", to);
        else if (text[i] == '>')
            fputs("&gt;", to);
        else if (text[i] == '&')
            fputs("&amp;", to);
        else
            fputc(text[i], to);
    }
}

static void write_head(FILE *to, const struct report *report)
{
    fputs("<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
          "<meta name='viewport' content='width=device-width'>"
          "<title>Synchronous and asynchronous fetching</title><style>",
          to);
    fputs(style_sheet, to);
    for (size_t s = 0; s < report->plan->style_count; s++)
        fprintf(to, ".line.s%zu,.second.s%zu,.bar.s%zu,.hollow.s%zu{stroke:%s}.dot.s%zu{fill:%s}",
                s, s, s, s, colours[s % COLOURS], s, colours[s % COLOURS]);
    fputs("</style></head><body>\n<h1>Synchronous and asynchronous fetching</h1>\n", to);
}

static void write_answer(FILE *to, const struct report *report)
{
    fputs("<div class='answer'>\n", to);
    for (const char *line = report->answer; *line;) {
        size_t len = strcspn(line, "\n");
        fputs("<p>", to);
        write_text(to, line, len);
        fputs("</p>\n", to);
        line += len + (line[len] == '\n');
    }
    fputs("</div>\n", to);
}

static void write_legend(FILE *to, const struct report *report)
{
    fputs("<div class='legend'>", to);
    for (size_t s = 0; s < report->plan->style_count; s++)
        fprintf(to, "<span><i style='background:%s'></i>%s</span>", colours[s % COLOURS],
                report->plan->styles[s].name);
    fputs("</div>\n", to);
}

// ---- All figures ----------------------------------------------------------------------------

static void cell(FILE *to, const char *text)
{
    fprintf(to, "<td>%s</td>", text);
}

static void write_row(FILE *to, const struct report *report, const struct row *row)
{
    char t[SHORT_TEXT];
    char verdict[32];
    cell(to, text_delay(t, row->delay_ms));
    fprintf(to, "<td>%d</td>", row->concurrency);
    cell(to, row->name);
    cell(to, text_count(t, row->rps.median));
    cell(to, text_count(t, row->rps.lowest));
    cell(to, text_count(t, row->rps.highest));
    cell(to, text_count(t, row->ideal_rps));
    cell(to, text_percent(t, row->efficiency));
    cell(to, text_count(t, row->cpu_us.median));
    cell(to, text_percent(t, row->origin_cpu));
    cell(to, row->bound);
    cell(to, text_time(t, histogram_percentile_us(&row->latency, 0.50)));
    cell(to, text_time(t, histogram_percentile_us(&row->latency, 0.90)));
    cell(to, text_time(t, histogram_percentile_us(&row->latency, 0.99)));
    cell(to, text_time(t, histogram_max_us(&row->latency)));
    cell(to, text_memory(t, row->rss_kib));
    fprintf(to, "<td>%ld</td><td%s>%ld</td>", row->connections,
            row->errors > 0 ? " class='bad'" : "", row->errors);
    cell(to, rows_verdict(report->rows, report->count, row, verdict));
}

static void write_table(FILE *to, const struct report *report, bool open)
{
    static const char *const heads[] = {"delay",   "once",  "style",      "req/s",      "lowest",
                                        "highest", "ideal", "efficiency", "CPU µs",     "origin",
                                        "bound",   "p50",   "p90",        "p99",        "longest",
                                        "memory",  "conns", "errors",     "in its cell"};
    const struct row *before = NULL;
    fputs("<div class='scroll'><table><tr>", to);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) fprintf(to, "<th>%s</th>", heads[i]);
    fputs("</tr>\n", to);
    for (size_t i = 0; i < report->count; i++) {
        const struct row *row = &report->rows[i];
        if ((row->rate > 0) != open) continue;
        bool begins = before && !open && !rows_same_cell(before, row);
        fputs(begins ? "<tr class='cell'>" : "<tr>", to);
        write_row(to, report, row);
        fputs("</tr>\n", to);
        before = row;
    }
    fputs("</table></div>\n", to);
}

static void write_tables(FILE *to, const struct report *report)
{
    const struct row *last = report->count > 0 ? &report->rows[report->count - 1] : NULL;
    char t[SHORT_TEXT];
    fputs("<h2>Closed loop</h2><p class='note'>A request begins when one has ended; times are "
          "service times.</p>\n",
          to);
    write_table(to, report, false);
    if (!last || last->rate == 0) return;
    fprintf(to,
            "<h2>On a schedule</h2><p class='note'>%s requests a second, whatever happens; times "
            "are latencies from the moment a request was due.</p>\n",
            text_count(t, last->rate));
    write_table(to, report, true);
}

static void fact(FILE *to, const char *name, const char *text)
{
    fprintf(to, "<dt>%s</dt><dd>", name);
    write_text(to, text, strlen(text));
    fputs("</dd>", to);
}

static void write_facts(FILE *to, const struct report *report)
{
    const struct machine *machine = report->machine;
    char rounds[128];
    snprintf(rounds, sizeof rounds, "%d of %g s a cell, each run in a process of its own (%s)",
             report->plan->rounds, report->plan->seconds, report->plan->kind);
    fputs("<h2>How it was measured</h2><dl>", to);
    fact(to, "server", report->server);
    fact(to, "rounds", rounds);
    fact(to, "pinning", machine->pinning);
    fact(to, "processor", machine->cpu);
    fact(to, "kernel", machine->kernel);
    fact(to, "compiler", machine->compiler);
    fact(to, "versions", machine->gyre);
    fact(to, "commit", *machine->commit ? machine->commit : "unknown");
    fact(to, "date", machine->date);
    fputs("</dl>\n", to);
}

void html_write(FILE *to, const struct report *report)
{
    write_head(to, report);
    if (report->plan->rounds < 2)
        fputs("<p class='bad'>One round: a first look, not a measurement.</p>\n", to);
    write_answer(to, report);
    write_legend(to, report);
    svg_write(to, report);
    write_tables(to, report);
    write_facts(to, report);
    fputs("</body></html>\n", to);
}
