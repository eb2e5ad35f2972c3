// The loop's time while it does not run.

#include "gyre.h"
#include "test/support/clock.h"
#include "test/support/test.h"

static gyre_time fired_at;

static void note(gyre_loop *loop, gyre_timer *timer)
{
    (void)timer;
    fired_at = gyre_now(loop);
}

static void timer_started_before_the_loop_runs_counts_from_its_start(void **state)
{
    (void)state;
    clock_virtual_start();
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    clock_advance(GYRE_SECONDS(5)); // the program does something else first
    gyre_timer timer = {0};
    gyre_time started = gyre_now_exact();
    gyre_timer_start(loop, &timer, GYRE_MS(20), note);
    while (!fired_at) assert_int_equal(gyre_loop_turn(loop, GYRE_FOREVER), 0);
    assert_true(fired_at - started >= GYRE_MS(20));
    assert_int_equal(gyre_loop_close(loop), 0);
}

static gyre_duration slept;

static int sleeper(gyre_coro *self, void *arg)
{
    (void)arg;
    gyre_time began = gyre_now_exact();
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(20)));
    slept = gyre_now_exact() - began;
    return err;
}

static void sleep_of_a_coroutine_spawned_before_the_loop_runs_is_not_cut_short(void **state)
{
    (void)state;
    clock_virtual_start();
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    clock_advance(GYRE_SECONDS(5));
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, sleeper, NULL)), 0);
    assert_true(slept >= GYRE_MS(20));
    assert_int_equal(gyre_loop_close(loop), 0);
}

static void time_of_a_loop_that_does_not_run_goes_on(void **state)
{
    (void)state;
    clock_virtual_start();
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    gyre_time before = gyre_now(loop);
    clock_advance(GYRE_MS(7));
    assert_true(gyre_now(loop) - before >= GYRE_MS(7));
    assert_int_equal(gyre_loop_close(loop), 0);
}

TESTS(cmocka_unit_test(timer_started_before_the_loop_runs_counts_from_its_start),
      cmocka_unit_test(sleep_of_a_coroutine_spawned_before_the_loop_runs_is_not_cut_short),
      cmocka_unit_test(time_of_a_loop_that_does_not_run_goes_on))
