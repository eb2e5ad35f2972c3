// Futures: life, settling, references, cancel.
//
// Design notes. A future has two sides. The producer settles it exactly once; until then it stays
// in memory even without references. The consumers hold the references; each call that consumes
// drops one on every path. When the last goes, a pending operation is cancelled and a settled
// future is freed, its value dropped or its unread failure reported.
//
// Nothing is ever called from inside settle or cancel: the waiter is a task that is queued. So a
// continuation may free whatever it likes, and the producer that settled may go on with its own
// state.
//
// When there is no memory for a future, its place is taken by one constant future that failed with
// -ENOMEM: it belongs to no loop, counts no references and is never written to.

#include "future/impl.h"

#include <stdio.h>
#include <string.h>

// Debug builds keep none, so that a use after free meets an address that is really free.
enum { POOLED_BYTES = 256 };
static const unsigned pooled_most = GYRE_DEBUG ? 0 : 1024;

static const gyre_future no_memory = {.err = -ENOMEM, .state = GYRE_FAILED, .seen = true};

static gyre_future *no_memory_future(void)
{
    return (gyre_future *)(uintptr_t)&no_memory;
}

// ---- The floor's state ---------------------------------------------------------------------

// Calls `fn` for every future, oldest first; futures may come and go meanwhile.
static void for_each(gyre_loop *loop, void (*fn)(gyre_future *future))
{
    gyre__futures *futures = gyre__loop_slot(loop, GYRE__SLOT_FUTURE)->state;
    gyre__node mark; // behind the one that `fn` is called for
    gyre__list_insert_after(&futures->live, &mark);
    for (gyre__node *node; (node = mark.next) != &futures->live;) {
        gyre__list_remove(&mark);
        gyre__list_insert_after(node, &mark);
        fn(GYRE_CONTAINER_OF(node, gyre_future, link));
    }
    gyre__list_remove(&mark);
}

static void cancel_root(gyre_future *future)
{
    if (!future->waiter || future->waiter == &future->task) gyre__future_cancel(future);
}

// Cancels what no coroutine or combinator waits for: these cancel their own, after a shield
// perhaps.
static void cancel_all(gyre_loop *loop)
{
    for_each(loop, cancel_root);
}

static void end(gyre_future *future)
{
    gyre__future_retain(future);
    gyre__future_cancel(future);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
    gyre__future_release(future);
}

// What outlasted the grace is settled while its continuations still run.
static void stop_all(gyre_loop *loop)
{
    for_each(loop, end);
}

static bool any_pending(gyre_loop *loop)
{
    gyre__futures *futures = gyre__loop_slot(loop, GYRE__SLOT_FUTURE)->state;
    for (gyre__node *node = futures->live.next; node != &futures->live; node = node->next)
        if (!gyre__is_settled(GYRE_CONTAINER_OF(node, gyre_future, link))) return true;
    return false;
}

// What is still referenced when its loop goes is settled and forgotten by it; the holder of the
// reference has a dead pointer, like that of every other object of a closed loop. The newest go
// first, because a combinator may keep older ones.
static void destroy(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_FUTURE);
    gyre__futures *futures = slot->state;
    while (!gyre__list_is_empty(&futures->live)) {
        gyre_future *future = GYRE_CONTAINER_OF(futures->live.prev, gyre_future, link);
        gyre_task_stop(&future->task);
        future->waiter = NULL;
        future->references = 1; // keeps it until here
        gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
        gyre__future_release(future);
    }
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    for (gyre_future *next, *future = futures->free; future; future = next) {
        next = (gyre_future *)(void *)future->link.next;
        gyre__free(alloc, future);
    }
    gyre__free(alloc, futures);
    *slot = (gyre__loop_state){NULL, NULL};
}

static const gyre__floor floor_of_futures = {cancel_all, any_pending, stop_all, destroy};

gyre__futures *gyre__futures_of(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_FUTURE);
    if (slot->state) return slot->state;
    gyre__futures *futures = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *futures);
    if (!futures) return NULL;
    gyre__list_init(&futures->live);
    slot->state = futures;
    slot->floor = &floor_of_futures;
    return futures;
}

