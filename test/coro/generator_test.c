// Generators: values out, values in, the end, and bodies that wait.
#include "test/coro/loop.h"

static gyre_generator *open_generator_with(gyre_coro_fn *fn, void *arg)
{
    gyre_generator *generator = NULL;
    assert_int_equal(gyre_generator_open(&generator, loop, fn, arg, NULL), 0);
    return generator;
}

// ---- Values --------------------------------------------------------------------------------

static int fibonacci(gyre_coro *self, void *arg)
{
    long a = 0, b = 1;
    for (int i = 0; i < *(int *)arg; i++) {
        int err = gyre_generator_yield(self, &a, NULL);
        if (err) return err;
        long sum = a + b;
        a = b;
        b = sum;
    }
    return 0;
}

static void generator_gives_the_fibonacci_numbers(void **state)
{
    (void)state;
    int count = 80;
    long a = 0, b = 1;
    void *value = NULL;
    gyre_generator *generator = open_generator_with(fibonacci, &count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
        assert_int_equal(*(long *)value, a);
        long sum = a + b;
        a = b;
        b = sum;
    }
    for (int i = 0; i < 3; i++) {
        value = &count;
        assert_int_equal(gyre_generator_next(generator, NULL, &value), GYRE_EEND);
        assert_ptr_equal(value, &count); // untouched
    }
    gyre_generator_close(generator);
}

// Yields the sum of what it was sent so far.
static int accumulate(gyre_coro *self, void *arg)
{
    (void)arg;
    note("begun");
    int sum = 0;
    for (void *in;;) {
        int err = gyre_generator_yield(self, &sum, &in);
        if (err) return err;
        sum += *(int *)in;
    }
}

static void generator_gets_what_is_sent_to_it(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(accumulate, NULL);
    assert_string_equal(trace, ""); // nothing runs before the first next
    assert_int_equal(gyre_generator_next(generator, &(int){1000}, &value), 0);
    assert_string_equal(trace, "begun");
    assert_int_equal(*(int *)value, 0); // the first `in` is ignored
    for (int i = 1, sum = 0; i <= 100; i++) {
        sum += i;
        assert_int_equal(gyre_generator_next(generator, &i, &value), 0);
        assert_int_equal(*(int *)value, sum);
    }
    gyre_generator_close(generator);
}

static int fail_after_one(gyre_coro *self, void *arg)
{
    int err = gyre_generator_yield(self, arg, NULL);
    return err ? err : -EIO;
}

static void generator_error_of_the_body_comes_once(void **state)
{
    (void)state;
    int one = 1;
    void *value;
    gyre_generator *generator = open_generator_with(fail_after_one, &one);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EIO);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), GYRE_EEND);
    gyre_generator_close(generator);
    gyre_generator_close(NULL);
}

static int yield_deep(gyre_coro *self, int depth)
{
    return depth ? yield_deep(self, depth - 1) : gyre_generator_yield(self, "deep", NULL);
}

static int yield_from_depth(gyre_coro *self, void *arg)
{
    (void)arg;
    return yield_deep(self, 20);
}

static void generator_yields_from_any_depth(void **state)
{
    (void)state;
    void *value;
    gyre_generator *generator = open_generator_with(yield_from_depth, NULL);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_string_equal(value, "deep");
    assert_int_equal(gyre_generator_next(generator, NULL, &value), GYRE_EEND);
    gyre_generator_close(generator);
}

// ---- Misuse --------------------------------------------------------------------------------

static int yield_outside(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_generator_yield(self, "x", NULL);
    assert_non_null(strstr(gyre_why_last(loop), "not a generator"));
    return err;
}

static int give_inside(gyre_coro *self, void *arg)
{
    int value = 3;
    (void)arg;
    return gyre_give(self, &value);
}

static int next_of_itself(gyre_coro *self, void *arg)
{
    void *value;
    int err = gyre_generator_next(*(gyre_generator **)arg, NULL, &value);
    return err == GYRE_EBUSY ? gyre_generator_yield(self, "busy", NULL) : -EFAULT;
}

static void generator_calls_in_the_wrong_place_are_refused(void **state)
{
    (void)state;
    void *value;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, yield_outside, NULL)), -EPERM);
    gyre_generator *generator = open_generator_with(give_inside, NULL);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EINVAL);
    gyre_generator_close(generator);
    generator = open_generator_with(next_of_itself, &generator);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_string_equal(value, "busy");
    gyre_generator_close(generator);
    gyre_spawn_opts opts = {.stack = SIZE_MAX};
    gyre_generator *untouched = generator;
    assert_int_equal(gyre_generator_open(&generator, loop, give_inside, NULL, &opts), -EINVAL);
    assert_ptr_equal(generator, untouched);
}

