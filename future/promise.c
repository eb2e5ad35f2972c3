// Promises: the giving end of a future, for any thread.
//
// Design notes. A promise is a counted box with one embedded task. Settling claims it (OPEN to
// FILLING, one compare-and-swap), copies the result in, marks it FILLED and posts the task; the
// task, on the loop, settles the future from the box. Whoever loses the claim is told so. The
// consumer's cancel claims it too: if a result is in the box already, cancel hands over that result
// instead, so there is one outcome for everybody.
//
// The holders together own one reference to the box, the future one, and a posted task one. The
// future goes only on the loop's thread, so `future` is read and written there alone. When the loop
// is closed the post is refused: then whoever moves the box from FILLED to OVER, the thread that
// tried or a cancel on the loop, has the value.

#include "future/impl.h"

#include <sched.h>
#include <string.h>

enum { OPEN, FILLING, FILLED, OVER };

struct gyre_promise {
    gyre_task task;   // delivers the result on the loop
    gyre_task second; // logs that the callback of gyre_from_callback came again
    gyre__mailbox *mailbox;
    gyre_future *future; // the loop's thread only; NULL once it is settled or gone
    const gyre_future_type *type;
    const gyre_future_ops *ops; // or NULL
    void *arg;
    gyre_allocator alloc;
    int references; // atomic
    int holders;    // atomic; gyre_promise_retain and _release
    int called;     // atomic; the callback of gyre_from_callback has come
    int state;      // atomic; see the enum
    int err;        // from FILLED on, as the two below
    char *why;      // NULL when there is none, or once it has moved to the future
    _Alignas(16) char value[];
};

// What the future carries: its own reference to the box.
struct ticket {
    gyre_promise *promise;
};

// ---- Life ----------------------------------------------------------------------------------

static void drop_value(gyre_promise *promise, void *value)
{
    if (promise->ops && promise->ops->drop) promise->ops->drop(value);
}

