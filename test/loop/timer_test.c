// Timers one by one: when they fire, stop, repeat. Their order against a model: timer_order_test.c.
#include "test/loop/fixture.h"

static gyre_time fired_at;
static int fired;

static void on_timer(gyre_loop *loop, gyre_timer *timer)
{
    (void)timer;
    fired++;
    fired_at = gyre_now_exact();
    gyre_loop_stop(loop);
}

static gyre_loop *loop;

static int start_virtual(void **state)
{
    (void)state;
    loop = open_loop();
    clock_virtual_start();
    fired = 0;
    turn(loop); // the loop's time is the virtual one
    return 0;
}

static int stop_virtual(void **state)
{
    (void)state;
    clock_virtual_stop();
    close_loop(loop);
    return 0;
}

// Runs until the next timer fires; how long it took in virtual time.
static gyre_duration time_until_fired(void)
{
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_run(loop), 0);
    return fired_at - began;
}

// ---- Once --------------------------------------------------------------------------------------

static void timer_is_never_early_and_less_than_a_tick_late(void **state)
{
    (void)state;
    static const gyre_duration delays[] = {0,
                                           1,
                                           999,
                                           GYRE_US(1),
                                           GYRE_US(999),
                                           999999,
                                           1000000,
                                           1000001,
                                           GYRE_US(1500),
                                           GYRE_MS(255),
                                           GYRE_MS(256),
                                           GYRE_MS(257),
                                           GYRE_SECONDS(65) + 1,
                                           GYRE_MS(65536),
                                           GYRE_SECONDS(3600),
                                           GYRE_MS(16777216),
                                           GYRE_MS(4294967296) - 1,
                                           GYRE_MS(4294967296) + 1,
                                           GYRE_SECONDS(86400) * 365};
    gyre_timer timer = {0};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        gyre_timer_start(loop, &timer, delays[i], on_timer);
        assert_true(gyre_timer_is_active(&timer));
        gyre_duration took = time_until_fired();
        assert_false(gyre_timer_is_active(&timer));
        gyre_duration most = delays[i] < GYRE_MS(1) ? delays[i] : delays[i] + GYRE_MS(1) - 1;
        if (took < delays[i] || took > most)
            fail_msg("%lld ns took %lld", (long long)delays[i], (long long)took);
    }
}

static void timer_is_never_early_in_real_time(void **state)
{
    (void)state;
    loop = open_loop();
    gyre_timer timer = {0};
    for (int i = 0; i < 200; i++) {
        gyre_duration delay = GYRE_US(37) * i;
        gyre_time began = gyre_now_exact();
        gyre_timer_start(loop, &timer, delay, on_timer);
        assert_int_equal(gyre_loop_run(loop), 0);
        assert_true(fired_at - began >= delay);
    }
    close_loop(loop);
}

static void timer_started_long_after_the_last_turn_is_not_early(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    clock_advance(GYRE_SECONDS(10)); // the program did something else meanwhile
    gyre_timer_start(loop, &timer, GYRE_SECONDS(1), on_timer);
    assert_true(time_until_fired() >= GYRE_SECONDS(1));
}

static void short_delays_fire_at_their_nanosecond(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    for (gyre_duration delay = 1; delay < GYRE_MS(1); delay = delay * 3 + 1) {
        gyre_timer_start(loop, &timer, delay, on_timer);
        assert_int_equal(time_until_fired(), delay);
    }
}

static void negative_delay_counts_as_none(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_start(loop, &timer, INT64_MIN, on_timer);
    assert_int_equal(time_until_fired(), 0);
    gyre_timer_start(loop, &timer, -1, on_timer);
    assert_int_equal(time_until_fired(), 0);
}

static void forever_and_delays_past_the_end_of_time_never_fire_but_are_started(void **state)
{
    (void)state;
    static const gyre_duration delays[] = {GYRE_FOREVER, GYRE_FOREVER - 1, GYRE_FOREVER - 1000000};
    gyre_timer timers[3] = {0}, end = {0};
    for (int i = 0; i < 3; i++) {
        gyre_timer_start(loop, &timers[i], delays[i], on_timer);
        assert_true(gyre_timer_is_active(&timers[i]));
    }
    gyre_timer_start(loop, &end, GYRE_SECONDS(3600) * 24 * 365 * 100, on_timer);
    assert_int_equal(gyre_loop_run(loop), 0);
    assert_int_equal(fired, 1);
    for (int i = 0; i < 3; i++) {
        gyre_timer_stop(&timers[i]);
        assert_false(gyre_timer_is_active(&timers[i]));
    }
}

static void forever_does_not_shorten_the_wait(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_start(loop, &timer, GYRE_FOREVER, on_timer);
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, GYRE_FOREVER - began - 1), 0);
    assert_int_equal(clock_now(), GYRE_FOREVER - 1);
    gyre_timer_stop(&timer);
}

