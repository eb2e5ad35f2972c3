// Memory through the caller's allocator; never asserts on failure.
#ifndef GYRE_BASE_ALLOC_H
#define GYRE_BASE_ALLOC_H

#include "base/base.h"

#include <stdarg.h>

// The allocator of the C library: what every loop uses unless told otherwise.
extern const gyre_allocator gyre__allocator_default;

// `size` bytes, not cleared; NULL when there are none. size > 0.
static inline void *gyre__alloc(const gyre_allocator *alloc, size_t size)
{
    return alloc->resize(alloc->ctx, NULL, size);
}

// `size` bytes, cleared; NULL when there are none. size > 0.
void *gyre__alloc_zero(const gyre_allocator *alloc, size_t size);

// Moves `ptr` (or NULL) to a block of `count` times `size` bytes; NULL, with `ptr` untouched,
// when there are none, the product overflows or is 0.
void *gyre__realloc_array(const gyre_allocator *alloc, void *ptr, size_t count, size_t size);

// Frees; NULL is fine.
static inline void gyre__free(const gyre_allocator *alloc, void *ptr)
{
    if (ptr) alloc->resize(alloc->ctx, ptr, 0);
}

// A zero-terminated copy of a view; NULL when there is no memory.
char *gyre__copy_text(const gyre_allocator *alloc, gyre_view text);

// A zero-terminated text in the manner of printf; NULL when there is no memory.
char *gyre__format(const gyre_allocator *alloc, const char *format, ...) GYRE_PRINTF(2, 3);

// The same with its arguments in a list, which is used up.
char *gyre__vformat(const gyre_allocator *alloc, const char *format, va_list args)
    GYRE_PRINTF(2, 0);

#endif
