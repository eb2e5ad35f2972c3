// The charts: one small inline SVG for each measure and delay, both axes logarithmic.

#include "bench/fetch/report.h"

#include <math.h>
#include <string.h>

// ---- Measures -------------------------------------------------------------------------------

struct figure {
    struct range range; // NAN: nothing to draw
    double second;      // a second line of the same style: the ideal, the 99th percentile; or NAN
};

static struct figure throughput(const struct row *row)
{
    // One ideal is enough; those of the others differ only by their CPU time.
    double ideal = strcmp(row->name, "coroutine") == 0 ? row->ideal_rps : NAN;
    return (struct figure){row->rps, ideal};
}

static struct figure latency(const struct row *row)
{
    double p50 = histogram_percentile_us(&row->latency, 0.50) / 1e3;
    double p99 = histogram_percentile_us(&row->latency, 0.99) / 1e3;
    return (struct figure){{p50, p50, p50}, p99};
}

static struct figure cpu(const struct row *row)
{
    return (struct figure){row->cpu_us, NAN};
}

static struct figure memory(const struct row *row)
{
    double mib = row->rss_kib / 1024;
    return (struct figure){{mib, mib, mib}, NAN};
}

static const struct measure {
    const char *title;
    const char *note;
    struct figure (*of)(const struct row *row);
} measures[] = {
    {"Requests a second",
     "bars: lowest and highest round; dashed: the ideal of coroutine; hollow: "
     "the origin was the limit",
     throughput},
    {"Service time, ms",
     "line: half of the requests (p50); dashed: 99 of 100 (p99), where there "
     "are enough samples",
     latency},
    {"CPU time a request, µs",
     "user and system time of the process; bars: lowest and highest round", cpu},
    {"Memory, MiB", "resident at its highest, with the program itself", memory},
};

// ---- Axes -----------------------------------------------------------------------------------

enum { WIDTH = 340, HEIGHT = 230, LEFT = 52, RIGHT = 12, TOP = 10, BOTTOM = 34 };

// Without libm: the whole part by halving, then a bit of the fraction with each squaring.
static double log2_of(double x)
{
    double result = 0;
    double bit = 0.5;
    while (x >= 2) {
        x /= 2;
        result += 1;
    }
    while (x < 1) {
        x *= 2;
        result -= 1;
    }
    for (int i = 0; i < 20; i++) {
        x *= x;
        if (x >= 2) {
            x /= 2;
            result += bit;
        }
        bit /= 2;
    }
    return result;
}

struct axis {
    double low; // log2 of the ends
    double high;
};

static void widen(struct axis *axis, double value)
{
    if (!(isfinite(value) && value > 0)) return;
    double at = log2_of(value);
    if (at < axis->low) axis->low = at;
    if (at > axis->high) axis->high = at;
}

static double place(const struct axis *axis, double value, double from, double to)
{
    return from + (log2_of(value) - axis->low) / (axis->high - axis->low) * (to - from);
}

struct chart {
    FILE *to;
    const struct report *report;
    const struct measure *measure;
    double delay_ms;
    struct axis x;
    struct axis y;
};

static bool is_drawn(const struct chart *chart, const struct row *row)
{
    return row->rate == 0 && row->delay_ms == chart->delay_ms && row->rounds > 0 &&
           isfinite(chart->measure->of(row).range.median);
}

static double x_of(const struct chart *chart, double value)
{
    return place(&chart->x, value, LEFT + 16, WIDTH - RIGHT - 16);
}

static double y_of(const struct chart *chart, double value)
{
    return place(&chart->y, value, HEIGHT - BOTTOM, TOP);
}

static bool set_axes(struct chart *chart)
{
    bool any = false;
    chart->x = chart->y = (struct axis){1e9, -1e9};
    for (size_t i = 0; i < chart->report->count; i++) {
        const struct row *row = &chart->report->rows[i];
        if (!is_drawn(chart, row)) continue;
        struct figure figure = chart->measure->of(row);
        widen(&chart->y, figure.range.lowest);
        widen(&chart->y, figure.range.highest);
        widen(&chart->y, figure.second);
        any = true;
    }
    for (size_t c = 0; c < chart->report->plan->concurrency_count; c++)
        widen(&chart->x, chart->report->plan->concurrencies[c]);
    // Room around the points, and no division by nothing.
    chart->y.low -= 0.4;
    chart->y.high += 0.4;
    if (chart->x.high <= chart->x.low) chart->x.high = chart->x.low + 1;
    return any;
}

static void draw_tick(const struct chart *chart, double value)
{
    char t[SHORT_TEXT];
    double y = y_of(chart, value);
    snprintf(t, sizeof t,
             value < 1e4   ? "%.4g"
             : value < 1e6 ? "%.4gk"
                           : "%.4gM",
             value < 1e4   ? value
             : value < 1e6 ? value / 1e3
                           : value / 1e6);
    fprintf(chart->to,
            "<path class='grid' d='M%d %.1fH%d'/><text x='%d' y='%.1f' text-anchor='end'>%s</text>",
            LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 3.5, t);
}

