// timeout 120
// Promises settled from other threads while the loop cancels, releases and closes.
//
// Real time: the threads race as the machine lets them.
#include "test/future/rig.h"

#include <pthread.h>
#include <sched.h>

enum { RACERS = 4, ROUNDS = 400 };

struct race {
    gyre_pointer_promise promise;
    struct op *op;
    pthread_barrier_t start;
    int started;            // atomic; odd ones reject
    int resolved, rejected; // atomic: how many were told that they won
};

static void *racer(void *arg)
{
    struct race *race = arg;
    gyre_pointer_promise promise = race->promise;
    void *value = race->op;
    bool resolves = __atomic_fetch_add(&race->started, 1, __ATOMIC_RELAXED) % 2 == 0;
    pthread_barrier_wait(&race->start);
    if (resolves) {
        if (gyre_promise_resolve(promise, &value))
            __atomic_add_fetch(&race->resolved, 1, __ATOMIC_RELAXED);
    } else if (gyre_promise_reject(promise, -EIO, "from a thread"))
        __atomic_add_fetch(&race->rejected, 1, __ATOMIC_RELAXED);
    gyre_promise_release(promise);
    return NULL;
}

enum consumer { RUN, CANCEL, RELEASE, CLOSE };

struct outcome {
    int err;
    void *value;
    int calls;
};

static void on_outcome(void *arg, int err, void **value)
{
    struct outcome *outcome = arg;
    outcome->calls++;
    outcome->err = err;
    outcome->value = value ? *value : NULL;
}

static void one_race(enum consumer consumer)
{
    struct rig rig;
    rig_open(&rig);
    clock_virtual_stop();
    struct op op;
    struct outcome outcome = {0};
    op_begin(&rig, &op);
    struct race race = {.promise = op.promise, .op = &op};
    pthread_barrier_init(&race.start, NULL, RACERS + 1);
    pthread_t threads[RACERS];
    for (int i = 0; i < RACERS; i++) {
        (void)gyre_promise_retain(op.promise);
        pthread_create(&threads[i], NULL, racer, &race);
    }
    gyre_promise_release(op.promise);
    if (consumer != RELEASE) gyre_then(gyre_retain(op.future), on_outcome, &outcome);
    pthread_barrier_wait(&race.start);
    bool canceled = false;
    if (consumer == CANCEL) canceled = gyre_cancel(op.future);
    gyre_release(op.future);
    if (consumer == RELEASE) outcome.calls = 1;
    while (consumer != CLOSE && !outcome.calls) gyre_loop_turn(rig.loop, GYRE_MS(100));
    if (consumer == CLOSE) assert_int_equal(gyre_loop_close(rig.loop), 0);
    for (int i = 0; i < RACERS; i++) pthread_join(threads[i], NULL);
    if (consumer != CLOSE) {
        turns(&rig);
        assert_int_equal(rig_live(&rig), 0);
        assert_int_equal(gyre_loop_close(rig.loop), 0);
    }
    pthread_barrier_destroy(&race.start);

    // Exactly one won: a thread, or the consumer's cancel.
    assert_int_equal(outcome.calls, 1);
    assert_true(race.resolved + race.rejected <= 1);
    if (consumer == CANCEL) assert_int_equal(race.resolved + race.rejected + canceled, 1);
    assert_int_equal(op.cancels, 1 - race.resolved - race.rejected);
    if (consumer == RELEASE) {
        assert_int_equal(op.drops, race.resolved);
    } else {
        assert_int_equal(outcome.value != NULL, race.resolved);
        assert_int_equal(outcome.err == -EIO, race.rejected);
        assert_int_equal(op.drops, 0);
    }
    memory_close(&rig.memory);
}

static void one_of_four_threads_wins(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) one_race(RUN);
}

static void one_of_four_threads_or_a_cancel_wins(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) one_race(CANCEL);
}

static void a_value_that_races_with_the_last_release_is_dropped_once(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) one_race(RELEASE);
}

static void threads_race_with_the_close_of_the_loop(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) one_race(CLOSE);
}

// ---- The last release, on a thread --------------------------------------------------------------

static void *lets_go(void *arg)
{
    gyre_promise_release(*(gyre_pointer_promise *)arg);
    return NULL;
}

static void the_last_release_on_a_thread_rejects_with_closed(void **state)
{
    (void)state;
    struct rig rig;
    struct op op;
    rig_open(&rig);
    clock_virtual_stop();
    op_begin(&rig, &op);
    pthread_t thread;
    pthread_create(&thread, NULL, lets_go, &op.promise);
    assert_int_equal(gyre_run(op.future), GYRE_ECLOSED);
    pthread_join(thread, NULL);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

// ---- Many values through one loop --------------------------------------------------------------

enum { VALUES = 2000 };

struct feeder {
    gyre_int_promise promises[VALUES];
};

static void *feed(void *arg)
{
    struct feeder *feeder = arg;
    for (int i = 0; i < VALUES; i++) {
        int value = i;
        gyre_promise_resolve(feeder->promises[i], &value);
        gyre_promise_release(feeder->promises[i]);
        if (i % 64 == 0) sched_yield();
    }
    return NULL;
}

static void values_of_a_thread_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    clock_virtual_stop();
    static struct feeder feeder;
    static gyre_int_future futures[VALUES];
    static int out[VALUES];
    for (int i = 0; i < VALUES; i++)
        feeder.promises[i] = gyre_promise_new(gyre_int, rig.loop, &futures[i], NULL, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, feed, &feeder);
    assert_int_equal(gyre_run(gyre_all(rig.loop, futures, VALUES, out)), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < VALUES; i++) assert_int_equal(out[i], i);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(one_of_four_threads_wins),
      cmocka_unit_test(one_of_four_threads_or_a_cancel_wins),
      cmocka_unit_test(a_value_that_races_with_the_last_release_is_dropped_once),
      cmocka_unit_test(threads_race_with_the_close_of_the_loop),
      cmocka_unit_test(the_last_release_on_a_thread_rejects_with_closed),
      cmocka_unit_test(values_of_a_thread_arrive_whole_and_in_order))
