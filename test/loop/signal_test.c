// Signals on the loop (row S48).
#include "test/loop/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static int calls;
static pthread_t called_on;

static void on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)loop, (void)watch;
    assert_int_equal(signo, watch->signo);
    calls++;
    called_on = pthread_self();
    free(malloc(100)); // safe here: this is no signal handler
}

static void start(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    assert_int_equal(gyre_on_signal(loop, watch, signo, on_signal), 0);
}

// ---- Delivery ----------------------------------------------------------------------------------

static atomic_bool sent;

static void *send_a_thousand(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_kill(*(pthread_t *)arg, SIGHUP);
        if (i % 10 == 0) usleep(10); // so that the kernel delivers more than one
    }
    atomic_store(&sent, true);
    return NULL;
}

static void a_thousand_hangups_while_busy_reach_the_loop_thread(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_signal_watch watch = {0};
    start(loop, &watch, SIGHUP);
    pthread_t self = pthread_self(), thread;
    real_pthread_create(&thread, NULL, send_a_thousand, &self);
    while (!atomic_load(&sent)) { // busy in the allocator, where a handler would do harm
        void *blocks[64];
        for (int i = 0; i < 64; i++) blocks[i] = malloc(100);
        for (int i = 0; i < 64; i++) free(blocks[i]);
        turn(loop);
    }
    pthread_join(thread, NULL);
    turn(loop);
    turn(loop);
    assert_in_range(calls, 1, 1000);
    print_message("%d of 1000 were delivered one by one\n", calls);
    assert_true(pthread_equal(called_on, self));
    gyre_signal_stop(&watch);
    close_loop(loop);
}

static void each_delivery_is_one_call_of_each_watch(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_signal_watch watches[3] = {0};
    for (int i = 0; i < 2; i++) start(loop, &watches[i], SIGUSR1);
    start(loop, &watches[2], SIGUSR2);
    for (int i = 0; i < 5; i++) raise(SIGUSR1);
    assert_int_equal(calls, 0); // never in the handler
    turn(loop);
    assert_int_equal(calls, 10);
    raise(SIGUSR2);
    turn(loop);
    assert_int_equal(calls, 11);
    turn(loop);
    assert_int_equal(calls, 11);
    for (int i = 0; i < 3; i++) gyre_signal_stop(&watches[i]);
    close_loop(loop);
}

static void *signal_a_little_later(void *arg)
{
    usleep(20000); // until the loop sleeps
    pthread_sigmask(SIG_UNBLOCK, arg, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
    return NULL;
}

static void stop_on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    on_signal(loop, watch, signo);
    gyre_loop_stop(loop);
}

// The handler runs on the other thread, so no interrupted system call wakes the loop.
static void signal_wakes_a_sleeping_loop(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_signal_watch watch = {0};
    assert_int_equal(gyre_on_signal(loop, &watch, SIGUSR1, stop_on_signal), 0);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &only, NULL);
    pthread_t thread;
    real_pthread_create(&thread, NULL, signal_a_little_later, &only);
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_int_equal(calls, 1);
    pthread_join(thread, NULL);
    gyre_signal_stop(&watch);
    close_loop(loop);
}

static pthread_barrier_t ready;

static void only_stop(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)watch, (void)signo;
    gyre_loop_stop(loop);
}

static void *run_until_signal(void *arg)
{
    int *told = arg;
    gyre_loop *loop = NULL;
    gyre_signal_watch watch = {0};
    if (gyre_loop_open(&loop, NULL)) return NULL;
    if (gyre_on_signal(loop, &watch, SIGUSR1, only_stop)) return NULL;
    pthread_barrier_wait(&ready);
    *told = gyre_loop_run(loop) == 0;
    gyre_loop_close(loop); // stops the watch
    return NULL;
}

static void two_loops_on_two_threads_are_both_told(void **state)
{
    (void)state;
    pthread_t threads[2];
    int told[2] = {0};
    pthread_barrier_init(&ready, NULL, 3);
    for (int i = 0; i < 2; i++) real_pthread_create(&threads[i], NULL, run_until_signal, &told[i]);
    pthread_barrier_wait(&ready);
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_true(told[0] && told[1]);
}

// ---- Dispositions ------------------------------------------------------------------------------

static void own_handler(int signo)
{
    (void)signo;
}

static void check_disposition(void (*handler)(int), bool same)
{
    struct sigaction now;
    real_sigaction(SIGUSR1, NULL, &now);
    assert_true((now.sa_handler == handler) == same);
}

static void last_stop_restores_the_old_disposition(void **state)
{
    (void)state;
    struct sigaction old = {.sa_handler = own_handler, .sa_flags = SA_NODEFER};
    sigemptyset(&old.sa_mask);
    sigaddset(&old.sa_mask, SIGTERM);
    real_sigaction(SIGUSR1, &old, NULL);
    gyre_loop *loops[2] = {open_loop(), open_loop()};
    gyre_signal_watch first = {0}, second = {0};
    start(loops[0], &first, SIGUSR1);
    start(loops[1], &second, SIGUSR1);
    check_disposition(own_handler, false);
    gyre_signal_stop(&first);
    gyre_signal_stop(&first); // idle: fine
    check_disposition(own_handler, false);
    close_loop(loops[1]); // stops the other
    struct sigaction now;
    real_sigaction(SIGUSR1, NULL, &now);
    assert_ptr_equal(now.sa_handler, own_handler);
    assert_true(now.sa_flags & SA_NODEFER);
    assert_int_equal(sigismember(&now.sa_mask, SIGTERM), 1);
    close_loop(loops[0]);
}

