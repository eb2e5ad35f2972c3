// Long chains of waits: flat stack, no memory, nobody starves.
#include "test/coro/loop.h"

#include <unistd.h>

#if defined(GYRE__TSAN)
enum { AWAITS = 1000000, CHILDREN = 1000 }; // a fiber takes ThreadSanitizer most of a millisecond
#else
enum { AWAITS = 1000000, CHILDREN = 50000 };
#endif

struct chain {
    gyre_int_future done;
    uintptr_t lowest, highest; // addresses of the waiting frame
    unsigned long calls;       // of the allocator, after the first awaits
};

static int await_done_futures(gyre_coro *self, void *arg)
{
    (void)self;
    struct chain *chain = arg;
    for (int i = 0; i < AWAITS; i++) {
        char here;
        uintptr_t at = (uintptr_t)&here;
        if (i == 0 || at < chain->lowest) chain->lowest = at;
        if (at > chain->highest) chain->highest = at;
        if (i == 10) chain->calls = memory.calls;
        int err = gyre_await(gyre_retain(chain->done));
        if (err != (i == 0 ? 0 : GYRE_ETAKEN)) return -EFAULT; // the value is there once
    }
    chain->calls = memory.calls - chain->calls;
    return 0;
}

static int give_seven(gyre_coro *self, void *arg)
{
    (void)arg;
    int seven = 7;
    return gyre_give(self, &seven);
}

static void coro_million_awaits_of_done_futures_keep_the_stack_flat(void **state)
{
    (void)state;
    struct chain chain = {.done = gyre_spawn(gyre_int, loop, give_seven, NULL)};
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_done_futures, &chain)), 0);
    assert_int_equal(chain.highest - chain.lowest, 0);
    assert_int_equal(chain.calls, 0);
    gyre_release(chain.done);
}

static int await_children(gyre_coro *self, void *arg)
{
    (void)self;
    struct chain *chain = arg;
    for (int i = 0; i < CHILDREN; i++) {
        char here;
        uintptr_t at = (uintptr_t)&here;
        int value = 0;
        if (i == 0 || at < chain->lowest) chain->lowest = at;
        if (at > chain->highest) chain->highest = at;
        int err = gyre_await(gyre_spawn(gyre_int, loop, give_seven, NULL), &value);
        if (err || value != 7) return err ? err : -EFAULT;
    }
    return 0;
}

static void coro_awaits_of_children_that_never_waited_keep_the_stack_flat(void **state)
{
    (void)state;
    struct chain chain = {0};
    size_t before = memory.live_bytes;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_children, &chain)), 0);
    assert_int_equal(chain.highest - chain.lowest, 0);
    assert_true(memory.live_bytes <= before + 8192); // the first slab's table
}

// ---- Nobody starves -------------------------------------------------------------------------

static bool enough;

static int spin(gyre_coro *self, void *arg)
{
    int err = 0;
    while (!enough && !err) {
        if (strlen(trace) < 16) note(arg);
        err = gyre_await(gyre_sleep(gyre_coro_loop(self), 0));
    }
    return err;
}

static void on_byte(gyre_loop *of, gyre_watch *watch, unsigned events)
{
    (void)of, (void)events;
    note("io");
    gyre_watch_stop(watch);
}

static void on_time(gyre_loop *of, gyre_timer *timer)
{
    (void)of, (void)timer;
    note("timer");
    enough = true;
}

static void coro_spinners_alternate_and_starve_neither_io_nor_timers(void **state)
{
    (void)state;
    clock_virtual_stop(); // a spinner's waits do not move virtual time
    int pipe_ends[2];
    assert_int_equal(pipe2(pipe_ends, 0), 0);
    gyre_watch watch = {0};
    gyre_timer timer = {0};
    enough = false;
    gyre_void_future a = gyre_spawn(gyre_void, loop, spin, "a");
    gyre_void_future b = gyre_spawn(gyre_void, loop, spin, "b");
    assert_int_equal(gyre_watch_start(loop, &watch, pipe_ends[0], GYRE_READABLE, on_byte), 0);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    gyre_timer_start(loop, &timer, GYRE_MS(20), on_time);
    assert_int_equal(gyre_run(a), 0);
    assert_int_equal(gyre_run(b), 0);
    const char *io = strstr(trace, " io");
    assert_non_null(io);
    assert_non_null(strstr(trace, "timer"));
    memmove((char *)(uintptr_t)io, io + 3, strlen(io + 3) + 1);
    trace[13] = '\0';
    assert_string_equal(trace, "a b a b a b a");
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

TESTS(TEST(coro_million_awaits_of_done_futures_keep_the_stack_flat),
      TEST(coro_awaits_of_children_that_never_waited_keep_the_stack_flat),
      TEST(coro_spinners_alternate_and_starve_neither_io_nor_timers))
