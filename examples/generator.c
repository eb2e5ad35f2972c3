// Generators without a network: Fibonacci numbers out of a coroutine, and a running mean that is
// sent values and answers each.
#include <gyre.h>

#include <inttypes.h>
#include <stdio.h>

static int fibonacci(gyre_coro *self, void *arg)
{
    uint64_t a = 0, b = 1;
    for (int i = 0; i < *(int *)arg; i++) {
        int err = gyre_generator_yield(self, &a, NULL);
        if (err) return err;
        uint64_t sum = a + b;
        a = b;
        b = sum;
    }
    return 0;
}

static int running_mean(gyre_coro *self, void *arg)
{
    (void)arg;
    double mean = 0, sum = 0;
    for (int count = 1;; count++) {
        void *value;
        int err = gyre_generator_yield(self, &mean, &value);
        if (err) return err; // closed
        sum += (double)*(uint64_t *)value;
        mean = sum / count;
    }
}

static int print_both(gyre_coro *self, void *arg)
{
    gyre_generator *numbers = NULL, *mean = NULL;
    void *number, *answer;
    int err = gyre_generator_open(&numbers, gyre_coro_loop(self), fibonacci, arg, NULL);
    if (!err) err = gyre_generator_open(&mean, gyre_coro_loop(self), running_mean, NULL, NULL);
    if (!err) err = gyre_generator_next(mean, NULL, &answer); // runs it to its first yield
    while (!err && (err = gyre_generator_next(numbers, NULL, &number)) == 0) {
        err = gyre_generator_next(mean, number, &answer);
        if (!err) printf("%" PRIu64 " (mean %.2f)\n", *(uint64_t *)number, *(double *)answer);
    }
    gyre_generator_close(mean);
    gyre_generator_close(numbers);
    return err == GYRE_EEND ? 0 : err;
}

int main(void)
{
    int count = 20;
    return gyre_main(print_both, &count);
}
