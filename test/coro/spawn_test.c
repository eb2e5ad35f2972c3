// Starting coroutines: order, values, states, options.
#include "future/future_int.h"
#include "test/coro/loop.h"

// ---- Order ---------------------------------------------------------------------------------

static int one_then_three(gyre_coro *self, void *arg)
{
    (void)arg;
    note("1");
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), 0));
    note("3");
    return err;
}

static void coro_eager_spawn_runs_to_its_first_wait(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, one_then_three, NULL);
    note("2");
    assert_int_equal(gyre_future_state(future), GYRE_SUSPENDED);
    assert_int_equal(gyre_run(future), 0);
    assert_string_equal(trace, "1 2 3");
}

static void coro_lazy_spawn_runs_later(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.lazy = true};
    gyre_void_future future = gyre_spawn_with(gyre_void, loop, one_then_three, NULL, &opts);
    note("2");
    assert_int_equal(gyre_future_state(future), GYRE_PENDING);
    assert_int_equal(gyre_run(future), 0);
    assert_string_equal(trace, "2 1 3");
}

static int mother(gyre_coro *self, void *arg)
{
    (void)arg;
    note("mother");
    gyre_void_future child = gyre_spawn(gyre_void, gyre_coro_loop(self), one_then_three, NULL);
    note("2");
    assert_ptr_equal(gyre_coro_self(), self);
    int err = gyre_await(child);
    note("end");
    return err;
}

static void coro_eager_spawn_inside_a_coroutine_comes_back_to_it(void **state)
{
    (void)state;
    assert_null(gyre_coro_self());
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, mother, NULL)), 0);
    assert_string_equal(trace, "mother 1 2 3 end");
    assert_null(gyre_coro_self());
}

// ---- Values --------------------------------------------------------------------------------

static int give_int(gyre_coro *self, void *arg)
{
    int early = 1;
    int value = *(int *)arg;
    int err = gyre_give(self, &early);
    if (!err) err = gyre_give(self, &value); // replaces the earlier one
    return err;
}

static int deep_3(gyre_coro *self, int value)
{
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(1)));
    return err ? err : gyre_give(self, &value);
}

static int deep_2(gyre_coro *self, int value)
{
    return deep_3(self, value + 1);
}

static int deep_1(gyre_coro *self, void *arg)
{
    return deep_2(self, *(int *)arg + 1);
}

static void coro_gives_a_value_from_its_body_and_from_three_calls_deep(void **state)
{
    (void)state;
    int value = 40, out = 0;
    gyre_int_future done = gyre_spawn(gyre_int, loop, give_int, &value);
    assert_int_equal(gyre_future_state(done), GYRE_DONE); // it never waited
    assert_int_equal(gyre_run(done, &out), 0);
    assert_int_equal(out, 40);
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, deep_1, &value), &out), 0);
    assert_int_equal(out, 42);
}

static int give_nothing(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

static void coro_that_gives_nothing_has_a_zero_value(void **state)
{
    (void)state;
    size_t out = 7;
    assert_int_equal(gyre_run(gyre_spawn(gyre_size, loop, give_nothing, NULL), &out), 0);
    assert_int_equal(out, 0);
}

static int give_wrong_size(gyre_coro *self, void *arg)
{
    (void)arg;
    int right = 5;
    char wrong = 9;
    int err = gyre_give(self, &right);
    if (err) return err;
    assert_int_equal(gyre_give(self, &wrong), -EINVAL);
    assert_non_null(strstr(gyre_why_last(gyre_coro_loop(self)), "not of the type"));
    return 0;
}

static void coro_give_refuses_a_value_of_the_wrong_size(void **state)
{
    (void)state;
    int out = 0;
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, give_wrong_size, NULL), &out), 0);
    assert_int_equal(out, 5);
}

static int return_number(gyre_coro *self, void *arg)
{
    (void)self;
    return *(int *)arg;
}

static void coro_error_of_the_body_is_the_futures(void **state)
{
    (void)state;
    int err = -EPIPE, out = 7;
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, return_number, &err), &out), -EPIPE);
    assert_int_equal(out, 7);
    err = 3; // no error, and no success either
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, return_number, &err), &out), -EINVAL);
}

// ---- Values that nobody takes ---------------------------------------------------------------

static int dropped;

static void count_drop(void *value)
{
    dropped += *(int *)value;
}

struct giving {
    int value;
    int err; // what the body returns then
};

static int give_and_return(gyre_coro *self, void *arg)
{
    struct giving *giving = arg;
    int err = gyre_give(self, &giving->value);
    if (giving->err == GYRE_ECANCELED) wait_for_cancel();
    return err ? err : giving->err;
}

static void coro_value_that_nobody_takes_is_dropped_once(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.drop = count_drop};
    int out;
    dropped = 0;
    struct giving good = {1, 0}, bad = {10, -EIO}, canceled = {100, GYRE_ECANCELED};
    gyre_release(gyre_spawn_with(gyre_int, loop, give_and_return, &good, &opts));
    assert_int_equal(dropped, 1);
    assert_int_equal(gyre_run(gyre_spawn_with(gyre_int, loop, give_and_return, &good, &opts), &out),
                     0);
    assert_int_equal(dropped, 1); // it was taken
    assert_int_equal(gyre_run(gyre_spawn_with(gyre_int, loop, give_and_return, &bad, &opts)), -EIO);
    assert_int_equal(dropped, 11);
    gyre_int_future future = gyre_spawn_with(gyre_int, loop, give_and_return, &canceled, &opts);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_int_equal(dropped, 111);
}

