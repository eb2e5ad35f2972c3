// Tells ASan, TSan and valgrind of stacks and switches; nothing in plain builds.
//
// A switch is announced before it on the stack that is left, and completed after it on the stack
// that is reached. Each side of a coroutine has a gyre__fiber; plain builds leave both empty, so
// that the switch stays the last act of its caller (see switch_x86_64.S).
#ifndef GYRE_CORO_ANNOTATE_H
#define GYRE_CORO_ANNOTATE_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define GYRE__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GYRE__ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define GYRE__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GYRE__TSAN 1
#endif
#endif

#if defined(GYRE__ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(GYRE__TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define GYRE__VALGRIND 1
#endif
#endif

// One side of a switch: a coroutine's stack, or whatever resumed it.
typedef struct gyre__fiber {
    const void *bottom; // lowest address; of a resumer's stack once it has been left
    size_t size;
    void *fake_stack; // ASan's, while this side is not running
    void *tsan;
} gyre__fiber;

// ---- Stacks --------------------------------------------------------------------------------

// A stack exists from here on; the result goes to gyre__forget_stack.
static inline unsigned gyre__announce_stack(void *bottom, size_t size)
{
#if defined(GYRE__VALGRIND)
    return VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
#else
    (void)bottom, (void)size;
    return 0;
#endif
}

static inline void gyre__forget_stack(unsigned id)
{
#if defined(GYRE__VALGRIND)
    VALGRIND_STACK_DEREGISTER(id);
#else
    (void)id;
#endif
}

// This part of a stack is used anew: what the frames of its last use left poisoned does not count
// any more.
static inline void gyre__renew_stack(void *bottom, size_t size)
{
    (void)bottom, (void)size;
#if defined(GYRE__ASAN)
    ASAN_UNPOISON_MEMORY_REGION(bottom, size);
#endif
#if defined(GYRE__VALGRIND)
    VALGRIND_MAKE_MEM_UNDEFINED(bottom, size);
#endif
}

// ---- Fibers --------------------------------------------------------------------------------

static inline void gyre__fiber_open(gyre__fiber *fiber, const void *bottom, size_t size)
{
    *fiber = (gyre__fiber){bottom, size, NULL, NULL};
#if defined(GYRE__TSAN)
    fiber->tsan = __tsan_create_fiber(0);
#endif
}

static inline void gyre__fiber_close(gyre__fiber *fiber)
{
#if defined(GYRE__TSAN)
    if (fiber->tsan) __tsan_destroy_fiber(fiber->tsan);
#endif
    fiber->tsan = NULL;
}

// `from` is about to be left for `to`; `for_good` when it will not come back.
static inline void gyre__before_switch(gyre__fiber *from, gyre__fiber *to, bool for_good)
{
#if defined(GYRE__ASAN)
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->bottom, to->size);
#endif
#if defined(GYRE__TSAN)
    from->tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    (void)from, (void)to, (void)for_good;
}

// `here` runs again (or for the first time); it was reached from `before`.
static inline void gyre__after_switch(gyre__fiber *here, gyre__fiber *before)
{
#if defined(GYRE__ASAN)
    __sanitizer_finish_switch_fiber(here->fake_stack, &before->bottom, &before->size);
#endif
    (void)here, (void)before;
}

#endif
