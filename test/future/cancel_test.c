// Cancel: synchronous, down to the leaf, at every level of nesting.
#include "test/future/rig.h"

static void cancel_is_done_when_it_returns(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    assert_true(gyre_cancel(op.future));
    assert_int_equal(op.cancels, 1);
    assert_int_equal(gyre_future_state(op.future), GYRE_CANCELED);
    assert_false(op_resolve(&op));
    assert_int_equal(gyre_run(op.future), GYRE_ECANCELED);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void cancelling_a_settled_future_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value;
    rig_open(&rig);
    op_done(&rig, &op);
    assert_false(gyre_cancel(op.future));
    assert_int_equal(gyre_future_state(op.future), GYRE_DONE);
    assert_int_equal(gyre_run(op.future, &value), 0);
    assert_int_equal(op.cancels, 0);
    rig_close(&rig);
}

// The promise was settled first, but its result is still under way to the loop.
static void cancelling_after_the_result_won_says_false(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value = NULL;
    rig_open(&rig);
    op_begin(&rig, &op);
    assert_true(op_resolve(&op));
    assert_false(gyre_cancel(op.future));
    assert_int_equal(op.cancels, 0);
    assert_int_equal(gyre_future_state(op.future), GYRE_DONE);
    assert_int_equal(gyre_run(op.future, &value), 0);
    assert_ptr_equal(value, &op);
    turns(&rig);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void cancel_reaches_the_leaf_through_every_combinator(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    gyre_void_future sleeps[2] = {
        gyre_with_timeout(gyre_sleep(rig.loop, GYRE_SECONDS(5)), GYRE_SECONDS(9)),
        gyre_with_timeout(gyre_sleep(rig.loop, GYRE_SECONDS(6)), GYRE_SECONDS(9))};
    gyre_void_future any = gyre_any(rig.loop, sleeps, 2, NULL);
    gyre_pointer_future ops[3];
    for (int i = 0; i < 3; i++) ops[i] = gyre_with_timeout(op_begin(&rig, &op[i]), GYRE_SECONDS(7));
    gyre_void_future both[2] = {any, gyre_all(rig.loop, ops, 3)};
    gyre_void_future all = gyre_all(rig.loop, both, 2);
    assert_true(gyre_cancel(all));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(op[i].cancels, 1);
        gyre_promise_release(op[i].promise);
    }
    assert_int_equal(gyre_future_state(all), GYRE_CANCELED);
    gyre_release(all);
    assert_int_equal(rig_live(&rig), 0); // every timer and future is gone already
    assert_int_equal(rig.lines, 0);
    rig_close(&rig);
}

