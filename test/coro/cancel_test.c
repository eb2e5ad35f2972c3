// Cancel: sticky, inward, and the result is always GYRE_ECANCELED.
#include "test/coro/loop.h"

// ---- At every wait of a longer body ---------------------------------------------------------

enum { WAITS = 8 };

struct journey {
    gyre_void_future own;
    int reached;       // waits that have begun
    int refused;       // that failed with GYRE_ECANCELED
    int strange;       // that failed otherwise, or began after a refusal
    int produced;      // producers that did something though cancelled
    gyre_promise *box; // of the promise in the second wait
};

static int child_naps(gyre_coro *self, void *arg)
{
    (void)self;
    struct journey *journey = arg;
    int err = nap(GYRE_MS(1));
    if (err != 0 && err != GYRE_ECANCELED) journey->strange++;
    return err;
}

static int count_up(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = nap(GYRE_MS(1));
    return err ? err : gyre_generator_yield(self, "one", NULL);
}

// Each of its waits is of another kind; which one is `number`'s.
static int wait_number(struct journey *journey, int number, gyre_generator *generator)
{
    gyre_void_future futures[2];
    void *value;
    switch (number) {
    case 0: return nap(GYRE_MS(1));
    case 1: return gyre_await(gyre_spawn(gyre_void, loop, child_naps, journey));
    case 2: return gyre_await_for(gyre_sleep(loop, GYRE_MS(1)), GYRE_SECONDS(1));
    case 3: return gyre_run(gyre_sleep(loop, GYRE_MS(1)));
    case 4:
        futures[0] = gyre_sleep(loop, GYRE_MS(1));
        futures[1] = gyre_sleep(loop, GYRE_MS(2));
        return gyre_await(gyre_all(loop, futures, 2));
    case 5: return gyre_await(gyre_with_timeout(gyre_sleep(loop, GYRE_MS(1)), GYRE_SECONDS(1)));
    case 6: return gyre_generator_next(generator, NULL, &value);
    default: return nap(0);
    }
}

static int travel(gyre_coro *self, void *arg)
{
    struct journey *journey = arg;
    gyre_generator *generator = NULL;
    int err = gyre_generator_open(&generator, loop, count_up, NULL, NULL);
    if (err) return err;
    for (int i = 0; i < WAITS; i++) {
        bool sticky = journey->refused > 0;
        if (!sticky) journey->reached++;
        size_t live = memory.live_blocks;
        err = wait_number(journey, i, generator);
        if (err == GYRE_ECANCELED) journey->refused++;
        if (err != (gyre_coro_is_canceled(self) ? GYRE_ECANCELED : 0)) journey->strange++;
        if (sticky && memory.live_blocks != live) journey->produced++;
    }
    gyre_generator_close(generator);
    return 0; // it does not even say so
}

static void coro_cancel_at_every_wait_is_sticky(void **state)
{
    (void)state;
    for (int nth = 1; nth <= WAITS; nth++) {
        struct journey journey = {0};
        gyre_void_future future = gyre_spawn(gyre_void, loop, travel, &journey);
        while (journey.reached < nth) assert_int_equal(gyre_loop_turn(loop, GYRE_FOREVER), 0);
        assert_int_equal(gyre_future_state(future), GYRE_SUSPENDED);
        assert_true(gyre_cancel(future));
        assert_true(gyre_cancel(future)); // under way still: a second one changes nothing
        assert_int_equal(gyre_run(future), GYRE_ECANCELED);
        assert_int_equal(journey.strange, 0);
        assert_int_equal(journey.produced, 0);
        assert_int_equal(journey.reached, nth);
        assert_int_equal(journey.refused, WAITS - nth + 1);
    }
}

static void coro_journey_without_a_cancel_ends_well(void **state)
{
    (void)state;
    struct journey journey = {0};
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, travel, &journey)), 0);
    assert_int_equal(journey.reached, WAITS);
    assert_int_equal(journey.strange, 0);
}

// ---- Producers ------------------------------------------------------------------------------

static int never_begins(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    note("begun");
    return 0;
}

static int produce_after_cancel(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    gyre_spawn_opts lazy = {.lazy = true};
    gyre_generator *generator;
    gyre_int_future promised;
    wait_for_cancel();
    gyre_void_future future = gyre_sleep(loop, 0);
    assert_int_equal(gyre_future_state(future), GYRE_CANCELED); // settled already
    gyre_release(future);
    assert_int_equal(gyre_await(gyre_spawn(gyre_void, loop, never_begins, NULL)), GYRE_ECANCELED);
    assert_int_equal(gyre_await(gyre_spawn_with(gyre_void, loop, never_begins, NULL, &lazy)),
                     GYRE_ECANCELED);
    assert_int_equal(gyre_generator_open(&generator, loop, never_begins, NULL, NULL),
                     GYRE_ECANCELED);
    gyre_int_promise promise = gyre_promise_new(gyre_int, loop, &promised, NULL, NULL);
    assert_null(promise.untyped);
    assert_int_equal(gyre_await(promised), GYRE_ECANCELED);
    return 0;
}

static void coro_producers_do_nothing_once_cancelled(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, produce_after_cancel, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(trace, "");
}

// ---- Parents and children -------------------------------------------------------------------

static int clean_up_slowly(gyre_coro *self, void *arg)
{
    int *lent = arg;
    wait_for_cancel();
    int err = gyre_shield(self, GYRE_SECONDS(1));
    if (!err) err = nap(GYRE_MS(100));
    gyre_unshield(self);
    *lent = 1; // what it borrowed must still be there
    note("child");
    return err;
}