// ---- Bodies that wait -----------------------------------------------------------------------

static int nap_and_count(gyre_coro *self, void *arg)
{
    for (int i = 0; i < 3; i++) {
        int err = nap(GYRE_MS(10));
        *(int *)arg = i;
        if (!err) err = gyre_generator_yield(self, arg, NULL);
        if (err) return err;
    }
    return 0;
}

static int sum_up(gyre_coro *self, void *arg)
{
    (void)self;
    int err, sum = 0;
    void *value;
    while ((err = gyre_generator_next(arg, NULL, &value)) == 0) sum += 1 + *(int *)value;
    return err == GYRE_EEND && sum == 6 ? 0 : -EFAULT;
}

static void generator_that_waits_parks_its_caller(void **state)
{
    (void)state;
    int i;
    gyre_time began = gyre_now(loop);
    gyre_generator *generator = open_generator_with(nap_and_count, &i);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, sum_up, generator)), 0);
    assert_true(gyre_now(loop) - began >= GYRE_MS(30));
    gyre_generator_close(generator);
}

static void generator_that_waits_tells_a_caller_that_cannot(void **state)
{
    (void)state;
    int i = -1;
    void *value;
    gyre_generator *generator = open_generator_with(nap_and_count, &i);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EPERM);
    assert_non_null(strstr(gyre_why_last(loop), "its caller cannot"));
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EPERM); // still
    pass(GYRE_MS(20));
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_int_equal(*(int *)value, 0);
    pass(GYRE_MS(20)); // the value of before does not make it go on
    assert_int_equal(i, 0);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), -EPERM);
    pass(GYRE_MS(20));
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_int_equal(*(int *)value, 1);
    gyre_generator_close(generator);
}

static int next_once(gyre_coro *self, void *arg)
{
    (void)self;
    void *value = NULL;
    int err = gyre_generator_next(arg, NULL, &value);
    assert_true(err == 0 || value == NULL);
    return err;
}

static void generator_with_a_parked_caller_is_busy(void **state)
{
    (void)state;
    int i;
    void *value;
    gyre_generator *generator = open_generator_with(nap_and_count, &i);
    gyre_void_future first = gyre_spawn(gyre_void, loop, next_once, generator);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), GYRE_EBUSY);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, next_once, generator)), GYRE_EBUSY);
    assert_int_equal(gyre_run(first), 0);
    gyre_generator_close(generator);
}

static void generator_whose_caller_is_cancelled_goes_on(void **state)
{
    (void)state;
    int i = -1;
    void *value;
    gyre_generator *generator = open_generator_with(nap_and_count, &i);
    gyre_void_future caller = gyre_spawn(gyre_void, loop, next_once, generator);
    assert_true(gyre_cancel(caller));
    assert_int_equal(gyre_run(caller), GYRE_ECANCELED);
    pass(GYRE_MS(20));
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_int_equal(*(int *)value, 0);
    gyre_generator_close(generator);
}

// ---- A body that cancels its caller ----------------------------------------------------------

static gyre_void_future to_cancel;

static int cancel_and_nap(gyre_coro *self, void *arg)
{
    (void)arg;
    assert_true(gyre_cancel(to_cancel));
    int err = nap(GYRE_MS(10));
    return err ? err : gyre_generator_yield(self, "late", NULL);
}

static int call_and_leave(gyre_coro *self, void *arg)
{
    int err = next_once(self, arg);
    note(gyre_errname(err));
    return err;
}

// The generator kept a pointer into the frame of a caller that had left already.
static void generator_that_cancels_its_caller_forgets_it(void **state)
{
    (void)state;
    void *value;
    gyre_spawn_opts lazy = {.lazy = true};
    gyre_generator *generator = open_generator_with(cancel_and_nap, NULL);
    to_cancel = gyre_spawn_with(gyre_void, loop, call_and_leave, generator, &lazy);
    assert_int_equal(gyre_run(to_cancel), GYRE_ECANCELED);
    assert_string_equal(trace, "GYRE_ECANCELED");
    pass(GYRE_MS(20));
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    assert_string_equal(value, "late");
    gyre_generator_close(generator);
}

TESTS(TEST(generator_gives_the_fibonacci_numbers), TEST(generator_gets_what_is_sent_to_it),
      TEST(generator_error_of_the_body_comes_once), TEST(generator_yields_from_any_depth),
      TEST(generator_calls_in_the_wrong_place_are_refused),
      TEST(generator_that_waits_parks_its_caller),
      TEST(generator_that_waits_tells_a_caller_that_cannot),
      TEST(generator_with_a_parked_caller_is_busy),
      TEST(generator_whose_caller_is_cancelled_goes_on),
      TEST(generator_that_cancels_its_caller_forgets_it))
