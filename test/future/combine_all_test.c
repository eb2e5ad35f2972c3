// gyre_all.
#include "test/future/rig.h"

enum { MANY = 100 };

static void all_gives_the_values_in_the_order_of_the_array(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_int_future f[MANY];
    gyre_int_promise p[MANY];
    int out[MANY] = {0};
    for (int i = 0; i < MANY; i++) p[i] = gyre_promise_new(gyre_int, rig.loop, &f[i], NULL, NULL);
    gyre_void_future all = gyre_all(rig.loop, f, MANY, out);
    for (int k = 0; k < MANY; k++) {
        int i = (k * 37) % MANY; // every one, in some other order
        int value = i * 3;
        assert_int_equal(gyre_future_state(all), GYRE_PENDING);
        gyre_promise_resolve(p[i], &value);
        gyre_promise_release(p[i]);
        if (k % 10 == 0) turns(&rig);
    }
    assert_int_equal(gyre_run(all), 0);
    for (int i = 0; i < MANY; i++) assert_int_equal(out[i], i * 3);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_fails_with_the_first_error_in_time_after_all_have_ended(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    gyre_pointer_future f[3];
    void *out[3] = {&rig, &rig, &rig};
    for (int i = 0; i < 3; i++) f[i] = op_begin(&rig, &op[i]);
    gyre_void_future all = gyre_all(rig.loop, f, 3, out);
    op_reject(&op[2], -EIO, "the third was first");
    turns(&rig);
    assert_int_equal(gyre_future_state(all), GYRE_PENDING);
    op_resolve(&op[1]);
    op_reject(&op[0], -EPIPE, "late");
    assert_int_equal(gyre_run(all), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "the third was first");
    for (int i = 0; i < 3; i++) assert_ptr_equal(out[i], &rig); // untouched
    assert_int_equal(op[1].drops, 1);
    assert_int_equal(rig.lines, 1);
    assert_non_null(strstr(rig.log, "late"));
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_of_nought_is_done(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_int_future none[1];
    int out[1];
    assert_int_equal(gyre_run(gyre_all(rig.loop, none, 0)), 0);
    assert_int_equal(gyre_run(gyre_all(rig.loop, none, 0, out)), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_of_the_same_future_twice_is_busy(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    gyre_pointer_future f[2] = {op.future, gyre_retain(op.future)};
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 2)), GYRE_EBUSY);
    assert_int_equal(op.cancels, 1);
    gyre_promise_release(op.promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_of_a_future_that_somebody_waits_for_is_busy(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(gyre_retain(op_begin(&rig, &a)), on_pointer, &seen);
    gyre_pointer_future f[2] = {op_begin(&rig, &b), a.future};
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 2)), GYRE_EBUSY);
    assert_int_equal(b.cancels, 1);
    gyre_promise_release(b.promise);
    op_resolve(&a);
    turns(&rig);
    assert_ptr_equal(seen.value, &a);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_of_a_taken_value_says_taken_and_drops_the_others(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_done(&rig, &a), op_done(&rig, &b)};
    void *out[2] = {NULL, NULL};
    assert_int_equal(gyre_run(gyre_retain(a.future)), 0);
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 2, out)), GYRE_ETAKEN);
    assert_null(out[1]);
    assert_int_equal(b.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void all_without_out_drops_every_value(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_done(&rig, &a), op_begin(&rig, &b)};
    op_resolve(&b);
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 2)), 0);
    assert_int_equal(a.drops, 1);
    assert_int_equal(b.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void combining_futures_of_two_loops_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_loop *other;
    gyre_loop_opts opts = rig_opts(&rig);
    assert_int_equal(gyre_loop_open(&other, &opts), 0);
    gyre_void_future f[2] = {gyre_sleep(rig.loop, 1), gyre_sleep(other, 1)};
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 2)), GYRE_ELOOP);
    gyre_void_future g[2] = {gyre_sleep(rig.loop, 1), gyre_sleep(other, 1)};
    assert_int_equal(gyre_run(gyre_any(rig.loop, g, 2, NULL)), GYRE_ELOOP);
    assert_int_equal(gyre_loop_close(other), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// A list of three fetches, as main11: together as long as the slowest.
static void all_takes_as_long_as_the_slowest(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int64_t began = clock_now();
    gyre_void_future f[3] = {gyre_sleep(rig.loop, GYRE_MS(300)), gyre_sleep(rig.loop, GYRE_MS(100)),
                             gyre_sleep(rig.loop, GYRE_MS(200))};
    assert_int_equal(gyre_run(gyre_all(rig.loop, f, 3)), 0);
    int64_t took = clock_now() - began;
    assert_true(took >= GYRE_MS(300) && took < GYRE_MS(302));
    rig_close(&rig);
}

static struct {
    gyre_void_future all;
} drops;

static void drop_releases_all(void *value)
{
    (void)value;
    if (drops.all.untyped) gyre_release(drops.all);
    drops.all.untyped = NULL;
}

static void a_drop_inside_an_all_may_release_the_all(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    static const gyre_future_ops ops = {.drop = drop_releases_all};
    gyre_int_future f[3];
    gyre_int_promise p[3];
    for (int i = 0; i < 3; i++) p[i] = gyre_promise_new(gyre_int, rig.loop, &f[i], &ops, NULL);
    drops.all = gyre_all(rig.loop, f, 3);
    for (int i = 0; i < 3; i++) {
        gyre_promise_resolve(p[i], &i);
        gyre_promise_release(p[i]);
    }
    turns(&rig);
    assert_null(drops.all.untyped);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static gyre_void_future all_to_cancel;
static int drops_that_cancel;

static void drop_and_cancel(void *value)
{
    (void)value;
    drops_that_cancel++;
    gyre_cancel(all_to_cancel);
}

// It let go of the parts that it was about to take.
static void a_drop_inside_an_all_may_cancel_the_all(void **state)
{
    (void)state;
    static const gyre_future_ops ops = {.drop = drop_and_cancel};
    struct rig rig;
    rig_open(&rig);
    gyre_int_future f[2];
    gyre_int_promise p[2];
    for (int i = 0; i < 2; i++) p[i] = gyre_promise_new(gyre_int, rig.loop, &f[i], &ops, NULL);
    all_to_cancel = gyre_all(rig.loop, f, 2);
    for (int i = 0; i < 2; i++) {
        gyre_promise_resolve(p[i], &i);
        gyre_promise_release(p[i]);
    }
    turns(&rig);
    assert_int_equal(drops_that_cancel, 2);
    assert_int_equal(gyre_run(all_to_cancel), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(all_gives_the_values_in_the_order_of_the_array),
      cmocka_unit_test(all_fails_with_the_first_error_in_time_after_all_have_ended),
      cmocka_unit_test(all_of_nought_is_done),
      cmocka_unit_test(all_of_the_same_future_twice_is_busy),
      cmocka_unit_test(all_of_a_future_that_somebody_waits_for_is_busy),
      cmocka_unit_test(all_of_a_taken_value_says_taken_and_drops_the_others),
      cmocka_unit_test(all_without_out_drops_every_value),
      cmocka_unit_test(combining_futures_of_two_loops_is_refused),
      cmocka_unit_test(all_takes_as_long_as_the_slowest),
      cmocka_unit_test(a_drop_inside_an_all_may_release_the_all),
      cmocka_unit_test(a_drop_inside_an_all_may_cancel_the_all))