static int await_child(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int lent = 0;
    int err = gyre_await(gyre_spawn(gyre_void, loop, clean_up_slowly, &lent));
    assert_int_equal(lent, 1);
    note("parent");
    return err;
}

static void coro_cancel_of_a_parent_waits_for_the_childs_clean_up(void **state)
{
    (void)state;
    gyre_time began = gyre_now(loop);
    gyre_void_future future = gyre_spawn(gyre_void, loop, await_child, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(trace, "child parent");
    assert_true(gyre_now(loop) - began >= GYRE_MS(100));
}

static int await_shared(gyre_coro *self, void *arg)
{
    (void)self;
    return gyre_await(gyre_retain(*(gyre_void_future *)arg));
}

static void coro_cancel_leaves_what_others_hold(void **state)
{
    (void)state;
    gyre_void_future shared = gyre_sleep(loop, GYRE_MS(5));
    gyre_void_future future = gyre_spawn(gyre_void, loop, await_shared, &shared);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_int_equal(gyre_future_state(shared), GYRE_PENDING);
    assert_int_equal(gyre_run(shared), 0);
}

static void coro_release_of_the_last_reference_cancels(void **state)
{
    (void)state;
    gyre_release(gyre_spawn(gyre_void, loop, await_child, NULL));
    pass(GYRE_MS(200));
    assert_string_equal(trace, "child parent");
}

// ---- When -----------------------------------------------------------------------------------

static void coro_cancel_before_a_lazy_start_never_runs_the_body(void **state)
{
    (void)state;
    gyre_spawn_opts lazy = {.lazy = true};
    gyre_void_future future = gyre_spawn_with(gyre_void, loop, never_begins, NULL, &lazy);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_future_state(future), GYRE_CANCELED);
    assert_false(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    gyre_release(gyre_spawn_with(gyre_void, loop, never_begins, NULL, &lazy));
    pass(GYRE_MS(1));
    assert_string_equal(trace, "");
}

struct meeting {
    gyre_timer timer;
    gyre_void_future target;
    int err; // of the wait
};

static void cancel_target(gyre_loop *of, gyre_timer *timer)
{
    (void)of;
    gyre_cancel(GYRE_CONTAINER_OF(timer, struct meeting, timer)->target);
}

static int nap_ten(gyre_coro *self, void *arg)
{
    (void)self;
    struct meeting *meeting = arg;
    meeting->err = nap(GYRE_MS(10));
    return 0;
}

// Timers of one tick fire in the order of their starts.
static void coro_cancel_and_completion_in_one_tick(void **state)
{
    (void)state;
    for (int cancel_first = 0; cancel_first < 2; cancel_first++) {
        struct meeting meeting = {.err = 1};
        if (cancel_first) gyre_timer_start(loop, &meeting.timer, GYRE_MS(10), cancel_target);
        meeting.target = gyre_spawn(gyre_void, loop, nap_ten, &meeting);
        if (!cancel_first) gyre_timer_start(loop, &meeting.timer, GYRE_MS(10), cancel_target);
        assert_int_equal(gyre_run(meeting.target), GYRE_ECANCELED);
        // What had come before the cancel is not lost.
        assert_int_equal(meeting.err, cancel_first ? GYRE_ECANCELED : 0);
    }
}

static gyre_void_future own;

static int cancel_own(gyre_coro *self, void *arg)
{
    (void)arg;
    assert_false(gyre_coro_is_canceled(self));
    assert_true(gyre_cancel(own));
    assert_true(gyre_coro_is_canceled(self));
    note("on");
    assert_int_equal(nap(0), GYRE_ECANCELED);
    return 0;
}

static void coro_that_cancels_itself_runs_to_its_end(void **state)
{
    (void)state;
    gyre_spawn_opts lazy = {.lazy = true};
    own = gyre_spawn_with(gyre_void, loop, cancel_own, NULL, &lazy);
    assert_int_equal(gyre_run(own), GYRE_ECANCELED);
    assert_string_equal(trace, "on");
}

static int give_although(gyre_coro *self, void *arg)
{
    (void)arg;
    int value = 3;
    wait_for_cancel();
    return gyre_give(self, &value);
}

static int fail_although(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    wait_for_cancel();
    return -EIO;
}

static void coro_that_is_cancelled_never_succeeds_nor_fails_otherwise(void **state)
{
    (void)state;
    int out = 7;
    gyre_int_future future = gyre_spawn(gyre_int, loop, give_although, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future, &out), GYRE_ECANCELED);
    assert_int_equal(out, 7);
    future = gyre_spawn(gyre_int, loop, fail_although, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future, &out), GYRE_ECANCELED);
    assert_string_equal(logged, "");
}

TESTS(TEST(coro_cancel_at_every_wait_is_sticky), TEST(coro_journey_without_a_cancel_ends_well),
      TEST(coro_producers_do_nothing_once_cancelled),
      TEST(coro_cancel_of_a_parent_waits_for_the_childs_clean_up),
      TEST(coro_cancel_leaves_what_others_hold), TEST(coro_release_of_the_last_reference_cancels),
      TEST(coro_cancel_before_a_lazy_start_never_runs_the_body),
      TEST(coro_cancel_and_completion_in_one_tick), TEST(coro_that_cancels_itself_runs_to_its_end),
      TEST(coro_that_is_cancelled_never_succeeds_nor_fails_otherwise))
