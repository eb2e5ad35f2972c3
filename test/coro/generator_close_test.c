// Closing generators, whatever they and their callers are doing.
#include "test/coro/loop.h"

static gyre_generator *open_generator_with(gyre_coro_fn *fn, void *arg)
{
    gyre_generator *generator = NULL;
    assert_int_equal(gyre_generator_open(&generator, loop, fn, arg, NULL), 0);
    return generator;
}

// Yields for ever and notes how it ends.
static int yield_for_ever(gyre_coro *self, void *arg)
{
    int err;
    while ((err = gyre_generator_yield(self, arg, NULL)) == 0) continue;
    note(gyre_errname(err));
    return err;
}

static void generator_close_is_seen_at_the_yield(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(yield_for_ever, "x");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    gyre_generator_close(generator);
    assert_string_equal(trace, "GYRE_ECANCELED"); // at once
}

static void generator_close_before_the_first_next_runs_nothing(void **state)
{
    (void)state;
    gyre_generator_close(open_generator_with(yield_for_ever, "x"));
    assert_string_equal(trace, "");
}

static int yield_although_closed(gyre_coro *self, void *arg)
{
    int err = gyre_generator_yield(self, arg, NULL);
    for (int i = 0; i < 3; i++) err = gyre_generator_yield(self, arg, NULL);
    note(gyre_errname(err));
    return 0;
}

static int yield_shielded(gyre_coro *self, void *arg)
{
    int err = gyre_shield(self, GYRE_FOREVER);
    if (err) return err;
    err = yield_although_closed(self, arg);
    note(nap(GYRE_MS(5)) ? "refused" : "waited"); // that is what shields are for
    return err;
}

// A shield hid the close: the body went on to yield values that nobody asked for.
static void generator_close_is_seen_at_the_yield_in_a_shield_too(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(yield_although_closed, "x");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    gyre_generator_close(generator);
    assert_string_equal(trace, "GYRE_ECANCELED");
    generator = open_generator_with(yield_shielded, "x");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    gyre_generator_close(generator);
    assert_string_equal(trace, "GYRE_ECANCELED GYRE_ECANCELED");
    pass(GYRE_MS(10));
    assert_string_equal(trace, "GYRE_ECANCELED GYRE_ECANCELED waited");
}

static int nap_then_yield(gyre_coro *self, void *arg)
{
    int err = nap(GYRE_MS(10));
    note(gyre_errname(err));
    return err ? err : gyre_generator_yield(self, arg, NULL);
}

static int call_and_note(gyre_coro *self, void *arg)
{
    (void)self;
    void *value = NULL;
    int err = gyre_generator_next(arg, NULL, &value);
    note(value ? (char *)value : "no value");
    note(gyre_errname(err));
    return err;
}

// The caller got a stale value and read a generator that was gone.
static void generator_close_tells_its_parked_caller(void **state)
{
    (void)state;
    gyre_generator *generator = open_generator_with(nap_then_yield, "x");
    gyre_void_future caller = gyre_spawn(gyre_void, loop, call_and_note, generator);
    gyre_generator_close(generator);
    assert_int_equal(gyre_run(caller), GYRE_ECLOSED);
    pass(GYRE_MS(20));
    assert_string_equal(trace, "no value GYRE_ECLOSED GYRE_ECANCELED");
}

struct closing {
    gyre_task task;
    gyre_generator *generator;
};

static void close_now(gyre_loop *of, gyre_task *task)
{
    (void)of;
    gyre_generator_close(GYRE_CONTAINER_OF(task, struct closing, task)->generator);
}

static int yield_and_close(gyre_coro *self, void *arg)
{
    struct closing *closing = arg;
    int err = nap(GYRE_MS(1));
    gyre_soon(loop, &closing->task); // in front of the caller, whom the yield wakes
    return err ? err : gyre_generator_yield(self, "x", NULL);
}

// The same between the yield and the caller's turn.
static void generator_close_leaves_the_caller_the_value_it_was_woken_for(void **state)
{
    (void)state;
    struct closing closing = {.task.fn = close_now};
    closing.generator = open_generator_with(yield_and_close, &closing);
    gyre_void_future caller = gyre_spawn(gyre_void, loop, call_and_note, closing.generator);
    assert_int_equal(gyre_run(caller), 0);
    assert_string_equal(trace, "x OK");
}

