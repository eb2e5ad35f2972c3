// gyre_main: the body of a small main().
#include "test/coro/loop.h"

#include <unistd.h>

static int nap_and_return(gyre_coro *self, void *arg)
{
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(1)));
    return err ? err : *(int *)arg;
}

static int fail_with_details(gyre_coro *self, void *arg)
{
    (void)arg;
    char wrong[3] = "";
    return gyre_give(self, &wrong);
}

// What a function writes to stderr.
static int run_and_read(gyre_coro_fn *fn, void *arg, char *text, size_t size)
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, 0), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    int status = gyre_main(fn, arg);
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    close(saved);
    ssize_t len = read(ends[0], text, size - 1);
    text[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    return status;
}

static void main_returns_0_or_1_and_logs_the_failure(void **state)
{
    (void)state;
    char text[300];
    int err = 0;
    run_and_read(nap_and_return, &err, text, sizeof text); // sanitizers may warn, once
    assert_int_equal(run_and_read(nap_and_return, &err, text, sizeof text), 0);
    assert_string_equal(text, "");
    err = -ECONNREFUSED;
    assert_int_equal(run_and_read(nap_and_return, &err, text, sizeof text), 1);
    assert_string_equal(text, "gyre: error: main: Connection refused\n");
    assert_int_equal(run_and_read(fail_with_details, NULL, text, sizeof text), 1);
    assert_string_equal(text, "gyre: error: main: Invalid argument: gyre_give: the value is not of "
                              "the type the coroutine was spawned with\n");
}

static void main_without_a_loop_returns_1(void **state)
{
    (void)state;
    char text[300];
    int err = 0;
    fault_fail_from(FAULT_EPOLL_CREATE1, 1, EMFILE);
    fault_fail_from(FAULT_PIPE2, 2, EMFILE);
    assert_int_equal(run_and_read(nap_and_return, &err, text, sizeof text), 1);
    fault_reset();
    assert_non_null(strstr(text, "gyre: error: main: no loop: "));
}

TESTS(TEST(main_returns_0_or_1_and_logs_the_failure), TEST(main_without_a_loop_returns_1))
