// The vocabulary of the library: views, durations, the allocator hook, attributes.
//
// Everything here is a plain value; nothing knows of files, time or sockets.
#ifndef GYRE_BASE_BASE_H
#define GYRE_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GYRE_EXTERN_C_BEGIN extern "C" {
#define GYRE_EXTERN_C_END   }
#else
#define GYRE_EXTERN_C_BEGIN
#define GYRE_EXTERN_C_END
#endif

#if defined(__GNUC__)
#define GYRE_MUST_USE __attribute__((warn_unused_result))
#define GYRE_PRINTF(format_index, first_arg) \
    __attribute__((format(printf, format_index, first_arg)))
#else
#define GYRE_MUST_USE
#define GYRE_PRINTF(format_index, first_arg)
#endif

GYRE_EXTERN_C_BEGIN

// ---- Version -------------------------------------------------------------------------------

#define GYRE_VERSION_MAJOR 0
#define GYRE_VERSION_MINOR 1
#define GYRE_VERSION_PATCH 0

// ---- Text and bytes ------------------------------------------------------------------------

// Bytes that somebody else owns. Travels by value; never zero-terminated unless said.
// {NULL, 0} is the empty view. How long the bytes live is said where the view is handed out.
typedef struct gyre_view {
    const char *ptr;
    size_t len;
} gyre_view;

// A view of a string literal, without counting at run time: GYRE_VIEW("\r\n").
#ifdef __cplusplus
#define GYRE_VIEW(literal) (gyre_view{"" literal, sizeof(literal) - 1})
#else
#define GYRE_VIEW(literal) ((gyre_view){"" literal, sizeof(literal) - 1})
#endif

// The two arguments of printf's "%.*s" for a view.
#define GYRE_FMT(view) (int)(view).len, (view).ptr

// Makes a view of a zero-terminated string; NULL gives the empty view.
// Ownership: borrows `text`. Blocks: never. Thread: any.
gyre_view gyre_view_of(const char *text);

// Says whether two views hold the same bytes.
// Blocks: never. Thread: any.
bool gyre_view_equal(gyre_view a, gyre_view b);

// Says whether two views hold the same bytes when ASCII letters are compared without case
// (field names, schemes, hosts: RFC 9110 section 5.1, RFC 3986 section 6.2.2.1).
// Blocks: never. Thread: any.
bool gyre_view_equal_nocase(gyre_view a, gyre_view b);

// Writes the SHA-256 of some bytes (FIPS 180-4) as 64 lower-case hexadecimal digits and a zero.
// Blocks: never, but takes time in proportion to the bytes. Thread: any.
void gyre_sha256(gyre_view bytes, char hex[65]);

// ---- Time ----------------------------------------------------------------------------------

typedef int64_t gyre_duration; // nanoseconds
typedef int64_t gyre_time;     // nanoseconds on the monotonic clock; only differences mean anything

#define GYRE_NS(n)      ((gyre_duration)(n))
#define GYRE_US(n)      ((gyre_duration)(n)*1000)
#define GYRE_MS(n)      ((gyre_duration)(n)*1000000)
#define GYRE_SECONDS(n) ((gyre_duration)(n)*1000000000)

// In options 0 means "the default"; these say the rest. Any other negative is -EINVAL.
#define GYRE_NONE      (-1)      // zero, or never: no redirects, no idle connections, at once
#define GYRE_FOREVER   INT64_MAX // a duration without end
#define GYRE_UNLIMITED INT64_MAX // a size or count without limit

// ---- Embedded leaves --------------------------------------------------------------------------

// Two pointers by which a leaf hangs in a list of the library; private, NULL while idle.
typedef struct gyre__node {
    struct gyre__node *next;
    struct gyre__node *prev;
} gyre__node;

// From an embedded leaf (timer, watch, task) to the struct that holds it.
#define GYRE_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

// ---- Memory --------------------------------------------------------------------------------

// Where a loop and all that hangs on it take their memory from: one function in the manner of
// realloc(3). resize(ctx, NULL, n) allocates n bytes, resize(ctx, p, 0) frees p and returns NULL,
// anything else moves p to a block of n bytes. NULL for n > 0 means "no memory": the operation
// that asked fails with -ENOMEM and the loop goes on. Blocks are aligned for any type. Called on
// the loop's thread and on each that settles or releases a gyre_promise of the loop: with such
// threads it must be as safe as realloc(3) is.
typedef struct gyre_allocator {
    void *(*resize)(void *ctx, void *ptr, size_t size);
    void *ctx;
} gyre_allocator;

GYRE_EXTERN_C_END

#endif
