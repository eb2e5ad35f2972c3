// The callback style: exactly once, before or after completion, free to do anything.
#include "test/future/rig.h"

static void a_callback_is_called_once_with_the_value(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(op_begin(&rig, &op), on_pointer, &seen);
    turns(&rig);
    assert_int_equal(seen.calls, 0);
    op_resolve(&op);
    turns(&rig);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.err, 0);
    assert_ptr_equal(seen.value, &op);
    assert_int_equal(op.drops, 0); // it was the callback's
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_registered_after_completion_is_called_too(void **state)
{
    (void)state;
    struct rig rig;
    struct op done, failed;
    rig_open(&rig);
    struct seen a = {.rig = &rig}, b = {.rig = &rig};
    op_done(&rig, &done);
    op_failed(&rig, &failed, -EPIPE);
    gyre_then(done.future, on_pointer, &a);
    gyre_then(failed.future, on_pointer, &b);
    assert_int_equal(a.calls + b.calls, 0);
    turns(&rig);
    assert_int_equal(a.calls, 1);
    assert_ptr_equal(a.value, &done);
    assert_int_equal(b.calls, 1);
    assert_int_equal(b.err, -EPIPE);
    assert_null(b.value);
    assert_string_equal(b.why, "details");
    assert_int_equal(rig.lines, 0);
    rig_close(&rig);
}

static void a_callback_of_a_null_future_is_told_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_pointer_future null = {NULL};
    gyre_then(null, on_pointer, &seen);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.err, -EINVAL);
    rig_close(&rig);
}

