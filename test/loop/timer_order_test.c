// The wheel against a simple model, and what a million timers cost.
//
// The model is an array searched from end to end. A timer fires at its due time, rounded up to a
// tick of a millisecond unless its delay was shorter than that; equal times in the order of starts.
#include "test/loop/fixture.h"

enum { TIMERS = 64, OPERATIONS = 100000 };

struct model {
    gyre_timer timer;
    bool active;
    gyre_time fires;
    unsigned long sequence; // of its start
};

static struct model models[TIMERS];
static gyre_loop *loop;
static unsigned long sequence, fired, compared;
static gyre_time turn_time;         // when the running turn began
static unsigned long turn_sequence; // what was started from here on waits for the next turn
static uint64_t random_state;
static bool in_callback;

static uint64_t draw(uint64_t below)
{
    return fault_random(&random_state) % below;
}

static struct model *first_due(void)
{
    struct model *best = NULL;
    for (int i = 0; i < TIMERS; i++) {
        struct model *m = &models[i];
        if (!m->active || m->fires > turn_time || m->sequence >= turn_sequence) continue;
        if (!best || m->fires < best->fires ||
            (m->fires == best->fires && m->sequence < best->sequence))
            best = m;
    }
    return best;
}

static void operate(void);

static void on_fire(gyre_loop *l, gyre_timer *timer)
{
    (void)l;
    struct model *m = GYRE_CONTAINER_OF(timer, struct model, timer);
    struct model *expected = first_due();
    if (m != expected)
        fail_msg("after %lu: timer %d fired, not %d", fired, (int)(m - models),
                 expected ? (int)(expected - models) : -1);
    assert_true(gyre_now_exact() >= m->timer.due);
    m->active = false;
    fired++;
    in_callback = true;
    for (uint64_t n = draw(3); n > 0; n--) operate();
    in_callback = false;
}

// From a nanosecond to beyond the last level of the wheel, small ones more often.
static gyre_duration draw_delay(void)
{
    switch (draw(8)) {
    case 0: return 0;
    case 1: return (gyre_duration)draw(GYRE_MS(1));
    case 2: return (gyre_duration)draw(4) * GYRE_US(500);
    case 3:
    case 4: return GYRE_MS(1) + (gyre_duration)draw(GYRE_MS(4));
    case 5: return (gyre_duration)draw(300) * GYRE_MS(1);
    case 6: return (gyre_duration)draw(100000) * GYRE_MS(1);
    default: return (gyre_duration)draw((uint64_t)1 << (20 + draw(44)) >> 1);
    }
}

static void start(struct model *m)
{
    gyre_duration delay = draw_delay();
    gyre_timer_start(loop, &m->timer, delay, on_fire);
    gyre_time due = gyre_now(loop) + delay;
    bool never = delay > GYRE_SECONDS(3600) * 24 * 365 * 200;
    gyre_time tick = GYRE_MS(1);
    m->fires = never ? GYRE_FOREVER : delay < tick ? due : (due + tick - 1) / tick * tick;
    m->active = true;
    m->sequence = sequence++;
}

static void operate(void)
{
    struct model *m = &models[draw(TIMERS)];
    assert_true(gyre_timer_is_active(&m->timer) == m->active);
    if (draw(4)) {
        start(m);
    } else {
        gyre_timer_stop(&m->timer);
        m->active = false;
    }
    compared++;
}

static void jump(void)
{
    const gyre_duration weeks7 = GYRE_MS((int64_t)1 << 32);
    switch (draw(1000)) {
    case 0: clock_advance(GYRE_SECONDS(3600)); break;
    case 1: clock_advance(weeks7 * (1 + (int)draw(8)) + GYRE_MS(draw(1000))); break;
    case 2: clock_advance(GYRE_MS(65536) + (gyre_duration)draw(GYRE_MS(2))); break;
    default:
        if (draw(2)) clock_advance((gyre_duration)draw(GYRE_MS(2)));
    }
}

static void checked_turn(void)
{
    turn_time = clock_now();
    turn_sequence = sequence;
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    struct model *left = first_due();
    if (left) fail_msg("timer %d was due and did not fire", (int)(left - models));
}

static void wheel_fires_as_a_simple_model_does_in_1e5_random_operations(void **state)
{
    (void)state;
    loop = open_loop();
    clock_virtual_start();
    random_state = 20261120;
    while (compared < OPERATIONS) {
        operate();
        if (draw(3)) continue;
        jump();
        checked_turn();
    }
    print_message("%lu operations, %lu timers fired\n", compared, fired);
    assert_true(fired > OPERATIONS / 10);
    for (int i = 0; i < TIMERS; i++) gyre_timer_stop(&models[i].timer);
    clock_virtual_stop();
    close_loop(loop);
}

