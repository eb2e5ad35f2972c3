// Consuming a future: synchronously, by callback, and what the waits of other floors are made of.
//
// Design notes. Every way of consuming ends in gyre__future_take, which moves the value or gives
// the error and drops the reference; ways differ only in how they come to know that it is time.

#include "future/impl.h"

#include <string.h>

// ---- Taking --------------------------------------------------------------------------------

static void give_value(gyre_future *future, void *out)
{
    future->taken = true;
    if (out)
        memcpy(out, future->value, future->type->size);
    else
        gyre__future_drop(future, future->value);
}

int gyre__future_take(gyre_future *future, void *out)
{
    if (!future->loop) return future->err;
    int err = gyre__future_result(future);
    future->seen = true;
    if (err)
        gyre__loop_set_why(future->loop, err, gyre__future_copy_why(future));
    else
        give_value(future, out);
    gyre__future_release(future);
    return err;
}

char *gyre__future_copy_why(const gyre_future *future)
{
    if (!future->why) return NULL;
    return gyre__format(gyre__loop_allocator(future->loop), "%s", future->why);
}

const char *gyre_why_last(const gyre_loop *loop)
{
    const char *why = gyre__loop_strand(loop)->why;
    return why ? why : "";
}

int gyre__fail(gyre_loop *loop, int err, const char *why)
{
    gyre__loop_set_why(loop, err, gyre__format(gyre__loop_allocator(loop), "%s", why));
    return err;
}

// ---- Waiting -------------------------------------------------------------------------------

int gyre__future_wait(gyre_future *future, gyre_task *task)
{
    if (!future->loop) return future->err;
    if (future->waiter) return GYRE_EBUSY;
    future->waiter = task;
    if (gyre__is_settled(future)) gyre_soon(future->loop, task);
    return 0;
}

void gyre__future_unwait(gyre_future *future, const gyre_task *task)
{
    if (future->waiter == task) future->waiter = NULL;
}

// ---- gyre_run ------------------------------------------------------------------------------

static void do_nothing(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    (void)task;
}

// Turns the loop until the future is settled; the caller's reference keeps it meanwhile.
static int turn_until_settled(gyre_future *future)
{
    gyre_task mark = {.fn = do_nothing}; // says that somebody waits
    int err = gyre__future_wait(future, &mark);
    while (!err && !gyre__is_settled(future)) err = gyre_loop_turn(future->loop, GYRE_FOREVER);
    gyre__future_unwait(future, &mark);
    gyre_task_stop(&mark);
    if (err) gyre__loop_set_why(future->loop, 0, NULL);
    return err;
}

// 0, or why the calling thread may not turn this loop, with a text.
static int check_outside(gyre_loop *loop)
{
    int err = gyre__loop_may_run(loop);
    if (err == -EBUSY)
        return gyre__fail(loop, err,
                          "gyre_run in a callback: await it in a coroutine, or use "
                          "gyre_then");
    if (!err && gyre__loop_here())
        return gyre__fail(loop, -EBUSY, "gyre_run while another loop runs on this thread");
    return err;
}

struct late_release {
    gyre_task task;
    gyre_future *future;
};

static void release_late(gyre_loop *loop, gyre_task *task)
{
    struct late_release *late = GYRE_CONTAINER_OF(task, struct late_release, task);
    gyre__future_release(late->future);
    gyre__free(gyre__loop_allocator(loop), late);
}

// The loop runs elsewhere, so the reference is dropped there. Without memory, or when the loop
// closes at this moment, its close settles the future.
void gyre__future_release_elsewhere(gyre_future *future)
{
    const gyre_allocator *alloc = gyre__loop_allocator(future->loop);
    struct late_release *late = gyre__alloc_zero(alloc, sizeof *late);
    if (!late) return;
    late->task.fn = release_late;
    late->future = future;
    if (gyre_post(future->loop, &late->task) != 0) gyre__free(alloc, late);
}

int gyre__future_run(gyre_future *future, void *out)
{
    if (!future) return -EINVAL;
    gyre_loop *loop = future->loop;
    if (!loop) return future->err;
    if (gyre__loop_here() == loop && gyre__loop_strand(loop)->is_coro)
        return gyre__loop_park(loop)(loop, future, out);
    int err = check_outside(loop);
    if (err == GYRE_EFORKED) return err; // what it waits for is the parent's too
    if (err == GYRE_ELOOP) {
        gyre__future_release_elsewhere(future);
        return err;
    }
    if (!err) err = turn_until_settled(future);
    if (!err) return gyre__future_take(future, out);
    gyre__future_release(future);
    return err;
}

// ---- gyre_then -----------------------------------------------------------------------------

static void run_then(gyre_loop *loop, gyre_task *task)
{
    gyre_future *future = GYRE_CONTAINER_OF(task, gyre_future, task);
    int err = gyre__future_result(future);
    if (err)
        gyre__loop_set_why(loop, err, gyre__future_copy_why(future));
    else
        future->taken = true;
    future->seen = true;
    gyre__future_unwait(future, task); // the next consumer comes too late, not in between
    future->type->call(future->then, future->then_arg, err, err ? NULL : future->value);
    gyre__future_release(future);
}

// There is no future to wait for, and so no task: the one case of a call at once.
static void call_now(int err, void (*fn)(void), void *arg)
{
    ((void (*)(void *, int, void *))fn)(arg, err, NULL);
}

void gyre__future_then(gyre_future *future, void (*fn)(void), void *arg)
{
    if (!future || !future->loop) {
        call_now(future ? future->err : -EINVAL, fn, arg);
        return;
    }
    if (future->waiter) {
        gyre_future *busy = gyre__future_failed(future->loop, future->type, GYRE_EBUSY, NULL);
        gyre__future_release(future);
        gyre__future_then(busy, fn, arg);
        return;
    }
    future->task.fn = run_then;
    future->then = fn;
    future->then_arg = arg;
    gyre__future_wait(future, &future->task);
}
