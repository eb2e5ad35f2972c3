// Turns, running and stopping, and which thread may do it.
#include "test/loop/fixture.h"

#include <pthread.h>
#include <signal.h>

// ---- The order of a turn -----------------------------------------------------------------------

static void task_after(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    note('k');
}

static gyre_task after = {.fn = task_after};

static void on_timer(gyre_loop *loop, gyre_timer *timer)
{
    (void)timer;
    note('t');
    gyre_soon(loop, &after);
}

static void on_readable(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)events;
    note('i');
    take(watch->fd);
    gyre_soon(loop, &after);
}

static void on_posted(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    note('p');
}

static void turn_runs_timers_then_events_then_posts_then_tasks(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    open_pipe(fds);
    gyre_task posted = {.fn = on_posted}, queued = {.fn = task_after};
    gyre_timer timer = {0};
    gyre_watch watch = {0};
    gyre_soon(loop, &queued);
    assert_int_equal(gyre_post(loop, &posted), 0);
    assert_int_equal(gyre_watch_start(loop, &watch, fds[0], READ, on_readable), 0);
    put(fds[1]);
    gyre_timer_start(loop, &timer, 0, on_timer);
    assert_string_equal(trace, ""); // starting calls nobody
    turn(loop);
    assert_string_equal(trace, "tipkk");
    gyre_watch_stop(&watch);
    close_both(fds);
    close_loop(loop);
}

// ---- Stop --------------------------------------------------------------------------------------

static void stop_before_run_makes_it_return_at_once(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_loop_stop(loop);
    fault_reset();
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_int_equal(polls(), 0);
    close_loop(loop);
}

static void stop_now(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    note('s');
    gyre_loop_stop(loop);
    gyre_soon(loop, &after);
}

static void stop_inside_ends_after_the_turn_and_is_used_up(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = stop_now};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_string_equal(trace, "sk"); // what was queued in the turn still ran
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_run(loop), 0); // and a new run runs
    assert_string_equal(trace, "sksk");
    close_loop(loop);
}

// ---- Who may run it ----------------------------------------------------------------------------

static int nested[3];

static void run_nested(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    nested[0] = gyre_loop_run(loop);
    nested[1] = gyre_loop_turn(loop, 0);
    nested[2] = gyre_loop_close(loop);
    gyre_loop_stop(loop);
}

static void nested_run_turn_and_close_are_refused(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = run_nested};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_run(loop), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(nested[i], -EBUSY);
    close_loop(loop);
}

static gyre_loop *here[3];

static void run_inner(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    here[0] = gyre__loop_here();
    gyre_loop *inner = NULL;
    assert_int_equal(gyre_loop_open(&inner, NULL), 0);
    gyre_task stop = {.fn = stop_now};
    gyre_soon(inner, &stop);
    assert_int_equal(gyre_loop_run(inner), 0);
    assert_int_equal(gyre_loop_close(inner), 0);
    here[1] = gyre__loop_here();
    gyre_loop_stop(loop);
}

static void another_loop_may_run_inside_a_callback(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = run_inner};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_ptr_equal(here[0], loop);
    assert_ptr_equal(here[1], loop);
    assert_null(gyre__loop_here());
    gyre_task_stop(&after);
    close_loop(loop);
}

struct foreign {
    gyre_loop *loop;
    gyre_watch watch;
    gyre_signal_watch signal;
    int fd;
    int err[5];
};

static void *use_foreign_loop(void *arg)
{
    struct foreign *f = arg;
    f->err[0] = gyre_loop_run(f->loop);
    f->err[1] = gyre_loop_turn(f->loop, 0);
    f->err[2] = gyre_loop_close(f->loop);
    if (f->err[2] == 0) return NULL;
    f->err[3] = gyre_watch_start(f->loop, &f->watch, f->fd, READ, on_readable);
    f->err[4] = gyre_on_signal(f->loop, &f->signal, SIGUSR1, NULL);
    return NULL;
}

static struct foreign foreign;

static void let_foreign_thread_try(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    pthread_t thread;
    assert_int_equal(real_pthread_create(&thread, NULL, use_foreign_loop, &foreign), 0);
    pthread_join(thread, NULL);
    gyre_loop_stop(loop);
}

