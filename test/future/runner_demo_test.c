// The inner loop of a coroutine runner, on the public interface alone (Tornado's gen.Runner): a
// generator hands out futures, and is sent the result of each.
#include "base/error.h"
#include "coro/coro.h"
#include "test/support/test.h"

#include <errno.h>

// ---- The runner ----------------------------------------------------------------------------

struct runner {
    gyre_generator *generator;
    gyre_loop *loop;
    int sent; // what the generator's yield gives
    int err;  // how it ended
};

static void step(struct runner *runner);

// NOLINTNEXTLINE(readability-non-const-parameter): the type of a callback
static void on_done(void *arg, int err, int *value)
{
    struct runner *runner = arg;
    runner->sent = err ? err : *value;
    step(runner);
}

static void step(struct runner *runner)
{
    void *yielded;
    runner->err = gyre_generator_next(runner->generator, &runner->sent, &yielded);
    if (!runner->err)
        gyre_then(*(gyre_int_future *)yielded, on_done, runner);
    else
        gyre_loop_stop(runner->loop);
}

// ---- What it drives ------------------------------------------------------------------------

static int later(gyre_coro *self, void *arg)
{
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(2)));
    if (err) return err;
    int *value = arg;
    if (*value < 0) return *value;
    return gyre_give(self, value);
}

static int sum_of_three(gyre_coro *self, void *arg)
{
    int *log = arg;
    int values[3] = {10, -EIO, 30};
    for (int i = 0; i < 3; i++) {
        gyre_int_future f = gyre_spawn(gyre_int, gyre_coro_loop(self), later, &values[i]);
        void *sent;
        int err = gyre_generator_yield(self, &f, &sent);
        if (err) return err;
        log[i] = *(int *)sent;
    }
    return 0;
}

static void a_runner_of_twenty_lines_drives_three_awaits(void **state)
{
    (void)state;
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    int log[3] = {0};
    struct runner runner = {.loop = loop};
    assert_int_equal(gyre_generator_open(&runner.generator, loop, sum_of_three, log, NULL), 0);
    step(&runner);
    assert_int_equal(log[0], 0); // it waits
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_int_equal(runner.err, GYRE_EEND);
    assert_int_equal(log[0], 10);
    assert_int_equal(log[1], -EIO);
    assert_int_equal(log[2], 30);
    gyre_generator_close(runner.generator);
    assert_int_equal(gyre_loop_close(loop), 0);
}

TESTS(cmocka_unit_test(a_runner_of_twenty_lines_drives_three_awaits))
