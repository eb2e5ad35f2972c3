// Deadlines.
#include "test/future/rig.h"

static void a_deadline_that_passes_cancels_the_operation(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    int64_t began = clock_now();
    assert_int_equal(gyre_run(gyre_with_timeout(op_begin(&rig, &op), GYRE_MS(250))),
                     GYRE_ETIMEDOUT);
    int64_t took = clock_now() - began;
    assert_true(took >= GYRE_MS(250) && took <= GYRE_MS(252));
    assert_int_equal(op.cancels, 1);
    assert_false(op_resolve(&op));
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_deadline_that_does_not_pass_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct op op, bad;
    void *value = NULL;
    rig_open(&rig);
    gyre_pointer_future f = gyre_with_timeout(op_begin(&rig, &op), GYRE_SECONDS(1));
    op_resolve(&op);
    assert_int_equal(gyre_run(f, &value), 0);
    assert_ptr_equal(value, &op);
    f = gyre_with_timeout(op_begin(&rig, &bad), GYRE_SECONDS(1));
    op_reject(&bad, -EIO, "broken");
    assert_int_equal(gyre_run(f, &value), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "broken");
    assert_int_equal(op.drops, 0);
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    clock_advance(GYRE_SECONDS(5));
    turns(&rig); // the timer is gone too
    rig_close(&rig);
}

static void an_untaken_value_behind_a_deadline_is_dropped_once(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f = gyre_with_timeout(op_begin(&rig, &a), GYRE_SECONDS(1));
    op_resolve(&a);
    turns(&rig);
    gyre_release(f);
    assert_int_equal(a.drops, 1);
    f = gyre_with_timeout(gyre_with_timeout(op_begin(&rig, &b), GYRE_SECONDS(1)), GYRE_SECONDS(2));
    op_resolve(&b);
    assert_int_equal(gyre_run(f), 0);
    assert_int_equal(b.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void forever_sets_no_deadline(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_void_future sleep = gyre_sleep(rig.loop, GYRE_SECONDS(3600));
    gyre_void_future f = gyre_with_timeout(sleep, GYRE_FOREVER);
    assert_ptr_equal(f.untyped, sleep.untyped); // nothing is put around it
    assert_int_equal(gyre_run(f), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_retained_operation_goes_on_after_its_deadline(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value = NULL;
    rig_open(&rig);
    gyre_pointer_future kept = gyre_retain(op_begin(&rig, &op));
    assert_int_equal(gyre_run(gyre_with_timeout(op.future, GYRE_MS(10))), GYRE_ETIMEDOUT);
    assert_int_equal(op.cancels, 0);
    assert_int_equal(gyre_future_state(kept), GYRE_PENDING);
    op_resolve(&op);
    assert_int_equal(gyre_run(kept, &value), 0);
    assert_ptr_equal(value, &op);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_deadline_of_zero_lets_what_is_done_through(void **state)
{
    (void)state;
    struct rig rig;
    struct op done, pending;
    rig_open(&rig);
    gyre_pointer_future f = gyre_with_timeout(op_done(&rig, &done), 0);
    assert_int_equal(gyre_run(f), 0);
    f = gyre_with_timeout(op_begin(&rig, &pending), 0);
    assert_int_equal(gyre_run(f), GYRE_ETIMEDOUT);
    gyre_promise_release(pending.promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_value_that_came_in_the_tick_of_its_deadline_is_not_lost(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    // The sleep was started first, so it is over before the deadline of the same time passes.
    gyre_void_future f = gyre_with_timeout(gyre_sleep(rig.loop, GYRE_MS(5)), GYRE_MS(5));
    assert_int_equal(gyre_run(f), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_deadline_of_a_future_that_somebody_waits_for_is_busy(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(gyre_retain(op_begin(&rig, &op)), on_pointer, &seen);
    assert_int_equal(gyre_run(gyre_with_timeout(op.future, GYRE_MS(5))), GYRE_EBUSY);
    assert_int_equal(op.cancels, 0);
    op_resolve(&op);
    turns(&rig);
    assert_ptr_equal(seen.value, &op);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_deadline_of_a_taken_value_says_taken(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_done(&rig, &op);
    assert_int_equal(gyre_run(gyre_retain(op.future)), 0);
    assert_int_equal(gyre_run(gyre_with_timeout(op.future, GYRE_MS(5))), GYRE_ETAKEN);
    assert_int_equal(op.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// The inner deadline is the nearer one, then the outer.
static void of_two_deadlines_the_nearer_counts(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    for (int i = 0; i < 2; i++) {
        gyre_duration inner = i ? GYRE_MS(30) : GYRE_MS(300),
                      outer = i ? GYRE_MS(300) : GYRE_MS(30);
        int64_t began = clock_now();
        gyre_pointer_future f =
            gyre_with_timeout(gyre_with_timeout(op_begin(&rig, &op), inner), outer);
        assert_int_equal(gyre_run(f), GYRE_ETIMEDOUT);
        assert_true(clock_now() - began < GYRE_MS(35));
        assert_int_equal(op.cancels, 1);
        gyre_promise_release(op.promise);
    }
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_deadline_that_passes_cancels_the_operation),
      cmocka_unit_test(a_deadline_that_does_not_pass_changes_nothing),
      cmocka_unit_test(an_untaken_value_behind_a_deadline_is_dropped_once),
      cmocka_unit_test(forever_sets_no_deadline),
      cmocka_unit_test(a_retained_operation_goes_on_after_its_deadline),
      cmocka_unit_test(a_deadline_of_zero_lets_what_is_done_through),
      cmocka_unit_test(a_value_that_came_in_the_tick_of_its_deadline_is_not_lost),
      cmocka_unit_test(a_deadline_of_a_future_that_somebody_waits_for_is_busy),
      cmocka_unit_test(a_deadline_of_a_taken_value_says_taken),
      cmocka_unit_test(of_two_deadlines_the_nearer_counts))
