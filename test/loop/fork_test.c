// Forked children: every call says GYRE_EFORKED, the parent's loop is not disturbed (row U24).
#include "test/loop/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

static int calls;

static void on_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop, (void)watch, (void)events;
    calls++;
}

static void on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)loop, (void)watch, (void)signo;
    calls++;
}

static void count_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    calls++;
}

// A loop with one of everything started.
struct busy_loop {
    gyre_loop *loop;
    int fds[2];
    gyre_watch watch;
    gyre_signal_watch signal;
    gyre_timer timer;
};

static void on_timer(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop, (void)timer;
    calls++;
}

static void open_busy(struct busy_loop *busy)
{
    *busy = (struct busy_loop){.loop = open_loop()};
    open_pair(busy->fds);
    assert_int_equal(gyre_watch_start(busy->loop, &busy->watch, busy->fds[0], READ, on_event), 0);
    assert_int_equal(gyre_on_signal(busy->loop, &busy->signal, SIGUSR1, on_signal), 0);
    gyre_timer_start(busy->loop, &busy->timer, GYRE_SECONDS(1000), on_timer);
    turn(busy->loop);
    calls = 0;
}

static void close_busy(struct busy_loop *busy)
{
    gyre_timer_stop(&busy->timer);
    gyre_watch_stop(&busy->watch);
    gyre_signal_stop(&busy->signal);
    close_both(busy->fds);
    close_loop(busy->loop);
}

// ---- The child ---------------------------------------------------------------------------------

// The number of the first check that failed; 0: none.
static int use_everything(void *arg)
{
    struct busy_loop *busy = arg;
    gyre_loop *loop = busy->loop;
    gyre_task task = {.fn = count_task};
    gyre_watch watch = {0};
    gyre_signal_watch signal_watch = {0};
    fault_reset();
    if (gyre_loop_run(loop) != GYRE_EFORKED) return 1;
    if (gyre_loop_turn(loop, GYRE_FOREVER) != GYRE_EFORKED) return 2;
    if (gyre_post(loop, &task) != GYRE_EFORKED) return 3;
    if (gyre_watch_start(loop, &watch, busy->fds[1], READ, on_event) != GYRE_EFORKED) return 4;
    if (gyre_on_signal(loop, &signal_watch, SIGUSR2, on_signal) != GYRE_EFORKED) return 5;
    if (gyre__loop_may_run(loop) != GYRE_EFORKED) return 6;
    if (gyre__loop_enter(loop) != GYRE_EFORKED) return 7;
    raise(SIGUSR1); // caught by the handler still, which does nothing here
    gyre_watch_want(&busy->watch, 0);
    gyre_watch_stop(&busy->watch);
    gyre_signal_stop(&busy->signal);
    gyre_timer_stop(&busy->timer);
    gyre_loop_stop(loop);
    if (fault_count(FAULT_EPOLL_CTL) + fault_count(FAULT_WRITE) + polls() > 0) return 8;
    if (gyre_loop_close(loop) != GYRE_EFORKED) return 9;
    if (fault_count(FAULT_CLOSE) != 2) return 10;
    return calls ? 11 : 0;
}

static void every_call_in_a_forked_child_says_so_and_leaves_the_parent_alone(void **state)
{
    (void)state;
    struct busy_loop busy;
    open_busy(&busy);
    assert_int_equal(in_child(use_everything, &busy), 0);
    put(busy.fds[1]);
    turn(busy.loop);
    assert_int_equal(calls, 1); // the watch lives
    raise(SIGUSR1);
    turn(busy.loop);
    assert_int_equal(calls, 3); // so does the signal, and the byte is still unread
    close_busy(&busy);
}

// The parent's loop sleeps, so its mailbox asks for a wake-up; a child that posts there must not
// write to the descriptor that both share.
static int post_to_parent(void *arg)
{
    gyre_task task = {.fn = count_task};
    fault_reset();
    int err = gyre__mailbox_post(gyre__loop_mailbox(arg), &task);
    return err == GYRE_EFORKED && fault_count(FAULT_WRITE) == 0 ? 0 : 1;
}

static int fork_status = -1;

static void *fork_beside_the_loop(void *arg)
{
    gyre_loop *loop = arg;
    usleep(20000); // until the loop sleeps
    fork_status = in_child(post_to_parent, loop);
    return NULL;
}

static void stop_loop(gyre_loop *loop, gyre_timer *timer)
{
    (void)timer;
    gyre_loop_stop(loop);
}

