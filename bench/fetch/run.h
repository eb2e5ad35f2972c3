// The harness's side of a run: starts workers and the origin, and ends them whatever happens.
#ifndef BENCH_FETCH_RUN_H
#define BENCH_FETCH_RUN_H

#include "bench/fetch/machine.h"
#include "bench/fetch/options.h"
#include "bench/fetch/rows.h"

struct origin {
    pid_t pid;      // 0: not ours
    char base[128]; // "http://127.0.0.1:PORT"
};

// SIGINT and SIGTERM end the benchmark, and everything that it started, from here on.
void run_catch_signals(void);
bool run_was_interrupted(void);

// Starts the origin beside this program on its core; false, with a message on stderr, if it does
// not come up.
bool origin_start(struct origin *origin, const struct machine *machine);
void origin_stop(struct origin *origin);
// Requests that the origin has counted itself; -1 when it does not say.
long origin_count(const struct origin *origin);

// Makes one run of a row in a fresh process and adds what it measured, or why it failed.
struct setting {
    const struct options *options;
    const struct machine *machine;
    const struct origin *origin;
    double seconds; // of a run
};
void run_row(struct row *row, const struct setting *setting);

#endif
