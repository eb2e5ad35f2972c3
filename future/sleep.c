// Waiting for time to pass.

#include "future/impl.h"

#include <stdio.h>

struct sleep {
    gyre_timer timer;
    gyre_future *future;
    gyre_duration delay;
};

static void over(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre__future_settle(GYRE_CONTAINER_OF(timer, struct sleep, timer)->future, 0, NULL, NULL);
}

static void cancel(gyre_future *future, void *op)
{
    struct sleep *sleep = op;
    gyre_timer_stop(&sleep->timer);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void describe(void *op, char *text, size_t size)
{
    struct sleep *sleep = op;
    snprintf(text, size, "sleeps %lld ms", (long long)(sleep->delay / GYRE_MS(1)));
}

static const gyre__future_ops ops = {.cancel = cancel, .describe = describe};

gyre_void_future gyre_sleep(gyre_loop *loop, gyre_duration delay)
{
    gyre_future *future = gyre__future_open(loop, &gyre_void_type, &ops, sizeof(struct sleep));
    if (gyre__future_is_pending(future)) {
        struct sleep *sleep = gyre__future_op(future);
        sleep->future = future;
        sleep->delay = delay;
        gyre_timer_start(loop, &sleep->timer, delay, over);
    }
    return GYRE__MAKE(gyre_void_future, future);
}
