// What the close of a loop makes of its futures: every one completes, once.
#include "test/future/rig.h"

static void close_now(struct rig *rig)
{
    assert_int_equal(gyre_loop_close(rig->loop), 0);
    memory_close(&rig->memory);
    clock_virtual_stop();
}

static void close_settles_everything_that_is_pending(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[4];
    rig_open(&rig);
    struct seen a = {.rig = &rig}, b = {.rig = &rig}, c = {.rig = &rig};
    gyre_then(op_begin(&rig, &op[0]), on_pointer, &a);
    gyre_then(gyre_with_timeout(op_begin(&rig, &op[1]), GYRE_SECONDS(9)), on_pointer, &b);
    gyre_void_future sleeps[2] = {gyre_sleep(rig.loop, GYRE_SECONDS(9)),
                                  gyre_sleep(rig.loop, GYRE_FOREVER)};
    gyre_then(gyre_all(rig.loop, sleeps, 2), on_void, &c);
    gyre_detach(op_begin(&rig, &op[2]));
    op_begin(&rig, &op[3]); // its reference is kept
    for (int i = 0; i < 4; i++) gyre_promise_release(gyre_promise_retain(op[i].promise));
    assert_int_equal(gyre_loop_close(rig.loop), 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 1);
    assert_int_equal(c.calls, 1);
    assert_int_equal(a.err, GYRE_ECANCELED);
    assert_int_equal(b.err, GYRE_ECANCELED);
    assert_int_equal(c.err, GYRE_ECANCELED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(op[i].cancels, 1);
        gyre_promise_release(op[i].promise);
    }
    assert_int_equal(rig.lines, 0);
    memory_close(&rig.memory);
    clock_virtual_stop();
}

static void close_frees_futures_that_are_still_held(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    op_done(&rig, &a);
    (void)gyre_retain(op_failed(&rig, &b, -EIO));
    (void)gyre_retain(gyre_sleep(rig.loop, 1));
    close_now(&rig);
    assert_int_equal(a.drops, 1);
    assert_int_equal(rig.lines, 1); // the failure that was never read
}

// What a combinator passed on is dropped by the inner future, which must not be gone by then.
static void close_drops_the_untaken_value_of_any_and_of_a_deadline(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f[1] = {op_done(&rig, &a)};
    gyre_pointer_future any = gyre_any(rig.loop, f, 1, NULL);
    gyre_pointer_future limited = gyre_with_timeout(op_done(&rig, &b), GYRE_SECONDS(9));
    turns(&rig);
    assert_int_equal(gyre_future_state(any), GYRE_DONE);
    assert_int_equal(gyre_future_state(limited), GYRE_DONE);
    close_now(&rig);
    assert_int_equal(a.drops, 1);
    assert_int_equal(b.drops, 1);
}

// ---- New work while the loop closes ----------------------------------------------------------

struct again {
    struct rig *rig;
    struct seen seen;
    bool detaches;
    int state;
};

static void begins_another(void *arg, int err, gyre_nothing *value)
{
    (void)value;
    struct again *again = arg;
    assert_int_equal(err, GYRE_ECANCELED);
    gyre_void_future f = gyre_sleep(again->rig->loop, GYRE_SECONDS(3600));
    again->state = gyre_future_state(f);
    if (again->detaches)
        gyre_detach(f);
    else
        gyre_then(f, on_void, &again->seen);
}

static void work_begun_in_a_callback_of_the_close_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct again again = {.rig = &rig, .seen = {.rig = &rig}};
    int64_t began = clock_now();
    gyre_then(gyre_sleep(rig.loop, GYRE_SECONDS(1)), begins_another, &again);
    close_now(&rig);
    assert_int_equal(again.seen.calls, 1);
    assert_int_equal(again.seen.err, GYRE_ECLOSED);
    assert_true(clock_now() - began >= 0);
}

static void work_detached_in_a_callback_of_the_close_is_gone(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct again again = {.rig = &rig, .detaches = true};
    gyre_then(gyre_sleep(rig.loop, GYRE_SECONDS(1)), begins_another, &again);
    close_now(&rig);
    assert_int_equal(again.state, GYRE_FAILED);
}

static void opens_for_ever(void *arg, int err, gyre_nothing *value)
{
    (void)err;
    (void)value;
    struct again *again = arg;
    again->seen.calls++;
    gyre_void_future f = {gyre__future_open_always(again->rig->loop, &gyre_void_type, NULL, 0)};
    gyre_then(f, on_void, &again->seen);
}

// A library operation that begins although the loop closes, and never ends.
static void an_operation_that_outlasts_the_grace_completes_all_the_same(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct again again = {.rig = &rig, .seen = {.rig = &rig}};
    gyre_then(gyre_sleep(rig.loop, GYRE_SECONDS(1)), opens_for_ever, &again);
    close_now(&rig);
    assert_int_equal(again.seen.calls, 2);
    assert_int_equal(again.seen.err, GYRE_ECANCELED);
}

static void opens_and_detaches(void *arg, int err, gyre_nothing *value)
{
    (void)err;
    (void)value;
    struct again *again = arg;
    gyre_loop *loop = again->rig->loop;
    gyre_future *one = gyre__future_open_always(loop, &gyre_void_type, NULL, 0);
    gyre_future *two = gyre__future_open_always(loop, &gyre_void_type, NULL, 0);
    again->seen.calls++;
    gyre_detach(GYRE__MAKE(gyre_void_future, two));
    gyre_detach(GYRE__MAKE(gyre_void_future, one));
}

static void detached_operations_that_outlast_the_grace_are_freed_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct again again = {.rig = &rig, .seen = {.rig = &rig}};
    gyre_then(gyre_sleep(rig.loop, GYRE_SECONDS(1)), opens_and_detaches, &again);
    close_now(&rig);
    assert_int_equal(again.seen.calls, 1);
}

static int holds_on(gyre_coro *self, void *arg)
{
    gyre_void_future *parts = arg;
    gyre_loop *loop = gyre_coro_loop(self);
    assert_int_equal(gyre_shield(self, GYRE_SECONDS(3600)), 0);
    parts[0] = gyre_sleep(loop, GYRE_SECONDS(7200));
    parts[1] = gyre_sleep(loop, GYRE_SECONDS(7200));
    return gyre_await(gyre_all(loop, parts, 2));
}

static void a_combinator_behind_a_shield_that_outlasts_the_grace_is_stopped(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_void_future parts[2];
    struct seen seen = {.rig = &rig};
    gyre_then(gyre_spawn(gyre_void, rig.loop, holds_on, parts), on_void, &seen);
    (void)gyre_retain(parts[0]);
    close_now(&rig);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.err, GYRE_ECANCELED);
}

TESTS(cmocka_unit_test(close_settles_everything_that_is_pending),
      cmocka_unit_test(close_frees_futures_that_are_still_held),
      cmocka_unit_test(close_drops_the_untaken_value_of_any_and_of_a_deadline),
      cmocka_unit_test(work_begun_in_a_callback_of_the_close_is_refused),
      cmocka_unit_test(work_detached_in_a_callback_of_the_close_is_gone),
      cmocka_unit_test(an_operation_that_outlasts_the_grace_completes_all_the_same),
      cmocka_unit_test(detached_operations_that_outlast_the_grace_are_freed_once),
      cmocka_unit_test(a_combinator_behind_a_shield_that_outlasts_the_grace_is_stopped))
