// One model of errors in every style: the same code and the same text.
#include "test/future/rig.h"

static const char text[] = "connect to 127.0.0.1:81 (localhost): refused, 1 of 2 addresses tried";

static gyre_pointer_future refused(struct rig *rig, struct op *op)
{
    op_begin(rig, op);
    op_reject(op, -ECONNREFUSED, text);
    return op->future;
}

struct got {
    struct rig *rig;
    int err;
    char why[128];
};

static int awaits(gyre_coro *self, void *arg)
{
    struct got *got = arg;
    struct op op;
    got->err = gyre_await(refused(got->rig, &op));
    snprintf(got->why, sizeof got->why, "%s", gyre_why_last(gyre_coro_loop(self)));
    return 0;
}

static void a_refused_connection_reads_the_same_in_every_style(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    struct got got[4] = {{.rig = &rig}, {.rig = &rig}, {.rig = &rig}, {.rig = &rig}};

    got[0].err = gyre_run(refused(&rig, &op[0]));
    snprintf(got[0].why, sizeof got[0].why, "%s", gyre_why_last(rig.loop));

    struct seen seen = {.rig = &rig};
    gyre_then(refused(&rig, &op[1]), on_pointer, &seen);
    turns(&rig);
    got[1].err = seen.err;
    memcpy(got[1].why, seen.why, sizeof seen.why);

    assert_int_equal(gyre_run(gyre_spawn(gyre_void, rig.loop, awaits, &got[2])), 0);

    gyre__loop_set_why(rig.loop, 0, NULL);
    gyre_pointer_future f[1] = {refused(&rig, &op[2])};
    got[3].err = gyre_run(gyre_all(rig.loop, f, 1));
    snprintf(got[3].why, sizeof got[3].why, "%s", gyre_why_last(rig.loop));

    for (int i = 0; i < 4; i++) {
        assert_int_equal(got[i].err, -ECONNREFUSED);
        assert_string_equal(gyre_errname(got[i].err), "ECONNREFUSED");
        assert_string_equal(gyre_strerror(got[i].err), gyre_strerror(-ECONNREFUSED));
        assert_string_equal(got[i].why, text);
    }
    assert_int_equal(rig.lines, 0);
    rig_close(&rig);
}

static void details_travel_through_any_and_a_deadline(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    gyre_pointer_future f[1] = {refused(&rig, &a)};
    assert_int_equal(gyre_run(gyre_any(rig.loop, f, 1, NULL)), -ECONNREFUSED);
    assert_string_equal(gyre_why_last(rig.loop), text);
    gyre__loop_set_why(rig.loop, 0, NULL);
    assert_int_equal(gyre_run(gyre_with_timeout(refused(&rig, &b), GYRE_SECONDS(1))),
                     -ECONNREFUSED);
    assert_string_equal(gyre_why_last(rig.loop), text);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// A coroutine keeps its own last error, whatever others hear meanwhile.
static int keeps_its_own(gyre_coro *self, void *arg)
{
    struct got *got = arg;
    struct op op;
    got->err = gyre_await(refused(got->rig, &op));
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(5)));
    snprintf(got->why, sizeof got->why, "%s", gyre_why_last(gyre_coro_loop(self)));
    return err;
}

static void the_last_error_is_each_coroutines_own(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct got got = {.rig = &rig};
    gyre_void_future f = gyre_spawn(gyre_void, rig.loop, keeps_its_own, &got);
    struct seen seen = {.rig = &rig};
    op_begin(&rig, &op);
    op_reject(&op, -EIO, "another");
    gyre_then(op.future, on_pointer, &seen);
    assert_int_equal(gyre_run(f), 0);
    assert_string_equal(seen.why, "another");
    assert_string_equal(got.why, text);
    rig_close(&rig);
}

// main04's coroutine with a callback (S60).
static int doubles(gyre_coro *self, void *arg)
{
    int value = *(int *)arg * 2;
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(1)));
    if (err) return err;
    return gyre_give(self, &value);
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type of a callback
static void on_doubled(void *arg, int err, int *value)
{
    *(int *)arg = err ? err : *value;
}

static void a_coroutine_call_may_have_a_callback(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int in = 21, out = 0;
    gyre_then(gyre_spawn(gyre_int, rig.loop, doubles, &in), on_doubled, &out);
    assert_int_equal(out, 0);
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(5))), 0);
    assert_int_equal(out, 42);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_refused_connection_reads_the_same_in_every_style),
      cmocka_unit_test(details_travel_through_any_and_a_deadline),
      cmocka_unit_test(the_last_error_is_each_coroutines_own),
      cmocka_unit_test(a_coroutine_call_may_have_a_callback))