static void refused_signals_say_einval_and_started_watches_ebusy(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_signal_watch watch = {0};
    static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
                                  SIGSYS,  0,       -1,      65,     1000,   32,     33};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(gyre_on_signal(loop, &watch, refused[i], on_signal), -EINVAL);
    start(loop, &watch, SIGUSR1);
    assert_int_equal(gyre_on_signal(loop, &watch, SIGUSR2, on_signal), -EBUSY);
    check_disposition(SIG_DFL, false);
    gyre_signal_stop(&watch);
    check_disposition(SIG_DFL, true);
    start(loop, &watch, SIGRTMAX);
    raise(SIGRTMAX);
    turn(loop);
    assert_int_equal(calls, 1);
    gyre_signal_stop(&watch);
    close_loop(loop);
}

static int watch_signal(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    gyre_loop *loop;
    gyre_signal_watch watch = {0};
    int err = gyre_loop_open(&loop, &(gyre_loop_opts){.allocator = alloc});
    if (err) return err;
    err = gyre_on_signal(loop, &watch, SIGUSR1, on_signal);
    if (err) assert_null(watch.loop);
    assert_int_equal(gyre_loop_close(loop), 0);
    check_disposition(SIG_DFL, true);
    return err;
}

static void signal_watch_with_each_allocation_and_sigaction_failing(void **state)
{
    (void)state;
    MEMORY_TORTURE(watch_signal, NULL);
    gyre_loop *loop = open_loop();
    gyre_signal_watch watch = {0};
    fault_reset();
    fault_fail_nth(FAULT_SIGACTION, 1, EINVAL);
    assert_int_equal(gyre_on_signal(loop, &watch, SIGUSR1, on_signal), -EINVAL);
    fault_reset();
    start(loop, &watch, SIGUSR1);
    gyre_signal_stop(&watch);
    check_disposition(SIG_DFL, true);
    close_loop(loop);
}

// ---- Inside callbacks --------------------------------------------------------------------------

static gyre_signal_watch three[3];

static void stop_all(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    on_signal(loop, watch, signo);
    for (int i = 0; i < 3; i++) gyre_signal_stop(&three[i]);
}

static void stop_inside_the_callback_drops_what_was_left(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    for (int i = 0; i < 3; i++)
        assert_int_equal(gyre_on_signal(loop, &three[i], SIGUSR1, stop_all), 0);
    for (int i = 0; i < 4; i++) raise(SIGUSR1);
    turn(loop);
    turn(loop);
    assert_int_equal(calls, 1);
    check_disposition(SIG_DFL, true);
    close_loop(loop);
}

static void start_another(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    on_signal(loop, watch, signo);
    if (!three[1].loop) start(loop, &three[1], SIGUSR1);
}

static void watch_started_in_a_callback_hears_of_later_signals_only(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    assert_int_equal(gyre_on_signal(loop, &three[0], SIGUSR1, start_another), 0);
    raise(SIGUSR1);
    turn(loop);
    assert_int_equal(calls, 1);
    raise(SIGUSR1);
    turn(loop);
    assert_int_equal(calls, 3);
    gyre_signal_stop(&three[0]);
    gyre_signal_stop(&three[1]);
    close_loop(loop);
}

static void signals_of_a_stopped_watch_do_not_reach_a_new_one(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_signal_watch first = {0}, second = {0};
    start(loop, &first, SIGUSR1);
    raise(SIGUSR1);
    gyre_signal_stop(&first);
    start(loop, &second, SIGUSR1);
    turn(loop);
    assert_int_equal(calls, 0);
    gyre_signal_stop(&second);
    close_loop(loop);
}

// ---- Closing under fire ------------------------------------------------------------------------

static atomic_bool quiet;

static void *send_until_quiet(void *arg)
{
    (void)arg;
    while (!atomic_load(&quiet)) kill(getpid(), SIGUSR1);
    return NULL;
}

static void loops_close_while_signals_arrive_on_other_threads(void **state)
{
    (void)state;
    real_sigaction(SIGUSR1, &(struct sigaction){.sa_handler = own_handler}, NULL);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) real_pthread_create(&threads[i], NULL, send_until_quiet, NULL);
    for (int i = 0; i < 300; i++) {
        gyre_loop *loop = open_loop();
        gyre_signal_watch watch = {0};
        start(loop, &watch, SIGUSR1);
        turn(loop);
        if (i % 2) gyre_signal_stop(&watch);
        close_loop(loop);
    }
    atomic_store(&quiet, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

TESTS(cmocka_unit_test(a_thousand_hangups_while_busy_reach_the_loop_thread),
      cmocka_unit_test(each_delivery_is_one_call_of_each_watch),
      cmocka_unit_test(signal_wakes_a_sleeping_loop),
      cmocka_unit_test(two_loops_on_two_threads_are_both_told),
      cmocka_unit_test(last_stop_restores_the_old_disposition),
      cmocka_unit_test(refused_signals_say_einval_and_started_watches_ebusy),
      cmocka_unit_test(signal_watch_with_each_allocation_and_sigaction_failing),
      cmocka_unit_test(stop_inside_the_callback_drops_what_was_left),
      cmocka_unit_test(watch_started_in_a_callback_hears_of_later_signals_only),
      cmocka_unit_test(signals_of_a_stopped_watch_do_not_reach_a_new_one),
      cmocka_unit_test(loops_close_while_signals_arrive_on_other_threads))
