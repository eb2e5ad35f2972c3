// The loop as the other floors see it.
#ifndef GYRE_LOOP_LOOP_INT_H
#define GYRE_LOOP_LOOP_INT_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include "loop/backend.h"
#include "loop/loop.h"

typedef struct gyre__mailbox gyre__mailbox;
typedef struct gyre__signal_sink gyre__signal_sink;

// ---- Strands -------------------------------------------------------------------------------

// What runs on a loop at this moment: its bare callbacks (loop->root) or one coroutine. The
// coroutine floor puts one into each coroutine and points loop->strand at it while it runs.
typedef struct gyre__strand {
    bool is_coro;
    bool refuses; // cancelled and not shielded: every wait and every producer fails at once
    char *why;    // details of the last error handed out here; the loop's allocator; or NULL
    int why_err;  // the error that `why` belongs to
} gyre__strand;

// The loop that runs on this thread, or NULL.
gyre_loop *gyre__loop_here(void);

// ---- Upper floors --------------------------------------------------------------------------

enum gyre__slot {
    GYRE__SLOT_FUTURE,
    GYRE__SLOT_CORO,
    GYRE__SLOT_NET,
    GYRE__SLOT_HTTP,
    GYRE__SLOT_COUNT
};

// How a floor takes part in gyre_loop_close, which calls each from the right-most floor to the
// left: cancel once, then live after each turn, stop once the grace is over, destroy at last.
typedef struct gyre__floor {
    void (*cancel)(gyre_loop *loop);
    bool (*is_live)(gyre_loop *loop);
    void (*stop)(gyre_loop *loop);
    void (*destroy)(gyre_loop *loop);
} gyre__floor;

// The state that a floor hangs on a loop; both members NULL until the floor sets them.
typedef struct gyre__loop_state {
    void *state;
    const gyre__floor *floor;
} gyre__loop_state;

gyre__loop_state *gyre__loop_slot(gyre_loop *loop, enum gyre__slot slot);

const gyre_allocator *gyre__loop_allocator(const gyre_loop *loop);

gyre__strand *gyre__loop_strand(const gyre_loop *loop);

// Points the loop at another strand and returns the one before.
gyre__strand *gyre__loop_set_strand(gyre_loop *loop, gyre__strand *strand);

// Says whether the strand that runs on this loop is cancelled (see gyre__strand.refuses).
bool gyre__loop_refuses(const gyre_loop *loop);

// Says whether gyre_loop_close has begun.
bool gyre__loop_is_closing(const gyre_loop *loop);

// 0, or why the calling thread may not run this loop now: GYRE_EFORKED, GYRE_ELOOP, -EBUSY.
int gyre__loop_may_run(const gyre_loop *loop);

// The loop counts as running on this thread between the two, without turning: for a coroutine that
// is started before its loop runs. Errors: as gyre__loop_may_run.
int gyre__loop_enter(gyre_loop *loop);
void gyre__loop_leave(gyre_loop *loop);

// Keeps `why` (of the loop's allocator, or NULL) as the details of the running strand's last error.
void gyre__loop_set_why(gyre_loop *loop, int err, char *why);

// Names what ran in the callback that just returned, for the blocked-loop report; static text.
void gyre__loop_blame(gyre_loop *loop, const char *name);

// Parks the running coroutine until its task is queued: set by the coroutine floor, NULL before.
// The future floor calls it for gyre_run inside a coroutine.
typedef int gyre__park_fn(gyre_loop *loop, void *future, void *out);
void gyre__loop_set_park(gyre_loop *loop, gyre__park_fn *park);
gyre__park_fn *gyre__loop_park(const gyre_loop *loop);

// ---- Edge watches --------------------------------------------------------------------------

// Tells the backend that the library read or wrote `bits` of an edge watch until there was no more.
void gyre__watch_drained(gyre_watch *watch, unsigned bits);

// ---- The mailbox, for those who outlive the loop --------------------------------------------

gyre__mailbox *gyre__loop_mailbox(const gyre_loop *loop);
gyre__mailbox *gyre__mailbox_retain(gyre__mailbox *mailbox);
void gyre__mailbox_release(gyre__mailbox *mailbox);

// As gyre_post, on the mailbox itself.
int gyre__mailbox_post(gyre__mailbox *mailbox, gyre_task *task) GYRE_MUST_USE;

// ---- Log -----------------------------------------------------------------------------------

void gyre__log(gyre_loop *loop, gyre_log_level level, const char *where, const char *format, ...)
    GYRE_PRINTF(4, 5);

// Prints a misuse of a dead or foreign object with its call site and aborts; debug builds only.
void gyre__misuse(const char *call, const char *what);

// 1 in builds that check misuse and report blocked loops by default.
#ifndef GYRE_DEBUG
#define GYRE_DEBUG 0
#endif

#endif