// ---- Options and refusals -------------------------------------------------------------------

static void coro_spawn_refuses_stacks_above_a_gibibyte(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.stack = ((size_t)1 << 30) + 1};
    gyre_void_future future = gyre_spawn_with(gyre_void, loop, give_nothing, NULL, &opts);
    assert_int_equal(gyre_run(future), -EINVAL);
    opts.stack = SIZE_MAX;
    future = gyre_spawn_with(gyre_void, loop, give_nothing, NULL, &opts);
    assert_int_equal(gyre_run(future), -EINVAL);
}

static int spawn_when_shielded(gyre_coro *self, void *arg)
{
    int *result = arg;
    wait_for_cancel();
    *result = gyre_shield(self, GYRE_SECONDS(1));
    if (*result == 0) *result = gyre_await(gyre_spawn(gyre_void, loop, give_nothing, NULL));
    return 0;
}

static void coro_spawn_is_refused_while_the_loop_closes(void **state)
{
    (void)state;
    int result = 0;
    gyre_detach(gyre_spawn(gyre_void, loop, spawn_when_shielded, &result));
    close_loop();
    assert_int_equal(result, GYRE_ECLOSED);
}

static int why_seen;

static void look_at_why(void *value)
{
    (void)value;
    why_seen += strstr(gyre_why_last(loop), "not of the type") ? 1 : 100;
    assert_int_equal(gyre_run(gyre_sleep(loop, 0)), GYRE_ECANCELED); // an end must not wait
}

static int give_after_a_mistake(gyre_coro *self, void *arg)
{
    (void)arg;
    char wrong = 0;
    int right = 1;
    int err = nap(GYRE_MS(1));
    assert_int_equal(gyre_give(self, &wrong), -EINVAL);
    return err ? err : gyre_give(self, &right);
}

// The functions of the owner run while the coroutine ends; its details had been freed by then.
static void coro_why_is_alive_while_its_value_is_dropped(void **state)
{
    (void)state;
    why_seen = 0;
    gyre_spawn_opts opts = {.drop = look_at_why};
    gyre_detach(gyre_spawn_with(gyre_int, loop, give_after_a_mistake, NULL, &opts));
    pass(GYRE_MS(5));
    assert_int_equal(why_seen, 1);
}

static int handled;

static void count_handled(void *arg, int err, const char *why, const char *where)
{
    (void)arg;
    assert_int_equal(err, -EINVAL);
    assert_non_null(strstr(why, "not of the type"));
    assert_non_null(strstr(where, "fail_with_why at "));
    handled++;
}

static int fail_with_why(gyre_coro *self, void *arg)
{
    (void)arg;
    char wrong = 0;
    int err = nap(GYRE_MS(1));
    return err ? err : gyre_give(self, &wrong);
}

static void coro_failure_that_nobody_reads_reaches_the_handler(void **state)
{
    (void)state;
    handled = 0;
    assert_int_equal(gyre_on_unhandled(loop, count_handled, NULL), 0);
    gyre_detach(gyre_spawn(gyre_int, loop, fail_with_why, NULL));
    pass(GYRE_MS(5));
    assert_int_equal(handled, 1);
}

static void coro_describe_after_the_end_says_nothing(void **state)
{
    (void)state;
    char text[80] = "x";
    int err = -EIO;
    gyre_int_future future = gyre_spawn(gyre_int, loop, return_number, &err);
    gyre__future_describe(future.untyped, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(gyre_run(future), -EIO);
    gyre_spawn_opts opts = {.stack = SIZE_MAX}; // never had a coroutine
    future = gyre_spawn_with(gyre_int, loop, return_number, &err, &opts);
    gyre__future_describe(future.untyped, text, sizeof text);
    assert_string_equal(text, "");
    gyre_release(future);
    gyre_void_future waiting = gyre_spawn(gyre_void, loop, one_then_three, NULL);
    gyre__future_describe(waiting.untyped, text, sizeof text);
    assert_string_equal(text, "sleeps 0 ms");
    assert_int_equal(gyre_run(waiting), 0);
}

static int fails_of_its_own(gyre_coro *self, void *arg)
{
    (void)arg;
    assert_int_equal(gyre__fail(gyre_coro_loop(self), -EPERM, "handled"), -EPERM);
    return -ENOENT;
}

static void spawn_error_of_its_own_has_no_text_of_another(void **state)
{
    (void)state;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, fails_of_its_own, NULL)), -ENOENT);
    assert_string_equal(gyre_why_last(loop), "");
}

TESTS(TEST(spawn_error_of_its_own_has_no_text_of_another),
      TEST(coro_eager_spawn_runs_to_its_first_wait), TEST(coro_lazy_spawn_runs_later),
      TEST(coro_eager_spawn_inside_a_coroutine_comes_back_to_it),
      TEST(coro_gives_a_value_from_its_body_and_from_three_calls_deep),
      TEST(coro_that_gives_nothing_has_a_zero_value),
      TEST(coro_give_refuses_a_value_of_the_wrong_size),
      TEST(coro_error_of_the_body_is_the_futures),
      TEST(coro_value_that_nobody_takes_is_dropped_once),
      TEST(coro_spawn_refuses_stacks_above_a_gibibyte),
      TEST(coro_spawn_is_refused_while_the_loop_closes),
      TEST(coro_why_is_alive_while_its_value_is_dropped),
      TEST(coro_failure_that_nobody_reads_reaches_the_handler),
      TEST(coro_describe_after_the_end_says_nothing))
