// Waiting: parking on an intrusive waiter, and on a future.
//
// Design notes. A parked coroutine is let go on by queueing its own task, once. For a future that
// task is itself the future's waiter, so settling it queues the coroutine without a step between.
// Whether the future, a cancel or a deadline came first is read from what is true at the resume.
//
// A cancelled coroutine that holds the only reference cancels what it waits for and goes on when
// that is settled: so nothing it lent to the operation is used after its frames are gone. If others
// hold references too, it only steps back.

#include "coro/impl.h"

// ---- Intrusive waits ------------------------------------------------------------------------

static gyre_coro *waiting_coro(gyre_loop *loop)
{
    return gyre__loop_here() == loop ? gyre__coro_here(loop) : NULL;
}

static void suspend(gyre_coro *coro, gyre__wait *wait)
{
    wait->coro = coro;
    coro->wait = wait;
    coro->parked = true;
    if (coro->future) gyre__future_set_state(coro->future, GYRE_SUSPENDED);
    gyre__generator_parked(coro->generator);
    gyre__coro_leave(coro, 0);
    gyre__generator_resumed(coro->generator);
    coro->wait = NULL;
}

int gyre__park(gyre_loop *loop, gyre__wait *wait)
{
    gyre_coro *coro = waiting_coro(loop);
    if (!coro) return -EPERM;
    if (coro->strand.refuses) return GYRE_ECANCELED;
    wait->result = 0;
    suspend(coro, wait);
    return wait->result;
}

void gyre__wake(gyre__wait *wait, int result)
{
    gyre_coro *coro = wait->coro;
    wait->result = result;
    coro->wait = NULL;
    gyre_soon(coro->loop, &coro->task);
}

// ---- Futures -------------------------------------------------------------------------------

struct await {
    gyre__wait wait;
    gyre_future *future;
    gyre_timer timer; // of gyre_await_for
};

// Gives the wait up: the future is left to others.
static void step_back(struct await *await, int result)
{
    gyre__future_unwait(await->future, &await->wait.coro->task);
    gyre__wake(&await->wait, result);
}

static void cancel_await(gyre__wait *wait)
{
    struct await *await = GYRE_CONTAINER_OF(wait, struct await, wait);
    if (!gyre__future_is_pending(await->future)) return; // it goes on with what came
    bool stopping = wait->coro->stopping;
    if (!stopping && gyre__future_is_sole(await->future)) {
        gyre__future_cancel(await->future);
        return;
    }
    gyre_future *future = await->future;
    step_back(await, GYRE_ECANCELED);
    if (stopping) gyre__future_release(future); // its frame does not run again
}

static void describe_await(gyre__wait *wait, char *text, size_t size)
{
    gyre__future_describe(GYRE_CONTAINER_OF(wait, struct await, wait)->future, text, size);
}

static void on_limit(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct await *await = GYRE_CONTAINER_OF(timer, struct await, timer);
    if (gyre__future_is_pending(await->future)) step_back(await, GYRE_ETIMEDOUT);
}

// 0 when the calling coroutine may wait for this future.
static int check_wait(const gyre_coro *coro, gyre_future *future, gyre_loop *loop)
{
    if (gyre__loop_may_run(loop) == GYRE_ELOOP) return GYRE_ELOOP;
    if (!gyre__loop_here()) return gyre__fail(loop, -EPERM, "gyre_await outside a coroutine");
    if (gyre__loop_here() != loop) return GYRE_ELOOP;
    if (!coro) return gyre__fail(loop, -EPERM, "gyre_await in a callback, not in a coroutine");
    if (coro->future == future)
        return gyre__fail(loop, -EDEADLK, "gyre_await of the coroutine's own future");
    return coro->strand.refuses ? GYRE_ECANCELED : 0;
}

static int wait_for(gyre_coro *coro, gyre_future *future, gyre_duration limit)
{
    struct await await = {.wait = {.cancel = cancel_await, .describe = describe_await},
                          .future = future};
    int err = gyre__future_wait(future, &coro->task);
    if (err) return err;
    if (limit != GYRE_FOREVER) gyre_timer_start(coro->loop, &await.timer, limit, on_limit);
    suspend(coro, &await.wait);
    gyre_timer_stop(&await.timer);
    gyre__future_unwait(future, &coro->task);
    return await.wait.result;
}

int gyre__future_await_for(gyre_future *future, gyre_duration limit, void *out)
{
    if (!future) return -EINVAL;
    gyre_loop *loop = gyre__future_loop(future);
    if (!loop) return gyre__future_error(future);
    gyre_coro *coro = waiting_coro(loop);
    int err = check_wait(coro, future, loop);
    if (!err && gyre__future_is_pending(future))
        err = limit > 0 ? wait_for(coro, future, limit) : GYRE_ETIMEDOUT;
    if (!err) return gyre__future_take(future, out);
    if (err == GYRE_ELOOP)
        gyre__future_release_elsewhere(future);
    else
        gyre__future_release(future);
    return err;
}

int gyre__future_await(gyre_future *future, void *out)
{
    return gyre__future_await_for(future, GYRE_FOREVER, out);
}
