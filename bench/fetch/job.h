// One run of one style, in a process of its own: what is asked, and what is counted.
//
// A job has as many slots as requests may be under way. A slot alternates between slot_next, which
// says what to fetch and when, and slot_done, which checks the answer. How a slot waits in between
// is the style's, and the only thing in which the styles differ.
#ifndef BENCH_FETCH_JOB_H
#define BENCH_FETCH_JOB_H

#include "bench/fetch/stats.h"

#include <gyre.h>
#include <pthread.h>

struct job;

struct style {
    const char *name;
    bool one_at_a_time; // whatever concurrency is asked
    bool plain;         // speaks http: to the socket, without the library
    bool shared;        // all slots have one client
    int (*open)(struct job *job);
    void (*run)(struct job *job); // returns when slot_next has refused every slot
    void (*close)(struct job *job);
};

// What every style sends.
#define USER_AGENT "gyre-bench"

// Ends with an entry whose name is NULL.
extern const struct style styles[];
const struct style *style_find(const char *name); // NULL: no such style

struct slot {
    struct job *job;
    gyre_loop *loop;     // threads: its own; else shared
    gyre_client *client; // as the loop
    bool asked;          // for its one request, when every slot makes one

    // From slot_next to slot_done: what to fetch, and when.
    const char *url;
    size_t url_index;
    gyre_duration wait; // before it is due; 0: fetch at once
    gyre_time start;    // where its latency begins
    gyre_time now;      // the clock when the last request ended; saves reading it twice

    // Private to the styles: a slot is in one of them.
    gyre_timer timer;
    gyre_response_future future;

    // Counted, without the warm-up.
    long done;
    uint64_t bytes;
    long connections; // with the warm-up's
};

struct job {
    const struct style *style;
    char **urls; // taken in turn
    size_t url_count;
    gyre_fetch_opts fetch; // the same for every request
    bool close_each;       // Connection: close
    int concurrency;
    long limit;             // requests in all; 0: until `seconds` are over
    gyre_duration duration; // of a run by time
    double rate;            // a second, on a fixed schedule; 0: closed loop

    // While it runs.
    struct slot *slots;
    bool warming;   // nothing counts but connections
    bool once_each; // every slot makes one request
    long next;      // requests handed out
    gyre_time began;
    gyre_time end;     // of a run by time
    gyre_time cut;     // of a schedule: what was not sent by then is not sent
    int running;       // slots of callback and future that still run
    int64_t *expected; // length of each URL's body; -1 before the first has come

    struct target *targets; // blocking: one for each URL
    // The threads style's own.
    pthread_t *threads;
    pthread_barrier_t gate; // opens before and after each run
    bool over;              // leave instead

    // Counted.
    long errors;
    long unsent; // due but not sent before the cut; the histogram has how long they waited
    struct histogram *latency;
    char message[256]; // of the first error
};

// Runs the style once over open slots. The warm-up makes one request per slot and forgets its
// figures.
void job_warm_up(struct job *job);
void job_run(struct job *job);
// One request per slot, counted.
void job_run_each(struct job *job);

// Says whether this slot shall fetch once more, and fills in `url`, `wait` and `start`.
bool slot_next(struct slot *slot);
// Takes the outcome of a fetch: checks status and length, and frees the response.
void slot_done(struct slot *slot, int err, gyre_response *response);
// The same without the library: status and length of the body, or an error with its text.
void slot_done_plain(struct slot *slot, int status, int64_t body_len, const char *error);

// Opens a loop and a client for a slot that may make `requests` at once; 0 or an error.
int slot_open(struct slot *slot, int requests);
void slot_close(struct slot *slot);

// The style without the library, in a file of its own.
int blocking_open(struct job *job);
void blocking_run(struct job *job);
void blocking_close(struct job *job);

#endif
