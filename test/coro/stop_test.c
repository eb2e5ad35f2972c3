// What the close of a loop does to coroutines.
#include "test/coro/loop.h"

static int clean_up_in_time(gyre_coro *self, void *arg)
{
    (void)arg;
    wait_for_cancel();
    int err = gyre_shield(self, GYRE_SECONDS(1));
    if (!err) err = nap(GYRE_MS(500));
    note("cleaned up");
    return err;
}

static void close_lets_coroutines_clean_up(void **state)
{
    (void)state;
    gyre_detach(gyre_spawn(gyre_void, loop, clean_up_in_time, NULL));
    close_loop();
    assert_string_equal(trace, "cleaned up");
    assert_string_equal(logged, "");
}

static void note_word(void *word)
{
    note(word);
}

static int ignore_everything(gyre_coro *self, void *arg)
{
    int err = gyre_defer(self, note_word, arg);
    if (!err) err = gyre_shield(self, GYRE_FOREVER);
    while (!err) err = nap(GYRE_SECONDS(1));
    note("body");
    return err;
}

static void close_stops_and_names_what_waits_after_the_grace(void **state)
{
    (void)state;
    gyre_time began = gyre_now(loop);
    gyre_detach(gyre_spawn(gyre_void, loop, ignore_everything, "deferred"));
    close_loop();
    assert_true(clock_now() - began >= GYRE_SECONDS(2)); // the grace
    assert_string_equal(trace, "deferred");
    assert_string_equal(logged, "stopped ignore_everything, which still waited at the close\n");
}

static void note_end(void *arg, int err, gyre_nothing *value)
{
    (void)arg;
    assert_null(value);
    note(gyre_errname(err));
}

static void close_completes_the_futures_of_what_it_stops(void **state)
{
    (void)state;
    gyre_then(gyre_spawn(gyre_void, loop, ignore_everything, "deferred"), note_end, NULL);
    close_loop();
    assert_string_equal(trace, "deferred GYRE_ECANCELED");
}

static int await_ignorant(gyre_coro *self, void *arg)
{
    int err = gyre_defer(self, note_word, arg);
    if (!err) err = gyre_shield(self, GYRE_FOREVER);
    if (err) return err;
    return gyre_await(gyre_spawn(gyre_void, loop, ignore_everything, "child"));
}

static void close_stops_a_parent_and_its_child(void **state)
{
    (void)state;
    gyre_detach(gyre_spawn(gyre_void, loop, await_ignorant, "parent"));
    close_loop();
    assert_string_equal(trace, "parent child");
}

static int child_of_clean_up(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int err = nap(GYRE_MS(500));
    note(err ? "child cancelled" : "child done");
    return err;
}

static int shielded_from_the_start(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_shield(self, GYRE_SECONDS(1));
    if (!err) err = gyre_await(gyre_spawn(gyre_void, loop, child_of_clean_up, NULL));
    note(err ? "parent cancelled" : "parent done");
    return err;
}

// Only roots are cancelled; what a shielded coroutine waits for is its own affair.
static void close_leaves_the_child_of_a_shielded_parent(void **state)
{
    (void)state;
    gyre_detach(gyre_spawn(gyre_void, loop, shielded_from_the_start, NULL));
    close_loop();
    assert_string_equal(trace, "child done parent done");
    assert_string_equal(logged, "");
}

static int await_retained(gyre_coro *self, void *arg)
{
    (void)self;
    return gyre_await(gyre_retain(*(gyre_void_future *)arg));
}

static int await_retained_shielded(gyre_coro *self, void *arg)
{
    int err = gyre_shield(self, GYRE_FOREVER);
    return err ? err : await_retained(self, arg);
}

