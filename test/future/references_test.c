// The table of references: what each call does to the caller's, on every path.
//
// rig_live counts the blocks of the loop's allocator: a future that is gone has given its block
// back (debug builds keep no free list).
#include "test/future/rig.h"

static void run_consumes_the_reference_also_when_it_fails(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value;
    rig_open(&rig);
    assert_int_equal(gyre_run(op_done(&rig, &op), &value), 0);
    assert_int_equal(rig_live(&rig), 0);
    assert_int_equal(gyre_run(op_failed(&rig, &op, -EIO), &value), -EIO);
    assert_int_equal(rig_live(&rig), 0);
    op_begin(&rig, &op);
    gyre_cancel(op.future);
    gyre_promise_release(op.promise);
    assert_int_equal(gyre_run(op.future), GYRE_ECANCELED);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void run_consumes_the_reference_when_somebody_else_waits(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    op_begin(&rig, &op);
    gyre_then(gyre_retain(op.future), on_pointer, &seen);
    assert_int_equal(gyre_run(op.future), GYRE_EBUSY);
    assert_true(gyre__future_is_sole(op.future.untyped));
    op_resolve(&op);
    turns(&rig);
    assert_ptr_equal(seen.value, &op);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void then_consumes_the_reference_on_every_path(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(op_done(&rig, &op), on_pointer, &seen);
    turns(&rig);
    gyre_then(op_failed(&rig, &op, -EIO), on_pointer, &seen);
    turns(&rig);
    op_done(&rig, &op);
    assert_int_equal(gyre_run(gyre_retain(op.future)), 0);
    gyre_then(op.future, on_pointer, &seen);
    turns(&rig);
    assert_int_equal(seen.calls, 3);
    assert_int_equal(seen.err, GYRE_ETAKEN);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void cancel_state_and_error_keep_the_reference(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    for (int i = 0; i < 3; i++) {
        gyre_future_state(op.future);
        gyre_future_error(op.future);
    }
    assert_true(gyre_cancel(op.future));
    assert_false(gyre_cancel(op.future));
    assert_int_equal(gyre_future_state(op.future), GYRE_CANCELED);
    gyre_promise_release(op.promise);
    assert_int_equal(op.cancels, 1);
    gyre_release(op.future);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void retain_gives_a_second_reference_to_the_same_operation(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    gyre_pointer_future again = gyre_retain(op.future);
    assert_ptr_equal(again.untyped, op.future.untyped);
    gyre_release(op.future);
    assert_int_equal(op.cancels, 0);
    gyre_release(again);
    assert_int_equal(op.cancels, 1);
    gyre_promise_release(op.promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void the_value_moves_to_the_first_consumer(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *first = NULL, *second = &op.drops;
    rig_open(&rig);
    op_done(&rig, &op);
    assert_int_equal(gyre_run(gyre_retain(op.future), &first), 0);
    assert_int_equal(gyre_run(op.future, &second), GYRE_ETAKEN);
    assert_ptr_equal(first, &op);
    assert_ptr_equal(second, &op.drops); // untouched
    assert_int_equal(op.drops, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_second_consumer_has_no_details_of_an_older_error(void **state)
{
    (void)state;
    struct rig rig;
    struct op bad, good;
    rig_open(&rig);
    assert_int_equal(gyre_run(op_failed(&rig, &bad, -EIO)), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "details");
    op_done(&rig, &good);
    assert_int_equal(gyre_run(gyre_retain(good.future)), 0);
    assert_int_equal(gyre_run(good.future), GYRE_ETAKEN);
    assert_string_equal(gyre_why_last(rig.loop), "");
    rig_close(&rig);
}

static void every_holder_of_a_failure_reads_it_with_its_details(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_failed(&rig, &op, -EIO);
    for (int i = 0; i < 3; i++) {
        gyre_pointer_future f = i < 2 ? gyre_retain(op.future) : op.future;
        gyre__loop_set_why(rig.loop, 0, NULL);
        assert_int_equal(gyre_run(f), -EIO);
        assert_string_equal(gyre_why_last(rig.loop), "details");
    }
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Drop: exactly when nobody took the value ---------------------------------------------------

static void a_value_that_nobody_took_is_dropped_once(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b, c, d;
    rig_open(&rig);
    gyre_release(op_done(&rig, &a)); // settled, then released
    assert_int_equal(a.drops, 1);
    assert_int_equal(gyre_run(op_done(&rig, &b)), 0); // run without out
    assert_int_equal(b.drops, 1);
    gyre_detach(op_begin(&rig, &c)); // detached, then settled
    op_resolve(&c);
    turns(&rig);
    assert_int_equal(c.drops, 1);
    gyre_detach(op_done(&rig, &d)); // settled, then detached
    assert_int_equal(d.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_value_that_lost_against_cancel_is_not_dropped(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    assert_true(gyre_cancel(op.future));
    assert_false(op_resolve(&op)); // so the value is still the producer's
    gyre_release(op.future);
    turns(&rig);
    assert_int_equal(op.drops, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Release and detach ------------------------------------------------------------------------

static void releasing_the_last_reference_cancels(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_release(op_begin(&rig, &op));
    assert_int_equal(op.cancels, 1);
    assert_false(op_resolve(&op));
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_detached_operation_runs_on(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_detach(op_begin(&rig, &op));
    turns(&rig);
    assert_int_equal(op.cancels, 0);
    assert_true(op_resolve(&op));
    turns(&rig);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_detached_operation_runs_on_when_the_other_reference_goes(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    gyre_detach(gyre_retain(op.future));
    gyre_release(op.future);
    assert_int_equal(op.cancels, 0);
    assert_true(op_resolve(&op));
    turns(&rig);
    assert_int_equal(op.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void combinators_consume_every_reference_when_they_cannot_begin(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future two[2] = {op_begin(&rig, &a), {NULL}};
    assert_int_equal(gyre_run(gyre_all(rig.loop, two, 2)), -EINVAL);
    assert_int_equal(a.cancels, 1);
    gyre_pointer_future more[2] = {{NULL}, op_begin(&rig, &b)};
    size_t index = 9;
    assert_int_equal(gyre_run(gyre_any(rig.loop, more, 2, &index)), -EINVAL);
    assert_int_equal(b.cancels, 1);
    assert_int_equal(index, 9);
    gyre_promise_release(a.promise);
    gyre_promise_release(b.promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_combinator_that_somebody_outlives_leaves_no_trace_in_its_parts(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b, c;
    rig_open(&rig);
    gyre_pointer_future one = gyre_retain(op_done(&rig, &a));
    assert_int_equal(gyre_run(gyre_all(rig.loop, &a.future, 1)), 0);
    assert_int_equal(gyre_run(one), GYRE_ETAKEN);
    one = gyre_retain(op_done(&rig, &b));
    assert_int_equal(gyre_run(gyre_any(rig.loop, &b.future, 1, NULL)), 0);
    assert_int_equal(gyre_run(one), GYRE_ETAKEN);
    one = gyre_retain(op_done(&rig, &c));
    assert_int_equal(gyre_run(gyre_with_timeout(c.future, GYRE_SECONDS(1))), 0);
    assert_int_equal(gyre_run(one), GYRE_ETAKEN);
    assert_int_equal(a.drops + b.drops + c.drops, 3);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(run_consumes_the_reference_also_when_it_fails),
      cmocka_unit_test(run_consumes_the_reference_when_somebody_else_waits),
      cmocka_unit_test(then_consumes_the_reference_on_every_path),
      cmocka_unit_test(cancel_state_and_error_keep_the_reference),
      cmocka_unit_test(retain_gives_a_second_reference_to_the_same_operation),
      cmocka_unit_test(the_value_moves_to_the_first_consumer),
      cmocka_unit_test(a_second_consumer_has_no_details_of_an_older_error),
      cmocka_unit_test(every_holder_of_a_failure_reads_it_with_its_details),
      cmocka_unit_test(a_value_that_nobody_took_is_dropped_once),
      cmocka_unit_test(a_value_that_lost_against_cancel_is_not_dropped),
      cmocka_unit_test(releasing_the_last_reference_cancels),
      cmocka_unit_test(a_detached_operation_runs_on),
      cmocka_unit_test(a_detached_operation_runs_on_when_the_other_reference_goes),
      cmocka_unit_test(combinators_consume_every_reference_when_they_cannot_begin),
      cmocka_unit_test(a_combinator_that_somebody_outlives_leaves_no_trace_in_its_parts))
