// Waiting: errors and their texts, who may wait, and from where.
#include "test/coro/loop.h"

#include <sys/wait.h>
#include <unistd.h>

// ---- Errors --------------------------------------------------------------------------------

struct relay {
    gyre_int_future future;
    int err;
    char why[100];
};

static int await_and_pass_on(gyre_coro *self, void *arg)
{
    struct relay *relay = arg;
    int value;
    relay->err = gyre_await(relay->future, &value);
    snprintf(relay->why, sizeof relay->why, "%s", gyre_why_last(gyre_coro_loop(self)));
    return relay->err;
}

static void coro_error_surfaces_at_the_await_line_with_its_text(void **state)
{
    (void)state;
    struct relay inner = {0}, outer = {0};
    gyre_int_promise promise = gyre_promise_new(gyre_int, loop, &inner.future, NULL, NULL);
    outer.future = gyre_spawn(gyre_int, loop, await_and_pass_on, &inner);
    gyre_int_future future = gyre_spawn(gyre_int, loop, await_and_pass_on, &outer);
    assert_true(gyre_promise_reject(promise, -ECONNREFUSED, "127.0.0.1:81 refused"));
    gyre_promise_release(promise);
    assert_int_equal(gyre_run(future), -ECONNREFUSED);
    assert_int_equal(inner.err, -ECONNREFUSED);
    assert_int_equal(outer.err, -ECONNREFUSED);
    assert_string_equal(inner.why, "127.0.0.1:81 refused");
    assert_string_equal(outer.why, "127.0.0.1:81 refused");
    assert_string_equal(gyre_why_last(loop), "127.0.0.1:81 refused");
}

static gyre_int_future refused_future(void)
{
    gyre_int_future future;
    gyre_int_promise promise = gyre_promise_new(gyre_int, loop, &future, NULL, NULL);
    assert_true(gyre_promise_reject(promise, -ECONNREFUSED, "nobody listens"));
    gyre_promise_release(promise);
    return future;
}

static int fail_twice(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    assert_int_equal(gyre_await(refused_future()), -ECONNREFUSED);
    assert_string_equal(gyre_why_last(loop), "nobody listens");
    int err = gyre_await_for(gyre_sleep(loop, GYRE_SECONDS(9)), GYRE_MS(1));
    assert_string_equal(gyre_why_last(loop), "");
    return err;
}

// The text of an earlier error was handed out, and passed on, with a time-out.
static void coro_why_of_an_earlier_error_is_not_kept(void **state)
{
    (void)state;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, fail_twice, NULL)), GYRE_ETIMEDOUT);
    assert_string_equal(gyre_why_last(loop), "");
}

static int fail_then_hang(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    assert_int_equal(gyre_await(refused_future()), -ECONNREFUSED);
    wait_for_cancel();
    return -ECONNREFUSED;
}

static void coro_that_is_cancelled_has_no_text_of_another_error(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, fail_then_hang, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(gyre_why_last(loop), "");
}

// ---- Where waiting is allowed ---------------------------------------------------------------

static int result;
static char result_why[100];

static void await_in_timer(gyre_loop *of, gyre_timer *timer)
{
    (void)timer;
    result = gyre_await(gyre_sleep(of, 0));
    snprintf(result_why, sizeof result_why, "%s", gyre_why_last(of));
}

static void coro_await_outside_a_coroutine_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(gyre_await(gyre_sleep(loop, 0)), -EPERM);
    assert_string_equal(gyre_why_last(loop), "gyre_await outside a coroutine");
    gyre_timer timer = {0};
    result = 0;
    gyre_timer_start(loop, &timer, 0, await_in_timer);
    assert_int_equal(gyre_loop_turn(loop, GYRE_MS(1)), 0);
    assert_int_equal(result, -EPERM);
    assert_string_equal(result_why, "gyre_await in a callback, not in a coroutine");
}

static int walk(int depth)
{
    volatile char local[64] = {(char)depth};
    if (depth == 0) return gyre_await(gyre_sleep(loop, GYRE_MS(1)));
    int err = walk(depth - 1);
    if (!err) err = gyre_await(gyre_sleep(loop, GYRE_MS(1)));
    return local[0] == (char)depth ? err : -EFAULT;
}

