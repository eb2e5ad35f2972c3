// Many threads, each with a loop and coroutines of its own.
#include "test/coro/loop.h"

#include <pthread.h>

enum { THREADS = 4, COROUTINES = 20, ROUNDS = 20 };

static int add_up(gyre_coro *self, void *arg)
{
    int *sum = arg;
    for (int i = 0; i < ROUNDS; i++) {
        int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_US(100 * (i % 3))));
        if (err) return err;
        ++*sum;
    }
    return 0;
}

static int yield_sum(gyre_coro *self, void *arg)
{
    int err = 0;
    while (!err) err = gyre_generator_yield(self, arg, NULL);
    return err;
}

// The generator is called from many stacks of this thread.
static int add_and_call(gyre_coro *self, void *arg)
{
    void *value;
    int sum = 0;
    int err = add_up(self, &sum);
    if (!err) err = gyre_generator_next(arg, NULL, &value);
    if (!err) *(int *)value += sum;
    return err;
}

static void *work(void *result)
{
    gyre_loop *mine;
    gyre_generator *generator;
    gyre_void_future futures[COROUTINES];
    int sum = 0;
    if (gyre_loop_open(&mine, NULL)) return NULL;
    int err = gyre_generator_open(&generator, mine, yield_sum, &sum, NULL);
    for (int i = 0; i < COROUTINES; i++)
        futures[i] = gyre_spawn(gyre_void, mine, add_and_call, generator);
    if (!err) err = gyre_run(gyre_all(mine, futures, COROUTINES));
    gyre_generator_close(generator);
    *(int *)result = err ? err : sum;
    gyre_loop_close(mine);
    return NULL;
}

static void threads_with_a_loop_each_run_coroutines(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int results[THREADS] = {0};
    clock_virtual_stop();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &results[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) assert_int_equal(results[i], COROUTINES * ROUNDS);
}

// A loop may move to another thread while it does not run, with its coroutines suspended.
static void *run_to_its_end(void *future)
{
    return gyre_run(*(gyre_void_future *)future) == 0 ? future : NULL;
}

static void threads_may_hand_a_loop_over_between_runs(void **state)
{
    (void)state;
    pthread_t thread;
    void *end = NULL;
    int sum = 0;
    clock_virtual_stop();
    gyre_void_future future = gyre_spawn(gyre_void, loop, add_up, &sum);
    assert_int_equal(gyre_loop_turn(loop, GYRE_MS(1)), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_to_its_end, &future), 0);
    pthread_join(thread, &end);
    assert_non_null(end);
    assert_int_equal(sum, ROUNDS);
}

TESTS(TEST(threads_with_a_loop_each_run_coroutines),
      TEST(threads_may_hand_a_loop_over_between_runs))
