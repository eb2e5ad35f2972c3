// The command line and the environment.
#ifndef BENCH_FETCH_OPTIONS_H
#define BENCH_FETCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    // One run (--once).
    bool once;
    const char *style;
    const char *url;
    long requests;    // 0: by time
    long concurrency; // default: 1
    const char *mode; // "keep", "close", "idle"; default: "keep"
    const char *cacert;
    bool json;
    // What the harness adds for its own runs.
    long cpu;        // to run on; -1: wherever the kernel wants
    long origin_cpu; // where the origin runs; -1: not known
    long origin_pid; // whose CPU time is measured; 0: nobody's
    long result;     // descriptor that takes a struct sample; -1: none

    // All runs.
    const char *styles;        // "coroutine,twin=coroutine"; NULL: all
    const char *delays;        // "0,10" in milliseconds; NULL: as the plan says
    const char *concurrencies; // "1,64"
    long rounds;               // 0: as the plan says
    double seconds;            // of each run; 0: as the plan says
    double rate;               // of the open rows; 0: half of what coroutine reached
    const char *out;           // directory of the reports; NULL: beside the program
    bool help;

    // Both: `url`, or the lines of `urls_file`.
    const char *urls_file;
    char **urls;
    size_t url_count; // 0: the origin is ours
};

// Reads the command line, then QUICK, FULL, URL and URLS from the environment for what it left
// open. False, with a message on stderr, for bad usage.
bool options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);
void options_usage(void);

// Whether an environment variable is set to something but "" and "0".
bool is_set(const char *name);

#endif
