// The event loop: one per thread, polling non-blocking descriptors through epoll or poll.
//
// One turn is: poll, due timers, I/O events, posted tasks, signals, then tasks in rounds until none
// is left or the budget (1,024 tasks or 1 ms) is spent.
//
// Leaf objects (gyre_task, gyre_timer, gyre_watch, gyre_signal_watch) are embedded in your own
// structs: {0} is idle, starting one allocates nothing, stopping an idle one is fine. Callbacks
// find the owner with GYRE_CONTAINER_OF. A leaf must stay where it is while it is started.
#ifndef GYRE_LOOP_LOOP_H
#define GYRE_LOOP_LOOP_H

#include "base/base.h"

GYRE_EXTERN_C_BEGIN

typedef struct gyre_loop gyre_loop;
typedef struct gyre_task gyre_task;
typedef struct gyre_timer gyre_timer;
typedef struct gyre_watch gyre_watch;
typedef struct gyre_signal_watch gyre_signal_watch;

// ---- The loop ------------------------------------------------------------------------------

typedef enum gyre_log_level {
    GYRE_LOG_OFF = GYRE_NONE, // 0 is the default, as in all options
    GYRE_LOG_ERROR = 1,
    GYRE_LOG_WARN,
    GYRE_LOG_INFO,
    GYRE_LOG_DEBUG
} gyre_log_level;

// Receives one line of log: the level, the part of the library that speaks ("loop", "future"), and
// the text without a newline. Called on the loop's thread; must not call back into the loop.
typedef void gyre_log_fn(void *arg, gyre_log_level level, const char *where, const char *text);

typedef struct gyre_loop_opts {
    const gyre_allocator
        *allocator;      // must outlive the loop and every object of it; default: malloc
    const char *backend; // "epoll" or "poll"; default: $GYRE_BACKEND, else the build's
    gyre_log_fn *log;    // default: a line on stderr, at most 10 a second, then a count
    void *log_arg;
    gyre_log_level log_level;  // default: $GYRE_LOG (off, error, warn, info, debug), else warn
    gyre_duration blocked;     // report a callback that held the loop longer; GYRE_NONE: never;
                               // default: 100 ms in debug builds, never in release builds
    gyre_duration close_grace; // how long gyre_loop_close lets clean-up run; default: 2 s
} gyre_loop_opts;

// Opens a loop for the calling thread.
// Ownership: the caller closes it with gyre_loop_close. `opts` NULL means all defaults; it is
// copied.
// Errors: -EINVAL (an option out of range, an unknown backend), -ENOMEM, -EMFILE and the like.
// Blocks: never. Thread: any; from then on the loop belongs to the thread that first runs it.
int gyre_loop_open(gyre_loop **out, const gyre_loop_opts *opts) GYRE_MUST_USE;

// Closes the loop: refuses new work, cancels every coroutine and future, runs every task that was
// accepted, turns until nothing is live or the grace is over, then stops what still waits and names
// it in the log. Afterwards the pointer is dead. NULL is fine.
// Errors: -EBUSY from inside the loop (nothing happens); GYRE_ELOOP while another thread runs it;
// GYRE_EFORKED in a forked child: its descriptors are closed, its memory is left.
// Blocks: until what was cancelled has ended, at most the grace. Thread: the loop's.
int gyre_loop_close(gyre_loop *loop);

// Turns the loop until gyre_loop_stop. A stop that came before makes it return at once.
// Errors: -EBUSY when the loop already runs, GYRE_ELOOP when another thread runs it, GYRE_EFORKED,
// or what the poller reports.
// Blocks: until stopped. Thread: the loop's.
int gyre_loop_run(gyre_loop *loop);

// Makes gyre_loop_run return when the current turn is done; remembered when the loop does not run.
// From another thread or a signal handler: post a task that calls this.
// Blocks: never. Thread: the loop's.
void gyre_loop_stop(gyre_loop *loop);

// Turns the loop once, waiting for an event at most `max_wait` (0: do not wait; GYRE_FOREVER).
// For programs that own the outer loop. Errors: as gyre_loop_run; -EINVAL for a negative wait.
// Blocks: at most `max_wait`. Thread: the loop's.
int gyre_loop_turn(gyre_loop *loop, gyre_duration max_wait);

// The loop's time: read after each poll and again within long rounds of tasks; monotonic. While the
// loop does not run it is the clock itself.
// Blocks: never. Thread: the loop's.
gyre_time gyre_now(const gyre_loop *loop);

// The monotonic clock itself, for measuring (clock_gettime(2)).
// Blocks: never. Thread: any.
gyre_time gyre_now_exact(void);

// The name of the loop's backend: "epoll" or "poll".
// Ownership: static text. Blocks: never. Thread: any.
const char *gyre_loop_backend(const gyre_loop *loop);

// ---- Tasks ---------------------------------------------------------------------------------

typedef void gyre_task_fn(gyre_loop *loop, gyre_task *task);

// A function to be called once, soon. Set `fn`, leave the rest zero.
struct gyre_task {
    gyre_task_fn *fn; // yours; the rest is private
    gyre__node link;
    int posted; // 1 while in the mailbox
};

// Runs a task after the callback that is running now has returned, behind the tasks queued before.
// Queueing a queued or posted task changes nothing. `task->fn` must be set; the task must stay
// until it ran.
// Blocks: never. Thread: the loop's.
void gyre_soon(gyre_loop *loop, gyre_task *task);

