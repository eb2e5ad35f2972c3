// See clock.h. The virtual time is one atomic number; 0 means real time.
#include "test/support/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/support/real.h"

enum { HANG_MS = 5000 };

static _Atomic int64_t virtual_now; // 0 = off
static _Atomic unsigned long waits;
static _Atomic int grace_ms;

int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int64_t now = id == CLOCK_MONOTONIC ? atomic_load(&virtual_now) : 0;
    if (!now) return real_clock_gettime(id, out);
    out->tv_sec = (time_t)(now / 1000000000);
    out->tv_nsec = (long)(now % 1000000000);
    return 0;
}

static int64_t real_now(void)
{
    struct timespec now;
    real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void clock_virtual_start(void)
{
    atomic_store(&waits, 0);
    atomic_store(&grace_ms, 0);
    atomic_store(&virtual_now, real_now());
}

void clock_virtual_stop(void)
{
    atomic_store(&virtual_now, 0);
}

int clock_is_virtual(void)
{
    return atomic_load(&virtual_now) != 0;
}

void clock_advance(int64_t ns)
{
    assert(clock_is_virtual());
    atomic_fetch_add(&virtual_now, ns);
}

int64_t clock_now(void)
{
    int64_t now = atomic_load(&virtual_now);
    return now ? now : real_now();
}

unsigned long clock_waits(void)
{
    return atomic_load(&waits);
}

void clock_grace(int ms)
{
    atomic_store(&grace_ms, ms);
}

int clock_wait(int (*wait)(void *arg, int timeout_ms), void *arg, int64_t timeout)
{
    atomic_fetch_add(&waits, 1);
    int ready = wait(arg, 0);
    if (ready || !timeout) return ready;
    if (timeout > 0) {
        int grace = atomic_load(&grace_ms);
        if (grace && (ready = wait(arg, grace))) return ready;
        clock_advance(timeout);
        return 0;
    }
    ready = wait(arg, HANG_MS);
    if (ready) return ready;
    fprintf(stderr, "clock: an endless wait in virtual time: nothing became ready in %d s\n",
            HANG_MS / 1000);
    abort();
}