// ---- Memory --------------------------------------------------------------------------------

static size_t value_space(const gyre_future_type *type)
{
    return (type->size + 15) & ~(size_t)15;
}

static gyre_future *take_memory(gyre_loop *loop, gyre__futures *futures, size_t size)
{
    if (size > POOLED_BYTES) return gyre__alloc(gyre__loop_allocator(loop), size);
    gyre_future *future = futures->free;
    if (!future) return gyre__alloc(gyre__loop_allocator(loop), POOLED_BYTES);
    futures->free = (gyre_future *)(void *)future->link.next;
    futures->free_count--;
    return future;
}

static void give_memory(gyre_future *future)
{
    gyre_loop *loop = future->loop;
    gyre__futures *futures = gyre__loop_slot(loop, GYRE__SLOT_FUTURE)->state;
    if (!future->pooled || futures->free_count >= pooled_most) {
        gyre__free(gyre__loop_allocator(loop), future);
        return;
    }
    future->link.next = (gyre__node *)(void *)futures->free;
    futures->free = future;
    futures->free_count++;
}

gyre_future *gyre__future_open_always(gyre_loop *loop, const gyre_future_type *type,
                                      const gyre__future_ops *ops, size_t op_size)
{
    gyre__futures *futures = gyre__futures_of(loop);
    if (!futures) return no_memory_future();
    size_t size = sizeof(gyre_future) + value_space(type) + op_size;
    gyre_future *future = take_memory(loop, futures, size);
    if (!future) return no_memory_future();
    memset(future, 0, size);
    future->loop = loop;
    future->type = type;
    future->ops = ops;
    future->references = 1;
    future->pooled = size <= POOLED_BYTES;
    gyre__list_append(&futures->live, &future->link);
    return future;
}

// Why nothing may begin: the coroutine is cancelled, or a callback asks while the loop closes (its
// coroutines may still clean up behind a shield). Or 0.
static int refusal(const gyre_loop *loop)
{
    if (gyre__loop_refuses(loop)) return GYRE_ECANCELED;
    bool is_coro = gyre__loop_strand(loop)->is_coro;
    return gyre__loop_is_closing(loop) && !is_coro ? GYRE_ECLOSED : 0;
}

gyre_future *gyre__future_open(gyre_loop *loop, const gyre_future_type *type,
                               const gyre__future_ops *ops, size_t op_size)
{
    int err = refusal(loop);
    if (err) return gyre__future_failed(loop, type, err, NULL);
    return gyre__future_open_always(loop, type, ops, op_size);
}

gyre_future *gyre__future_failed(gyre_loop *loop, const gyre_future_type *type, int err, char *why)
{
    gyre_future *future = gyre__future_open_always(loop, type, NULL, 0);
    if (gyre__is_settled(future))
        gyre__free(gyre__loop_allocator(loop), why);
    else
        gyre__future_settle(future, err, why, NULL);
    return future;
}

void gyre__future_drop(gyre_future *future, void *value)
{
    const gyre__future_ops *ops = future->ops;
    if (ops && ops->drop) ops->drop(value, gyre__future_op(future));
}

void gyre__future_maybe_free(gyre_future *future)
{
    if (future->references > 0 || !gyre__is_settled(future)) return;
    if (future->state == GYRE_FAILED && !future->seen) gyre__future_unhandled(future);
    const gyre__future_ops *ops = future->ops;
    if (future->state == GYRE_DONE && !future->taken) gyre__future_drop(future, future->value);
    if (ops && ops->destroy) ops->destroy(gyre__future_op(future));
    gyre__free(gyre__loop_allocator(future->loop), future->why);
    gyre__list_remove(&future->link);
    give_memory(future);
}

// ---- The producer's side -------------------------------------------------------------------

bool gyre__future_is_pending(const gyre_future *future)
{
    return !gyre__is_settled(future);
}

void *gyre__future_value(gyre_future *future)
{
    return future->value;
}

void *gyre__future_op(gyre_future *future)
{
    return future->value + value_space(future->type);
}

size_t gyre__future_size(const gyre_future *future)
{
    return future->type->size;
}

gyre_loop *gyre__future_loop(const gyre_future *future)
{
    return future->loop;
}