static void a_second_callback_hears_busy(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen a = {.rig = &rig}, b = {.rig = &rig};
    op_begin(&rig, &op);
    gyre_then(gyre_retain(op.future), on_pointer, &a);
    gyre_then(op.future, on_pointer, &b);
    assert_int_equal(b.calls, 0); // not inside its registration either
    turns(&rig);
    assert_int_equal(b.err, GYRE_EBUSY);
    assert_int_equal(a.calls, 0);
    op_resolve(&op);
    turns(&rig);
    assert_int_equal(a.calls, 1);
    assert_ptr_equal(a.value, &op);
    assert_int_equal(b.calls, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_that_comes_after_the_first_was_called_hears_taken(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen a = {.rig = &rig}, b = {.rig = &rig};
    op_begin(&rig, &op);
    gyre_then(gyre_retain(op.future), on_pointer, &a);
    op_resolve(&op);
    turns(&rig);
    gyre_then(op.future, on_pointer, &b);
    turns(&rig);
    assert_ptr_equal(a.value, &op);
    assert_int_equal(b.err, GYRE_ETAKEN);
    assert_string_equal(b.why, "");
    assert_int_equal(op.drops, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_second_holder_reads_the_details_after_the_callback_did(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen a = {.rig = &rig};
    op_failed(&rig, &op, -EIO);
    gyre_then(gyre_retain(op.future), on_pointer, &a);
    turns(&rig);
    assert_string_equal(a.why, "details");
    assert_int_equal(gyre_run(op.future), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "details");
    rig_close(&rig);
}

static void a_success_leaves_the_details_of_the_last_error_alone(void **state)
{
    (void)state;
    struct rig rig;
    struct op bad, good;
    rig_open(&rig);
    struct seen a = {.rig = &rig};
    op_failed(&rig, &bad, -EIO);
    assert_int_equal(gyre_run(bad.future), -EIO);
    gyre_then(op_done(&rig, &good), on_pointer, &a);
    turns(&rig);
    assert_string_equal(gyre_why_last(rig.loop), "details");
    rig_close(&rig);
}

// ---- Callbacks that do things ----------------------------------------------------------------

struct holder {
    struct rig *rig;
    gyre_pointer_future own;   // a second reference to what it waits for
    gyre_pointer_future other; // an operation of somebody else
    struct op *also;           // settled from inside
    int calls, err;
};

static void lets_everything_go(void *arg, int err, void **value)
{
    struct holder *holder = arg;
    holder->calls++;
    holder->err = err;
    if (holder->own.untyped) {
        assert_false(gyre_cancel(holder->own));
        gyre_release(holder->own);
    }
    if (value) assert_non_null(*value); // still there: the callback's
    if (holder->other.untyped) gyre_release(holder->other);
    if (holder->also) op_resolve(holder->also);
}

static void a_callback_may_release_its_own_future_and_others(void **state)
{
    (void)state;
    struct rig rig;
    struct op op, other, also;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    op_begin(&rig, &op);
    struct holder holder = {&rig, gyre_retain(op.future), op_begin(&rig, &other), &also, 0, 0};
    gyre_then(op_begin(&rig, &also), on_pointer, &seen);
    gyre_then(op.future, lets_everything_go, &holder);
    op_resolve(&op);
    turns(&rig);
    assert_int_equal(holder.calls, 1);
    assert_int_equal(other.cancels, 1);
    assert_ptr_equal(seen.value, &also);
    gyre_promise_release(other.promise);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// The callback of one operation cancels another that was settled in the same turn, and one whose
// callback is queued already: that callback comes all the same, once.
struct pair {
    struct op first, second;
    struct seen seen;
    gyre_pointer_future second_again;
};

static void cancels_the_second(void *arg, int err, void **value)
{
    (void)err;
    (void)value;
    struct pair *pair = arg;
    assert_false(gyre_cancel(pair->second_again));
    gyre_release(pair->second_again);
}

static void settle_both(struct rig *rig, void *arg)
{
    (void)rig;
    struct pair *pair = arg;
    op_resolve(&pair->first);
    op_resolve(&pair->second);
}

static void a_queued_callback_comes_although_its_future_is_released(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct pair pair = {.seen = {.rig = &rig}};
    gyre_then(op_begin(&rig, &pair.first), cancels_the_second, &pair);
    pair.second_again = gyre_retain(op_begin(&rig, &pair.second));
    gyre_then(pair.second.future, on_pointer, &pair.seen);
    in_loop(&rig, settle_both, &pair);
    assert_int_equal(pair.seen.calls, 1);
    assert_ptr_equal(pair.seen.value, &pair.second);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// A callback registers the next one, a thousand deep: no recursion, one turn.
struct chain {
    struct rig *rig;
    int left;
};

static void next_in_chain(void *arg, int err, gyre_nothing *value)
{
    (void)value;
    struct chain *chain = arg;
    assert_int_equal(err, 0);
    if (chain->left-- == 0) return;
    gyre_void_future f;
    gyre_void_promise p = gyre_promise_new(gyre_void, chain->rig->loop, &f, NULL, NULL);
    gyre_promise_resolve(p, &(gyre_nothing){0});
    gyre_promise_release(p);
    gyre_then(f, next_in_chain, chain);
}

static void a_chain_of_callbacks_needs_no_stack(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct chain chain = {&rig, 20000};
    next_in_chain(&chain, 0, NULL);
    while (chain.left >= 0) gyre_loop_turn(rig.loop, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_callback_is_called_once_with_the_value),
      cmocka_unit_test(a_callback_registered_after_completion_is_called_too),
      cmocka_unit_test(a_callback_of_a_null_future_is_told_at_once),
      cmocka_unit_test(a_second_callback_hears_busy),
      cmocka_unit_test(a_callback_that_comes_after_the_first_was_called_hears_taken),
      cmocka_unit_test(a_second_holder_reads_the_details_after_the_callback_did),
      cmocka_unit_test(a_success_leaves_the_details_of_the_last_error_alone),
      cmocka_unit_test(a_callback_may_release_its_own_future_and_others),
      cmocka_unit_test(a_queued_callback_comes_although_its_future_is_released),
      cmocka_unit_test(a_chain_of_callbacks_needs_no_stack))
