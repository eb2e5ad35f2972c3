// The loop's own struct and the parts of a turn; private to loop/.
#ifndef GYRE_LOOP_IMPL_H
#define GYRE_LOOP_IMPL_H

#include "loop/loop_int.h"

// ---- Timers --------------------------------------------------------------------------------

enum { WHEEL_LEVELS = 4, WHEEL_SLOTS = 256, WHEEL_WORDS = WHEEL_SLOTS / 64 };

// See timer.c for how a wheel turns.
typedef struct gyre__wheel {
    uint64_t tick;      // milliseconds; every slot up to here has been taken out
    gyre__node near;    // delays below a tick, by due time
    gyre__node at_once; // delays of 0, in order of their starts, and so by due time
    gyre__node far;     // beyond the last level
    gyre__node due;     // taken out, not yet called
    gyre__node never;   // GYRE_FOREVER and beyond the end of time
    uint64_t used[WHEEL_LEVELS][WHEEL_WORDS]; // slots that may hold timers
    gyre__node slots[WHEEL_LEVELS][WHEEL_SLOTS];
} gyre__wheel;

void gyre__wheel_init(gyre__wheel *wheel, gyre_time now);
// Unlinks every timer, so that a stop after the loop is gone touches nothing of it.
void gyre__wheel_clear(gyre__wheel *wheel);
// When the loop must look at the wheel again; GYRE_FOREVER when nothing is started.
gyre_time gyre__wheel_next(gyre__wheel *wheel);
void gyre__timers_run(gyre_loop *loop);

// ---- Descriptors ---------------------------------------------------------------------------

// What a descriptor number means now. Grows to the highest descriptor watched.
typedef struct gyre__entry {
    gyre_watch *watch;   // NULL while the descriptor is not watched
    unsigned generation; // of the last start; carried in the kernel's user data
} gyre__entry;

// An event of the poller for the descriptor as it was at `generation`.
void gyre__watch_event(gyre_loop *loop, int fd, unsigned generation, unsigned events);
void gyre__watches_flush(gyre_loop *loop);
void gyre__watches_close(gyre_loop *loop);

// ---- The loop ------------------------------------------------------------------------------

struct gyre_loop {
    gyre_time now;
    gyre__node tasks; // queued by gyre_soon, in order
    gyre__strand *strand;

    const gyre__backend *backend;
    void *poller; // the backend's state
    gyre__mailbox *mailbox;

    gyre__entry *entries; // by descriptor
    int entry_count;
    unsigned generation; // of the newest start
    gyre__node changed;  // watches whose want the kernel does not know yet

    gyre__node signals;      // gyre_signal_watch of this loop
    gyre__signal_sink *sink; // NULL until the first gyre_on_signal

    const void *owner; // mark of the thread that runs the loop, NULL when none does; atomic
    gyre_loop *outer;  // the loop that ran on this thread before
    uint64_t process;  // mark of the process that opened it
    bool stop;         // leave gyre_loop_run after this turn
    bool closing;      // atomic: gyre_post reads it

    const char *blame; // who ran, when the callback is only a vehicle; see gyre__loop_blame
    gyre_time resumed; // when the callback that runs began; only while `blocked` is set

    gyre__strand root;
    gyre__loop_state slots[GYRE__SLOT_COUNT];
    gyre__park_fn *park;
    gyre_allocator alloc;
    gyre_loop_opts opts;  // with the defaults filled in
    gyre_time log_second; // start of the second that is counted
    unsigned log_count;   // lines in it, those left out too
    gyre__wheel wheel;
};

// Says whether the loop runs on another thread.
bool gyre__loop_is_foreign(const gyre_loop *loop);

// At the top of calls that have no error to return.
#define CHECK_THREAD(loop, call) \
    do { \
        if (GYRE_DEBUG && gyre__loop_is_foreign(loop)) \
            gyre__misuse(call, "the loop runs on another thread"); \
    } while (0)

// ---- Parts of a turn -----------------------------------------------------------------------

gyre_time gyre__clock_read(void);
void gyre__clock_update(gyre_loop *loop);
// The same, unless the loop runs: then a turn has read it, and all callbacks agree on it.
void gyre__clock_refresh(gyre_loop *loop);
void gyre__tasks_run(gyre_loop *loop);
// Runs what is queued without a budget, for the last time, and unlinks what does not end.
void gyre__tasks_finish(gyre_loop *loop);

int gyre__mailbox_open(gyre__mailbox **out, gyre_loop *loop, int wake_fd);
// Announces a sleep: true when no task waits, so that whoever posts next will wake the loop.
bool gyre__mailbox_sleep(gyre__mailbox *mailbox);
// Runs what was posted.
void gyre__mailbox_run(gyre_loop *loop);
// Refuses posts from now on and runs what had been accepted.
void gyre__mailbox_close(gyre_loop *loop);
// Wakes the loop; any thread and signal handlers.
void gyre__mailbox_wake(gyre__mailbox *mailbox);

void gyre__signals_run(gyre_loop *loop);
void gyre__signals_close(gyre_loop *loop);

// Reports the callback that just returned if it held the loop too long (see opts.blocked).
void gyre__stall_check(gyre_loop *loop, void (*fn)(void));

int gyre__log_open(gyre_loop *loop);
// Tells how many lines were left out, if any.
void gyre__log_close(gyre_loop *loop);

// ---- What is the process's (process.c) ------------------------------------------------------

// A number that differs in each forked process; 0 when it cannot be had.
uint64_t gyre__process_open(void);
// The same for loops that are open: differs from what gyre__process_open gave after a fork.
uint64_t gyre__process_mark(void);
// An address that is the calling thread's.
const void *gyre__thread_mark(void);

enum { SIGNALS = 65 }; // numbers, the unused 0 among them: Linux has the most

// Who is told of signals: one sink per loop, in a list that the handler walks.
struct gyre__signal_sink {
    gyre__signal_sink *next; // atomic
    gyre__mailbox *mailbox;
    unsigned any;              // atomic: something is pending
    unsigned wanted[SIGNALS];  // watches of this loop per signal; written by the loop only, atomic
    unsigned pending[SIGNALS]; // deliveries not yet handed out, atomic
};

void gyre__process_add_sink(gyre__signal_sink *sink);
// Returns when no handler can still be using the sink.
void gyre__process_remove_sink(gyre__signal_sink *sink);
// Installs the handler with the first call for a signal, puts the old disposition back with the
// last.
int gyre__process_catch(int signo);
void gyre__process_uncatch(int signo);

#endif
