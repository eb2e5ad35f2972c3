// Rows: one cell of the grid in all its rounds.
#ifndef BENCH_FETCH_ROWS_H
#define BENCH_FETCH_ROWS_H

#include "bench/fetch/job.h"
#include "bench/fetch/once.h"

enum { MOST_ROUNDS = 64, UNKNOWN_DELAY = -1 };

struct row {
    // What is measured.
    char name[32];
    const struct style *style;
    double delay_ms; // UNKNOWN_DELAY: somebody else's server
    int concurrency;
    double rate; // requests a second on a schedule (open); 0: closed loop

    // Gathered: one value a round, or sums over the rounds.
    int runs;   // that ended with a sample, errors or not
    int rounds; // of these, the ones that figures could be taken of
    double rates[MOST_ROUNDS];
    double cpus[MOST_ROUNDS];    // microseconds a request
    double shares[MOST_ROUNDS];  // of the styles' core
    double origins[MOST_ROUNDS]; // of the origin's core
    double rss[MOST_ROUNDS];
    long requests;
    long warm_up;
    long errors; // a run that failed as a whole is one
    long unsent;
    long connections; // the most of all rounds
    double seconds;
    double foreign_s;         // what other programs took of the two cores
    struct histogram latency; // of all rounds
    char message[256];        // of the first error

    // Worked out by rows_finish. NAN: not known.
    struct range rps;
    struct range cpu_us;
    double origin_cpu;
    double rss_kib;
    double ideal_rps;
    double efficiency;
    const char *bound; // "origin", "client", "latency"
};

void row_add(struct row *row, const struct sample *sample);
void row_fail(struct row *row, const char *why);

void rows_finish(struct row *rows, size_t count);

// The first row of a style at a delay (and schedule), or NULL; concurrency 0: any.
const struct row *rows_find(const struct row *rows, size_t count, const char *name,
                            const struct row *like);

// Whether rows are alternatives: same delay, concurrency and kind of load.
bool rows_same_cell(const struct row *a, const struct row *b);
// The best of the rows of this one's cell; by CPU time where the origin was the limit.
const struct row *rows_best(const struct row *rows, size_t count, const struct row *of);
bool rows_judged_by_cpu(const struct row *rows, size_t count, const struct row *of);
// How a row compares to the best of its cell: "best", "no difference", "-12 %", "CPU +30 %".
const char *rows_verdict(const struct row *rows, size_t count, const struct row *row,
                         char text[32]);

#endif