static void unref(gyre_promise *promise)
{
    if (__atomic_sub_fetch(&promise->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    gyre_allocator alloc = promise->alloc;
    gyre__mailbox_release(promise->mailbox);
    gyre__free(&alloc, promise->why);
    gyre__free(&alloc, promise);
}

static void ref(gyre_promise *promise)
{
    __atomic_add_fetch(&promise->references, 1, __ATOMIC_RELAXED);
}

// Moves the box from one state to the next; false when somebody else did.
static bool advance(gyre_promise *promise, int from, int to)
{
    return __atomic_compare_exchange_n(&promise->state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

// ---- The loop's side ------------------------------------------------------------------------

// Moves a result that is in the box to the future, once.
static void deliver(gyre_promise *promise)
{
    if (!advance(promise, FILLED, OVER)) return;
    gyre_future *future = promise->future;
    promise->future = NULL;
    char *why = promise->why;
    promise->why = NULL;
    if (future) {
        gyre__future_settle(future, promise->err, why, promise->value);
        return;
    }
    gyre__free(&promise->alloc, why);
    if (promise->err == 0) drop_value(promise, promise->value);
}

static void on_posted(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre_promise *promise = GYRE_CONTAINER_OF(task, gyre_promise, task);
    deliver(promise);
    unref(promise);
}

static void on_second(gyre_loop *loop, gyre_task *task)
{
    gyre__log(loop, GYRE_LOG_ERROR, "future", "a callback came a second time");
    unref(GYRE_CONTAINER_OF(task, gyre_promise, second));
}

static void cancel(gyre_future *future, void *op)
{
    gyre_promise *promise = ((struct ticket *)op)->promise;
    ref(promise); // the future's reference may go with it
    if (advance(promise, OPEN, OVER)) {
        promise->future = NULL;
        gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
        if (promise->ops && promise->ops->cancel) promise->ops->cancel(promise->arg);
    } else {
        // Somebody else won: wait for the copy it is making, then hand that over.
        while (__atomic_load_n(&promise->state, __ATOMIC_ACQUIRE) == FILLING) sched_yield();
        deliver(promise);
        // The closed mailbox had refused the result just before: then there is none.
        gyre_future *left = promise->future;
        promise->future = NULL;
        if (left) gyre__future_settle(left, GYRE_ECANCELED, NULL, NULL);
    }
    unref(promise);
}

static void drop(void *value, void *op)
{
    drop_value(((struct ticket *)op)->promise, value);
}

static void describe(void *op, char *text, size_t size)
{
    gyre_promise *promise = ((struct ticket *)op)->promise;
    if (promise->ops && promise->ops->describe) promise->ops->describe(promise->arg, text, size);
}

static void destroy(void *op)
{
    struct ticket *ticket = op;
    if (!ticket->promise) return;
    ticket->promise->future = NULL;
    unref(ticket->promise);
}

static const gyre__future_ops ops = {
    .drop = drop, .cancel = cancel, .describe = describe, .destroy = destroy};

// ---- Making --------------------------------------------------------------------------------

gyre_promise *gyre__promise_new(gyre_loop *loop, const gyre_future_type *type, gyre_future **out,
                                const gyre_future_ops *user_ops, void *arg)
{
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    gyre_future *future = gyre__future_open(loop, type, &ops, sizeof(struct ticket));
    *out = future;
    if (!gyre__future_is_pending(future)) return NULL;
    gyre_promise *promise = gyre__alloc_zero(alloc, sizeof *promise + type->size);
    if (!promise) {
        gyre__future_settle(future, -ENOMEM, NULL, NULL);
        return NULL;
    }
    promise->task.fn = on_posted;
    promise->second.fn = on_second;
    promise->mailbox = gyre__mailbox_retain(gyre__loop_mailbox(loop));
    promise->future = future;
    promise->type = type;
    promise->ops = user_ops;
    promise->arg = arg;
    promise->alloc = *alloc;
    promise->references = 2;
    promise->holders = 1;
    ((struct ticket *)gyre__future_op(future))->promise = promise;
    return promise;
}

gyre_promise *gyre__promise_retain(gyre_promise *promise)
{
    if (promise) __atomic_add_fetch(&promise->holders, 1, __ATOMIC_RELAXED);
    return promise;
}

void gyre__promise_release(gyre_promise *promise)
{
    if (!promise || __atomic_sub_fetch(&promise->holders, 1, __ATOMIC_ACQ_REL) > 0) return;
    gyre__promise_settle(promise, GYRE_ECLOSED, "promise was released without a result", NULL);
    unref(promise);
}

// ---- Settling: any thread -------------------------------------------------------------------

static bool on_its_loop(const gyre_promise *promise)
{
    gyre_loop *here = gyre__loop_here();
    return here && gyre__loop_mailbox(here) == promise->mailbox;
}

bool gyre__promise_settle(gyre_promise *promise, int err, const char *why, const void *value)
{
    if (!promise || !advance(promise, OPEN, FILLING)) return false;
    promise->err = err > 0 ? -EINVAL : err;
    if (why) promise->why = gyre__format(&promise->alloc, "%s", why);
    if (err == 0 && value) memcpy(promise->value, value, promise->type->size);
    ref(promise); // the task's, or for as long as this call needs it
    __atomic_store_n(&promise->state, FILLED, __ATOMIC_RELEASE);
    bool delivered = on_its_loop(promise);
    if (delivered)
        deliver(promise);
    else if (gyre__mailbox_post(promise->mailbox, &promise->task) == 0)
        return true;
    else
        delivered = !advance(promise, FILLED, OVER);
    unref(promise);
    return delivered;
}

bool gyre__promise_reject(gyre_promise *promise, int err, const char *why)
{
    return gyre__promise_settle(promise, err < 0 ? err : -EINVAL, why, NULL);
}

// ---- Callback-style functions ---------------------------------------------------------------

gyre_future *gyre__from_callback(gyre_loop *loop, const gyre_future_type *type, void **token)
{
    gyre_future *future;
    *token = gyre__promise_new(loop, type, &future, NULL, NULL);
    return future;
}

void gyre__callback_settle(void *token, int err, const void *value)
{
    gyre_promise *promise = token;
    if (!promise) return;
    if (!__atomic_exchange_n(&promise->called, 1, __ATOMIC_ACQ_REL)) {
        gyre__promise_settle(promise, err, NULL, value);
        gyre__promise_release(promise);
        return;
    }
    // The loop logs it, by a task apart: the result's may be about to be posted.
    ref(promise);
    if (gyre__mailbox_post(promise->mailbox, &promise->second) != 0) unref(promise);
}