static void generator_close_while_its_body_waits_ends_it_later(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(nap_then_yield, "x");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EPERM);
    gyre_generator_close(generator);
    assert_string_equal(trace, "");
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_string_equal(trace, "GYRE_ECANCELED");
}

static int close_inner(gyre_coro *self, void *arg)
{
    (void)self;
    void *value;
    gyre_generator *inner = open_generator_with(yield_for_ever, arg);
    int err = gyre_generator_next(inner, NULL, &value);
    while (!err) err = gyre_generator_yield(self, value, NULL);
    gyre_generator_close(inner); // in a cancelled coroutine
    return err;
}

static void generator_inside_a_generator_is_closed_by_it(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(close_inner, "inner");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_string_equal(value, "inner");
    gyre_generator_close(generator);
    assert_string_equal(trace, "GYRE_ECANCELED");
}

static int call_when_cancelled(gyre_coro *self, void *arg)
{
    (void)self;
    void *value;
    wait_for_cancel();
    assert_int_equal(gyre_generator_next(arg, NULL, &value), GYRE_ECANCELED);
    return 0;
}

static void generator_next_in_a_cancelled_coroutine_runs_nothing(void **state)
{
    (void)state;
    gyre_generator *generator = open_generator_with(nap_then_yield, "x");
    gyre_void_future caller = gyre_spawn(gyre_void, loop, call_when_cancelled, generator);
    assert_true(gyre_cancel(caller));
    assert_int_equal(gyre_run(caller), GYRE_ECANCELED);
    gyre_generator_close(generator);
    assert_string_equal(trace, "");
}

static void generator_left_open_by_a_caller_goes_with_the_loop(void **state)
{
    (void)state;
    gyre_generator *generator = open_generator_with(nap_then_yield, "x");
    gyre_detach(gyre_spawn(gyre_void, loop, call_and_note, generator));
    close_loop();
    assert_string_equal(logged, "");
    assert_non_null(strstr(trace, "no value"));
}

static void close_it(void *arg)
{
    gyre_generator_close(arg);
}

static int outlast(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_shield(self, GYRE_FOREVER);
    return err ? err : nap(GYRE_FOREVER);
}

static int own_and_outlast(gyre_coro *self, void *arg)
{
    int err = gyre_defer(self, close_it, arg);
    return err ? err : outlast(self, arg);
}

// The close of the loop had freed its coroutine, and the defer freed that again.
static void fresh_generator_that_the_loop_stopped_can_be_closed(void **state)
{
    (void)state;
    gyre_generator *generator = open_generator_with(yield_for_ever, "x");
    gyre_detach(gyre_spawn(gyre_void, loop, own_and_outlast, generator));
    close_loop();
    assert_non_null(strstr(logged, "stopped own_and_outlast"));
    assert_string_equal(trace, "");
}

static void ask_stopped(void *arg, int err, gyre_nothing *nothing)
{
    (void)nothing;
    void *value;
    note(gyre_errname(err));
    note(gyre_errname(gyre_generator_next(arg, NULL, &value)));
}

// The same, asked for a value by a continuation of the close: the body ran after its stop.
static void fresh_generator_that_the_loop_stopped_gives_nothing(void **state)
{
    (void)state;
    gyre_generator *generator = open_generator_with(yield_for_ever, "x");
    gyre_then(gyre_spawn(gyre_void, loop, outlast, generator), ask_stopped, generator);
    close_loop();
    assert_string_equal(trace, "GYRE_ECANCELED GYRE_ECANCELED");
}

TESTS(TEST(generator_close_is_seen_at_the_yield),
      TEST(generator_close_before_the_first_next_runs_nothing),
      TEST(generator_close_is_seen_at_the_yield_in_a_shield_too),
      TEST(generator_close_tells_its_parked_caller),
      TEST(generator_close_leaves_the_caller_the_value_it_was_woken_for),
      TEST(generator_close_while_its_body_waits_ends_it_later),
      TEST(generator_inside_a_generator_is_closed_by_it),
      TEST(generator_next_in_a_cancelled_coroutine_runs_nothing),
      TEST(generator_left_open_by_a_caller_goes_with_the_loop),
      TEST(fresh_generator_that_the_loop_stopped_can_be_closed),
      TEST(fresh_generator_that_the_loop_stopped_gives_nothing))
