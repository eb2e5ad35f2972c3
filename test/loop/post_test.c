// The mailbox: posts from other threads.
#include "test/loop/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

// ---- On one thread -----------------------------------------------------------------------------

static void note_p(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    note('p');
}

static void post_of_a_posted_task_is_busy_until_it_runs(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = note_p};
    assert_int_equal(gyre_post(loop, &task), 0);
    assert_int_equal(gyre_post(loop, &task), GYRE_EBUSY);
    turn(loop);
    assert_string_equal(trace, "p");
    assert_int_equal(gyre_post(loop, &task), 0);
    turn(loop);
    assert_string_equal(trace, "pp");
    close_loop(loop);
}

static int repost_result;

static void repost(gyre_loop *loop, gyre_task *task)
{
    note('r');
    if (strlen(trace) < 3) repost_result = gyre_post(loop, task);
}

static void task_may_post_itself_and_runs_in_the_next_turn(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = repost};
    assert_int_equal(gyre_post(loop, &task), 0);
    turn(loop);
    assert_int_equal(repost_result, 0);
    assert_string_equal(trace, "r");
    assert_int_equal(gyre_loop_turn(loop, GYRE_FOREVER), 0); // does not sleep with a post waiting
    assert_string_equal(trace, "rr");
    turn(loop);
    assert_string_equal(trace, "rrr");
    close_loop(loop);
}

static void soon_of_a_posted_task_changes_nothing(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task first = {.fn = note_p}, second = {.fn = note_p};
    assert_int_equal(gyre_post(loop, &first), 0);
    assert_int_equal(gyre_post(loop, &second), 0);
    gyre_soon(loop, &first);
    gyre_soon(loop, &second);
    turn(loop);
    assert_string_equal(trace, "pp");
    close_loop(loop);
}

static void post_of_a_task_queued_by_soon_is_busy(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task first = {.fn = note_p}, second = {.fn = note_p};
    gyre_soon(loop, &first);
    gyre_soon(loop, &second);
    assert_int_equal(gyre_post(loop, &first), GYRE_EBUSY);
    turn(loop);
    assert_string_equal(trace, "pp");
    assert_int_equal(gyre_post(loop, &first), 0); // idle again
    turn(loop);
    close_loop(loop);
}

static void stop_of_a_posted_task_does_not_take_it_back(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task first = {.fn = note_p}, second = {.fn = note_p};
    assert_int_equal(gyre_post(loop, &first), 0);
    assert_int_equal(gyre_post(loop, &second), 0);
    gyre_task_stop(&first);
    gyre_task_stop(&second);
    turn(loop);
    assert_string_equal(trace, "pp");
    close_loop(loop);
}

static void free_itself(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    note('f');
    free(task);
}

static void posted_task_may_free_itself(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    for (int i = 0; i < 3; i++) {
        gyre_task *task = calloc(1, sizeof *task);
        task->fn = free_itself;
        assert_int_equal(gyre_post(loop, task), 0);
    }
    turn(loop);
    assert_string_equal(trace, "fff");
    close_loop(loop);
}

// ---- Many threads ------------------------------------------------------------------------------

enum { THREADS = 4, TASKS = 5000 };

struct sender {
    gyre_loop *loop;
    pthread_t thread;
    int expected; // number of the task that must run next
    struct numbered {
        gyre_task task;
        struct sender *from;
        int number;
    } tasks[TASKS];
};

static int ran;

static void check_order(gyre_loop *loop, gyre_task *task)
{
    struct numbered *numbered = GYRE_CONTAINER_OF(task, struct numbered, task);
    if (numbered->number != numbered->from->expected++) fail_msg("out of order");
    if (++ran == THREADS * TASKS) gyre_loop_stop(loop);
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < TASKS; i++)
        if (gyre_post(sender->loop, &sender->tasks[i].task)) abort();
    return NULL;
}