static void cancelling_a_combinator_spares_what_others_hold(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value;
    rig_open(&rig);
    gyre_pointer_future kept = gyre_retain(op_begin(&rig, &op));
    gyre_void_future all = gyre_all(rig.loop, &op.future, 1);
    gyre_cancel(all);
    gyre_release(all);
    assert_int_equal(op.cancels, 0);
    op_resolve(&op);
    assert_int_equal(gyre_run(kept, &value), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- In one tick -------------------------------------------------------------------------------

struct tick {
    struct rig *rig;
    gyre_timer timer;
    gyre_void_future sleep;
    bool canceled;
};

static void on_tick(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct tick *tick = GYRE_CONTAINER_OF(timer, struct tick, timer);
    tick->canceled = gyre_cancel(tick->sleep);
}

static int sleep_and_cancel(struct rig *rig, bool cancel_first, bool *canceled)
{
    struct tick tick = {.rig = rig};
    if (cancel_first) gyre_timer_start(rig->loop, &tick.timer, GYRE_MS(5), on_tick);
    tick.sleep = gyre_sleep(rig->loop, GYRE_MS(5));
    if (!cancel_first) gyre_timer_start(rig->loop, &tick.timer, GYRE_MS(5), on_tick);
    struct seen seen = {.rig = rig};
    gyre_then(gyre_retain(tick.sleep), on_void, &seen);
    clock_advance(GYRE_MS(6));
    turns(rig);
    assert_int_equal(seen.calls, 1);
    gyre_release(tick.sleep);
    *canceled = tick.canceled;
    return seen.err;
}

static void cancel_and_completion_in_one_tick_give_one_outcome(void **state)
{
    (void)state;
    struct rig rig;
    bool canceled;
    rig_open(&rig);
    assert_int_equal(sleep_and_cancel(&rig, true, &canceled), GYRE_ECANCELED);
    assert_true(canceled);
    assert_int_equal(sleep_and_cancel(&rig, false, &canceled), 0);
    assert_false(canceled);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- What an operation may do while it is undone -----------------------------------------------

struct tangle {
    gyre_pointer_future outer; // released from inside; or null
    gyre_void_future all;
    gyre_int_promise promise;
    int cancels;
};

static void lets_the_outer_go(void *arg)
{
    struct tangle *tangle = arg;
    tangle->cancels++;
    gyre_promise_release(tangle->promise);
    if (tangle->outer.untyped) gyre_release(tangle->outer);
    if (tangle->all.untyped) gyre_release(tangle->all);
}

static const gyre_future_ops tangle_ops = {.cancel = lets_the_outer_go};

static void an_operation_undone_by_a_deadline_may_release_the_outer_future(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct tangle tangle = {0};
    gyre_int_future f;
    tangle.promise = gyre_promise_new(gyre_int, rig.loop, &f, &tangle_ops, &tangle);
    gyre_int_future outer = gyre_with_timeout(f, GYRE_MS(1));
    tangle.outer.untyped = outer.untyped;
    clock_advance(GYRE_MS(2));
    turns(&rig);
    assert_int_equal(tangle.cancels, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_loser_may_release_the_any_that_cancels_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct tangle tangle[2] = {{.cancels = 0}, {.cancels = 0}};
    int value = 4;
    gyre_int_future f[3];
    gyre_int_promise winner = gyre_promise_new(gyre_int, rig.loop, &f[0], NULL, NULL);
    for (int i = 0; i < 2; i++)
        tangle[i].promise =
            gyre_promise_new(gyre_int, rig.loop, &f[i + 1], &tangle_ops, &tangle[i]);
    tangle[0].outer.untyped = gyre_any(rig.loop, f, 3, NULL).untyped;
    gyre_promise_resolve(winner, &value);
    gyre_promise_release(winner);
    turns(&rig);
    assert_int_equal(tangle[0].cancels + tangle[1].cancels, 2);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_part_may_release_the_all_that_is_cancelled(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct tangle tangle[2] = {{.cancels = 0}, {.cancels = 0}};
    gyre_int_future f[2];
    for (int i = 0; i < 2; i++)
        tangle[i].promise = gyre_promise_new(gyre_int, rig.loop, &f[i], &tangle_ops, &tangle[i]);
    gyre_void_future all = gyre_all(rig.loop, f, 2);
    tangle[0].all = all;
    assert_true(gyre_cancel(all));
    assert_int_equal(tangle[0].cancels + tangle[1].cancels, 2);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(cancel_is_done_when_it_returns),
      cmocka_unit_test(cancelling_a_settled_future_changes_nothing),
      cmocka_unit_test(cancelling_after_the_result_won_says_false),
      cmocka_unit_test(cancel_reaches_the_leaf_through_every_combinator),
      cmocka_unit_test(cancelling_a_combinator_spares_what_others_hold),
      cmocka_unit_test(cancel_and_completion_in_one_tick_give_one_outcome),
      cmocka_unit_test(an_operation_undone_by_a_deadline_may_release_the_outer_future),
      cmocka_unit_test(a_loser_may_release_the_any_that_cancels_it),
      cmocka_unit_test(a_part_may_release_the_all_that_is_cancelled))