static void draw_axes(const struct chart *chart)
{
    static const double fine[] = {1, 2, 5};
    // Few decades: 1, 2, 5; many: 1 alone.
    size_t steps = chart->y.high - chart->y.low > 10 ? 1 : 3;
    double decade = 1e-3;
    for (int k = 0; k < 12; k++) {
        for (size_t i = 0; i < steps; i++) {
            double at = log2_of(decade * fine[i]);
            if (at >= chart->y.low && at <= chart->y.high) draw_tick(chart, decade * fine[i]);
        }
        decade *= 10;
    }
    for (size_t c = 0; c < chart->report->plan->concurrency_count; c++) {
        int concurrency = chart->report->plan->concurrencies[c];
        fprintf(chart->to, "<text x='%.1f' y='%d' text-anchor='middle'>%d</text>",
                x_of(chart, concurrency), HEIGHT - BOTTOM + 15, concurrency);
    }
    fprintf(chart->to,
            "<path class='axis' d='M%d %dV%dH%d'/>"
            "<text x='%d' y='%d' text-anchor='middle'>at once</text>",
            LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5);
}

// ---- Lines ----------------------------------------------------------------------------------

// Styles that are equal would hide each other: each stands a little beside the others.
static double aside(const struct chart *chart, size_t style)
{
    return ((double)style - (double)(chart->report->plan->style_count - 1) / 2) * 3;
}

static void draw_line(const struct chart *chart, size_t style, bool second)
{
    const char *name = chart->report->plan->styles[style].name;
    bool began = false;
    fprintf(chart->to, "<path class='%s s%zu' d='", second ? "second" : "line", style);
    for (size_t i = 0; i < chart->report->count; i++) {
        const struct row *row = &chart->report->rows[i];
        if (strcmp(row->name, name) != 0 || !is_drawn(chart, row)) continue;
        struct figure figure = chart->measure->of(row);
        double value = second ? figure.second : figure.range.median;
        if (!(isfinite(value) && value > 0)) continue;
        fprintf(chart->to, "%c%.1f %.1f", began ? 'L' : 'M',
                x_of(chart, row->concurrency) + aside(chart, style), y_of(chart, value));
        began = true;
    }
    // A path must not be empty.
    fputs(began ? "'/>" : "M0 0'/>", chart->to);
}

static void draw_points(const struct chart *chart, size_t style)
{
    const char *name = chart->report->plan->styles[style].name;
    for (size_t i = 0; i < chart->report->count; i++) {
        const struct row *row = &chart->report->rows[i];
        char text[2][SHORT_TEXT];
        if (strcmp(row->name, name) != 0 || !is_drawn(chart, row)) continue;
        struct range range = chart->measure->of(row).range;
        if (!(range.lowest > 0)) continue;
        double x = x_of(chart, row->concurrency) + aside(chart, style);
        bool hollow = strcmp(row->bound, "origin") == 0;
        fprintf(chart->to,
                "<path class='bar s%zu' d='M%.1f %.1fV%.1f'/>"
                "<circle class='%s s%zu' cx='%.1f' cy='%.1f' r='3.2'>",
                style, x, y_of(chart, range.lowest), y_of(chart, range.highest),
                hollow ? "hollow" : "dot", style, x, y_of(chart, range.median));
        fprintf(chart->to, "<title>%s, %d at once: %s%s%s</title></circle>", name, row->concurrency,
                text_count(text[0], range.median),
                hollow ? " (the origin was the limit), efficiency " : ", efficiency ",
                isfinite(row->efficiency) ? text_count(text[1], row->efficiency * 100) : "-");
    }
}

static void draw(struct chart *chart)
{
    char t[SHORT_TEXT];
    if (!set_axes(chart)) return;
    fprintf(chart->to, "<figure><figcaption>%s</figcaption><svg viewBox='0 0 %d %d' role='img'>",
            text_delay(t, chart->delay_ms), WIDTH, HEIGHT);
    draw_axes(chart);
    for (size_t style = 0; style < chart->report->plan->style_count; style++) {
        draw_line(chart, style, false);
        draw_line(chart, style, true);
        draw_points(chart, style);
    }
    fputs("</svg></figure>\n", chart->to);
}

void svg_write(FILE *to, const struct report *report)
{
    for (size_t m = 0; m < sizeof measures / sizeof *measures; m++) {
        fprintf(to, "<h2>%s</h2><p class='note'>%s</p><div class='charts'>\n", measures[m].title,
                measures[m].note);
        for (size_t d = 0; d < report->plan->delay_count; d++) {
            struct chart chart = {.to = to,
                                  .report = report,
                                  .measure = &measures[m],
                                  .delay_ms = report->plan->delays[d]};
            draw(&chart);
        }
        fputs("</div>\n", to);
    }
}
