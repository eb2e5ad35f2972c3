#include "bench/fetch/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- The data -------------------------------------------------------------------------------

static const struct preset {
    const char *variable; // of the environment; NULL: when none is set
    const char *kind;
    const char *delays;
    const char *concurrencies;
    int rounds;
    double seconds;
} presets[] = {
    {"QUICK", "quick", "0,10", "1,64", 1, 0.3},
    {"FULL", "full", "0,1,10,100", "1,8,64,512", 5, 2},
    {NULL, "default", "0,10,100", "1,64,512", 3, 0.3},
};

static const char all_styles[] = "blocking,sync,threads,callback,future,coroutine";

enum { OPEN_DELAY = 10, OPEN_CONCURRENCY = 64 };

// ---- Lists ----------------------------------------------------------------------------------

// The next item of a list with commas; false at its end.
static bool next_item(const char **list, char *item, size_t size)
{
    size_t len = strcspn(*list, ",");
    if (**list == '\0') return false;
    snprintf(item, size, "%.*s", (int)len, *list);
    *list += len + ((*list)[len] == ',');
    return true;
}

static size_t read_numbers(const char *list, double least, double *numbers)
{
    char item[32];
    size_t count = 0;
    for (const char *rest = list; count < MOST_STEPS && next_item(&rest, item, sizeof item);) {
        char *end;
        numbers[count] = strtod(item, &end);
        if (end == item || *end || !(numbers[count] >= least && numbers[count] <= 1e5)) {
            fprintf(stderr, "fetch: %s: not a number of at least %g\n", item, least);
            return 0;
        }
        count++;
    }
    if (count == 0) fputs("fetch: an empty list\n", stderr);
    return count;
}

// Names go into every kind of report as they are.
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static bool read_styles(struct plan *plan, const char *list)
{
    char item[64];
    for (const char *rest = list; next_item(&rest, item, sizeof item);) {
        const char *equals = strchr(item, '=');
        if (plan->style_count == MOST_STYLES) break;
        struct named_style *named = &plan->styles[plan->style_count++];
        named->style = style_find(equals ? equals + 1 : item);
        snprintf(named->name, sizeof named->name, "%.*s", (int)strcspn(item, "="), item);
        bool plain_name = named->name[strspn(named->name, NAME_BYTES)] == '\0';
        if (!named->style || !plain_name) {
            fprintf(stderr, "fetch: %s: no such style (%s)\n", item, all_styles);
            return false;
        }
    }
    return plan->style_count > 0;
}

// Plain sockets speak no TLS.
static void drop_plain_styles(struct plan *plan, const struct options *options)
{
    bool tls = false;
    size_t kept = 0;
    for (size_t i = 0; i < options->url_count; i++)
        tls |= strncasecmp(options->urls[i], "http://", 7) != 0;
    if (!tls) return;
    for (size_t i = 0; i < plan->style_count; i++)
        if (!plan->styles[i].style->plain) plan->styles[kept++] = plan->styles[i];
    plan->style_count = kept;
}

// ---- The plan -------------------------------------------------------------------------------

bool plan_make(struct plan *plan, const struct options *options)
{
    const struct preset *preset = presets;
    while (preset->variable && !is_set(preset->variable)) preset++;
    double numbers[MOST_STEPS];
    *plan = (struct plan){.kind = preset->kind,
                          .rounds = options->rounds ? (int)options->rounds : preset->rounds,
                          .seconds = options->seconds > 0 ? options->seconds : preset->seconds,
                          .open_delay = OPEN_DELAY,
                          .open_concurrency = OPEN_CONCURRENCY};
    if (plan->rounds > MOST_ROUNDS) plan->rounds = MOST_ROUNDS;
    if (!read_styles(plan, options->styles ? options->styles : all_styles)) return false;
    drop_plain_styles(plan, options);
    plan->delay_count =
        read_numbers(options->delays ? options->delays : preset->delays, 0, plan->delays);
    if (options->url_count > 0) {
        plan->delay_count = 1;
        plan->delays[0] = plan->open_delay = UNKNOWN_DELAY;
    }
    plan->concurrency_count = read_numbers(
        options->concurrencies ? options->concurrencies : preset->concurrencies, 1, numbers);
    for (size_t i = 0; i < plan->concurrency_count; i++) plan->concurrencies[i] = (int)numbers[i];
    return plan->delay_count > 0 && plan->concurrency_count > 0 && plan->style_count > 0;
}

static struct row row_of(const struct named_style *named, double delay_ms, int concurrency)
{
    struct row row = {.style = named->style, .delay_ms = delay_ms, .concurrency = concurrency};
    snprintf(row.name, sizeof row.name, "%s", named->name);
    return row;
}

struct row *plan_closed_rows(const struct plan *plan, size_t *count)
{
    *count = 0;
    struct row *rows =
        calloc(plan->delay_count * plan->concurrency_count * plan->style_count, sizeof *rows);
    if (!rows) return NULL;
    for (size_t d = 0; d < plan->delay_count; d++)
        for (size_t c = 0; c < plan->concurrency_count; c++)
            for (size_t s = 0; s < plan->style_count; s++) {
                int concurrency = plan->concurrencies[c];
                // Whoever fetches one at a time has one row for each delay.
                if (plan->styles[s].style->one_at_a_time) {
                    if (c > 0) continue;
                    concurrency = 1;
                }
                rows[(*count)++] = row_of(&plan->styles[s], plan->delays[d], concurrency);
            }
    return rows;
}

struct row *plan_open_rows(const struct plan *plan, double rate, size_t *count)
{
    *count = 0;
    struct row *rows = calloc(plan->style_count, sizeof *rows);
    if (!rows) return NULL;
    for (size_t s = 0; s < plan->style_count; s++) {
        bool one = plan->styles[s].style->one_at_a_time;
        struct row *row = &rows[(*count)++];
        *row = row_of(&plan->styles[s], plan->open_delay, one ? 1 : plan->open_concurrency);
        row->rate = rate;
    }
    return rows;
}
