// Every allocation and every mapping fails in turn: errors, and nothing leaks.
#include "test/coro/loop.h"

static int naps_then_gives(gyre_coro *self, void *arg)
{
    int value = *(int *)arg;
    int err = nap(GYRE_MS(1));
    return err ? err : gyre_give(self, &value);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static int yields_one(gyre_coro *self, void *arg)
{
    int err = nap(GYRE_MS(1));
    return err ? err : gyre_generator_yield(self, arg, NULL);
}

// A bit of everything that allocates.
static int life(gyre_coro *self, void *arg)
{
    int value = 3, out = 0;
    void *item;
    gyre_generator *generator;
    int err = 0;
    for (int i = 0; i < 10 && !err; i++) err = gyre_defer(self, do_nothing, arg);
    if (!err) err = gyre_await(gyre_spawn(gyre_int, loop, naps_then_gives, &value), &out);
    if (!err && out != 3) err = -EFAULT;
    if (!err) err = gyre_await_for(gyre_sleep(loop, GYRE_SECONDS(5)), GYRE_MS(1));
    if (err != GYRE_ETIMEDOUT) return err ? err : -EFAULT;
    err = gyre_generator_open(&generator, loop, yields_one, arg, NULL);
    if (err) return err;
    err = gyre_generator_next(generator, NULL, &item);
    gyre_generator_close(generator);
    return err;
}

static int run_life(const gyre_allocator *alloc, void *arg)
{
    int err = open_loop(alloc, &loop);
    if (err) return err;
    gyre_spawn_opts lazy = {.lazy = true};
    gyre_void_future other = gyre_spawn_with(gyre_void, loop, life, arg, &lazy);
    err = gyre_run(gyre_spawn(gyre_void, loop, life, arg));
    int second = gyre_run(other);
    gyre_loop_close(loop);
    loop = NULL;
    return err ? err : second;
}

static void coro_survives_every_failing_allocation(void **state)
{
    (void)state;
    close_loop();
    MEMORY_TORTURE(run_life, NULL);
}

static int run_life_counted(void *arg)
{
    return run_life(&memory.alloc, arg);
}

static void coro_survives_every_failing_mapping(void **state)
{
    (void)state;
    close_loop();
    fault_torture(FAULT_MMAP, ENOMEM, run_life_counted, NULL);
    fault_torture(FAULT_MADVISE, EINVAL, run_life_counted, NULL);
    fault_torture(FAULT_MUNMAP, ENOMEM, run_life_counted, NULL);
}

static void coro_spawn_without_memory_says_so(void **state)
{
    (void)state;
    int value = 1;
    gyre_generator *generator;
    fault_fail_from(FAULT_MMAP, 1, ENOMEM);
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, naps_then_gives, &value)), -ENOMEM);
    assert_int_equal(gyre_generator_open(&generator, loop, yields_one, NULL, NULL), -ENOMEM);
    assert_true(fault_hit() >= 2);
    fault_reset();
    assert_int_equal(gyre_run(gyre_spawn(gyre_int, loop, naps_then_gives, &value)), 0);
}

TESTS(TEST(coro_survives_every_failing_allocation), TEST(coro_survives_every_failing_mapping),
      TEST(coro_spawn_without_memory_says_so))
