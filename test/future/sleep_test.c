// gyre_sleep.
#include "test/future/rig.h"

static void a_sleep_is_never_early_and_hardly_late(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    static const gyre_duration delays[] = {1, GYRE_US(300), GYRE_MS(1), GYRE_MS(77),
                                           GYRE_SECONDS(3600)};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        int64_t began = clock_now();
        assert_int_equal(gyre_run(gyre_sleep(rig.loop, delays[i])), 0);
        int64_t took = clock_now() - began;
        assert_true(took >= delays[i] && took <= delays[i] + GYRE_MS(1));
    }
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void sleeps_end_in_the_order_of_their_times_then_of_their_starts(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen a = {&rig, .name = "a"}, b = {&rig, .name = "b"}, c = {&rig, .name = "c"};
    gyre_then(gyre_sleep(rig.loop, GYRE_MS(20)), on_void, &a);
    gyre_then(gyre_sleep(rig.loop, GYRE_MS(10)), on_void, &b);
    gyre_then(gyre_sleep(rig.loop, GYRE_MS(10)), on_void, &c);
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(21))), 0);
    assert_string_equal(rig.trace, "b c a");
    rig_close(&rig);
}

static void ready(struct rig *rig, void *arg)
{
    (void)arg;
    trace(rig, "ready");
}

static void a_sleep_of_zero_lets_everything_ready_run_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen seen = {&rig, .name = "slept"};
    struct inside task = {.task.fn = inside_run, .fn = ready, .rig = &rig};
    gyre_then(gyre_sleep(rig.loop, 0), on_void, &seen);
    gyre_soon(rig.loop, &task.task);
    assert_int_equal(seen.calls, 0);
    turns(&rig);
    assert_int_equal(seen.calls, 1);
    assert_string_equal(rig.trace, "ready slept");
    rig_close(&rig);
}

static void a_negative_sleep_is_one_of_zero(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int64_t began = clock_now();
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, -GYRE_SECONDS(5))), 0);
    assert_int_equal(clock_now(), began);
    rig_close(&rig);
}

static void a_sleep_for_ever_ends_by_cancel_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_void_future f = gyre_sleep(rig.loop, GYRE_FOREVER);
    clock_advance(GYRE_SECONDS(86400));
    turns(&rig);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    assert_true(gyre_cancel(f));
    assert_int_equal(gyre_run(f), GYRE_ECANCELED);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// Between two gyre_run of a synchronous program the loop's clock stands still.
static void a_sleep_begun_outside_the_loop_counts_from_then(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    clock_advance(GYRE_SECONDS(1)); // the program works
    int64_t began = clock_now();
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(100))), 0);
    assert_true(clock_now() - began >= GYRE_MS(100));
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_sleep_is_never_early_and_hardly_late),
      cmocka_unit_test(sleeps_end_in_the_order_of_their_times_then_of_their_starts),
      cmocka_unit_test(a_sleep_of_zero_lets_everything_ready_run_first),
      cmocka_unit_test(a_negative_sleep_is_one_of_zero),
      cmocka_unit_test(a_sleep_for_ever_ends_by_cancel_only),
      cmocka_unit_test(a_sleep_begun_outside_the_loop_counts_from_then))
