// Every allocation failing in turn: the result is the operation's or -ENOMEM, nothing is left, and
// the loop goes on.
#include "test/future/rig.h"

// Runs the scenario on a loop of its own; the loop must still turn afterwards.
typedef int scenario(gyre_loop *loop);

static int with_loop(const gyre_allocator *alloc, void *arg)
{
    scenario *const *fn = arg;
    gyre_loop_opts opts = {.allocator = alloc, .log_level = GYRE_LOG_OFF, .blocked = GYRE_NONE};
    gyre_loop *loop;
    int err = gyre_loop_open(&loop, &opts);
    if (err) return err;
    err = (*fn)(loop);
    for (int i = 0; i < 3; i++) assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_int_equal(gyre_loop_close(loop), 0);
    return err;
}

static void torture(scenario *fn)
{
    clock_virtual_start();
    MEMORY_TORTURE(with_loop, &fn);
    clock_virtual_stop();
}

static gyre_int_future promised(gyre_loop *loop, int err, int value)
{
    gyre_int_future f;
    gyre_int_promise p = gyre_promise_new(gyre_int, loop, &f, NULL, NULL);
    if (err)
        gyre_promise_reject(p, err, "rejected with a text");
    else
        gyre_promise_resolve(p, &value);
    gyre_promise_release(p);
    return f;
}

static int sleeping(gyre_loop *loop)
{
    return gyre_run(gyre_sleep(loop, GYRE_MS(3)));
}

static int resolving(gyre_loop *loop)
{
    int value = 0;
    int err = gyre_run(promised(loop, 0, 5), &value);
    if (!err) assert_int_equal(value, 5);
    return err;
}

static int rejecting(gyre_loop *loop)
{
    int err = gyre_run(promised(loop, -EIO, 0));
    if (err == -EIO) return 0; // with a text or without
    return err;
}

static int calling_back(gyre_loop *loop)
{
    void *token;
    int value = 0, given = 9;
    gyre_int_future f = gyre_from_callback(gyre_int, loop, &token);
    gyre_int_settle(token, 0, &given);
    int err = gyre_run(f, &value);
    if (!err) assert_int_equal(value, 9);
    return err;
}

static int combining_all(gyre_loop *loop)
{
    gyre_int_future f[3] = {promised(loop, 0, 1), promised(loop, 0, 2), promised(loop, 0, 3)};
    int out[3] = {0};
    int err = gyre_run(gyre_all(loop, f, 3, out));
    assert_int_equal(out[0] + out[1] + out[2], err ? 0 : 6);
    return err;
}

static int combining_failures(gyre_loop *loop)
{
    gyre_int_future f[2] = {promised(loop, -EIO, 0), promised(loop, -EPIPE, 0)};
    int err = gyre_run(gyre_all(loop, f, 2));
    return err == -EIO ? 0 : err;
}

static int combining_any(gyre_loop *loop)
{
    gyre_void_future f[2] = {gyre_sleep(loop, GYRE_MS(1)), gyre_sleep(loop, GYRE_SECONDS(9))};
    size_t index = 0;
    return gyre_run(gyre_any(loop, f, 2, &index));
}

static int with_deadlines(gyre_loop *loop)
{
    int err = gyre_run(gyre_with_timeout(gyre_sleep(loop, GYRE_MS(1)), GYRE_SECONDS(1)));
    if (err) return err;
    err = gyre_run(gyre_with_timeout(gyre_sleep(loop, GYRE_SECONDS(9)), GYRE_MS(1)));
    return err == GYRE_ETIMEDOUT ? 0 : err;
}

struct called {
    int calls, err;
};

// NOLINTNEXTLINE(readability-non-const-parameter): the type of a callback
static void on_int(void *arg, int err, int *value)
{
    (void)value;
    struct called *called = arg;
    called->calls++;
    called->err = err;
}

static int thens_and_busy(gyre_loop *loop)
{
    struct called a = {0}, b = {0};
    gyre_int_future f = promised(loop, 0, 4);
    gyre_then(gyre_retain(f), on_int, &a);
    gyre_then(f, on_int, &b);
    for (int i = 0; i < 3; i++) assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 1);
    assert_true(a.err == 0 || a.err == -ENOMEM);
    assert_true(b.err == GYRE_EBUSY || b.err == -ENOMEM);
    return a.err ? a.err : b.err == GYRE_EBUSY ? 0 : b.err;
}

static int nested_and_cancelled(gyre_loop *loop)
{
    gyre_void_future two[2] = {gyre_with_timeout(gyre_sleep(loop, GYRE_MS(9)), GYRE_SECONDS(1)),
                               gyre_sleep(loop, GYRE_MS(8))};
    gyre_void_future any = gyre_any(loop, two, 2, NULL);
    gyre_void_future all = gyre_all(loop, &any, 1);
    gyre_cancel(all);
    int err = gyre_run(all);
    return err == GYRE_ECANCELED ? 0 : err;
}

static int left_to_the_close(gyre_loop *loop)
{
    gyre_void_future f = gyre_sleep(loop, GYRE_SECONDS(9));
    int err = gyre_future_error(f);
    gyre_detach(gyre_with_timeout(f, GYRE_SECONDS(8)));
    return err;
}

#define TORTURES(name, fn) \
    static void name(void **state) \
    { \
        (void)state; \
        torture(fn); \
    }
TORTURES(a_sleep_survives_every_failed_allocation, sleeping)
TORTURES(a_promise_survives_every_failed_allocation, resolving)
TORTURES(a_rejection_survives_every_failed_allocation, rejecting)
TORTURES(a_callback_token_survives_every_failed_allocation, calling_back)
TORTURES(all_survives_every_failed_allocation, combining_all)
TORTURES(all_of_failures_survives_every_failed_allocation, combining_failures)
TORTURES(any_survives_every_failed_allocation, combining_any)
TORTURES(a_deadline_survives_every_failed_allocation, with_deadlines)
TORTURES(two_callbacks_survive_every_failed_allocation, thens_and_busy)
TORTURES(a_nested_cancel_survives_every_failed_allocation, nested_and_cancelled)
TORTURES(a_close_survives_every_failed_allocation, left_to_the_close)

TESTS(cmocka_unit_test(a_sleep_survives_every_failed_allocation),
      cmocka_unit_test(a_promise_survives_every_failed_allocation),
      cmocka_unit_test(a_rejection_survives_every_failed_allocation),
      cmocka_unit_test(a_callback_token_survives_every_failed_allocation),
      cmocka_unit_test(all_survives_every_failed_allocation),
      cmocka_unit_test(all_of_failures_survives_every_failed_allocation),
      cmocka_unit_test(any_survives_every_failed_allocation),
      cmocka_unit_test(a_deadline_survives_every_failed_allocation),
      cmocka_unit_test(two_callbacks_survive_every_failed_allocation),
      cmocka_unit_test(a_nested_cancel_survives_every_failed_allocation),
      cmocka_unit_test(a_close_survives_every_failed_allocation))
