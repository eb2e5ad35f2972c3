// One run in this process.
#ifndef BENCH_FETCH_ONCE_H
#define BENCH_FETCH_ONCE_H

#include "bench/fetch/options.h"
#include "bench/fetch/stats.h"

#include <sys/types.h>

enum { SAMPLE_MAGIC = 0x67797265 };

// What one run measured; travels from the worker to the harness as it is, for both are one program.
struct sample {
    unsigned magic; // SAMPLE_MAGIC once everything is filled in
    int concurrency;
    long requests; // complete and as expected, without the warm-up
    long warm_up;
    long errors;
    long unsent; // of a schedule that could not be kept
    long connections;
    unsigned long long bytes; // of the bodies
    double seconds;           // from the first request's begin to the last one's end
    double user_s;
    double sys_s;
    double origin_s;             // CPU time of the origin's in these seconds; NAN: not known
    double foreign_s;            // CPU time of others on the two cores; NAN: not known
    long rss_kib;                // at its highest
    long idle_connections;       // mode idle
    double bytes_per_connection; // mode idle
    char message[256];           // of the first error
    struct histogram latency;
};

// Runs what --once asks for; the exit status.
int once_main(const struct options *options);

#endif
