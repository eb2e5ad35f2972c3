// The loop: opening, one turn, closing.
//
// Design notes. `turn` is the whole order of events; every part of it is a file of its own. Time is
// read once after the poll, so all callbacks of a turn that start timers agree on "now". The
// mailbox is told of a sleep before the poller is asked, so a post from another thread either is
// seen here or wakes the poll. Closing goes from the right-most floor to the left: first everything
// is cancelled, then the loop turns until nothing is live, then what is left is stopped and the
// floors are freed.

#include "loop/impl.h"

#include <errno.h>
#include <string.h>

// ---- Thread and process --------------------------------------------------------------------

static _Thread_local gyre_loop *running;

gyre_loop *gyre__loop_here(void)
{
    return running;
}

int gyre__loop_may_run(const gyre_loop *loop)
{
    if (loop->process != gyre__process_mark()) return GYRE_EFORKED;
    const void *owner = __atomic_load_n(&loop->owner, __ATOMIC_ACQUIRE);
    if (owner && owner != gyre__thread_mark()) return GYRE_ELOOP;
    return owner ? -EBUSY : 0;
}

int gyre__loop_enter(gyre_loop *loop)
{
    if (loop->process != gyre__process_mark()) return GYRE_EFORKED;
    const void *nobody = NULL;
    const void *self = gyre__thread_mark();
    if (!__atomic_compare_exchange_n(&loop->owner, &nobody, self, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return nobody == self ? -EBUSY : GYRE_ELOOP;
    loop->outer = running;
    running = loop;
    gyre__clock_update(loop);
    loop->resumed = loop->now;
    return 0;
}

bool gyre__loop_is_foreign(const gyre_loop *loop)
{
    const void *owner = __atomic_load_n(&loop->owner, __ATOMIC_RELAXED);
    return owner && owner != gyre__thread_mark();
}

void gyre__loop_leave(gyre_loop *loop)
{
    if (loop->opts.blocked) gyre__stall_check(loop, NULL);
    running = loop->outer;
    __atomic_store_n(&loop->owner, NULL, __ATOMIC_RELEASE);
}

// ---- One turn ------------------------------------------------------------------------------

// How long the poller may wait when nothing is queued.
static gyre_duration time_to_wait(gyre_loop *loop, gyre_duration max_wait)
{
    gyre_time next = gyre__wheel_next(&loop->wheel);
    if (next == GYRE_FOREVER) return max_wait;
    if (next <= loop->now) return 0;
    gyre_duration until = next - gyre__clock_read();
    if (until < 0) until = 0;
    return until < max_wait ? until : max_wait;
}

static int turn(gyre_loop *loop, gyre_duration max_wait)
{
    // A callback of the turn before may have forked: the poller is the parent's.
    if (loop->process != gyre__process_mark()) return GYRE_EFORKED;
    gyre__watches_flush(loop);
    gyre_duration wait = 0;
    if (max_wait > 0 && gyre__list_is_empty(&loop->tasks) && gyre__mailbox_sleep(loop->mailbox))
        wait = time_to_wait(loop, max_wait);

    int err = loop->backend->wait(loop, wait);
    gyre__clock_update(loop);
    loop->resumed = loop->now;

    gyre__timers_run(loop);
    loop->backend->dispatch(loop);
    gyre__mailbox_run(loop);
    gyre__signals_run(loop);
    gyre__tasks_run(loop);
    return err == -EINTR ? 0 : err;
}

int gyre_loop_turn(gyre_loop *loop, gyre_duration max_wait)
{
    if (max_wait < 0) return -EINVAL;
    int err = gyre__loop_enter(loop);
    if (err) return err;
    err = turn(loop, max_wait);
    gyre__loop_leave(loop);
    return err;
}

int gyre_loop_run(gyre_loop *loop)
{
    int err = gyre__loop_enter(loop);
    if (err) return err;
    while (!loop->stop && !err) err = turn(loop, GYRE_FOREVER);
    loop->stop = false;
    gyre__loop_leave(loop);
    return err;
}

void gyre_loop_stop(gyre_loop *loop)
{
    CHECK_THREAD(loop, "gyre_loop_stop");
    loop->stop = true;
}

// ---- Opening -------------------------------------------------------------------------------

static int take_options(gyre_loop *loop, const gyre_loop_opts *opts)
{
    if (opts) loop->opts = *opts;
    gyre_loop_opts *o = &loop->opts;
    if (o->blocked < GYRE_NONE || o->close_grace < GYRE_NONE) return -EINVAL;
    if (o->blocked == 0 && GYRE_DEBUG) o->blocked = GYRE_MS(100);
    if (o->blocked == GYRE_NONE || o->blocked == GYRE_FOREVER) o->blocked = 0;
    if (o->close_grace == 0) o->close_grace = GYRE_SECONDS(2);
    if (o->close_grace == GYRE_NONE) o->close_grace = 0;
    loop->backend = gyre__backend_named(o->backend);
    if (!loop->backend) return -EINVAL;
    return gyre__log_open(loop);
}

static int open_parts(gyre_loop *loop, const gyre_loop_opts *opts)
{
    int err = take_options(loop, opts);
    if (err) return err;
    loop->process = gyre__process_open();
    if (!loop->process) return -ENOMEM;
    gyre__list_init(&loop->tasks);
    gyre__list_init(&loop->changed);
    gyre__list_init(&loop->signals);
    loop->strand = &loop->root;
    gyre__clock_update(loop);
    gyre__wheel_init(&loop->wheel, loop->now);
    return loop->backend->open(loop);
}

int gyre_loop_open(gyre_loop **out, const gyre_loop_opts *opts)
{
    const gyre_allocator *alloc = &gyre__allocator_default;
    if (opts && opts->allocator) alloc = opts->allocator;
    gyre_loop *loop = gyre__alloc_zero(alloc, sizeof *loop);
    if (!loop) return -ENOMEM;
    loop->alloc = *alloc;
    int err = open_parts(loop, opts);
    if (err) {
        gyre__mailbox_release(loop->mailbox);
        gyre__free(alloc, loop);
        return err;
    }
    *out = loop;
    return 0;
}

// ---- Closing -------------------------------------------------------------------------------

static void each_floor(gyre_loop *loop, size_t member_offset)
{
    for (int i = GYRE__SLOT_COUNT - 1; i >= 0; i--) {
        const gyre__floor *floor = loop->slots[i].floor;
        if (!floor) continue;
        void (*fn)(gyre_loop *);
        memcpy(&fn, (const char *)floor + member_offset, sizeof fn);
        if (fn) fn(loop);
    }
}

static bool is_live(gyre_loop *loop)
{
    if (!gyre__list_is_empty(&loop->tasks)) return true;
    for (int i = 0; i < GYRE__SLOT_COUNT; i++) {
        const gyre__floor *floor = loop->slots[i].floor;
        if (floor && floor->is_live && floor->is_live(loop)) return true;
    }
    return false;
}

// Turns until nothing is live or the deadline has passed.
static void wind_down(gyre_loop *loop, gyre_time deadline)
{
    while (is_live(loop)) {
        gyre_duration left = deadline - gyre__clock_read();
        if (left <= 0 || turn(loop, left) != 0) break;
    }
}

static gyre_time end_of_grace(const gyre_loop *loop)
{
    gyre_time now = gyre__clock_read();
    gyre_duration grace = loop->opts.close_grace;
    return grace < GYRE_FOREVER - now ? now + grace : GYRE_FOREVER;
}

int gyre_loop_close(gyre_loop *loop)
{
    if (!loop) return 0;
    if (loop->process != gyre__process_mark()) {
        loop->backend->close_descriptors(loop);
        return GYRE_EFORKED;
    }
    int err = gyre__loop_enter(loop);
    if (err) return err;
    gyre_time deadline = end_of_grace(loop);
    __atomic_store_n(&loop->closing, true, __ATOMIC_RELAXED);
    each_floor(loop, offsetof(gyre__floor, cancel));
    wind_down(loop, deadline);
    gyre__mailbox_close(loop);
    wind_down(loop, deadline);
    each_floor(loop, offsetof(gyre__floor, stop));
    gyre__tasks_finish(loop);
    each_floor(loop, offsetof(gyre__floor, destroy));
    gyre__log_close(loop);
    gyre__signals_close(loop);
    gyre__watches_close(loop);
    gyre__wheel_clear(&loop->wheel);
    loop->backend->close(loop);
    gyre__loop_leave(loop);
    gyre__mailbox_release(loop->mailbox);
    gyre_allocator alloc = loop->alloc;
    gyre__free(&alloc, loop->root.why);
    gyre__free(&alloc, loop);
    return 0;
}

// ---- What the other floors ask --------------------------------------------------------------

const char *gyre_loop_backend(const gyre_loop *loop)
{
    return loop->backend->name;
}

gyre__loop_state *gyre__loop_slot(gyre_loop *loop, enum gyre__slot slot)
{
    return &loop->slots[slot];
}

const gyre_allocator *gyre__loop_allocator(const gyre_loop *loop)
{
    return &loop->alloc;
}

gyre__strand *gyre__loop_strand(const gyre_loop *loop)
{
    return loop->strand;
}

gyre__strand *gyre__loop_set_strand(gyre_loop *loop, gyre__strand *strand)
{
    gyre__strand *before = loop->strand;
    loop->strand = strand;
    return before;
}

bool gyre__loop_refuses(const gyre_loop *loop)
{
    return loop->strand->refuses;
}

bool gyre__loop_is_closing(const gyre_loop *loop)
{
    return loop->closing;
}

void gyre__loop_set_why(gyre_loop *loop, int err, char *why)
{
    gyre__free(&loop->alloc, loop->strand->why);
    loop->strand->why = why;
    loop->strand->why_err = err;
}

void gyre__loop_blame(gyre_loop *loop, const char *name)
{
    loop->blame = name;
}

void gyre__loop_set_park(gyre_loop *loop, gyre__park_fn *park)
{
    loop->park = park;
}

gyre__park_fn *gyre__loop_park(const gyre_loop *loop)
{
    return loop->park;
}

gyre__mailbox *gyre__loop_mailbox(const gyre_loop *loop)
{
    return loop->mailbox;
}
