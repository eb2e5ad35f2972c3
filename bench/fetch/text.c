// Numbers as people read them.

#include "bench/fetch/report.h"

#include <math.h>
#include <string.h>

static const char *unknown(char *text)
{
    text[0] = '-';
    text[1] = '\0';
    return text;
}

const char *text_count(char *text, double value)
{
    char digits[24];
    if (!isfinite(value)) return unknown(text);
    snprintf(digits, sizeof digits, value < 100 ? "%.1f" : "%.0f", value);
    size_t whole = strcspn(digits, ".");
    size_t len = 0;
    for (size_t i = 0; digits[i]; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) text[len++] = ',';
        text[len++] = digits[i];
    }
    text[len] = '\0';
    return text;
}

const char *text_time(char *text, double us)
{
    if (!isfinite(us)) return unknown(text);
    const char *unit = us < 1000 ? "us" : us < 1e6 ? "ms" : "s";
    double value = us < 1000 ? us : us < 1e6 ? us / 1e3 : us / 1e6;
    snprintf(text, SHORT_TEXT, value < 100 ? "%.1f %s" : "%.0f %s", value, unit);
    return text;
}

const char *text_delay(char *text, double delay_ms)
{
    if (delay_ms == UNKNOWN_DELAY)
        snprintf(text, SHORT_TEXT, "this URL");
    else
        snprintf(text, SHORT_TEXT, "%.4g ms", delay_ms);
    return text;
}

const char *text_percent(char *text, double share)
{
    if (!isfinite(share)) return unknown(text);
    snprintf(text, SHORT_TEXT, "%.0f %%", share * 100);
    return text;
}

const char *text_memory(char *text, double kib)
{
    if (!isfinite(kib)) return unknown(text);
    snprintf(text, SHORT_TEXT, "%.1f MiB", kib / 1024);
    return text;
}

struct sums report_sums(const struct report *report)
{
    struct sums sums = {0, 0, 0, 0};
    double foreign_s = 0;
    double core_s = 0;
    for (size_t i = 0; i < report->count; i++) {
        sums.requests += report->rows[i].requests;
        sums.warm_up += report->rows[i].warm_up;
        sums.errors += report->rows[i].errors;
        foreign_s += report->rows[i].foreign_s;
        core_s += 2 * report->rows[i].seconds;
    }
    if (core_s > 0) sums.foreign = foreign_s / core_s;
    return sums;
}
