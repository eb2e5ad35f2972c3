// What coroutines cost, in nanoseconds per operation, through the public interface: the median of
// some rounds with the lowest and the highest.
//
//   coro [ROUNDS]
#include <gyre.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 99, OPERATIONS = 1000000 };

static gyre_loop *loop;

// ---- One switch: a generator's next and yield are two ---------------------------------------

static int yield_on(gyre_coro *self, void *arg)
{
    int err = 0;
    while (!err) err = gyre_generator_yield(self, arg, NULL);
    return err;
}

static int next_and_yield(gyre_coro *self, void *arg)
{
    (void)self;
    gyre_generator *generator;
    void *value;
    int err = gyre_generator_open(&generator, loop, yield_on, arg, NULL);
    if (err) return err;
    for (int i = 0; i < OPERATIONS / 2 && !err; i++)
        err = gyre_generator_next(generator, NULL, &value);
    gyre_generator_close(generator);
    return err;
}

// ---- A coroutine's whole life --------------------------------------------------------------

static int do_nothing(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

static int spawn_and_await(gyre_coro *self, void *arg)
{
    (void)self;
    int err = 0;
    for (int i = 0; i < OPERATIONS && !err; i++)
        err = gyre_await(gyre_spawn(gyre_void, loop, do_nothing, arg));
    return err;
}

// ---- Two coroutines, one value there and back -------------------------------------------------

// Echoes what it is sent; every call of it is a switch there and one back.
static int echo(gyre_coro *self, void *arg)
{
    void *in = arg;
    int err = 0;
    while (!err) err = gyre_generator_yield(self, in, &in);
    return err;
}

static int ping_pong(gyre_coro *self, void *arg)
{
    (void)self;
    int ball = 0, err;
    void *back = &ball;
    gyre_generator *generator;
    err = gyre_generator_open(&generator, loop, echo, arg, NULL);
    if (err) return err;
    for (int i = 0; i < OPERATIONS && !err; i++) err = gyre_generator_next(generator, back, &back);
    gyre_generator_close(generator);
    return err;
}

// ---- Giving way through the loop -------------------------------------------------------------

static int sleep_on(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int err = 0;
    for (int i = 0; i < OPERATIONS / 100 && !err; i++) err = gyre_await(gyre_sleep(loop, 0));
    return err;
}

static int await_many_yields(gyre_coro *self, void *arg)
{
    (void)self;
    gyre_void_future futures[100];
    for (int i = 0; i < 100; i++) futures[i] = gyre_spawn(gyre_void, loop, sleep_on, arg);
    return gyre_await(gyre_all(loop, futures, 100));
}

// ---- Measuring -----------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const char *name, gyre_coro_fn *fn, int rounds)
{
    double times[MOST_ROUNDS];
    for (int i = -1; i < rounds; i++) { // the first one warms up
        gyre_time began = gyre_now_exact();
        int err = gyre_run(gyre_spawn(gyre_void, loop, fn, NULL));
        if (err) {
            fprintf(stderr, "coro: %s: %s\n", name, gyre_strerror(err));
            return 1;
        }
        if (i >= 0) times[i] = (double)(gyre_now_exact() - began) / OPERATIONS;
    }
    qsort(times, (size_t)rounds, sizeof *times, compare);
    printf("%-44s %8.2f ns  (%.2f to %.2f)\n", name, times[rounds / 2], times[0],
           times[rounds - 1]);
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9; // NOLINT: 0 for nonsense is refused below
    if (rounds < 1 || rounds > MOST_ROUNDS) return 2;
    if (gyre_loop_open(&loop, NULL)) return 1;
    int failed = measure("switch, one way (generator next + yield)", next_and_yield, rounds) ||
                 measure("spawn + await of its future", spawn_and_await, rounds) ||
                 measure("ping-pong, one value there and back", ping_pong, rounds) ||
                 measure("yield through the loop, 100 coroutines", await_many_yields, rounds);
    gyre_loop_close(loop);
    return failed;
}
