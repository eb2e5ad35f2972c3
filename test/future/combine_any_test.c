// gyre_any.
#include "test/future/rig.h"

static void any_gives_the_first_value_and_cancels_the_losers(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    gyre_pointer_future f[3];
    for (int i = 0; i < 3; i++) f[i] = op_begin(&rig, &op[i]);
    size_t index = 9;
    void *value = NULL;
    gyre_pointer_future any = gyre_any(rig.loop, f, 3, &index);
    op_resolve(&op[1]);
    assert_int_equal(gyre_run(any, &value), 0);
    assert_ptr_equal(value, &op[1]);
    assert_int_equal(index, 1);
    assert_int_equal(op[0].cancels + op[2].cancels, 2);
    assert_int_equal(op[1].drops, 0);
    assert_int_equal(rig.lines, 0);
    gyre_promise_release(op[0].promise);
    gyre_promise_release(op[2].promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void any_passes_over_failures_silently(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    gyre_pointer_future f[3];
    for (int i = 0; i < 3; i++) f[i] = op_begin(&rig, &op[i]);
    size_t index = 9;
    void *value = NULL;
    gyre_pointer_future any = gyre_any(rig.loop, f, 3, &index);
    op_reject(&op[0], -EIO, "one");
    op_reject(&op[1], -EPIPE, "two");
    turns(&rig);
    assert_int_equal(gyre_future_state(any), GYRE_PENDING);
    assert_int_equal(index, 9);
    op_resolve(&op[2]);
    assert_int_equal(gyre_run(any, &value), 0);
    assert_int_equal(index, 2);
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void any_of_failures_gives_the_last_error(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    gyre_pointer_future f[3];
    for (int i = 0; i < 3; i++) f[i] = op_begin(&rig, &op[i]);
    size_t index = 9;
    gyre_pointer_future any = gyre_any(rig.loop, f, 3, &index);
    op_reject(&op[2], -EIO, "third");
    op_reject(&op[0], -EPIPE, "first");
    op_reject(&op[1], -ECONNREFUSED, "second");
    assert_int_equal(gyre_run(any), -ECONNREFUSED);
    assert_string_equal(gyre_why_last(rig.loop), "second");
    assert_int_equal(index, 1);
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void any_of_nought_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_int_future none[1];
    assert_int_equal(gyre_run(gyre_any(rig.loop, none, 0, NULL)), -EINVAL);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_value_that_came_second_is_dropped(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_done(&rig, &a), op_done(&rig, &b)};
    void *value = NULL;
    assert_int_equal(gyre_run(gyre_any(rig.loop, f, 2, NULL), &value), 0);
    assert_ptr_equal(value, &a);
    assert_int_equal(a.drops, 0);
    assert_int_equal(b.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void an_untaken_value_of_any_is_dropped_as_its_producer_said(void **state)
{
    (void)state;
    struct rig rig;
    struct op a;
    rig_open(&rig);
    gyre_pointer_future any =
        gyre_any(rig.loop, &(gyre_pointer_future){op_done(&rig, &a).untyped}, 1, NULL);
    turns(&rig);
    assert_int_equal(gyre_future_state(any), GYRE_DONE);
    assert_int_equal(a.drops, 0);
    gyre_release(any);
    assert_int_equal(a.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void cancelling_any_cancels_all_of_it(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[2];
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_begin(&rig, &op[0]), op_begin(&rig, &op[1])};
    size_t index = 9;
    gyre_pointer_future any = gyre_any(rig.loop, f, 2, &index);
    assert_true(gyre_cancel(any));
    assert_int_equal(op[0].cancels + op[1].cancels, 2);
    assert_int_equal(gyre_run(any), GYRE_ECANCELED);
    assert_int_equal(index, 9);
    for (int i = 0; i < 2; i++) gyre_promise_release(op[i].promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_loser_that_others_hold_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future kept = gyre_retain(op_begin(&rig, &b));
    gyre_pointer_future f[2] = {op_begin(&rig, &a), b.future};
    gyre_pointer_future any = gyre_any(rig.loop, f, 2, NULL);
    op_resolve(&a);
    assert_int_equal(gyre_run(any), 0);
    assert_int_equal(b.cancels, 0);
    op_resolve(&b);
    void *value = NULL;
    assert_int_equal(gyre_run(kept, &value), 0);
    assert_ptr_equal(value, &b);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void the_fastest_of_three_sleeps_decides(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int64_t began = clock_now();
    gyre_void_future f[3] = {gyre_sleep(rig.loop, GYRE_MS(300)), gyre_sleep(rig.loop, GYRE_MS(100)),
                             gyre_sleep(rig.loop, GYRE_MS(200))};
    size_t index = 9;
    assert_int_equal(gyre_run(gyre_any(rig.loop, f, 3, &index)), 0);
    assert_int_equal(index, 1);
    assert_true(clock_now() - began < GYRE_MS(102));
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static gyre_pointer_future any_to_cancel;

static void cancel_any(void *arg)
{
    (void)arg;
    gyre_cancel(any_to_cancel);
}

// The value of the winner had been taken out for it, and was dropped by nobody.
static void any_that_a_loser_cancels_drops_the_value(void **state)
{
    (void)state;
    static const gyre_future_ops cancels_any = {.cancel = cancel_any};
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_begin(&rig, &op)};
    gyre_pointer_promise loser =
        gyre_promise_new(gyre_pointer, rig.loop, &f[1], &cancels_any, NULL);
    any_to_cancel = gyre_any(rig.loop, f, 2, NULL);
    op_resolve(&op);
    turns(&rig);
    assert_int_equal(gyre_future_state(any_to_cancel), GYRE_CANCELED);
    gyre_release(any_to_cancel);
    gyre_promise_release(loser);
    assert_int_equal(op.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(any_gives_the_first_value_and_cancels_the_losers),
      cmocka_unit_test(any_passes_over_failures_silently),
      cmocka_unit_test(any_of_failures_gives_the_last_error),
      cmocka_unit_test(any_of_nought_is_refused),
      cmocka_unit_test(a_value_that_came_second_is_dropped),
      cmocka_unit_test(an_untaken_value_of_any_is_dropped_as_its_producer_said),
      cmocka_unit_test(cancelling_any_cancels_all_of_it),
      cmocka_unit_test(a_loser_that_others_hold_goes_on),
      cmocka_unit_test(the_fastest_of_three_sleeps_decides),
      cmocka_unit_test(any_that_a_loser_cancels_drops_the_value))
