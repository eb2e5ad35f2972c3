// Coroutines inside the library: parking on intrusive waiters.
#ifndef GYRE_CORO_CORO_INT_H
#define GYRE_CORO_CORO_INT_H

#include "coro/coro.h"
#include "future/future_int.h"

// One wait of one coroutine, on its own stack. The object waited for keeps a pointer to it and
// wakes it; cancelling the coroutine calls `cancel`, which must undo the wait and wake it, now or
// later.
typedef struct gyre__wait {
    gyre_coro *coro; // set by gyre__park
    int result;      // what gyre__park returns
    void (*cancel)(struct gyre__wait *wait);
    void (*describe)(struct gyre__wait *wait, char *text, size_t size); // or NULL
} gyre__wait;

// Suspends the running coroutine until gyre__wake. Returns wait->result; GYRE_ECANCELED at once
// when the coroutine is cancelled and not shielded; -EPERM outside a coroutine of this loop.
int gyre__park(gyre_loop *loop, gyre__wait *wait);

// Lets a parked coroutine go on, as a task, with `result`. Once for each park.
void gyre__wake(gyre__wait *wait, int result);

// As gyre_spawn_with, on one of the library's own small stacks (64 KiB).
gyre_future *gyre__spawn_small(gyre_loop *loop, const gyre_future_type *type, gyre__body body,
                               const gyre_spawn_opts *opts);

// Marks a coroutine as cancelled and cancels what it waits for, unless it is shielded. For those
// who hold no reference to its future.
void gyre__coro_cancel(gyre_coro *coro);

#endif
