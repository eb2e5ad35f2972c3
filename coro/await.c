// Waiting: parking on an intrusive waiter, and on a future.
//
// Design notes. A parked coroutine is let go on by queueing its own task, once. For a future that
// task is itself the future's waiter, so settling it queues the coroutine without a step between.
// Whether the future, a cancel or a deadline came first is read from what is true at the resume.
//
// A cancelled coroutine that holds the only reference cancels what it waits for and goes on when
// that is settled: so nothing it lent to the operation is used after its frames are gone. If others
// hold references too, it only steps back, unless the loop is closing.

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

// Gives the wait up: the future is left to others, if there are any. The wait is over before the
// reference is dropped, because what that undoes may cancel this very coroutine.
static void step_back(struct await *await, int result)
{
    await->wait.coro->wait = NULL;
    gyre_timer_stop(&await->timer);
    gyre__future_unwait(await->future, &await->wait.coro->task);
    gyre__future_release(await->future);
    gyre__wake(&await->wait, result);
}

static void cancel_await(gyre__wait *wait)
{
    struct await *await = GYRE_CONTAINER_OF(wait, struct await, wait);
    if (wait->coro->stopping) { // the frame does not run again
        gyre__future_cancel(await->future);
        step_back(await, GYRE_ECANCELED);
        return;
    }
    if (!gyre__future_is_pending(await->future)) return; // it goes on with what came
    if (gyre__future_is_sole(await->future) || gyre__loop_is_closing(wait->coro->loop))
        gyre__future_cancel(await->future);
    else
        step_back(await, GYRE_ECANCELED);
}

static void describe_await(gyre__wait *wait, char *text, size_t size)
{
    gyre__future_describe(GYRE_CONTAINER_OF(wait, struct await, wait)->future, text, size);
}

static void on_limit(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct await *await = GYRE_CONTAINER_OF(timer, struct await, timer);
    bool canceled = await->wait.coro->strand.refuses;
    if (gyre__future_is_pending(await->future))
        step_back(await, canceled ? GYRE_ECANCELED : GYRE_ETIMEDOUT);
}

// An error that says all; the details of an earlier one are not its own.
static int no_details(gyre_loop *loop, int err)
{
    gyre__loop_set_why(loop, 0, NULL);
    return err;
}

// 0 when the calling coroutine may wait for this future.
static int check_wait(const gyre_coro *coro, gyre_future *future, gyre_loop *loop)
{
    gyre_loop *here = gyre__loop_here();
    int err = gyre__loop_may_run(loop);
    if (err == GYRE_EFORKED || (err == GYRE_ELOOP && !here)) return err;
    if (!here) return gyre__fail(loop, -EPERM, "gyre_await outside a coroutine");
    if (here != loop) return gyre__fail(here, GYRE_ELOOP, "gyre_await of another loop's future");
    if (!coro) return gyre__fail(loop, -EPERM, "gyre_await in a callback, not in a coroutine");
    if (coro->future == future)
        return gyre__fail(loop, -EDEADLK, "gyre_await of the coroutine's own future");
    return coro->strand.refuses ? no_details(loop, GYRE_ECANCELED) : 0;
}

static int give_up(gyre_future *future, int err)
{
    if (err == GYRE_ELOOP)
        gyre__future_release_elsewhere(future);
    else
        gyre__future_release(future);
    return err;
}

// 0 when the future is settled; otherwise the reference is gone.
static int wait_for(gyre_coro *coro, gyre_future *future, gyre_duration limit)
{
    struct await await = {.wait = {.cancel = cancel_await, .describe = describe_await},
                          .future = future};
    int err = limit > 0 ? gyre__future_wait(future, &coro->task) : GYRE_ETIMEDOUT;
    if (err) return give_up(future, no_details(coro->loop, err));
    if (limit != GYRE_FOREVER) gyre_timer_start(coro->loop, &await.timer, limit, on_limit);
    suspend(coro, &await.wait);
    if (await.wait.result) return no_details(coro->loop, await.wait.result);
    gyre_timer_stop(&await.timer);
    gyre__future_unwait(future, &coro->task);
    return 0;
}

int gyre__future_await_for(gyre_future *future, gyre_duration limit, void *out)
{
    if (!future) return -EINVAL;
    gyre_loop *loop = gyre__future_loop(future);
    if (!loop) return gyre__future_error(future);
    gyre_coro *coro = waiting_coro(loop);
    int err = check_wait(coro, future, loop);
    if (err) return give_up(future, err);
    if (gyre__future_is_pending(future)) err = wait_for(coro, future, limit);
    return err ? err : gyre__future_take(future, out);
}

int gyre__future_await(gyre_future *future, void *out)
{
    return gyre__future_await_for(future, GYRE_FOREVER, out);
}