static int walk_5_and_50(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int err = walk(5);
    return err ? err : walk(50);
}

static void coro_awaits_from_any_depth(void **state)
{
    (void)state;
    gyre_time began = gyre_now(loop);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, walk_5_and_50, NULL)), 0);
    assert_true(gyre_now(loop) - began >= GYRE_MS(57));
}

static int await_null(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    gyre_void_future null = {0};
    return gyre_await(null);
}

static void coro_await_of_a_null_future_is_refused(void **state)
{
    (void)state;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_null, NULL)), -EINVAL);
}

static int await_given(gyre_coro *self, void *arg)
{
    (void)self;
    return gyre_await(*(gyre_void_future *)arg);
}

static void coro_await_of_another_loops_future_is_refused(void **state)
{
    (void)state;
    gyre_loop *other;
    assert_int_equal(open_loop(&memory.alloc, &other), 0);
    gyre_void_future future = gyre_sleep(other, 0);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_given, &future)), GYRE_ELOOP);
    assert_int_equal(gyre_loop_close(other), 0);
}

static gyre_void_future own;

static int await_own(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return gyre_await(gyre_retain(own));
}

static void coro_await_of_its_own_future_is_refused(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.lazy = true};
    own = gyre_spawn_with(gyre_void, loop, await_own, NULL, &opts);
    assert_int_equal(gyre_run(own), -EDEADLK);
    assert_non_null(strstr(gyre_why_last(loop), "own future"));
}

static void coro_await_of_a_future_somebody_waits_for_is_busy(void **state)
{
    (void)state;
    gyre_void_future shared = gyre_sleep(loop, GYRE_MS(5));
    gyre_void_future second = gyre_retain(shared);
    gyre_void_future first = gyre_spawn(gyre_void, loop, await_given, &shared);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_given, &second)), GYRE_EBUSY);
    assert_int_equal(gyre_run(first), 0);
}

static void coro_await_of_a_taken_value_says_so(void **state)
{
    (void)state;
    gyre_void_future shared = gyre_sleep(loop, 0);
    gyre_void_future second = gyre_retain(shared);
    assert_int_equal(gyre_run(shared), 0);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, await_given, &second)), GYRE_ETAKEN);
}

static int run_inside(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int err = gyre_run(gyre_sleep(loop, GYRE_MS(3)));
    note("slept");
    return err;
}

static void coro_run_inside_a_coroutine_awaits(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, run_inside, NULL);
    note("spawned");
    assert_int_equal(gyre_run(future), 0);
    assert_string_equal(trace, "spawned slept");
}

static int fork_inside(gyre_coro *self, void *arg)
{
    (void)self;
    pid_t pid = fork();
    if (pid == 0) _exit(gyre_await(gyre_sleep(loop, GYRE_MS(1))) == GYRE_EFORKED ? 0 : 1);
    *(pid_t *)arg = pid;
    return gyre_await(gyre_sleep(loop, GYRE_MS(1)));
}

static void coro_await_in_a_forked_child_is_refused(void **state)
{
    (void)state;
    pid_t pid = 0;
    int status = -1;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, fork_inside, &pid)), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

TESTS(TEST(coro_error_surfaces_at_the_await_line_with_its_text),
      TEST(coro_why_of_an_earlier_error_is_not_kept),
      TEST(coro_that_is_cancelled_has_no_text_of_another_error),
      TEST(coro_await_outside_a_coroutine_is_an_error), TEST(coro_awaits_from_any_depth),
      TEST(coro_await_of_a_null_future_is_refused),
      TEST(coro_await_of_another_loops_future_is_refused),
      TEST(coro_await_of_its_own_future_is_refused),
      TEST(coro_await_of_a_future_somebody_waits_for_is_busy),
      TEST(coro_await_of_a_taken_value_says_so), TEST(coro_run_inside_a_coroutine_awaits),
      TEST(coro_await_in_a_forked_child_is_refused))