// What a coroutine shares with somebody who never looks again kept the loop open, and what it had
// started outlived it.
static void close_cancels_what_others_hold_too(void **state)
{
    (void)state;
    gyre_time began = gyre_now(loop);
    gyre_void_future shared = gyre_sleep(loop, GYRE_SECONDS(100));
    gyre_void_future child = gyre_spawn(gyre_void, loop, child_of_clean_up, NULL);
    gyre_detach(gyre_spawn(gyre_void, loop, await_retained, &shared));
    gyre_detach(gyre_spawn(gyre_void, loop, await_retained, &child));
    close_loop();
    assert_true(clock_now() - began < GYRE_MS(100));
    assert_string_equal(trace, "child cancelled");
    assert_string_equal(logged, "");
}

static void close_ends_what_a_stopped_coroutine_waited_for(void **state)
{
    (void)state;
    gyre_void_future shared = gyre_sleep(loop, GYRE_SECONDS(100));
    gyre_detach(gyre_spawn(gyre_void, loop, await_retained_shielded, &shared));
    close_loop();
    assert_string_equal(logged,
                        "stopped await_retained_shielded, which still waited at the close\n");
}

static int spin_shielded(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_shield(self, GYRE_FOREVER);
    while (!err) {
        clock_advance(GYRE_MS(1));
        err = gyre_await_for(gyre_sleep(loop, GYRE_SECONDS(1)), 1);
        if (err == GYRE_ETIMEDOUT) err = 0;
    }
    return err;
}

static void close_stops_what_never_rests(void **state)
{
    (void)state;
    gyre_detach(gyre_spawn(gyre_void, loop, spin_shielded, NULL));
    close_loop();
    assert_non_null(strstr(logged, "stopped spin_shielded"));
}

static void close_never_runs_what_was_to_start_later(void **state)
{
    (void)state;
    gyre_spawn_opts lazy = {.lazy = true};
    gyre_then(gyre_spawn_with(gyre_void, loop, child_of_clean_up, NULL, &lazy), note_end, NULL);
    close_loop();
    assert_string_equal(trace, "GYRE_ECANCELED");
}

static int two_values(gyre_coro *self, void *arg)
{
    int err = gyre_defer(self, note_word, arg);
    if (!err) err = gyre_generator_yield(self, "one", NULL);
    if (!err) err = nap(GYRE_SECONDS(1));
    if (!err) err = gyre_generator_yield(self, "two", NULL);
    note("body");
    return err;
}

static void close_ends_generators_in_every_state(void **state)
{
    (void)state;
    gyre_generator *fresh, *yielded, *waiting, *ended;
    void *value;
    clock_virtual_stop();
    assert_int_equal(gyre_generator_open(&fresh, loop, two_values, "fresh", NULL), 0);
    assert_int_equal(gyre_generator_open(&yielded, loop, two_values, "yielded", NULL), 0);
    assert_int_equal(gyre_generator_open(&waiting, loop, two_values, "waiting", NULL), 0);
    assert_int_equal(gyre_generator_open(&ended, loop, child_of_clean_up, NULL, NULL), 0);
    assert_int_equal(gyre_generator_next(yielded, NULL, &value), 0);
    assert_int_equal(gyre_generator_next(waiting, NULL, &value), 0);
    assert_int_equal(gyre_generator_next(waiting, NULL, &value), -EPERM);
    assert_int_equal(gyre_generator_next(ended, NULL, &value), -EPERM);
    close_loop();
    // The one that waits is cancelled, the one between two values is stopped.
    assert_string_equal(trace, "body waiting child cancelled yielded");
    assert_string_equal(logged, "");
}

TESTS(TEST(close_lets_coroutines_clean_up), TEST(close_stops_and_names_what_waits_after_the_grace),
      TEST(close_completes_the_futures_of_what_it_stops), TEST(close_stops_a_parent_and_its_child),
      TEST(close_leaves_the_child_of_a_shielded_parent), TEST(close_cancels_what_others_hold_too),
      TEST(close_ends_what_a_stopped_coroutine_waited_for), TEST(close_stops_what_never_rests),
      TEST(close_never_runs_what_was_to_start_later), TEST(close_ends_generators_in_every_state))
