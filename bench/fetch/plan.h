// What a run of the benchmark measures: the grid.
#ifndef BENCH_FETCH_PLAN_H
#define BENCH_FETCH_PLAN_H

#include "bench/fetch/options.h"
#include "bench/fetch/rows.h"

enum { MOST_STYLES = 16, MOST_STEPS = 16 };

// A style under the name that the report gives it: "coroutine", or "twin=coroutine".
struct named_style {
    char name[32];
    const struct style *style;
};

struct plan {
    const char *kind; // "default", "quick", "full"
    struct named_style styles[MOST_STYLES];
    size_t style_count;
    double delays[MOST_STEPS]; // milliseconds; one, UNKNOWN_DELAY, for somebody else's server
    size_t delay_count;
    int concurrencies[MOST_STEPS];
    size_t concurrency_count;
    int rounds;
    double seconds; // of each run

    // The rows with a schedule: the tutorial's question at one point.
    double open_delay;
    int open_concurrency;
};

// False, with a message on stderr, when an option cannot be understood.
bool plan_make(struct plan *plan, const struct options *options);

// The rows of the grid, in the order of the report; NULL without memory. The caller frees it.
struct row *plan_closed_rows(const struct plan *plan, size_t *count);
// One row per style that sends `rate` requests a second.
struct row *plan_open_rows(const struct plan *plan, double rate, size_t *count);

#endif
