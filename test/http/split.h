// Inputs for parsers: at the edge of mapped memory, and cut in every way that matters.
#ifndef TEST_HTTP_SPLIT_H
#define TEST_HTTP_SPLIT_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "test/support/test.h"

// A view of a literal that may hold zero bytes.
#define TEXT(literal) ((gyre_view){"" literal, sizeof(literal) - 1})

// Memory whose last byte stands before a page that may not be touched.
struct guard {
    char *map;
    size_t usable; // bytes before the forbidden page
};

static inline struct guard guard_open(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guard guard = {.usable = (len / page + 1) * page};
    guard.map =
        mmap(NULL, guard.usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.map == MAP_FAILED || mprotect(guard.map + guard.usable, page, PROT_NONE))
        fail_msg("no guard page");
    return guard;
}

static inline void guard_close(struct guard *guard)
{
    munmap(guard->map, guard->usable + (size_t)sysconf(_SC_PAGESIZE));
}

// A copy that ends where the forbidden page begins.
static inline gyre_view guard_put(struct guard *guard, gyre_view bytes)
{
    assert_true(bytes.len <= guard->usable);
    char *to = guard->map + guard->usable - bytes.len;
    if (bytes.len > 0) memcpy(to, bytes.ptr, bytes.len);
    return (gyre_view){to, bytes.len};
}

static inline gyre_view first_bytes(gyre_view text, size_t len)
{
    return (gyre_view){text.ptr, len};
}

static inline gyre_view bytes_behind(gyre_view text, size_t len)
{
    return (gyre_view){text.ptr + len, text.len - len};
}

static inline void assert_view(gyre_view got, const char *want)
{
    if (gyre_view_equal(got, gyre_view_of(want))) return;
    fail_msg("got \"%.*s\", wanted \"%s\"", GYRE_FMT(got), want);
}

// A text in which what cannot be printed is written as \xHH; static, for messages.
static inline const char *printable(gyre_view text)
{
    static char buffer[1024];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof buffer - 8; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= 0x20 && byte < 0x7f)
            buffer[len++] = (char)byte;
        else
            len += (size_t)snprintf(buffer + len, 5, "\\x%02x", byte);
    }
    buffer[len] = '\0';
    return buffer;
}

// Random numbers that are the same in every run.
static inline uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

// ---- Cost ----------------------------------------------------------------------------------

typedef void cost_fn(void *arg, size_t n);

static inline double cost_once(cost_fn *fn, void *arg, size_t n)
{
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    fn(arg, n);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

// Fails the test unless 2n costs less than 2.5 times n. CPU time, the best of several tries in
// turn; a machine that is busy with other things gets more of them.
static inline void assert_linear(cost_fn *fn, void *arg, size_t n)
{
    double one = 1e9, two = 1e9;
    for (int i = 0; i < 20; i++) {
        double cost = cost_once(fn, arg, n);
        one = cost < one ? cost : one;
        cost = cost_once(fn, arg, 2 * n);
        two = cost < two ? cost : two;
        if (i >= 3 && two < 2.5 * one) return;
    }
    fail_msg("n costs %.3f ms, 2n %.3f ms", one * 1e3, two * 1e3);
}

#endif