static void started_timer_is_started_anew(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_start(loop, &timer, GYRE_MS(10), on_timer);
    gyre_timer_start(loop, &timer, GYRE_MS(50), on_timer);
    assert_true(time_until_fired() >= GYRE_MS(50));
    assert_int_equal(fired, 1);
    gyre_timer_start(loop, &timer, GYRE_SECONDS(50), on_timer);
    gyre_timer_start(loop, &timer, GYRE_US(5), on_timer);
    assert_int_equal(time_until_fired(), GYRE_US(5));
    assert_int_equal(fired, 2);
}

static void stopped_timer_does_not_fire(void **state)
{
    (void)state;
    gyre_timer timers[3] = {0};
    gyre_timer_stop(&timers[0]); // idle: fine
    gyre_timer_start(loop, &timers[0], GYRE_US(5), on_timer);
    gyre_timer_start(loop, &timers[1], GYRE_MS(5), on_timer);
    gyre_timer_start(loop, &timers[2], GYRE_SECONDS(5000000), on_timer);
    for (int i = 0; i < 3; i++) gyre_timer_stop(&timers[i]);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(9000000)), 0);
    assert_int_equal(fired, 0);
}

static void an_hour_that_passes_at_once_fires_each_timer_once_in_order_of_time(void **state)
{
    (void)state;
    gyre_timer late = {0}, soon = {0};
    gyre_timer_every(loop, &soon, GYRE_MS(10), on_timer);
    gyre_timer_start(loop, &late, GYRE_SECONDS(60), on_timer);
    clock_advance(GYRE_SECONDS(3600)); // a laptop that slept
    turn(loop);
    assert_int_equal(fired, 2);
    gyre_timer_stop(&soon);
}

// ---- From callbacks ----------------------------------------------------------------------------

static gyre_timer other;

static void stop_other(gyre_loop *l, gyre_timer *timer)
{
    (void)l, (void)timer;
    note('s');
    gyre_timer_stop(&other);
}

static void note_o(gyre_loop *l, gyre_timer *timer)
{
    (void)l, (void)timer;
    note('o');
}

static void due_timer_stopped_by_an_earlier_one_does_not_run(void **state)
{
    (void)state;
    gyre_timer first = {0};
    static const gyre_duration delays[] = {0, GYRE_MS(5)};
    for (int i = 0; i < 2; i++) {
        trace[0] = '\0';
        gyre_timer_start(loop, &first, delays[i], stop_other);
        gyre_timer_start(loop, &other, delays[i], note_o);
        clock_advance(GYRE_MS(20));
        turn(loop);
        assert_string_equal(trace, "s");
    }
}

static void start_other(gyre_loop *l, gyre_timer *timer)
{
    (void)timer;
    note('s');
    gyre_timer_start(l, &other, 0, note_o);
}

static void timer_started_by_a_timer_waits_for_the_next_turn(void **state)
{
    (void)state;
    gyre_timer first = {0};
    gyre_timer_start(loop, &first, 0, start_other);
    turn(loop);
    assert_string_equal(trace, "s");
    turn(loop);
    assert_string_equal(trace, "so");
}

static void again(gyre_loop *l, gyre_timer *timer)
{
    note('a');
    gyre_timer_start(l, timer, GYRE_MS(1), again);
}

static void timer_may_start_itself_again(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_start(loop, &timer, 0, again);
    for (int i = 0; i < 4; i++, clock_advance(GYRE_MS(3))) turn(loop);
    assert_string_equal(trace, "aaaa");
    gyre_timer_stop(&timer);
}

// ---- Periods -----------------------------------------------------------------------------------

static gyre_duration busy; // how long a periodic callback takes
static gyre_time calls[64];

static void on_period(gyre_loop *l, gyre_timer *timer)
{
    (void)l;
    calls[fired++] = clock_now();
    clock_advance(busy);
    if (fired == 32) gyre_timer_stop(timer), gyre_loop_stop(l);
}

static void periodic_timer_does_not_drift(void **state)
{
    (void)state;
    static const gyre_duration periods[] = {GYRE_MS(1), GYRE_US(1300), GYRE_MS(10),
                                            GYRE_SECONDS(90)};
    for (size_t i = 0; i < 4; i++) {
        gyre_timer timer = {0};
        fired = 0, busy = periods[i] / 3;
        turn(loop);
        gyre_time began = clock_now();
        gyre_timer_every(loop, &timer, periods[i], on_period);
        assert_int_equal(gyre_loop_run(loop), 0);
        for (int k = 0; k < 32; k++) {
            gyre_duration late = calls[k] - (began + periods[i] * (k + 1));
            assert_in_range(late, 0, GYRE_MS(1) - 1);
        }
    }
}

