// The coroutine's own struct, its stack and the floor's state; private to coro/.
#ifndef GYRE_CORO_IMPL_H
#define GYRE_CORO_IMPL_H

#include "coro/annotate.h"
#include "coro/coro_int.h"
#include "coro/switch.h"

#include <errno.h>

// ---- Stacks --------------------------------------------------------------------------------

typedef struct gyre__slab gyre__slab;

// One slot of a slab. Free slots are linked by `next`.
typedef struct gyre__stack {
    struct gyre__stack *next;
    gyre__slab *slab;
    char *base;   // lowest address, the guard's
    char *bottom; // lowest usable address
    char *top;    // staggered, so that coroutines do not share cache sets
    bool guarded;
    bool ready; // mapped, guarded and announced once
    bool cold;  // its pages have been given back
    unsigned valgrind_id;
    gyre__fiber fiber;
} gyre__stack;

enum { STACK_CLASSES = 15, SMALL_STACK = 64 << 10, USER_STACK = 256 << 10 };

// Stacks of one size: SMALL_STACK << class.
typedef struct gyre__stack_pool {
    gyre__stack *free;
    size_t warm_count; // free ones whose pages are still there
    gyre__slab *slabs;
} gyre__stack_pool;

// A stack of at least `size` bytes. Errors: -ENOMEM; GYRE_ENOGUARD unless `unguarded_ok`; -EINVAL.
int gyre__stack_take(gyre_loop *loop, size_t size, bool unguarded_ok, gyre__stack **out);
// Gives a stack back; also the one that runs at this moment, until the switch away from it. Memory
// of free stacks beyond a bound goes back to the system.
void gyre__stack_give(gyre_loop *loop, gyre__stack *stack);
void gyre__stack_unmap_all(gyre_loop *loop);
// Aborts when an unguarded stack has been overrun.
void gyre__stack_check(gyre_loop *loop, const gyre__stack *stack, const char *name);

// ---- Coroutines ----------------------------------------------------------------------------

enum { INLINE_DEFERS = 4, SHIELDS = 8 };

typedef struct gyre__defer {
    void (*fn)(void *arg);
    void *arg;
} gyre__defer;

// Lies at the top of its own stack.
struct gyre_coro {
    gyre__strand strand;
    gyre_loop *loop;
    void *sp;        // while it does not run
    void *caller_sp; // while it runs: where whoever resumed it waits
    gyre__strand *caller;
    gyre__wait *wait;          // while it is parked and nothing has woken it
    gyre_generator *generator; // or NULL
    gyre_future *future;       // NULL for generators
    gyre_task task;            // lets it go on
    gyre__node link;           // among the loop's coroutines
    gyre__body body;
    gyre__stack *stack;
    gyre__fiber caller_fiber;
    bool started;
    bool parked; // suspended by gyre__park, and not yet resumed
    bool canceled;
    bool given;    // gyre_give was called
    bool stopping; // being dropped by the close of its loop
    bool ending;   // the body is over: only defers are left
    bool fpenv;

    gyre__defer *defers; // inline_defers, or of the loop's allocator when there are more
    unsigned defer_count, defer_space;
    gyre__defer inline_defers[INLINE_DEFERS];

    unsigned shields;
    gyre_time shield_until[SHIELDS];
    gyre_timer shield_timer;
};

// What the floor hangs on a loop.
typedef struct gyre__coros {
    gyre__node live; // every gyre_coro
    gyre__node generators;
    gyre__stack_pool pools[STACK_CLASSES];
    long mapping_guards; // guards made by mprotect, which cost two mappings each
    long mapping_guards_max;
    bool no_guard_install; // the kernel does not know MADV_GUARD_INSTALL
    bool told_unguarded;
} gyre__coros;

gyre__coros *gyre__coros_of(gyre_loop *loop);

// A coroutine ready to run its body; on its own stack, of `size` bytes unless the options ask for
// more. Errors: GYRE_ECLOSED and those of gyre__stack_take.
int gyre__coro_make(gyre_loop *loop, gyre__body body, const gyre_spawn_opts *opts, size_t size,
                    gyre_coro **out);
// Frees one that has never run.
void gyre__coro_unmake(gyre_coro *coro);

// Runs a coroutine until it parks, yields or ends. `coro` may be gone then.
intptr_t gyre__coro_resume(gyre_coro *coro, intptr_t value);
// Goes back to whoever resumed this coroutine.
intptr_t gyre__coro_leave(gyre_coro *coro, intptr_t value);

// The running coroutine of this loop, or NULL.
gyre_coro *gyre__coro_here(const gyre_loop *loop);

// Drops the stack of a parked coroutine after running its defers on it.
void gyre__coro_stop(gyre_coro *coro);

// Defers and shields of an ending coroutine (cleanup.c).
void gyre__coro_run_defers(gyre_coro *coro);
bool gyre__coro_is_shielded(const gyre_coro *coro);

// What a generator hears of its body (generator.c); NULL is fine for the first two.
void gyre__generator_parked(gyre_generator *generator);
void gyre__generator_resumed(gyre_generator *generator);
void gyre__generator_ended(gyre_generator *generator, int err);
void gyre__generators_free(gyre__coros *coros);

#endif
