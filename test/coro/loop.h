// What the tests of coroutines share: a loop on a counting allocator, in virtual time, whose log is
// kept; and a trace of words in the order in which things happened.
#ifndef TEST_CORO_LOOP_H
#define TEST_CORO_LOOP_H

#include "coro/annotate.h"
#include "coro/coro_int.h"
#include "test/support/clock.h"
#include "test/support/faults.h"
#include "test/support/memory.h"
#include "test/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct memory memory;
static gyre_loop *loop;
static char logged[4096];
static char trace[1024];

static void keep_line(void *arg, gyre_log_level level, const char *where, const char *text)
{
    (void)arg, (void)level, (void)where;
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof logged - len, "%s\n", text);
}

// Appends a word to the trace.
static inline void note(const char *word)
{
    size_t len = strlen(trace);
    snprintf(trace + len, sizeof trace - len, "%s%s", len ? " " : "", word);
}

static inline int open_loop(const gyre_allocator *alloc, gyre_loop **out)
{
    gyre_loop_opts opts = {.allocator = alloc, .log = keep_line};
    return gyre_loop_open(out, &opts);
}

static inline int setup(void **state)
{
    (void)state;
    logged[0] = trace[0] = '\0';
    memory_open(&memory);
    fault_reset();
    clock_virtual_start();
    return open_loop(&memory.alloc, &loop);
}

static inline void close_loop(void)
{
    assert_int_equal(gyre_loop_close(loop), 0);
    loop = NULL;
}

static inline int teardown(void **state)
{
    (void)state;
    if (loop) close_loop();
    clock_virtual_stop();
    memory_close(&memory);
    return 0;
}

// Turns the loop until nothing is queued and no timer is due within `limit` of virtual time.
static inline void pass(gyre_duration limit)
{
    for (gyre_time until = gyre_now(loop) + limit; gyre_now(loop) < until;)
        assert_int_equal(gyre_loop_turn(loop, until - gyre_now(loop)), 0);
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
}

// In a coroutine: waits for a moment; the error of it.
static inline int nap(gyre_duration time)
{
    return gyre_await(gyre_sleep(loop, time));
}

// In a coroutine: waits until it is cancelled.
static inline void wait_for_cancel(void)
{
    assert_int_equal(nap(GYRE_FOREVER), GYRE_ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