static void posts_of_each_thread_run_once_and_in_order(void **state)
{
    (void)state;
    static struct sender senders[THREADS];
    gyre_loop *loop = open_loop();
    for (int t = 0; t < THREADS; t++) {
        senders[t].loop = loop;
        for (int i = 0; i < TASKS; i++)
            senders[t].tasks[i] = (struct numbered){{.fn = check_order}, &senders[t], i};
        real_pthread_create(&senders[t].thread, NULL, send_all, &senders[t]);
    }
    assert_int_equal(gyre_loop_run(loop), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(senders[t].thread, NULL);
    turn(loop);
    assert_int_equal(ran, THREADS * TASKS); // none twice
    close_loop(loop);
}

// Two threads post one task: each accepted post is one run.
static atomic_int accepted, runs;

static void count_run(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    atomic_fetch_add(&runs, 1);
}

struct shared_task {
    gyre_loop *loop;
    gyre_task task;
};

static void *post_shared(void *arg)
{
    struct shared_task *shared = arg;
    for (int i = 0; i < 20000; i++) {
        int err = gyre_post(shared->loop, &shared->task);
        if (err == 0)
            atomic_fetch_add(&accepted, 1);
        else if (err != GYRE_EBUSY)
            abort();
    }
    return NULL;
}

static void one_task_posted_by_two_threads_runs_once_for_each_accepted_post(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    struct shared_task shared = {loop, {.fn = count_run}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) real_pthread_create(&threads[i], NULL, post_shared, &shared);
    for (int i = 0; i < 2000; i++) turn(loop);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    turn(loop);
    assert_int_equal(atomic_load(&runs), atomic_load(&accepted));
    assert_true(atomic_load(&runs) > 0);
    close_loop(loop);
}

// ---- Waking ------------------------------------------------------------------------------------

static void stop_loop(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    gyre_loop_stop(loop);
}

struct delayed_post {
    gyre_loop *loop;
    gyre_task task;
};

static void *post_a_little_later(void *arg)
{
    struct delayed_post *post = arg;
    usleep(20000); // until the loop sleeps: nothing tells another thread of that
    if (gyre_post(post->loop, &post->task)) abort();
    return NULL;
}

static void post_wakes_a_sleeping_loop(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    struct delayed_post post = {loop, {.fn = stop_loop}};
    pthread_t thread;
    real_pthread_create(&thread, NULL, post_a_little_later, &post);
    assert_int_equal(gyre_loop_run(loop), 0); // or the test's time limit
    pthread_join(thread, NULL);
    close_loop(loop);
}

static void burst_of_posts_to_a_busy_loop_makes_no_system_call(void **state)
{
    (void)state;
    static gyre_task tasks[1000];
    gyre_loop *loop = open_loop();
    turn(loop);
    fault_reset();
    for (int i = 0; i < 1000; i++) {
        tasks[i].fn = count_run;
        assert_int_equal(gyre_post(loop, &tasks[i]), 0);
    }
    assert_int_equal(fault_count(FAULT_WRITE), 0);
    atomic_store(&runs, 0);
    turn(loop);
    assert_int_equal(atomic_load(&runs), 1000);
    close_loop(loop);
}

// The loop goes to sleep after every few posts; a lost wake-up would leave it there.
enum { POSTS = 1000000 };

static int posts_seen;
static atomic_int in_flight;

static void on_one_of_many(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    atomic_fetch_sub(&in_flight, 1);
    if (++posts_seen == POSTS) gyre_loop_stop(loop);
}

static void *post_many(void *arg)
{
    static gyre_task tasks[64];
    gyre_loop *loop = arg;
    for (int i = 0; i < POSTS; i++) {
        gyre_task *task = &tasks[i % 64];
        task->fn = on_one_of_many;
        // Wait now and then until the loop has nothing to do and goes to sleep.
        if (i % 16 == 0)
            while (atomic_load(&in_flight) > 0) sched_yield();
        atomic_fetch_add(&in_flight, 1);
        while (gyre_post(loop, task) == GYRE_EBUSY) sched_yield();
    }
    return NULL;
}

static void no_wake_up_is_lost_in_a_million_posts(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    pthread_t thread;
    fault_reset();
    real_pthread_create(&thread, NULL, post_many, loop);
    assert_int_equal(gyre_loop_run(loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(posts_seen, POSTS);
    print_message("%lu wake-ups\n", fault_count(FAULT_WRITE));
    assert_true(fault_count(FAULT_WRITE) > 10000); // it did go to sleep
    close_loop(loop);
}

// ---- Closing -----------------------------------------------------------------------------------

static void *post_until_closed(void *arg)
{
    gyre__mailbox *mailbox = arg;
    static gyre_task task = {.fn = count_run};
    for (;;) {
        int err = gyre__mailbox_post(mailbox, &task);
        if (err == 0) atomic_fetch_add(&accepted, 1);
        if (err == GYRE_ECLOSED) break;
    }
    gyre__mailbox_release(mailbox);
    return NULL;
}

static void every_post_accepted_while_the_loop_closes_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        gyre_loop *loop = open_loop();
        atomic_store(&accepted, 0);
        atomic_store(&runs, 0);
        pthread_t thread;
        gyre__mailbox *mailbox = gyre__mailbox_retain(gyre__loop_mailbox(loop));
        real_pthread_create(&thread, NULL, post_until_closed, mailbox);
        for (int k = 0; k < i % 3; k++) assert_int_equal(gyre_loop_turn(loop, GYRE_MS(100)), 0);
        close_loop(loop);
        pthread_join(thread, NULL);
        assert_int_equal(atomic_load(&runs), atomic_load(&accepted));
    }
}

static int result_while_closing;

static void post_while_closing(gyre_loop *loop, gyre_task *task)
{
    static gyre_task late = {.fn = note_p};
    (void)task;
    assert_true(gyre__loop_is_closing(loop));
    result_while_closing = gyre_post(loop, &late);
}

static void post_is_refused_once_close_has_begun(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = post_while_closing}, posted = {.fn = note_p};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_post(loop, &posted), 0);
    close_loop(loop);
    assert_int_equal(result_while_closing, GYRE_ECLOSED);
    assert_string_equal(trace, "p"); // what had been accepted ran
}

TESTS(cmocka_unit_test(post_of_a_posted_task_is_busy_until_it_runs),
      cmocka_unit_test(task_may_post_itself_and_runs_in_the_next_turn),
      cmocka_unit_test(soon_of_a_posted_task_changes_nothing),
      cmocka_unit_test(post_of_a_task_queued_by_soon_is_busy),
      cmocka_unit_test(stop_of_a_posted_task_does_not_take_it_back),
      cmocka_unit_test(posted_task_may_free_itself),
      cmocka_unit_test(posts_of_each_thread_run_once_and_in_order),
      cmocka_unit_test(one_task_posted_by_two_threads_runs_once_for_each_accepted_post),
      cmocka_unit_test(post_wakes_a_sleeping_loop),
      cmocka_unit_test(burst_of_posts_to_a_busy_loop_makes_no_system_call),
      cmocka_unit_test(no_wake_up_is_lost_in_a_million_posts),
      cmocka_unit_test(every_post_accepted_while_the_loop_closes_runs),
      cmocka_unit_test(post_is_refused_once_close_has_begun))