static void post_in_a_forked_child_does_not_wake_the_parent(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_timer timer = {0};
    pthread_t thread;
    gyre_timer_start(loop, &timer, GYRE_MS(300), stop_loop);
    fault_reset();
    real_pthread_create(&thread, NULL, fork_beside_the_loop, loop);
    assert_int_equal(gyre_loop_run(loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(fork_status, 0);
    // Blocks of the wheel are dealt out at most twice on the way; a wake-up would be one more.
    assert_true(polls() <= 3);
    close_loop(loop);
}

static int run_new_loop(void *arg)
{
    struct busy_loop *busy = arg;
    gyre_loop *loop = NULL;
    gyre_watch watch = {0};
    gyre_signal_watch signal_watch = {0};
    struct sigaction now;
    if (gyre_loop_open(&loop, NULL)) return 1;
    real_sigaction(SIGUSR1, NULL, &now);
    if (now.sa_handler != SIG_DFL) return 2; // the parent's request is not this process's
    if (gyre_loop_run(busy->loop) != GYRE_EFORKED) return 3; // still the parent's
    if (gyre_watch_start(loop, &watch, busy->fds[0], READ, on_event)) return 4;
    if (gyre_on_signal(loop, &signal_watch, SIGUSR1, on_signal)) return 5;
    put(busy->fds[1]);
    raise(SIGUSR1);
    if (gyre_loop_turn(loop, GYRE_SECONDS(5)) || calls != 2) return 6;
    if (gyre_loop_close(loop)) return 7;
    return gyre_loop_close(busy->loop) == GYRE_EFORKED ? 0 : 8;
}

static void new_loop_in_a_forked_child_works_and_its_signals_stay_there(void **state)
{
    (void)state;
    struct busy_loop busy;
    open_busy(&busy);
    assert_int_equal(in_child(run_new_loop, &busy), 0);
    take(busy.fds[0]); // the child's byte
    turn(busy.loop);
    assert_int_equal(calls, 0);
    raise(SIGUSR1);
    turn(busy.loop);
    assert_int_equal(calls, 1);
    close_busy(&busy);
}

static int fork_again(void *arg)
{
    gyre_loop *own = NULL;
    if (gyre_loop_open(&own, NULL)) return 1;
    int status = in_child(run_new_loop, arg);
    if (status) return 2;
    return gyre_loop_turn(own, 0) || gyre_loop_close(own) ? 3 : 0;
}

static void grandchildren_are_told_from_children(void **state)
{
    (void)state;
    struct busy_loop busy;
    open_busy(&busy);
    assert_int_equal(in_child(fork_again, &busy), 0);
    close_busy(&busy);
}

// Kernels before 4.14 cannot empty a page at a fork.
static int open_without_wipe(void *arg)
{
    struct busy_loop busy;
    (void)arg;
    fault_reset();
    fault_fail_nth(FAULT_MADVISE, 1, EINVAL);
    open_busy(&busy);
    if (fault_hit() != 1) return 1;
    if (in_child(use_everything, &busy)) return 2;
    if (in_child(run_new_loop, &busy)) return 3;
    return gyre_loop_turn(busy.loop, 0) ? 4 : 0;
}

static void children_are_told_without_a_page_that_the_kernel_empties_too(void **state)
{
    (void)state;
    assert_int_equal(in_child(open_without_wipe, NULL), 0);
}

// ---- Forks inside callbacks --------------------------------------------------------------------

static pid_t child;
static gyre_timer end;

static void fork_here(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    child = fork();
    if (child == 0) alarm(20);
    fault_reset();
    gyre_timer_start(loop, &end, GYRE_MS(10), stop_loop);
}

static void child_that_returns_from_the_callback_leaves_the_run_without_polling(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = fork_here};
    gyre_soon(loop, &task);
    fflush(NULL);
    int err = gyre_loop_run(loop);
    if (child == 0) _exit(err == GYRE_EFORKED && polls() == 0 ? 0 : 1);
    assert_int_equal(err, 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close_loop(loop);
}

static gyre_watch two[2];

static void fork_and_close(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    on_event(loop, watch, events);
    if (calls > 1) return;
    child = fork();
    if (child) {
        gyre_loop_stop(loop);
        return;
    }
    alarm(20);
    if (gyre_loop_close(loop) != GYRE_EFORKED) _exit(1);
}

// Its descriptors are closed, its memory is left: the callback returns into it.
static void child_may_close_the_loop_inside_a_callback(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2][2];
    for (int i = 0; i < 2; i++) {
        open_pair(fds[i]);
        put(fds[i][1]);
        assert_int_equal(gyre_watch_start(loop, &two[i], fds[i][0], READ, fork_and_close), 0);
    }
    fflush(NULL);
    calls = 0;
    int err = gyre_loop_run(loop);
    if (child == 0) _exit(err == GYRE_EFORKED ? 0 : 2);
    assert_int_equal(err, 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        gyre_watch_stop(&two[i]);
        close_both(fds[i]);
    }
    close_loop(loop);
}

// ---- Forks beside other threads ----------------------------------------------------------------

static atomic_bool began, enough;

static void *hold_the_lock_often(void *arg)
{
    gyre_loop *loop = NULL;
    gyre_signal_watch watch = {0};
    (void)arg;
    if (gyre_loop_open(&loop, NULL)) return NULL;
    while (!atomic_load(&enough)) {
        if (gyre_on_signal(loop, &watch, SIGUSR2, on_signal)) break;
        gyre_signal_stop(&watch);
        atomic_store(&began, true); // from here on it allocates nothing: ASan's lock is not ours
    }
    gyre_loop_close(loop);
    return NULL;
}

static int open_a_loop(void *arg)
{
    gyre_loop *loop;
    (void)arg;
    return gyre_loop_open(&loop, NULL) || gyre_loop_close(loop);
}

static void fork_while_another_thread_holds_the_table_does_not_lock_up_the_child(void **state)
{
    (void)state;
    pthread_t thread;
    real_pthread_create(&thread, NULL, hold_the_lock_often, NULL);
    while (!atomic_load(&began)) sched_yield();
    for (int i = 0; i < 200; i++) assert_int_equal(in_child(open_a_loop, NULL), 0);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
}

TESTS(cmocka_unit_test(every_call_in_a_forked_child_says_so_and_leaves_the_parent_alone),
      cmocka_unit_test(post_in_a_forked_child_does_not_wake_the_parent),
      cmocka_unit_test(new_loop_in_a_forked_child_works_and_its_signals_stay_there),
      cmocka_unit_test(grandchildren_are_told_from_children),
      cmocka_unit_test(children_are_told_without_a_page_that_the_kernel_empties_too),
      cmocka_unit_test(child_that_returns_from_the_callback_leaves_the_run_without_polling),
      cmocka_unit_test(child_may_close_the_loop_inside_a_callback),
      cmocka_unit_test(fork_while_another_thread_holds_the_table_does_not_lock_up_the_child))