// Takes a task queued by gyre_soon out of the queue; an idle one is fine. (A posted task cannot be
// taken back.)
// Blocks: never. Thread: the loop's.
void gyre_task_stop(gyre_task *task);

// Runs a task on the loop's thread in its next turn, waking it from its poll. One call is one run;
// posts of one thread run in the order they were made. What was accepted runs, in gyre_loop_close
// at the latest.
// The loop must not be gone: a thread that may outlive it holds a gyre_promise instead. Nor may the
// loop's thread hand this very task to gyre_soon or gyre_task_stop at the same moment.
// Errors: GYRE_EBUSY while this task is still queued, GYRE_ECLOSED once the loop closes,
// GYRE_EFORKED.
// Blocks: never. Thread: any.
int gyre_post(gyre_loop *loop, gyre_task *task) GYRE_MUST_USE;

// ---- Timers --------------------------------------------------------------------------------

typedef void gyre_timer_fn(gyre_loop *loop, gyre_timer *timer);

// A function to be called later. {0} is idle; all members are private.
struct gyre_timer {
    gyre__node link;
    gyre_timer_fn *fn;
    gyre_time due;
    gyre_duration period; // 0: once
};

// Calls `fn` once, `delay` from the loop's time on: never earlier, at most a millisecond later than
// an idle loop could. Equal times fire in the order of their starts. 0 means in the next turn; a
// started timer is started anew; GYRE_FOREVER never fires; a negative delay counts as 0.
// Blocks: never. Thread: the loop's.
void gyre_timer_start(gyre_loop *loop, gyre_timer *timer, gyre_duration delay, gyre_timer_fn *fn);

// Calls `fn` every `period` from now on, counted from start to start. Periods that were missed (a
// callback that takes longer than the period misses the next one) are left out, so calls never
// bunch. A period below a millisecond counts as one.
// Blocks: never. Thread: the loop's.
void gyre_timer_every(gyre_loop *loop, gyre_timer *timer, gyre_duration period, gyre_timer_fn *fn);

// Stops a timer; also one that is due but has not run. An idle one is fine.
// Blocks: never. Thread: the loop's.
void gyre_timer_stop(gyre_timer *timer);

// Says whether a timer is started and has not fired; a periodic one is until it is stopped.
// Blocks: never. Thread: the loop's.
bool gyre_timer_is_active(const gyre_timer *timer);

// ---- Descriptors ---------------------------------------------------------------------------

enum gyre_io {
    GYRE_READABLE = 1, // data, a connection, or the end
    GYRE_WRITABLE = 2,
    GYRE_HANGUP = 4, // only reported: the peer is gone, or an error is pending
};

typedef void gyre_watch_fn(gyre_loop *loop, gyre_watch *watch, unsigned events);

// A function to be called while a descriptor is ready (Tornado's add_handler). {0} is idle; all
// members but `fd` are private.
struct gyre_watch {
    gyre_watch_fn *fn;
    gyre_loop *loop; // NULL while idle
    int fd;
    unsigned want;       // GYRE_READABLE | GYRE_WRITABLE
    unsigned generation; // tells this start from earlier ones of the same descriptor
    unsigned registered; // what the kernel was last told
    gyre__node link;     // in the list of changes not yet told
};

// Calls `fn` in each turn in which `fd` is ready for one of `want` (level-triggered). `fd` should
// be non-blocking; it stays the caller's. Two watches on one descriptor are refused.
// Errors: -EINVAL (want), -EEXIST, -EBADF, -EPERM (a file that cannot be polled), -ENOSPC, -ENOMEM,
// GYRE_ELOOP while another thread runs the loop, GYRE_EFORKED.
// Blocks: never. Thread: the loop's.
int gyre_watch_start(gyre_loop *loop, gyre_watch *watch, int fd, unsigned want,
                     gyre_watch_fn *fn) GYRE_MUST_USE;

// Changes what a started watch waits for; 0 pauses it. The kernel is told before the next poll.
// Bits that are only reported are ignored.
// Blocks: never. Thread: the loop's.
void gyre_watch_want(gyre_watch *watch, unsigned want);

// Stops a watch at once: `fn` is not called again, not even for events already polled, and the
// descriptor may be closed. Stop before you close. An idle one is fine.
// Blocks: never. Thread: the loop's.
void gyre_watch_stop(gyre_watch *watch);

// ---- Signals -------------------------------------------------------------------------------

typedef void gyre_signal_fn(gyre_loop *loop, gyre_signal_watch *watch, int signo);

// A function to be called on the loop when a signal arrives. {0} is idle; all members are private.
struct gyre_signal_watch {
    gyre__node link;
    gyre_signal_fn *fn;
    gyre_loop *loop; // NULL while idle
    int signo;
};

// Calls `fn` once for each time the kernel delivers `signo` to the process, on the loop, never in
// the signal handler. Every loop and every watch that asked is told. While anybody asks, the
// library's handler is installed (SA_RESTART); the old disposition returns with the last.
// Errors: -EINVAL (SIGKILL, SIGSTOP, SIGSEGV and other faults, no such signal), -EBUSY (the watch
// is started), -ENOMEM, GYRE_ELOOP while another thread runs the loop, GYRE_EFORKED.
// Blocks: never. Thread: the loop's. See sigaction(2).
int gyre_on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo,
                   gyre_signal_fn *fn) GYRE_MUST_USE;

// Stops a signal watch; signals not yet handed out are dropped for it. An idle one is fine.
// Blocks: never. Thread: the loop's.
void gyre_signal_stop(gyre_signal_watch *watch);

GYRE_EXTERN_C_END

#endif
