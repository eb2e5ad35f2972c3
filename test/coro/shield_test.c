// Shields: waits for clean-up inside a cancelled coroutine.
#include "test/coro/loop.h"

struct shielded {
    gyre_duration outer, inner; // limits; inner 0: none
    gyre_duration nap;
    int err;        // of the nap
    gyre_time took; // of the nap
};

static int nap_shielded(gyre_coro *self, void *arg)
{
    struct shielded *shielded = arg;
    wait_for_cancel();
    int err = gyre_shield(self, shielded->outer);
    if (!err && shielded->inner) err = gyre_shield(self, shielded->inner);
    if (err) return err;
    gyre_time began = gyre_now(loop);
    shielded->err = nap(shielded->nap);
    shielded->took = gyre_now(loop) - began;
    if (shielded->inner) {
        gyre_unshield(self);
        note(nap(GYRE_MS(1)) ? "refused" : "waited"); // in the outer one again
    }
    gyre_unshield(self);
    note(nap(GYRE_MS(1)) ? "refused" : "waited");
    gyre_unshield(self); // one too many changes nothing
    note(nap(GYRE_MS(1)) ? "refused" : "waited");
    return 0;
}

static void run_shielded(struct shielded *shielded)
{
    gyre_void_future future = gyre_spawn(gyre_void, loop, nap_shielded, shielded);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
}

static void shield_lets_a_cancelled_coroutine_wait(void **state)
{
    (void)state;
    struct shielded shielded = {GYRE_SECONDS(1), 0, GYRE_MS(100), 1, 0};
    run_shielded(&shielded);
    assert_int_equal(shielded.err, 0);
    assert_true(shielded.took >= GYRE_MS(100));
    assert_string_equal(trace, "refused refused");
}

static void shield_ends_with_its_limit(void **state)
{
    (void)state;
    struct shielded shielded = {GYRE_MS(50), 0, GYRE_SECONDS(10), 1, 0};
    run_shielded(&shielded);
    assert_int_equal(shielded.err, GYRE_ECANCELED);
    assert_true(shielded.took >= GYRE_MS(50) && shielded.took <= GYRE_MS(52));
}

static void shield_inside_another_never_outlasts_it(void **state)
{
    (void)state;
    struct shielded longer = {GYRE_MS(50), GYRE_SECONDS(5), GYRE_SECONDS(10), 1, 0};
    run_shielded(&longer);
    assert_int_equal(longer.err, GYRE_ECANCELED);
    assert_true(longer.took >= GYRE_MS(50) && longer.took <= GYRE_MS(52));
    assert_string_equal(trace, "refused refused refused");
    trace[0] = '\0';
    struct shielded shorter = {GYRE_SECONDS(5), GYRE_MS(50), GYRE_SECONDS(10), 1, 0};
    run_shielded(&shorter);
    assert_int_equal(shorter.err, GYRE_ECANCELED);
    assert_true(shorter.took >= GYRE_MS(50) && shorter.took <= GYRE_MS(52));
    assert_string_equal(trace, "waited refused refused");
}

static int compute_past_the_shield(gyre_coro *self, void *arg)
{
    (void)arg;
    wait_for_cancel();
    int err = gyre_shield(self, GYRE_MS(50));
    if (err) return err;
    assert_int_equal(nap(GYRE_MS(20)), 0);
    assert_int_equal(gyre_shield(self, GYRE_FOREVER), 0);
    clock_advance(GYRE_MS(60)); // without a wait
    err = nap(GYRE_SECONDS(5));
    gyre_unshield(self);
    gyre_unshield(self);
    assert_int_equal(err, GYRE_ECANCELED);
    return 0;
}

static void shield_that_passed_while_the_body_computed_ends_the_next_wait(void **state)
{
    (void)state;
    gyre_time began = gyre_now(loop);
    gyre_void_future future = gyre_spawn(gyre_void, loop, compute_past_the_shield, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_true(gyre_now(loop) - began < GYRE_MS(100));
}

static int be_cancelled_inside(gyre_coro *self, void *arg)
{
    (void)arg;
    int err = gyre_shield(self, GYRE_SECONDS(1));
    if (err) return err;
    note(nap(GYRE_MS(10)) ? "refused" : "waited"); // the cancel comes here
    assert_true(gyre_coro_is_canceled(self));
    note(nap(GYRE_MS(10)) ? "refused" : "waited");
    gyre_unshield(self);
    note(nap(GYRE_MS(10)) ? "refused" : "waited");
    return 0;
}

static void shield_holds_a_cancel_back_until_its_end(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, be_cancelled_inside, NULL);
    pass(GYRE_MS(2));
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(trace, "waited waited refused");
}

static int child_waits_for_ever(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    int err = nap(GYRE_FOREVER);
    note(err == GYRE_ECANCELED ? "child cancelled" : "child not");
    return err;
}

static int shield_a_child(gyre_coro *self, void *arg)
{
    (void)arg;
    wait_for_cancel();
    int err = gyre_shield(self, GYRE_SECONDS(1));
    if (err) return err;
    gyre_void_future child = gyre_spawn(gyre_void, loop, child_waits_for_ever, NULL);
    assert_true(gyre_cancel(child)); // the parent's shield is not the child's
    return gyre_await(child);
}

static void shield_is_not_inherited(void **state)
{
    (void)state;
    gyre_void_future future = gyre_spawn(gyre_void, loop, shield_a_child, NULL);
    assert_true(gyre_cancel(future));
    assert_int_equal(gyre_run(future), GYRE_ECANCELED);
    assert_string_equal(trace, "child cancelled");
}

static int nest_too_deep(gyre_coro *self, void *arg)
{
    (void)arg;
    assert_int_equal(gyre_shield(self, 0), -EINVAL);
    assert_int_equal(gyre_shield(self, -1), -EINVAL);
    for (int i = 0; i < 8; i++) assert_int_equal(gyre_shield(self, GYRE_FOREVER), 0);
    assert_int_equal(gyre_shield(self, GYRE_SECONDS(1)), GYRE_EBUSY);
    for (int i = 0; i < 8; i++) gyre_unshield(self);
    return gyre_shield(self, GYRE_SECONDS(1)); // left open: the end of the body ends it
}

static void shields_nest_eight_deep(void **state)
{
    (void)state;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, nest_too_deep, NULL)), 0);
    pass(GYRE_SECONDS(2));
}

TESTS(TEST(shield_lets_a_cancelled_coroutine_wait), TEST(shield_ends_with_its_limit),
      TEST(shield_inside_another_never_outlasts_it),
      TEST(shield_that_passed_while_the_body_computed_ends_the_next_wait),
      TEST(shield_holds_a_cancel_back_until_its_end), TEST(shield_is_not_inherited),
      TEST(shields_nest_eight_deep))
