// Waiting with a limit.
#include "test/coro/loop.h"

// A promise whose future somebody awaits, and what became of it.
static gyre_int_promise promise;
static int canceled_operations;

static void count_cancel(void *arg)
{
    (void)arg;
    canceled_operations++;
}

static const gyre_future_ops counting = {.cancel = count_cancel};

static gyre_int_future open_promise(void)
{
    gyre_int_future future;
    canceled_operations = 0;
    promise = gyre_promise_new(gyre_int, loop, &future, &counting, NULL);
    return future;
}

struct limited {
    gyre_int_future future;
    gyre_duration limit;
    int value;
    gyre_time took;
};

static int await_limited(gyre_coro *self, void *arg)
{
    (void)self;
    struct limited *limited = arg;
    gyre_time began = gyre_now(loop);
    int err = gyre_await_for(limited->future, limited->limit, &limited->value);
    limited->took = gyre_now(loop) - began;
    return err;
}

static void await_for_times_out_and_cancels_the_operation(void **state)
{
    (void)state;
    struct limited limited = {open_promise(), GYRE_MS(50), 7, 0};
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_limited, &limited)),
                     GYRE_ETIMEDOUT);
    assert_true(limited.took >= GYRE_MS(50) && limited.took < GYRE_MS(52));
    assert_int_equal(limited.value, 7);
    assert_int_equal(canceled_operations, 1);
    gyre_promise_release(promise);
}

static void await_for_that_times_out_leaves_a_retained_operation(void **state)
{
    (void)state;
    struct limited limited = {open_promise(), GYRE_MS(50), 7, 0};
    gyre_int_future kept = gyre_retain(limited.future);
    int value = 9;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_limited, &limited)),
                     GYRE_ETIMEDOUT);
    assert_int_equal(canceled_operations, 0);
    assert_true(gyre_promise_resolve(promise, &value));
    gyre_promise_release(promise);
    value = 0;
    assert_int_equal(gyre_run(kept, &value), 0); // nobody waits for it any more
    assert_int_equal(value, 9);
}

static void await_for_nought_only_looks(void **state)
{
    (void)state;
    int value = 5;
    struct limited limited = {open_promise(), 0, 7, 0};
    gyre_int_future kept = gyre_retain(limited.future);
    gyre_void_future future = gyre_spawn(gyre_void, loop, await_limited, &limited);
    assert_int_equal(gyre_future_state(future), GYRE_FAILED); // it never waited
    assert_int_equal(gyre_run(future), GYRE_ETIMEDOUT);
    assert_true(gyre_promise_resolve(promise, &value));
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    limited.future = kept;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_limited, &limited)), 0);
    assert_int_equal(limited.value, 5);
    gyre_promise_release(promise);
    limited.future = open_promise();
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_limited, &limited)),
                     GYRE_ETIMEDOUT);
    assert_int_equal(canceled_operations, 1);
    gyre_promise_release(promise);
}

static void resolve_later(gyre_loop *of, gyre_timer *timer)
{
    (void)of, (void)timer;
    int value = 8;
    (void)gyre_promise_resolve(promise, &value);
}

static void await_for_ever_has_no_limit(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    struct limited limited = {open_promise(), GYRE_FOREVER, 0, 0};
    gyre_timer_start(loop, &timer, GYRE_SECONDS(100000), resolve_later);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_limited, &limited)), 0);
    assert_int_equal(limited.value, 8);
    gyre_promise_release(promise);
}

// The limit and the completion fall into one tick: the one whose timer was started first wins.
static void await_for_ends_once_when_limit_and_completion_meet(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    for (int completion_first = 0; completion_first < 2; completion_first++) {
        struct limited limited = {open_promise(), GYRE_MS(10), 0, 0};
        if (completion_first) gyre_timer_start(loop, &timer, GYRE_MS(10), resolve_later);
        gyre_void_future future = gyre_spawn(gyre_void, loop, await_limited, &limited);
        if (!completion_first) gyre_timer_start(loop, &timer, GYRE_MS(10), resolve_later);
        assert_int_equal(gyre_run(future), completion_first ? 0 : GYRE_ETIMEDOUT);
        assert_int_equal(limited.value, completion_first ? 8 : 0);
        pass(GYRE_MS(2));
        gyre_promise_release(promise);
    }
}

static int stubborn(gyre_coro *self, void *arg)
{
    (void)arg;
    wait_for_cancel();
    int err = gyre_shield(self, GYRE_SECONDS(1));
    return err ? err : nap(GYRE_MS(200));
}

static int await_stubborn_child(gyre_coro *self, void *arg)
{
    (void)self;
    gyre_void_future child = gyre_spawn(gyre_void, loop, stubborn, NULL);
    *(int *)arg = gyre_await_for(child, GYRE_MS(50));
    return 0;
}

// The wait of a cancelled coroutine ends with its limit, but not as if nobody had cancelled it.
static void await_for_whose_limit_passes_after_a_cancel_is_cancelled(void **state)
{
    (void)state;
    int err = 0;
    gyre_time began = gyre_now(loop);
    gyre_void_future future = gyre_spawn(gyre_void, loop, await_stubborn_child, &err);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_int_equal(err, GYRE_ECANCELED);
    assert_true(gyre_now(loop) - began < GYRE_MS(60));
}

static gyre_void_future parent;

static void cancel_parent(void *arg)
{
    (void)arg;
    gyre_cancel(parent);
}

static int await_future(gyre_coro *self, void *arg)
{
    (void)self;
    return gyre_await(*(gyre_int_future *)arg);
}

static int await_child_for_a_moment(gyre_coro *self, void *arg)
{
    (void)self;
    int err = nap(0); // until the test holds the parent's future
    if (err) return err;
    return gyre_await_for(gyre_spawn(gyre_void, loop, await_future, arg), GYRE_MS(5));
}

// Undoing what was awaited cancelled the one who gave it up: its reference was dropped twice.
static void await_for_is_cancelled_by_what_it_gives_up(void **state)
{
    (void)state;
    static const gyre_future_ops ops = {.cancel = cancel_parent};
    gyre_int_future future;
    promise = gyre_promise_new(gyre_int, loop, &future, &ops, NULL);
    parent = gyre_spawn(gyre_void, loop, await_child_for_a_moment, &future);
    size_t before = memory.live_blocks; // a promise and three futures are among them
    assert_int_equal(gyre_run(gyre_retain(parent)), GYRE_ECANCELED);
    pass(GYRE_MS(2));
    gyre_promise_release(promise);
    gyre_release(parent);
    assert_int_equal(memory.live_blocks, before - 4);
}

TESTS(TEST(await_for_times_out_and_cancels_the_operation),
      TEST(await_for_that_times_out_leaves_a_retained_operation), TEST(await_for_nought_only_looks),
      TEST(await_for_ever_has_no_limit), TEST(await_for_ends_once_when_limit_and_completion_meet),
      TEST(await_for_whose_limit_passes_after_a_cancel_is_cancelled),
      TEST(await_for_is_cancelled_by_what_it_gives_up))
