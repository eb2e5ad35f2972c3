// Promises on the loop's own thread, and what the close of the loop makes of them.
#include "test/future/rig.h"

#include <pthread.h>

static void exactly_one_of_resolve_reject_and_cancel_wins(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    void *value = &op, *got = NULL;
    rig_open(&rig);
    op_begin(&rig, &op);
    assert_true(gyre_promise_resolve(op.promise, &value));
    assert_false(gyre_promise_resolve(op.promise, &value));
    assert_false(gyre_promise_reject(op.promise, -EIO, "late"));
    gyre_promise_release(op.promise);
    assert_int_equal(gyre_run(op.future, &got), 0);
    assert_ptr_equal(got, &op);
    op_begin(&rig, &op);
    assert_true(gyre_promise_reject(op.promise, -EIO, "early"));
    assert_false(gyre_promise_resolve(op.promise, &value));
    gyre_promise_release(op.promise);
    assert_int_equal(gyre_run(op.future, &got), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "early");
    assert_int_equal(op.drops, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void the_last_release_rejects_with_closed(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    gyre_pointer_promise second = gyre_promise_retain(op.promise);
    gyre_promise_release(op.promise);
    turns(&rig);
    assert_int_equal(gyre_future_state(op.future), GYRE_PENDING);
    gyre_promise_release(second);
    assert_int_equal(gyre_run(op.future), GYRE_ECLOSED);
    assert_string_equal(gyre_why_last(rig.loop), "promise was released without a result");
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_null_promise_is_harmless(void **state)
{
    (void)state;
    gyre_int_promise null = {NULL};
    int value = 1;
    assert_false(gyre_promise_resolve(null, &value));
    assert_false(gyre_promise_reject(null, -EIO, NULL));
    assert_null(gyre_promise_retain(null).untyped);
    gyre_promise_release(null);
}

static void rejecting_without_an_error_is_an_invalid_argument(void **state)
{
    (void)state;
    struct rig rig;
    static const int errs[] = {0, 5};
    rig_open(&rig);
    for (int i = 0; i < 2; i++) {
        struct op op;
        op_begin(&rig, &op);
        assert_true(op_reject(&op, errs[i], "no error"));
        assert_int_equal(gyre_run(op.future), -EINVAL);
        assert_int_equal(op.drops, 0);
    }
    rig_close(&rig);
}

static void a_value_for_a_future_without_references_is_dropped_on_the_loop(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_detach(op_begin(&rig, &op));
    op_resolve(&op);
    assert_int_equal(op.drops, 0); // not yet: it is posted
    turns(&rig);
    assert_int_equal(op.drops, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Close ---------------------------------------------------------------------------------

static void a_promise_outlives_its_loop(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(op_begin(&rig, &op), on_pointer, &seen);
    assert_int_equal(gyre_loop_close(rig.loop), 0);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.err, GYRE_ECANCELED);
    assert_int_equal(op.cancels, 1);
    assert_false(op_resolve(&op));
    assert_int_equal(op.drops, 0); // the producer's still
    memory_close(&rig.memory);
    clock_virtual_stop();
}

static void a_result_that_was_accepted_arrives_when_the_loop_closes(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct seen seen = {.rig = &rig};
    gyre_then(op_begin(&rig, &op), on_pointer, &seen);
    assert_true(op_resolve(&op));
    assert_int_equal(gyre_loop_close(rig.loop), 0);
    assert_int_equal(seen.calls, 1);
    assert_ptr_equal(seen.value, &op);
    assert_int_equal(op.drops, 0);
    memory_close(&rig.memory);
    clock_virtual_stop();
}

struct cancels_in_close {
    struct rig *rig;
    struct op *op;
    gyre_pointer_future kept;
    bool elsewhere, won; // settled on another thread; and told that it won
    gyre_void_future sleep;
};

static int waits_in_a_shield(gyre_coro *self, void *arg)
{
    struct cancels_in_close *c = arg;
    assert_int_equal(gyre_shield(self, GYRE_SECONDS(3600)), 0);
    return gyre_await(c->op->future);
}

static void *settles(void *arg)
{
    struct cancels_in_close *c = arg;
    c->won = op_resolve(c->op);
    return NULL;
}

static void settles_in_a_defer(void *arg)
{
    struct cancels_in_close *c = arg;
    pthread_t thread;
    if (!c->elsewhere) {
        settles(c);
        return;
    }
    pthread_create(&thread, NULL, settles, c);
    pthread_join(thread, NULL);
    if (!c->kept.untyped) return;
    gyre_cancel(c->kept); // refused by the closed mailbox, the result is none: cancel settles
    assert_int_equal(gyre_future_state(c->kept), GYRE_CANCELED);
}

static int settles_when_stopped(gyre_coro *self, void *arg)
{
    struct cancels_in_close *c = arg;
    assert_int_equal(gyre_defer(self, settles_in_a_defer, c), 0);
    assert_int_equal(gyre_shield(self, GYRE_SECONDS(3600)), 0);
    return gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_SECONDS(7200)));
}

// Two coroutines outlast the grace; one waits for a promise that the other settles when stopped.
static void a_promise_settled_while_coroutines_are_stopped_has_one_owner(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        int order = round % 2;
        struct rig rig;
        struct op op;
        rig_open(&rig);
        struct cancels_in_close c = {.rig = &rig, .op = &op, .elsewhere = round >= 2};
        op_begin(&rig, &op);
        if (round == 3) c.kept = gyre_retain(op.future);
        gyre_coro_fn *fns[2] = {waits_in_a_shield, settles_when_stopped};
        gyre_detach(gyre_spawn(gyre_void, rig.loop, fns[order], &c));
        gyre_detach(gyre_spawn(gyre_void, rig.loop, fns[1 - order], &c));
        turns(&rig);
        assert_int_equal(gyre_loop_close(rig.loop), 0);
        // Either the promise won and its value was dropped, or it was refused.
        assert_int_equal(op.drops, c.won ? 1 : 0);
        memory_close(&rig.memory);
        clock_virtual_stop();
    }
}

TESTS(cmocka_unit_test(exactly_one_of_resolve_reject_and_cancel_wins),
      cmocka_unit_test(the_last_release_rejects_with_closed),
      cmocka_unit_test(a_null_promise_is_harmless),
      cmocka_unit_test(rejecting_without_an_error_is_an_invalid_argument),
      cmocka_unit_test(a_value_for_a_future_without_references_is_dropped_on_the_loop),
      cmocka_unit_test(a_promise_outlives_its_loop),
      cmocka_unit_test(a_result_that_was_accepted_arrives_when_the_loop_closes),
      cmocka_unit_test(a_promise_settled_while_coroutines_are_stopped_has_one_owner))
