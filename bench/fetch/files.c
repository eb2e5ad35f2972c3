// The reports that programs read: JSON and CSV, with the same fields.

#include "bench/fetch/report.h"

#include <math.h>
#include <string.h>

// ---- Fields ---------------------------------------------------------------------------------

enum kind { NAME, WHOLE, FRACTION };

struct field {
    const char *name;
    enum kind kind;
    const char *text;
    double number; // NAN: null
};

enum { FIELD_COUNT = 23 };

static double or_null(double value, bool known)
{
    return known ? value : NAN;
}

static void fields_of(const struct row *row, struct field fields[FIELD_COUNT])
{
    const struct field all[FIELD_COUNT] = {
        {"style", NAME, row->name, 0},
        {"mode", NAME, row->rate > 0 ? "open" : "closed", 0},
        {"rate", FRACTION, NULL, or_null(row->rate, row->rate > 0)},
        {"delay_ms", FRACTION, NULL, or_null(row->delay_ms, row->delay_ms != UNKNOWN_DELAY)},
        {"concurrency", WHOLE, NULL, row->concurrency},
        {"requests", WHOLE, NULL, (double)row->requests},
        {"seconds", FRACTION, NULL, row->seconds},
        {"rounds", WHOLE, NULL, row->rounds},
        {"rps", FRACTION, NULL, row->rps.median},
        {"rps_min", FRACTION, NULL, row->rps.lowest},
        {"rps_max", FRACTION, NULL, row->rps.highest},
        {"ideal_rps", FRACTION, NULL, row->ideal_rps},
        {"efficiency", FRACTION, NULL, row->efficiency},
        {"cpu_us_per_request", FRACTION, NULL, row->cpu_us.median},
        {"origin_cpu", FRACTION, NULL, row->origin_cpu},
        {"bound", NAME, row->bound, 0},
        {"p50_us", FRACTION, NULL, histogram_percentile_us(&row->latency, 0.50)},
        {"p90_us", FRACTION, NULL, histogram_percentile_us(&row->latency, 0.90)},
        {"p99_us", FRACTION, NULL, histogram_percentile_us(&row->latency, 0.99)},
        {"max_us", FRACTION, NULL, histogram_max_us(&row->latency)},
        {"errors", WHOLE, NULL, (double)row->errors},
        {"connections", WHOLE, NULL, (double)row->connections},
        {"rss_kib", WHOLE, NULL, row->rss_kib},
    };
    memcpy(fields, all, sizeof all);
}

static void write_number(FILE *to, const struct field *field, const char *null)
{
    if (!isfinite(field->number))
        fputs(null, to);
    else if (field->kind == WHOLE)
        fprintf(to, "%.0f", field->number);
    else
        fprintf(to, "%.6g", field->number);
}

// ---- JSON -----------------------------------------------------------------------------------

static void write_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(to, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(to, "\\u%04x", *at);
        else
            fputc(*at, to);
    }
    fputc('"', to);
}

static void write_pair(FILE *to, const char *name, const char *text)
{
    fprintf(to, ",\n    \"%s\": ", name);
    write_string(to, text);
}

static void write_meta(FILE *to, const struct report *report)
{
    const struct machine *machine = report->machine;
    struct sums sums = report_sums(report);
    fputs("{\"meta\": {\n    \"program\": \"fetch\"", to);
    write_pair(to, "kind", report->plan->kind);
    write_pair(to, "date", machine->date);
    write_pair(to, "cpu", machine->cpu);
    write_pair(to, "kernel", machine->kernel);
    write_pair(to, "compiler", machine->compiler);
    write_pair(to, "versions", machine->gyre);
    write_pair(to, "commit", machine->commit);
    write_pair(to, "pinning", machine->pinning);
    write_pair(to, "server", report->server);
    fprintf(to, ",\n    \"rounds\": %d,\n    \"seconds_per_run\": %g", report->plan->rounds,
            report->plan->seconds);
    fprintf(to, ",\n    \"requests\": %ld,\n    \"warm_up_requests\": %ld,\n    \"errors\": %ld",
            sums.requests, sums.warm_up, sums.errors);
    fprintf(to, ",\n    \"foreign_cpu\": %.3f", sums.foreign);
    fputs(",\n    \"origin_requests\": ", to);
    if (report->counted < 0)
        fputs("null", to);
    else
        fprintf(to, "%ld", report->counted);
    write_pair(to, "answer", report->answer);
    fputs("},\n\"rows\": [", to);
}

void json_write(FILE *to, const struct report *report)
{
    struct field fields[FIELD_COUNT];
    write_meta(to, report);
    for (size_t i = 0; i < report->count; i++) {
        fields_of(&report->rows[i], fields);
        fputs(i > 0 ? ",\n    {" : "\n    {", to);
        for (size_t k = 0; k < FIELD_COUNT; k++) {
            fprintf(to, "%s\"%s\": ", k > 0 ? ", " : "", fields[k].name);
            if (fields[k].kind == NAME)
                write_string(to, fields[k].text);
            else
                write_number(to, &fields[k], "null");
        }
        fputc('}', to);
    }
    fputs("\n]}\n", to);
}

// ---- CSV ------------------------------------------------------------------------------------

// RFC 4180; no name has a comma or a quote in it, for lists of styles are split at commas.
void csv_write(FILE *to, const struct report *report)
{
    struct field fields[FIELD_COUNT];
    static const struct row none;
    fields_of(&none, fields);
    for (size_t k = 0; k < FIELD_COUNT; k++) fprintf(to, "%s%s", k > 0 ? "," : "", fields[k].name);
    fputs("\r\n", to);
    for (size_t i = 0; i < report->count; i++) {
        fields_of(&report->rows[i], fields);
        for (size_t k = 0; k < FIELD_COUNT; k++) {
            if (k > 0) fputc(',', to);
            if (fields[k].kind == NAME)
                fputs(fields[k].text, to);
            else
                write_number(to, &fields[k], "");
        }
        fputs("\r\n", to);
    }
}
