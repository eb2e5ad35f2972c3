// gyre_run, the synchronous style: its four cases, and two loops on a thread.
#include "test/future/rig.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_outside_turns_the_loop_until_the_operation_is_done(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int64_t began = clock_now();
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(40))), 0);
    assert_true(clock_now() - began >= GYRE_MS(40));
    rig_close(&rig);
}

static void run_of_a_done_future_does_not_poll(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_done(&rig, &op);
    unsigned long waits = clock_waits();
    assert_int_equal(gyre_run(op.future), 0);
    assert_int_equal(clock_waits(), waits);
    rig_close(&rig);
}

static int runs_inside(gyre_coro *self, void *arg)
{
    struct rig *rig = arg;
    trace(rig, "in");
    int err = gyre_run(gyre_sleep(gyre_coro_loop(self), GYRE_MS(5)));
    trace(rig, "out");
    return err;
}

static void run_in_a_coroutine_awaits(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_void_future a = gyre_spawn(gyre_void, rig.loop, runs_inside, &rig);
    gyre_void_future b = gyre_spawn(gyre_void, rig.loop, runs_inside, &rig);
    assert_int_equal(gyre_run(a), 0);
    assert_int_equal(gyre_run(b), 0);
    assert_string_equal(rig.trace, "in in out out");
    rig_close(&rig);
}

static void runs_in_a_callback(struct rig *rig, void *arg)
{
    gyre_pointer_future *f = arg;
    void *value = rig;
    assert_int_equal(gyre_run(*f, &value), -EBUSY);
    assert_ptr_equal(value, rig);
    assert_non_null(strstr(gyre_why_last(rig->loop), "gyre_run in a callback"));
    trace(rig, "refused");
}

static void run_in_a_bare_callback_is_refused_with_a_text(void **state)
{
    (void)state;
    struct rig rig;
    struct op pending, done;
    rig_open(&rig);
    op_begin(&rig, &pending);
    in_loop(&rig, runs_in_a_callback, &pending.future);
    assert_int_equal(pending.cancels, 1); // the reference is consumed all the same
    gyre_promise_release(pending.promise);
    op_done(&rig, &done);
    in_loop(&rig, runs_in_a_callback, &done.future);
    assert_int_equal(done.drops, 1);
    assert_string_equal(rig.trace, "undone refused refused");
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Two loops ---------------------------------------------------------------------------------

static void runs_the_other_loop(struct rig *rig, void *arg)
{
    gyre_loop *other = arg;
    (void)rig;
    assert_int_equal(gyre_run(gyre_sleep(other, 0)), -EBUSY);
    assert_true(strlen(gyre_why_last(other)) > 0);
}

static void two_loops_of_one_thread_take_turns(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    gyre_loop *other;
    gyre_loop_opts opts = rig_opts(&rig);
    assert_int_equal(gyre_loop_open(&other, &opts), 0);
    gyre_void_future a = gyre_sleep(rig.loop, GYRE_MS(20)), b = gyre_sleep(other, GYRE_MS(10));
    assert_int_equal(gyre_run(a), 0);
    assert_int_equal(gyre_future_state(b), GYRE_PENDING);
    assert_int_equal(gyre_run(b), 0);
    in_loop(&rig, runs_the_other_loop, other);
    assert_int_equal(gyre_loop_close(other), 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Another thread's loop ----------------------------------------------------------------------

struct host {
    gyre_loop *loop;
    pthread_t thread;
    gyre_task stop;
    gyre_void_future sleep;
    int ready[2]; // a pipe
};

static void on_stop(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    gyre_loop_stop(loop);
}

static void *host_main(void *arg)
{
    struct host *host = arg;
    ssize_t wrote = write(host->ready[1], "!", 1);
    (void)wrote;
    gyre_loop_run(host->loop);
    return NULL;
}

static void a_loop_of_another_thread_is_refused_and_its_future_let_go(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    clock_virtual_stop();
    struct host host = {.loop = rig.loop, .stop.fn = on_stop};
    host.sleep = gyre_sleep(rig.loop, GYRE_SECONDS(3600));
    char byte;
    assert_int_equal(pipe(host.ready), 0);
    pthread_create(&host.thread, NULL, host_main, &host);
    assert_int_equal(read(host.ready[0], &byte, 1), 1);
    while (gyre__loop_may_run(rig.loop) == 0) usleep(100);
    assert_int_equal(gyre_run(host.sleep), GYRE_ELOOP);
    assert_int_equal(gyre_post(rig.loop, &host.stop), 0);
    pthread_join(host.thread, NULL);
    close(host.ready[0]);
    close(host.ready[1]);
    turns(&rig);
    assert_int_equal(rig_live(&rig), 0); // released there
    rig_close(&rig);
}

// ---- Texts -------------------------------------------------------------------------------------

static void an_error_without_a_text_leaves_no_older_text(void **state)
{
    (void)state;
    struct rig rig;
    struct op op, bad;
    rig_open(&rig);
    assert_int_equal(gyre_run(op_failed(&rig, &bad, -EIO)), -EIO);
    assert_string_equal(gyre_why_last(rig.loop), "details");
    struct seen seen = {.rig = &rig};
    gyre_then(gyre_retain(op_begin(&rig, &op)), on_pointer, &seen);
    assert_int_equal(gyre_run(op.future), GYRE_EBUSY);
    assert_string_equal(gyre_why_last(rig.loop), "");
    op_resolve(&op);
    turns(&rig);
    rig_close(&rig);
}

// ---- Fork --------------------------------------------------------------------------------------

static void run_in_a_forked_child_says_so_and_undoes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    op_begin(&rig, &op);
    pid_t child = fork();
    if (child == 0) _exit(gyre_run(op.future) == GYRE_EFORKED && op.cancels == 0 ? 0 : 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    op_resolve(&op);
    assert_int_equal(gyre_run(op.future), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(run_outside_turns_the_loop_until_the_operation_is_done),
      cmocka_unit_test(run_of_a_done_future_does_not_poll),
      cmocka_unit_test(run_in_a_coroutine_awaits),
      cmocka_unit_test(run_in_a_bare_callback_is_refused_with_a_text),
      cmocka_unit_test(two_loops_of_one_thread_take_turns),
      cmocka_unit_test(a_loop_of_another_thread_is_refused_and_its_future_let_go),
      cmocka_unit_test(an_error_without_a_text_leaves_no_older_text),
      cmocka_unit_test(run_in_a_forked_child_says_so_and_undoes_nothing))
