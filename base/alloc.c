// Memory through the caller's allocator.
//
// Sizes are computed here with overflow checked, and never reach the hook as 0 by accident:
// resize(ctx, ptr, 0) frees, so a product that is 0 would free what the caller still holds.
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *resize_default(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size) return realloc(ptr, size);
    free(ptr);
    return NULL;
}

const gyre_allocator gyre__allocator_default = {resize_default, NULL};

void *gyre__alloc_zero(const gyre_allocator *alloc, size_t size)
{
    void *block = gyre__alloc(alloc, size);
    if (block) memset(block, 0, size);
    return block;
}

void *gyre__realloc_array(const gyre_allocator *alloc, void *ptr, size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size) return NULL;
    return alloc->resize(alloc->ctx, ptr, count * size);
}

char *gyre__copy_text(const gyre_allocator *alloc, gyre_view text)
{
    if (text.len == SIZE_MAX) return NULL;
    char *copy = gyre__alloc(alloc, text.len + 1);
    if (!copy) return NULL;
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

char *gyre__vformat(const gyre_allocator *alloc, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    // Negative: beyond INT_MAX, or wide characters that the locale has not. Nothing to allocate.
    char *text = len < 0 ? NULL : gyre__alloc(alloc, (size_t)len + 1);
    if (text) vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *gyre__format(const gyre_allocator *alloc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = gyre__vformat(alloc, format, args);
    va_end(args);
    return text;
}