void gyre__future_set_state(gyre_future *future, gyre_state state)
{
    if (!gyre__is_settled(future)) future->state = (unsigned char)state;
}

void gyre__future_set_created(gyre_future *future, const char *name, const char *where)
{
    if (!future->loop) return;
    future->name = name;
    future->where = where;
}

void gyre__future_forgive(gyre_future *future)
{
    if (future && future->loop) future->seen = true;
}

bool gyre__future_settle(gyre_future *future, int err, char *why, const void *value)
{
    if (gyre__is_settled(future)) {
        if (future->loop) gyre__free(gyre__loop_allocator(future->loop), why);
        return false;
    }
    future->err = err;
    future->why = why;
    future->state = err == 0 ? GYRE_DONE : err == GYRE_ECANCELED ? GYRE_CANCELED : GYRE_FAILED;
    if (err == 0 && value) memcpy(future->value, value, future->type->size);
    if (future->waiter) gyre_soon(future->loop, future->waiter);
    gyre__future_maybe_free(future);
    return true;
}

// ---- References and cancel ------------------------------------------------------------------

gyre_future *gyre__future_retain(gyre_future *future)
{
    if (future && future->loop) future->references++;
    return future;
}

bool gyre__future_cancel(gyre_future *future)
{
    if (!future || gyre__is_settled(future)) return false;
    future->references++; // whatever else goes while the operation is undone
    if (future->ops && future->ops->cancel)
        future->ops->cancel(future, gyre__future_op(future));
    else
        gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
    // A result that was on its way from another thread may have won.
    bool lost = future->state == GYRE_DONE || future->state == GYRE_FAILED;
    future->references--;
    gyre__future_maybe_free(future);
    return !lost;
}

void gyre__future_release(gyre_future *future)
{
    if (!future || !future->loop) return;
    if (gyre__future_is_sole(future)) gyre__future_cancel(future);
    future->references--;
    gyre__future_maybe_free(future);
}

void gyre__future_detach(gyre_future *future)
{
    if (!future || !future->loop) return;
    future->detached = true;
    future->references--;
    gyre__future_maybe_free(future);
}

bool gyre__future_is_sole(const gyre_future *future)
{
    return future->references == 1 && !future->detached;
}

// ---- Looking -------------------------------------------------------------------------------

gyre_state gyre__future_state(const gyre_future *future)
{
    return future ? (gyre_state)future->state : GYRE_FAILED;
}

int gyre__future_error(gyre_future *future)
{
    if (!future) return -EINVAL;
    if (!gyre__is_settled(future)) return 0;
    if (future->loop) future->seen = true;
    return future->err;
}

const char *gyre_state_name(gyre_state state)
{
    static const char *const names[] = {"pending", "running", "suspended",
                                        "done",    "failed",  "canceled"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

void gyre__future_describe(gyre_future *future, char *text, size_t size)
{
    if (size > 0) text[0] = '\0';
    if (future->ops && future->ops->describe)
        future->ops->describe(gyre__future_op(future), text, size);
}

// ---- Failures that nobody read --------------------------------------------------------------

int gyre_on_unhandled(gyre_loop *loop, gyre_unhandled_fn *fn, void *arg)
{
    gyre__futures *futures = gyre__futures_of(loop);
    if (!futures) return -ENOMEM;
    futures->unhandled = fn;
    futures->unhandled_arg = arg;
    return 0;
}

void gyre__future_unhandled(gyre_future *future)
{
    gyre__futures *futures = gyre__loop_slot(future->loop, GYRE__SLOT_FUTURE)->state;
    future->seen = true;
    const char *why = future->why ? future->why : "";
    char where[200] = "";
    if (future->name) snprintf(where, sizeof where, "%s at %s", future->name, future->where);
    if (futures->unhandled) {
        futures->unhandled(futures->unhandled_arg, future->err, why, where);
        return;
    }
    gyre__log(future->loop, GYRE_LOG_ERROR, "future", "error never read: %s (%s)%s%s%s%s",
              gyre_strerror(future->err), gyre_errname(future->err), *why ? ": " : "", why,
              *where ? ", in " : "", where);
}
