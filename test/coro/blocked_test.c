// The blocked-loop report names the coroutine that held the loop.
#include "test/coro/loop.h"

static int slow_body(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    clock_advance(GYRE_MS(300));
    return 0;
}

static int wait_then_slow(gyre_coro *self, void *arg)
{
    int err = gyre_await(gyre_sleep(loop, GYRE_MS(1)));
    return err ? err : slow_body(self, arg);
}

static int spawn_slow(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return gyre_await(gyre_spawn(gyre_void, loop, slow_body, NULL));
}

static void coro_that_blocks_outside_a_turn_is_reported(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, slow_body, NULL);
    assert_int_equal(gyre_future_state(future), GYRE_DONE);
    assert_non_null(strstr(logged, "loop blocked 300 ms in slow_body"));
    gyre_release(future);
}

static void coro_that_blocks_in_a_turn_is_reported(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.lazy = true};
    assert_int_equal(gyre_run(gyre_spawn_with(gyre_void, loop, slow_body, NULL, &opts)), 0);
    assert_string_equal(logged, "loop blocked 300 ms in slow_body\n");
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, wait_then_slow, NULL)), 0);
    assert_string_equal(logged, "loop blocked 300 ms in slow_body\n"
                                "loop blocked 300 ms in wait_then_slow\n");
}

static void coro_that_blocks_is_reported_under_its_own_name(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.lazy = true, .name = "the accountant"};
    assert_int_equal(gyre_run(gyre_spawn_with(gyre_void, loop, slow_body, NULL, &opts)), 0);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, spawn_slow, NULL)), 0);
    assert_string_equal(logged, "loop blocked 300 ms in the accountant\n"
                                "loop blocked 300 ms in slow_body\n");
}

static void generator_that_blocks_outside_a_turn_is_reported(void **state)
{
    (void)state;
    gyre_generator *generator;
    void *value;
    assert_int_equal(gyre_generator_open(&generator, loop, slow_body, NULL, NULL), 0);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), GYRE_EEND);
    gyre_generator_close(generator);
    assert_string_equal(logged, "loop blocked 300 ms in slow_body\n");
}

TESTS(TEST(coro_that_blocks_outside_a_turn_is_reported),
      TEST(coro_that_blocks_in_a_turn_is_reported),
      TEST(coro_that_blocks_is_reported_under_its_own_name),
      TEST(generator_that_blocks_outside_a_turn_is_reported))