static void periodic_timer_leaves_out_missed_periods(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    busy = GYRE_MS(25);
    gyre_time began = clock_now();
    gyre_timer_every(loop, &timer, GYRE_MS(10), on_period);
    assert_int_equal(gyre_loop_run(loop), 0);
    for (int k = 0; k < 32; k++) {
        gyre_duration at = calls[k] - began;
        assert_in_range(at - GYRE_MS(10) - k * GYRE_MS(30), 0, GYRE_MS(1) - 1);
    }
    busy = 0;
}

static void period_below_a_millisecond_counts_as_one(void **state)
{
    (void)state;
    static const gyre_duration periods[] = {GYRE_US(10), 0, -5};
    gyre_timer timer = {0};
    busy = 0;
    for (int i = 0; i < 3; i++) {
        fired = 0;
        gyre_timer_every(loop, &timer, periods[i], on_period);
        gyre_time began = clock_now();
        assert_int_equal(gyre_loop_run(loop), 0);
        assert_in_range(clock_now() - began, GYRE_MS(31), GYRE_MS(33));
    }
}

static void period_of_forever_never_fires(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_every(loop, &timer, GYRE_FOREVER, on_period);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(1000000000)), 0);
    assert_int_equal(fired, 0);
    assert_true(gyre_timer_is_active(&timer));
    gyre_timer_stop(&timer);
}

static void start_in_its_own_callback_ends_the_period(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    gyre_timer_every(loop, &timer, GYRE_MS(5), again);
    clock_advance(GYRE_MS(6));
    turn(loop);
    clock_advance(GYRE_MS(2)); // not yet 5 ms, but the 1 ms of the new start
    turn(loop);
    assert_string_equal(trace, "aa");
    gyre_timer_stop(&timer);
}

// ---- The poller's side -------------------------------------------------------------------------

// Old container runtimes answer EPERM for a call that they do not know.
static void kernel_without_epoll_pwait2_rounds_waits_up(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    static const int errors[] = {ENOSYS, EPERM};
    if (!is_epoll(loop)) return;
    for (int i = 0; i < 2; i++) {
        gyre_loop *old = open_loop();
        fault_reset();
        fault_fail_from(FAULT_EPOLL_PWAIT2, 1, errors[i]);
        gyre_timer_start(old, &timer, GYRE_US(400), on_timer);
        gyre_time began = clock_now();
        assert_int_equal(gyre_loop_run(old), 0);
        assert_int_equal(fired_at - began, GYRE_MS(1));
        assert_int_equal(fault_hit(), 1); // asked once, then never again
        fault_reset();
        close_loop(old);
    }
}

static void interrupted_waits_do_not_prolong_a_timer(void **state)
{
    (void)state;
    gyre_timer timer = {0};
    fault_reset();
    fault_eintr(0.5, 7);
    for (int i = 0; i < 50; i++) {
        gyre_timer_start(loop, &timer, GYRE_MS(3), on_timer);
        assert_true(time_until_fired() < GYRE_MS(4));
    }
    assert_true(fault_hit() > 10);
    fault_reset();
}

#define VIRTUAL(test) cmocka_unit_test_setup_teardown(test, start_virtual, stop_virtual)

TESTS(cmocka_unit_test(timer_is_never_early_in_real_time),
      VIRTUAL(timer_is_never_early_and_less_than_a_tick_late),
      VIRTUAL(timer_started_long_after_the_last_turn_is_not_early),
      VIRTUAL(short_delays_fire_at_their_nanosecond), VIRTUAL(negative_delay_counts_as_none),
      VIRTUAL(forever_and_delays_past_the_end_of_time_never_fire_but_are_started),
      VIRTUAL(forever_does_not_shorten_the_wait), VIRTUAL(started_timer_is_started_anew),
      VIRTUAL(stopped_timer_does_not_fire),
      VIRTUAL(an_hour_that_passes_at_once_fires_each_timer_once_in_order_of_time),
      VIRTUAL(due_timer_stopped_by_an_earlier_one_does_not_run),
      VIRTUAL(timer_started_by_a_timer_waits_for_the_next_turn),
      VIRTUAL(timer_may_start_itself_again), VIRTUAL(periodic_timer_does_not_drift),
      VIRTUAL(periodic_timer_leaves_out_missed_periods),
      VIRTUAL(period_below_a_millisecond_counts_as_one), VIRTUAL(period_of_forever_never_fires),
      VIRTUAL(start_in_its_own_callback_ends_the_period),
      VIRTUAL(kernel_without_epoll_pwait2_rounds_waits_up),
      VIRTUAL(interrupted_waits_do_not_prolong_a_timer))
