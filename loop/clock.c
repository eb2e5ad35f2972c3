// The monotonic clock.
//
// CLOCK_MONOTONIC only: a wall clock that jumps must not fire a timer. The clock is read through
// the C library, so tests can drive it.

#include "loop/impl.h"

#include <time.h>

gyre_time gyre__clock_read(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (gyre_time)now.tv_sec * 1000000000 + now.tv_nsec;
}

void gyre__clock_update(gyre_loop *loop)
{
    loop->now = gyre__clock_read();
}

void gyre__clock_refresh(gyre_loop *loop)
{
    if (!__atomic_load_n(&loop->owner, __ATOMIC_RELAXED)) gyre__clock_update(loop);
}

gyre_time gyre_now(const gyre_loop *loop)
{
    bool runs = __atomic_load_n(&loop->owner, __ATOMIC_RELAXED) != NULL;
    return runs ? loop->now : gyre__clock_read();
}

gyre_time gyre_now_exact(void)
{
    return gyre__clock_read();
}