static void calls_from_a_second_thread_give_eloop(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    open_pipe(fds);
    foreign = (struct foreign){.loop = loop, .fd = fds[0]};
    gyre_task task = {.fn = let_foreign_thread_try};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_loop_run(loop), 0);
    for (int i = 0; i < 5; i++) assert_int_equal(foreign.err[i], GYRE_ELOOP);
    close_both(fds);
    close_loop(loop);
}

static void loop_may_move_to_another_thread_between_runs(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    turn(loop);
    foreign = (struct foreign){.loop = loop, .fd = -1};
    gyre_loop_stop(loop);
    pthread_t thread;
    assert_int_equal(real_pthread_create(&thread, NULL, use_foreign_loop, &foreign), 0);
    pthread_join(thread, NULL);
    assert_int_equal(foreign.err[0], 0);
    assert_int_equal(foreign.err[1], 0);
    assert_int_equal(foreign.err[2], 0); // it closed the loop
}

static gyre_task innocent = {.fn = task_after};

static void *queue_from_foreign_thread(void *arg)
{
    gyre_soon(arg, &innocent);
    return NULL;
}

static void let_foreign_thread_queue(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    pthread_t thread;
    real_pthread_create(&thread, NULL, queue_from_foreign_thread, loop);
    pthread_join(thread, NULL);
    gyre_loop_stop(loop);
}

static int misuse_in_child(void *arg)
{
    (void)arg;
    close(STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    gyre_loop *loop;
    if (gyre_loop_open(&loop, NULL)) return 1;
    gyre_task task = {.fn = let_foreign_thread_queue};
    gyre_soon(loop, &task);
    return gyre_loop_run(loop);
}

static void soon_from_a_foreign_thread_aborts_in_debug_builds(void **state)
{
    (void)state;
    int status = in_child(misuse_in_child, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

// ---- One turn ----------------------------------------------------------------------------------

static void turn_without_wait_returns_at_once(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_int_equal(clock_now() - began, 0);
    assert_int_equal(gyre_loop_turn(loop, GYRE_MS(250)), 0);
    assert_int_equal(clock_now() - began, GYRE_MS(250)); // nothing happened: all of the wait
    assert_int_equal(gyre_now(loop), clock_now());
    clock_virtual_stop();
    close_loop(loop);
}

static void turn_refuses_a_negative_wait(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    assert_int_equal(gyre_loop_turn(loop, -1), -EINVAL);
    assert_int_equal(gyre_loop_turn(loop, INT64_MIN), -EINVAL);
    close_loop(loop);
}

static void stop_in_a_single_turn_ends_the_next_run(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = stop_now};
    gyre_soon(loop, &task);
    turn(loop);
    assert_int_equal(gyre_loop_run(loop), 0); // would wait for ever otherwise
    close_loop(loop);
}

static void poller_that_fails_ends_the_run_with_its_error(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    fault_reset();
    fault_fail_nth(is_epoll(loop) ? FAULT_EPOLL_WAIT : FAULT_PPOLL, 1, ENOMEM);
    assert_int_equal(gyre_loop_run(loop), -ENOMEM);
    fault_reset();
    turn(loop); // and the loop goes on
    close_loop(loop);
}

TESTS(cmocka_unit_test(turn_runs_timers_then_events_then_posts_then_tasks),
      cmocka_unit_test(stop_before_run_makes_it_return_at_once),
      cmocka_unit_test(stop_inside_ends_after_the_turn_and_is_used_up),
      cmocka_unit_test(nested_run_turn_and_close_are_refused),
      cmocka_unit_test(another_loop_may_run_inside_a_callback),
      cmocka_unit_test(calls_from_a_second_thread_give_eloop),
      cmocka_unit_test(loop_may_move_to_another_thread_between_runs),
      cmocka_unit_test(soon_from_a_foreign_thread_aborts_in_debug_builds),
      cmocka_unit_test(turn_without_wait_returns_at_once),
      cmocka_unit_test(turn_refuses_a_negative_wait),
      cmocka_unit_test(stop_in_a_single_turn_ends_the_next_run),
      cmocka_unit_test(poller_that_fails_ends_the_run_with_its_error))
