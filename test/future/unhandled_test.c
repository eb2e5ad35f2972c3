// Failures that nobody read.
#include "test/future/rig.h"

static void an_unread_failure_is_logged_in_one_line(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_release(op_failed(&rig, &op, -EPIPE));
    assert_int_equal(rig.lines, 1);
    assert_string_equal(rig.log, "error never read: Broken pipe (EPIPE): details\n");
    rig_close(&rig);
}

static void a_detached_failure_is_logged_when_it_comes(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    gyre_detach(op_begin(&rig, &op));
    assert_int_equal(rig.lines, 0);
    op_reject(&op, GYRE_ERESOLVE, NULL);
    turns(&rig);
    assert_int_equal(rig.lines, 1);
    assert_string_equal(rig.log,
                        "error never read: name servers gave no usable answer (GYRE_ERESOLVE)\n");
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_cancelled_operation_is_never_reported(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    gyre_cancel(op.future);
    gyre_release(op.future);
    gyre_promise_release(op.promise);
    gyre_release(gyre_sleep(rig.loop, 1));
    assert_int_equal(rig.lines, 0);
    rig_close(&rig);
}

static void reading_the_error_silences_it(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b;
    rig_open(&rig);
    op_failed(&rig, &a, -EIO);
    assert_int_equal(gyre_future_error(a.future), -EIO);
    assert_int_equal(gyre_future_error(a.future), -EIO);
    gyre_release(a.future);
    op_begin(&rig, &b);
    assert_int_equal(gyre_future_error(b.future), 0); // looked before it failed: not read
    op_reject(&b, -EIO, NULL);
    turns(&rig);
    assert_int_equal(rig.lines, 0);
    gyre_release(b.future);
    assert_int_equal(rig.lines, 1);
    rig_close(&rig);
}

struct heard {
    int calls, err;
    char why[64], where[128];
};

static void hear(void *arg, int err, const char *why, const char *where)
{
    struct heard *heard = arg;
    heard->calls++;
    heard->err = err;
    snprintf(heard->why, sizeof heard->why, "%s", why);
    snprintf(heard->where, sizeof heard->where, "%s", where);
}

static void a_handler_replaces_the_log_line_until_it_is_taken_away(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    struct heard heard = {0};
    assert_int_equal(gyre_on_unhandled(rig.loop, hear, &heard), 0);
    gyre_release(op_failed(&rig, &op, -EIO));
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.err, -EIO);
    assert_string_equal(heard.why, "details");
    assert_string_equal(heard.where, "");
    assert_int_equal(rig.lines, 0);
    assert_int_equal(gyre_on_unhandled(rig.loop, NULL, NULL), 0);
    gyre_release(op_failed(&rig, &op, -EIO));
    assert_int_equal(heard.calls, 1);
    assert_int_equal(rig.lines, 1);
    rig_close(&rig);
}

// The tutorial's main06: the error stays in the future, and is easily lost.
static int divide_by_zero(gyre_coro *self, void *arg)
{
    (void)self;
    (void)arg;
    return -EDOM;
}

static void bad_call_leaves_one_line_with_the_place_of_creation(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_release(gyre_spawn(gyre_int, rig.loop, divide_by_zero, NULL));
    assert_int_equal(rig.lines, 1);
    assert_non_null(strstr(rig.log, "error never read: "));
    assert_non_null(strstr(rig.log, "in divide_by_zero at test/future/unhandled_test.c:"));
    rig_close(&rig);
}

static int good(gyre_coro *self, void *arg)
{
    int *err = arg, value = 5;
    *err = gyre_await(gyre_spawn(gyre_int, gyre_coro_loop(self), divide_by_zero, NULL), &value);
    return 0;
}

static void good_call_gets_the_error_and_leaves_no_line(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int err = 0;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, rig.loop, good, &err)), 0);
    assert_int_equal(err, -EDOM);
    assert_int_equal(rig.lines, 0);
    rig_close(&rig);
}

static void all_reports_the_failures_it_does_not_return(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[3];
    rig_open(&rig);
    struct heard heard = {0};
    assert_int_equal(gyre_on_unhandled(rig.loop, hear, &heard), 0);
    gyre_pointer_future f[3];
    for (int i = 0; i < 3; i++) f[i] = op_begin(&rig, &op[i]);
    gyre_void_future all = gyre_all(rig.loop, f, 3);
    op_reject(&op[1], -EIO, "first");
    op_reject(&op[0], -EPIPE, "other");
    op_resolve(&op[2]);
    assert_int_equal(gyre_run(all), -EIO);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.err, -EPIPE);
    assert_string_equal(heard.why, "other");
    assert_int_equal(op[2].drops, 1);
    rig_close(&rig);
}

// Nobody will ever ask the all for it.
static void a_failure_inside_an_all_that_is_cancelled_is_reported(void **state)
{
    (void)state;
    struct rig rig;
    struct op op[2];
    rig_open(&rig);
    gyre_pointer_future f[2] = {op_begin(&rig, &op[0]), op_begin(&rig, &op[1])};
    gyre_void_future all = gyre_all(rig.loop, f, 2);
    op_reject(&op[0], -EIO, "lost");
    turns(&rig);
    gyre_release(all);
    gyre_promise_release(op[1].promise);
    assert_int_equal(op[1].cancels, 1);
    assert_int_equal(rig.lines, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void an_unread_result_of_a_combinator_is_reported_once(void **state)
{
    (void)state;
    struct rig rig;
    struct op a, b, c;
    rig_open(&rig);
    op_failed(&rig, &a, -EIO);
    gyre_detach(gyre_all(rig.loop, &a.future, 1));
    turns(&rig);
    assert_int_equal(rig.lines, 1);
    op_failed(&rig, &b, -EIO);
    gyre_detach(gyre_any(rig.loop, &b.future, 1, NULL));
    turns(&rig);
    assert_int_equal(rig.lines, 2);
    gyre_detach(gyre_with_timeout(op_failed(&rig, &c, -EIO), GYRE_SECONDS(1)));
    turns(&rig);
    assert_int_equal(rig.lines, 3);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void makes_another(void *arg, int err, const char *why, const char *where)
{
    (void)err;
    (void)why;
    (void)where;
    struct rig *rig = arg;
    gyre_detach(gyre_sleep(rig->loop, 0));
    assert_int_equal(gyre_on_unhandled(rig->loop, NULL, NULL), 0);
}

static void a_handler_may_use_the_loop(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    assert_int_equal(gyre_on_unhandled(rig.loop, makes_another, &rig), 0);
    gyre_release(op_failed(&rig, &op, -EIO));
    turns(&rig);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(an_unread_failure_is_logged_in_one_line),
      cmocka_unit_test(a_detached_failure_is_logged_when_it_comes),
      cmocka_unit_test(a_cancelled_operation_is_never_reported),
      cmocka_unit_test(reading_the_error_silences_it),
      cmocka_unit_test(a_handler_replaces_the_log_line_until_it_is_taken_away),
      cmocka_unit_test(bad_call_leaves_one_line_with_the_place_of_creation),
      cmocka_unit_test(good_call_gets_the_error_and_leaves_no_line),
      cmocka_unit_test(all_reports_the_failures_it_does_not_return),
      cmocka_unit_test(a_failure_inside_an_all_that_is_cancelled_is_reported),
      cmocka_unit_test(an_unread_result_of_a_combinator_is_reported_once),
      cmocka_unit_test(a_handler_may_use_the_loop))