// The poller is told how long to wait: the loop must wake at each timer by itself.
static void loop_sleeps_exactly_until_each_timer_of_the_model(void **state)
{
    (void)state;
    loop = open_loop();
    clock_virtual_start();
    random_state = 4711;
    compared = 0;
    for (int i = 0; i < TIMERS; i++) start(&models[i]);
    for (int i = 0; i < 2000; i++) {
        struct model *next = NULL;
        for (int k = 0; k < TIMERS; k++)
            if (models[k].active && (!next || models[k].fires < next->fires)) next = &models[k];
        if (!next || next->fires == GYRE_FOREVER) break;
        gyre_time when = next->fires > clock_now() ? next->fires : clock_now();
        unsigned long before = fired;
        for (int wakes = 0; fired == before; wakes++) {
            // A wheel may wake up to deal out a block, at most once for each level and far block.
            assert_true(wakes < 4 + 2200);
            turn_time = when;
            turn_sequence = sequence;
            assert_int_equal(gyre_loop_turn(loop, GYRE_FOREVER - clock_now() - 1), 0);
            assert_true(clock_now() <= when);
        }
        assert_int_equal(clock_now(), when);
    }
    for (int i = 0; i < TIMERS; i++) gyre_timer_stop(&models[i].timer);
    clock_virtual_stop();
    close_loop(loop);
}

// ---- Order -------------------------------------------------------------------------------------

static gyre_timer *order[4096];
static int order_count;

static void note_order(gyre_loop *l, gyre_timer *timer)
{
    (void)l;
    order[order_count++] = timer;
}

static void equal_times_fire_in_order_of_their_starts_across_levels(void **state)
{
    (void)state;
    static gyre_timer timers[4096];
    loop = open_loop();
    clock_virtual_start();
    turn(loop);
    // Started nearer and nearer to one tick, so that they lie on ever lower levels at first.
    clock_advance(GYRE_MS(1) - clock_now() % GYRE_MS(1));
    gyre_time at = clock_now() + GYRE_MS(70000000);
    int count = 0;
    for (gyre_duration left = GYRE_MS(70000000); left >= GYRE_MS(1); left = left * 3 / 4) {
        clock_advance(at - left / GYRE_MS(1) * GYRE_MS(1) - clock_now());
        turn(loop);
        for (int i = 0; i < 10; i++)
            gyre_timer_start(loop, &timers[count++], at - gyre_now(loop), note_order);
    }
    assert_int_equal(order_count, 0);
    clock_advance(at - clock_now());
    turn(loop);
    assert_int_equal(order_count, count);
    for (int i = 0; i < count; i++) assert_ptr_equal(order[i], &timers[i]);
    clock_virtual_stop();
    close_loop(loop);
}

static void short_delay_that_ends_on_a_tick_fires_behind_the_timers_of_that_tick(void **state)
{
    (void)state;
    gyre_timer whole = {0}, half = {0};
    loop = open_loop();
    clock_virtual_start();
    clock_advance(GYRE_MS(1) - clock_now() % GYRE_MS(1));
    turn(loop);
    gyre_timer_start(loop, &whole, GYRE_MS(2), note_order);
    clock_advance(GYRE_US(1500));
    turn(loop);
    gyre_timer_start(loop, &half, GYRE_US(500), note_order); // the same nanosecond, started later
    order_count = 0;
    clock_advance(GYRE_MS(5));
    turn(loop);
    assert_int_equal(order_count, 2);
    assert_ptr_equal(order[0], &whole);
    assert_ptr_equal(order[1], &half);
    clock_virtual_stop();
    close_loop(loop);
}

// ---- A million ---------------------------------------------------------------------------------

static unsigned long count_fired;

static void count_one(gyre_loop *l, gyre_timer *timer)
{
    (void)l, (void)timer;
    count_fired++;
}

// What is counted is turns: each fires what is due and looks at nothing else, so a million pending
// timers must not make more of them, and stopping them all must leave none.
static void a_million_pending_timers_cost_no_extra_turns(void **state)
{
    (void)state;
    enum { MILLION = 1000000 };
    gyre_timer *timers = calloc(MILLION, sizeof *timers);
    assert_non_null(timers);
    loop = open_loop();
    clock_virtual_start();
    turn(loop);
    for (int i = 0; i < MILLION; i++)
        gyre_timer_start(loop, &timers[i], GYRE_MS(1 + i % 1000), count_one);
    unsigned long turns = 0;
    for (count_fired = 0; count_fired < MILLION / 2; turns++)
        assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(1)), 0);
    assert_in_range(turns, 500, 505); // one a tick, and one for each block of 256 ticks
    for (int i = 0; i < MILLION; i++) gyre_timer_stop(&timers[i]);
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(9)), 0);
    assert_int_equal(clock_now() - began, GYRE_SECONDS(9)); // nothing wakes for a stopped timer
    clock_virtual_stop();
    close_loop(loop);
    free(timers);
}

TESTS(cmocka_unit_test(wheel_fires_as_a_simple_model_does_in_1e5_random_operations),
      cmocka_unit_test(loop_sleeps_exactly_until_each_timer_of_the_model),
      cmocka_unit_test(equal_times_fire_in_order_of_their_starts_across_levels),
      cmocka_unit_test(short_delay_that_ends_on_a_tick_fires_behind_the_timers_of_that_tick),
      cmocka_unit_test(a_million_pending_timers_cost_no_extra_turns))
