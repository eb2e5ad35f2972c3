// The life of a future: settled once, continuations never inside the call that caused them.
#include "test/future/rig.h"

static void a_new_future_is_pending_and_settles_done(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_pointer_future f = op_begin(&rig, &op);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    assert_int_equal(gyre_future_error(f), 0);
    assert_true(op_resolve(&op));
    turns(&rig);
    assert_int_equal(gyre_future_state(f), GYRE_DONE);
    assert_int_equal(gyre_future_error(f), 0);
    void *value = NULL;
    assert_int_equal(gyre_run(f, &value), 0);
    assert_ptr_equal(value, &op);
    assert_int_equal(op.drops, 0);
    rig_close(&rig);
}

static void a_future_walks_to_failed_or_to_canceled(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future failed = op_failed(&rig, &a, -EIO), canceled = op_begin(&rig, &b);
    assert_true(gyre_cancel(canceled));
    assert_int_equal(gyre_future_state(failed), GYRE_FAILED);
    assert_int_equal(gyre_future_error(failed), -EIO);
    assert_int_equal(gyre_future_state(canceled), GYRE_CANCELED);
    assert_int_equal(gyre_future_error(canceled), GYRE_ECANCELED);
    gyre_promise_release(b.promise);
    gyre_release(failed);
    gyre_release(canceled);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void states_have_names(void **state)
{
    (void)state;
    const char *names[] = {"pending", "running", "suspended", "done", "failed", "canceled"};
    for (int i = 0; i < 6; i++) assert_string_equal(gyre_state_name((gyre_state)i), names[i]);
    assert_string_equal(gyre_state_name((gyre_state)77), "unknown");
}

static void a_null_future_is_a_failed_one(void **state)
{
    (void)state;
    gyre_int_future null = {NULL};
    struct seen seen = {0};
    int value = 7;
    assert_int_equal(gyre_future_state(null), GYRE_FAILED);
    assert_int_equal(gyre_future_error(null), -EINVAL);
    assert_int_equal(gyre_run(null, &value), -EINVAL);
    assert_int_equal(value, 7);
    assert_false(gyre_cancel(null));
    gyre_release(null);
    gyre_detach(null);
    assert_null(gyre_retain(null).untyped);
    assert_null(gyre_with_timeout(null, 1).untyped);
    (void)seen;
}

static void a_settled_future_cannot_be_settled_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_future *f = gyre__future_open(rig.loop, &gyre_int_type, NULL, 0);
    int one = 1, two = 2, value = 0;
    assert_true(gyre__future_settle(f, 0, NULL, &one));
    assert_false(gyre__future_settle(f, 0, NULL, &two));
    char *why = gyre__format(&rig.memory.alloc, "late");
    assert_false(gyre__future_settle(f, -EIO, why, NULL)); // frees it all the same
    assert_int_equal(gyre_run(GYRE__MAKE(gyre_int_future, f), &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Never inline --------------------------------------------------------------------------

struct trio {
    struct op op;
    struct seen seen;
};

static void settle_and_tell(struct rig *rig, void *arg)
{
    struct trio *trio = arg;
    trace(rig, "settles");
    op_resolve(&trio->op);
    assert_int_equal(trio->seen.calls, 0);
    trace(rig, "settled");
}

static void a_continuation_never_runs_inside_resolve(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct trio trio = {.seen = {.rig = &rig, .name = "continues"}};
    gyre_then(op_begin(&rig, &trio.op), on_pointer, &trio.seen);
    in_loop(&rig, settle_and_tell, &trio);
    assert_string_equal(rig.trace, "settles settled continues");
    assert_int_equal(trio.seen.calls, 1);
    rig_close(&rig);
}

static void reject_and_tell(struct rig *rig, void *arg)
{
    struct trio *trio = arg;
    op_reject(&trio->op, -EIO, NULL);
    trace(rig, "rejected");
}

static void a_continuation_never_runs_inside_reject(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct trio trio = {.seen = {.rig = &rig, .name = "continues"}};
    gyre_then(op_begin(&rig, &trio.op), on_pointer, &trio.seen);
    in_loop(&rig, reject_and_tell, &trio);
    assert_string_equal(rig.trace, "rejected continues");
    rig_close(&rig);
}

static void cancel_and_tell(struct rig *rig, void *arg)
{
    struct trio *trio = arg;
    assert_true(gyre_cancel(trio->op.future));
    trace(rig, "canceled");
    gyre_promise_release(trio->op.promise);
}

static void a_continuation_never_runs_inside_cancel(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct trio trio = {.seen = {.rig = &rig, .name = "continues"}};
    gyre_then(op_begin(&rig, &trio.op), on_pointer, &trio.seen);
    in_loop(&rig, cancel_and_tell, &trio);
    assert_string_equal(rig.trace, "undone canceled continues");
    assert_int_equal(trio.seen.err, GYRE_ECANCELED);
    rig_close(&rig);
}

static void register_and_tell(struct rig *rig, void *arg)
{
    struct trio *trio = arg;
    gyre_then(trio->op.future, on_pointer, &trio->seen);
    trace(rig, "registered");
}

static void a_continuation_never_runs_inside_its_registration(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct trio trio = {.seen = {.rig = &rig, .name = "continues"}};
    op_done(&rig, &trio.op);
    in_loop(&rig, register_and_tell, &trio);
    assert_string_equal(rig.trace, "registered continues");
    assert_ptr_equal(trio.seen.value, &trio.op);
    rig_close(&rig);
}

struct many {
    struct op op[3];
    struct seen seen[3];
};

static void settle_out_of_order(struct rig *rig, void *arg)
{
    struct many *many = arg;
    op_resolve(&many->op[2]);
    op_resolve(&many->op[0]);
    op_reject(&many->op[1], -EIO, NULL);
    trace(rig, "caused");
}

static void continuations_run_in_the_order_they_were_caused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct many many = {.seen = {{&rig, .name = "a"}, {&rig, .name = "b"}, {&rig, .name = "c"}}};
    for (int i = 0; i < 3; i++) gyre_then(op_begin(&rig, &many.op[i]), on_pointer, &many.seen[i]);
    in_loop(&rig, settle_out_of_order, &many);
    assert_string_equal(rig.trace, "caused c a b");
    rig_close(&rig);
}

// ---- The five steps of a fetch (S57) ----------------------------------------------------------

struct steps {
    struct rig *rig;
    struct op op;
    struct seen seen;
    gyre_timer ready;
    unsigned long waits; // polls when the operation was ready
};

static void on_ready(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct steps *steps = GYRE_CONTAINER_OF(timer, struct steps, ready);
    steps->waits = clock_waits();
    trace(steps->rig, "3:result");
    op_resolve(&steps->op);
    trace(steps->rig, "4:queued");
}

static void on_fifth_step(void *arg, int err, void **value)
{
    struct steps *steps = arg;
    assert_int_equal(err, 0);
    assert_ptr_equal(*value, &steps->op);
    assert_int_equal(clock_waits(), steps->waits); // the same turn: nobody has polled since
    trace(steps->rig, "5:callback");
}

static void the_five_steps_come_in_order_within_one_turn(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct steps steps = {.rig = &rig};
    trace(&rig, "1:future");
    gyre_then(op_begin(&rig, &steps.op), on_fifth_step, &steps);
    trace(&rig, "2:begun");
    gyre_timer_start(rig.loop, &steps.ready, GYRE_MS(3), on_ready);
    while (gyre_timer_is_active(&steps.ready)) gyre_loop_turn(rig.loop, GYRE_FOREVER);
    assert_string_equal(rig.trace, "1:future 2:begun 3:result 4:queued 5:callback");
    rig_close(&rig);
}

// ---- Values ----------------------------------------------------------------------------------

struct wide {
    char bytes[4000];
};
GYRE_FUTURE_TYPE(wide, struct wide);

static void a_value_of_any_size_moves_whole(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct wide in, out;
    for (size_t i = 0; i < sizeof in.bytes; i++) in.bytes[i] = (char)(i * 7);
    wide_future f;
    wide_promise p = gyre_promise_new(wide, rig.loop, &f, NULL, NULL);
    assert_true(gyre_promise_resolve(p, &in));
    gyre_promise_release(p);
    assert_int_equal(gyre_run(f, &out), 0);
    assert_memory_equal(&in, &out, sizeof in);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void an_operation_can_be_described(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    char text[64];
    rig_open(&rig);
    gyre__future_describe(op_begin(&rig, &op).untyped, text, sizeof text);
    assert_string_equal(text, "operation 0");
    gyre_pointer_future limited = gyre_with_timeout(op.future, GYRE_SECONDS(1));
    gyre__future_describe(limited.untyped, text, sizeof text);
    assert_string_equal(text, "operation 0");
    gyre_void_future all = gyre_all(rig.loop, &limited, 1);
    gyre__future_describe(all.untyped, text, sizeof text);
    assert_string_equal(text, "waits for 1 of 1 futures");
    gyre_release(all);
    gyre_promise_release(op.promise);
    gyre_void_future sleep = gyre_sleep(rig.loop, GYRE_MS(20));
    gyre__future_describe(sleep.untyped, text, sizeof text);
    assert_string_equal(text, "sleeps 20 ms");
    gyre_release(sleep);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_new_future_is_pending_and_settles_done),
      cmocka_unit_test(a_future_walks_to_failed_or_to_canceled),
      cmocka_unit_test(states_have_names), cmocka_unit_test(a_null_future_is_a_failed_one),
      cmocka_unit_test(a_settled_future_cannot_be_settled_again),
      cmocka_unit_test(a_continuation_never_runs_inside_resolve),
      cmocka_unit_test(a_continuation_never_runs_inside_reject),
      cmocka_unit_test(a_continuation_never_runs_inside_cancel),
      cmocka_unit_test(a_continuation_never_runs_inside_its_registration),
      cmocka_unit_test(continuations_run_in_the_order_they_were_caused),
      cmocka_unit_test(the_five_steps_come_in_order_within_one_turn),
      cmocka_unit_test(a_value_of_any_size_moves_whole),
      cmocka_unit_test(an_operation_can_be_described))
