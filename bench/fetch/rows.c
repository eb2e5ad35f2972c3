// From samples to figures.

#include "bench/fetch/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// A core is full from here on.
static const double full = 0.95;

// ---- Gathering ------------------------------------------------------------------------------

void row_fail(struct row *row, const char *why)
{
    if (row->errors == 0) snprintf(row->message, sizeof row->message, "%s", why);
    row->errors++;
}

void row_add(struct row *row, const struct sample *sample)
{
    row->runs++;
    row->requests += sample->requests;
    row->warm_up += sample->warm_up;
    row->unsent += sample->unsent;
    row->seconds += sample->seconds;
    if (isfinite(sample->foreign_s)) row->foreign_s += sample->foreign_s;
    if (sample->connections > row->connections) row->connections = sample->connections;
    if (sample->errors > 0) {
        row_fail(row, sample->message);
        row->errors += sample->errors - 1;
    }
    histogram_add(&row->latency, &sample->latency);
    if (sample->requests == 0 || !(sample->seconds > 0) || row->rounds == MOST_ROUNDS) return;
    double cpu = sample->user_s + sample->sys_s;
    row->rates[row->rounds] = (double)sample->requests / sample->seconds;
    row->cpus[row->rounds] = cpu * 1e6 / (double)sample->requests;
    row->shares[row->rounds] = cpu / sample->seconds;
    row->origins[row->rounds] = sample->origin_s / sample->seconds;
    row->rss[row->rounds] = (double)sample->rss_kib;
    row->rounds++;
}

// ---- Working out ----------------------------------------------------------------------------

static const char *bound_of(const struct row *row)
{
    double share = range_of(row->shares, (size_t)row->rounds).median;
    if (row->origin_cpu > full) return "origin";
    return share > full ? "client" : "latency";
}

// The rate of one blocking connection at this delay; NAN when it was not measured.
static double one_at_a_time_rate(const struct row *rows, size_t count, const struct row *row)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].style->plain && rows[i].rate == 0 && rows[i].delay_ms == row->delay_ms)
            return rows[i].rps.median;
    return NAN;
}

static void finish(struct row *row)
{
    size_t rounds = (size_t)row->rounds;
    row->rps = range_of(row->rates, rounds);
    row->cpu_us = range_of(row->cpus, rounds);
    row->origin_cpu = range_of(row->origins, rounds).median;
    row->rss_kib = range_of(row->rss, rounds).median;
    row->bound = bound_of(row);
    row->ideal_rps = row->efficiency = NAN;
}

// What C connections could do at best: wait for the origin at once, on a core that is never idle.
// On a schedule the rate is given, and there is nothing to be efficient at.
static void find_ideal(const struct row *rows, size_t count, struct row *row)
{
    if (row->rate > 0) return;
    double together = row->concurrency * one_at_a_time_rate(rows, count, row);
    double busy = 1e6 / row->cpu_us.median;
    row->ideal_rps = together < busy || isnan(together) ? together : busy;
    row->efficiency = row->rps.median / row->ideal_rps;
}

void rows_finish(struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) finish(&rows[i]);
    for (size_t i = 0; i < count; i++) find_ideal(rows, count, &rows[i]);
}

// ---- Comparing ------------------------------------------------------------------------------

bool rows_same_cell(const struct row *a, const struct row *b)
{
    return a->delay_ms == b->delay_ms && a->concurrency == b->concurrency && a->rate == b->rate;
}

const struct row *rows_find(const struct row *rows, size_t count, const char *name,
                            const struct row *like)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0 && rows[i].rounds > 0 &&
            rows[i].delay_ms == like->delay_ms && rows[i].rate == like->rate &&
            (rows[i].style->one_at_a_time || rows[i].concurrency == like->concurrency))
            return &rows[i];
    return NULL;
}

bool rows_judged_by_cpu(const struct row *rows, size_t count, const struct row *of)
{
    for (size_t i = 0; i < count; i++)
        if (rows_same_cell(&rows[i], of) && strcmp(rows[i].bound, "origin") == 0) return true;
    return false;
}

const struct row *rows_best(const struct row *rows, size_t count, const struct row *of)
{
    bool by_cpu = rows_judged_by_cpu(rows, count, of);
    const struct row *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        if (!rows_same_cell(row, of) || row->rounds == 0) continue;
        if (!best || (by_cpu ? row->cpu_us.median < best->cpu_us.median
                             : row->rps.median > best->rps.median))
            best = row;
    }
    return best;
}

const char *rows_verdict(const struct row *rows, size_t count, const struct row *row, char text[32])
{
    if (row->rounds == 0) return "failed";
    // A schedule gives the rate; the question is who keeps it.
    if (row->rate > 0) return row->unsent > 0 ? "falls behind" : "keeps up";
    const struct row *best = rows_best(rows, count, row);
    bool by_cpu = rows_judged_by_cpu(rows, count, row);
    if (row == best) return by_cpu ? "best (CPU)" : "best";
    struct range own = by_cpu ? row->cpu_us : row->rps;
    struct range other = by_cpu ? best->cpu_us : best->rps;
    if (row->rounds > 1 && ranges_overlap(own, other)) return "no difference";
    double percent = (own.median / other.median - 1) * 100;
    snprintf(text, 32, "%s%+.*f %%%s", by_cpu ? "CPU " : "",
             percent > -1 && percent<1, percent, row->rounds> 1 ? "" : " ?");
    return text;
}
