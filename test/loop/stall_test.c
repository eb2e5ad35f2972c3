// The blocked-loop report names who held the loop, and for how long.
#include "test/loop/fixture.h"

#include <signal.h>

static char report[256];
static int reports;

static void keep(void *arg, gyre_log_level level, const char *where, const char *text)
{
    (void)arg;
    assert_int_equal(level, GYRE_LOG_WARN);
    assert_string_equal(where, "loop");
    snprintf(report, sizeof report, "%s", text);
    reports++;
}

static gyre_loop *open_strict(gyre_duration blocked)
{
    clock_virtual_start();
    reports = 0;
    return open_loop_with(&(gyre_loop_opts){.log = keep, .blocked = blocked});
}

static void close_strict(gyre_loop *loop)
{
    close_loop(loop);
    clock_virtual_stop();
}

static gyre_duration slowness;

static void slow_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    clock_advance(slowness);
}

static void slow_timer(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop, (void)timer;
    clock_advance(slowness);
}

static void slow_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop, (void)events;
    take(watch->fd);
    clock_advance(slowness);
}

static void slow_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)loop, (void)watch, (void)signo;
    clock_advance(slowness);
}

static void fast_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
}

// One report that names `fn`, by its name or by its place in the program (which changes with the
// address, so only its form is compared).
static void check_report(const char *name)
{
    assert_int_equal(reports, 1);
    assert_non_null(strstr(report, "loop blocked 250 ms in "));
    if (!strstr(report, name)) assert_non_null(strstr(report, "stall_test+0x"));
    reports = 0;
    report[0] = '\0';
}

static void each_kind_of_callback_that_holds_the_loop_is_named(void **state)
{
    (void)state;
    gyre_loop *loop = open_strict(GYRE_MS(100));
    gyre_task task = {.fn = slow_task}, posted = {.fn = slow_task};
    gyre_timer timer = {0};
    gyre_watch watch = {0};
    int fds[2];
    slowness = GYRE_MS(250);
    gyre_soon(loop, &task);
    turn(loop);
    check_report("slow_task");
    assert_int_equal(gyre_post(loop, &posted), 0);
    turn(loop);
    check_report("slow_task");
    gyre_timer_start(loop, &timer, 0, slow_timer);
    turn(loop);
    check_report("slow_timer");
    open_pipe(fds);
    assert_int_equal(gyre_watch_start(loop, &watch, fds[0], READ, slow_event), 0);
    put(fds[1]);
    turn(loop);
    check_report("slow_event");
    gyre_watch_stop(&watch);
    close_both(fds);
    close_strict(loop);
    assert_int_equal(reports, 0);
}

static void slow_signal_callback_is_not_blamed_on_the_task_behind_it(void **state)
{
    (void)state;
    gyre_loop *loop = open_strict(GYRE_MS(100));
    gyre_signal_watch watch = {0};
    gyre_task task = {.fn = fast_task};
    char of_signal[256];
    slowness = GYRE_MS(250);
    assert_int_equal(gyre_on_signal(loop, &watch, SIGUSR1, slow_signal), 0);
    raise(SIGUSR1);
    turn(loop);
    memcpy(of_signal, report, sizeof of_signal);
    check_report("slow_signal");
    raise(SIGUSR1);
    gyre_soon(loop, &task);
    turn(loop);
    assert_string_equal(report, of_signal); // the same function, not fast_task
    gyre_signal_stop(&watch);
    close_strict(loop);
}

static void blame_task(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    clock_advance(slowness);
    gyre__loop_blame(loop, "my coroutine");
}

static void blamed_name_is_reported_once(void **state)
{
    (void)state;
    gyre_loop *loop = open_strict(GYRE_MS(100));
    gyre_task task = {.fn = blame_task}, other = {.fn = slow_task};
    slowness = GYRE_MS(250);
    gyre_soon(loop, &task);
    turn(loop);
    assert_string_equal(report, "loop blocked 250 ms in my coroutine");
    reports = 0;
    gyre_soon(loop, &other);
    turn(loop);
    check_report("slow_task");
    close_strict(loop);
}

static void sleeping_in_the_poller_is_not_blocking(void **state)
{
    (void)state;
    gyre_loop *loop = open_strict(GYRE_MS(100));
    gyre_task task = {.fn = fast_task};
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0);
    clock_advance(GYRE_SECONDS(5)); // outside
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0);
    close_strict(loop);
    assert_int_equal(reports, 0);
}

static void report_begins_at_the_limit_and_may_be_switched_off(void **state)
{
    (void)state;
    static const struct {
        gyre_duration blocked, took;
        int reports;
    } cases[] = {{GYRE_MS(50), GYRE_MS(49), 0},
                 {GYRE_MS(50), GYRE_MS(50), 1},
                 {0, GYRE_MS(99), 0},
                 {0, GYRE_MS(100), 1}, // a debug build
                 {GYRE_NONE, GYRE_SECONDS(10), 0},
                 {GYRE_FOREVER, GYRE_SECONDS(10), 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gyre_loop *loop = open_strict(cases[i].blocked);
        gyre_task task = {.fn = slow_task};
        slowness = cases[i].took;
        gyre_soon(loop, &task);
        turn(loop);
        assert_int_equal(reports, cases[i].reports);
        close_strict(loop);
    }
    gyre_loop *loop = NULL;
    assert_int_equal(gyre_loop_open(&loop, &(gyre_loop_opts){.blocked = -2}), -EINVAL);
}

TESTS(cmocka_unit_test(each_kind_of_callback_that_holds_the_loop_is_named),
      cmocka_unit_test(slow_signal_callback_is_not_blamed_on_the_task_behind_it),
      cmocka_unit_test(blamed_name_is_reported_once),
      cmocka_unit_test(sleeping_in_the_poller_is_not_blocking),
      cmocka_unit_test(report_begins_at_the_limit_and_may_be_switched_off))
