// Defers: last in, first out, whatever ends the coroutine.
#include "test/coro/loop.h"

static void note_word(void *word)
{
    note(word);
}

static int defer_words(gyre_coro *self)
{
    int err = gyre_defer(self, note_word, "a");
    if (!err) err = gyre_defer(self, note_word, "b");
    if (!err) err = gyre_defer(self, note_word, "c");
    return err;
}

static int defer_and_return(gyre_coro *self, void *arg)
{
    int err = defer_words(self);
    note("body");
    return err ? err : *(int *)arg;
}

static int defer_and_wait(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = defer_words(self);
    if (err) return err;
    wait_for_cancel();
    note("body");
    return 0;
}

static int ignore_cancel(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = defer_words(self);
    if (!err) err = gyre_shield(self, GYRE_FOREVER);
    if (!err) err = nap(GYRE_FOREVER);
    note("body");
    return err;
}

static void defers_run_last_in_first_out_at_the_return(void **state)
{
    (void)state;
    int err = 0;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, defer_and_return, &err)), 0);
    assert_string_equal(trace, "body c b a");
    err = -EIO;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, defer_and_return, &err)), -EIO);
    assert_string_equal(trace, "body c b a body c b a");
}

static void defers_run_when_cancelled(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, defer_and_wait, NULL);
    assert_true(gyre_cancel(future));
    assert_string_equal(trace, ""); // the body goes on as a task
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(trace, "body c b a");
}

static void defers_run_when_stopped_and_the_body_does_not(void **state)
{
    (void)state;
    gyre_detach(gyre_spawn(gyre_void, loop, ignore_cancel, NULL));
    close_loop();
    assert_string_equal(trace, "c b a");
}

// ---- More than the inline ones --------------------------------------------------------------

enum { MANY = 100 };
static int order[MANY], ordered;

static void keep_number(void *number)
{
    order[ordered++] = (int)(intptr_t)number;
}

static int defer_many(gyre_coro *self, void *arg)
{
    (void)arg;
    for (intptr_t i = 0; i < MANY; i++) {
        int err = gyre_defer(self, keep_number, (void *)i); // NOLINT: a number, not an address
        if (err) return err;
    }
    return nap(GYRE_MS(1));
}

static void defers_beyond_the_inline_ones_keep_their_order(void **state)
{
    (void)state;
    ordered = 0;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, defer_many, NULL)), 0);
    assert_int_equal(ordered, MANY);
    for (int i = 0; i < MANY; i++) assert_int_equal(order[i], MANY - 1 - i);
}

static int defer_without_memory(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = 0, kept = 0;
    memory_fail_from(&memory, 1);
    for (intptr_t i = 0; i < MANY && !err; i++) {
        err = gyre_defer(self, keep_number, (void *)i); // NOLINT: a number, not an address
        if (!err) kept++;
    }
    memory.first = 0;
    assert_int_equal(err, -ENOMEM);
    assert_int_equal(kept, 4);
    return gyre_defer(self, keep_number, (void *)(intptr_t)kept); // NOLINT: a number
}

static void defer_without_memory_says_so_and_keeps_the_others(void **state)
{
    (void)state;
    ordered = 0;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, defer_without_memory, NULL)), 0);
    assert_int_equal(ordered, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(order[i], 4 - i);
}

// ---- What a defer may do ---------------------------------------------------------------------

static void try_to_wait(void *arg)
{
    gyre_coro *self = arg;
    note(nap(GYRE_MS(1)) == GYRE_ECANCELED ? "refused" : "waited");
    assert_int_equal(gyre_shield(self, GYRE_SECONDS(1)), 0);
    note(nap(GYRE_MS(1)) == GYRE_ECANCELED ? "refused" : "waited");
    gyre_unshield(self);
    note(nap(GYRE_MS(1)) == GYRE_ECANCELED ? "refused" : "waited");
}

static int defer_a_wait(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_shield(self, GYRE_SECONDS(10)); // and never undone
    return err ? err : gyre_defer(self, try_to_wait, self);
}

// A shield, old or new, let it wait while its coroutine ended.
static void defer_cannot_wait_not_even_in_a_shield(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, defer_a_wait, NULL);
    assert_int_equal(gyre_future_state(future), GYRE_DONE);
    assert_int_equal(gyre_run(future), 0);
    assert_string_equal(trace, "refused refused refused");
}

static void defer_one_more(void *self)
{
    note("first");
    assert_int_equal(gyre_defer(self, note_word, "second"), 0);
}

static int defer_a_defer(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_defer(self, note_word, "third");
    return err ? err : gyre_defer(self, defer_one_more, self);
}

static void defer_inside_a_defer_runs_next(void **state)
{
    (void)state;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, defer_a_defer, NULL)), 0);
    assert_string_equal(trace, "first second third");
}

static gyre_coro *seen;

static void note_self(void *arg)
{
    (void)arg;
    seen = gyre_coro_self();
}

static int defer_look_at_self(gyre_coro *self, void *arg)
{
    *(gyre_coro **)arg = self;
    int err = gyre_defer(self, note_self, NULL);
    if (!err) err = gyre_shield(self, GYRE_FOREVER);
    return err ? err : nap(GYRE_FOREVER);
}

static void defers_run_on_the_coroutines_own_stack(void **state)
{
    (void)state;
    gyre_coro *coro = NULL;
    seen = NULL;
    gyre_detach(gyre_spawn(gyre_void, loop, defer_look_at_self, &coro));
    close_loop();
    assert_non_null(seen);
    assert_ptr_equal(seen, coro);
}

static gyre_pointer_future giver;

static void cancel_giver(void *value)
{
    (void)value;
    note(gyre_cancel(giver) ? "cancelled" : "settled");
}

static int give_and_fail(gyre_coro *self, void *arg)
{
    int err = nap(0); // until the test holds the future
    if (!err) err = gyre_give(self, &arg);
    return err ? err : -EIO;
}

// The coroutine was gone already for the cancel, but its future was not settled yet.
static void drop_of_a_given_value_may_cancel_the_coroutine(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.drop = cancel_giver};
    giver = gyre_spawn_with(gyre_pointer, loop, give_and_fail, NULL, &opts);
    assert_int_not_equal(gyre_run(giver), 0);
    assert_int_not_equal(strlen(trace), 0);
}

TESTS(TEST(defers_run_last_in_first_out_at_the_return), TEST(defers_run_when_cancelled),
      TEST(defers_run_when_stopped_and_the_body_does_not),
      TEST(defers_beyond_the_inline_ones_keep_their_order),
      TEST(defer_without_memory_says_so_and_keeps_the_others),
      TEST(defer_cannot_wait_not_even_in_a_shield), TEST(defer_inside_a_defer_runs_next),
      TEST(defers_run_on_the_coroutines_own_stack),
      TEST(drop_of_a_given_value_may_cancel_the_coroutine))
