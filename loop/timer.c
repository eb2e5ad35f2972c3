// Timers: a wheel of milliseconds and a short list for what is nearer.
//
// Design notes. Four levels of 256 slots. A timer lies on the level of the highest byte in which
// its tick differs from the wheel's, in the slot of that byte: level 0 holds the current block of
// 256 ticks, level 1 the current block of 65,536, and so on; ticks past the last level wait in
// `far`. When the wheel enters a block, that block's slot is dealt out again one level down, in
// order, before anything can be put there directly, so equal ticks keep the order of their starts.
//
// A stop only unlinks: a bit in `used` may outlive its timers and is cleared when it is looked at.
// Delays below a tick lie in `near`, sorted, and fire at their nanosecond; those of 0, of which a
// program may start many, in `at_once`, which is sorted by itself. Due timers are moved to
// `due` before the first callback runs: what a callback starts waits for the next turn, and what it
// stops does not run.

#include "loop/impl.h"

enum { TICK = 1000000, LEVEL_BITS = 8 };
static const uint64_t no_tick = UINT64_MAX;

// ---- Slots ---------------------------------------------------------------------------------

static unsigned digit(uint64_t tick, int level)
{
    return (unsigned)(tick >> (level * LEVEL_BITS)) & (WHEEL_SLOTS - 1);
}

static void mark_used(gyre__wheel *wheel, int level, unsigned slot)
{
    wheel->used[level][slot / 64] |= (uint64_t)1 << (slot % 64);
}

// The first slot behind `after` that holds a timer, or WHEEL_SLOTS.
static unsigned next_used(gyre__wheel *wheel, int level, unsigned after)
{
    unsigned slot = after + 1;
    while (slot < WHEEL_SLOTS) {
        uint64_t word = wheel->used[level][slot / 64] >> (slot % 64);
        if (!word) {
            slot = (slot / 64 + 1) * 64;
            continue;
        }
        slot += (unsigned)__builtin_ctzll(word);
        if (!gyre__list_is_empty(&wheel->slots[level][slot])) return slot;
        wheel->used[level][slot / 64] &= ~((uint64_t)1 << (slot % 64));
        slot++;
    }
    return WHEEL_SLOTS;
}

// The next tick at which the wheel has something to do: hand out a slot of level 0, or deal out a
// slot of a higher level at the start of its block.
static uint64_t next_tick(gyre__wheel *wheel)
{
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        unsigned slot = next_used(wheel, level, digit(wheel->tick, level));
        if (slot == WHEEL_SLOTS) continue;
        int shift = level * LEVEL_BITS;
        uint64_t above = wheel->tick >> shift >> LEVEL_BITS << LEVEL_BITS;
        return (above | slot) << shift;
    }
    if (gyre__list_is_empty(&wheel->far)) return no_tick;
    return ((wheel->tick >> (WHEEL_LEVELS * LEVEL_BITS)) + 1) << (WHEEL_LEVELS * LEVEL_BITS);
}

static uint64_t tick_of(gyre_time due)
{
    return ((uint64_t)due + TICK - 1) / TICK;
}

// Puts a timer whose tick lies ahead (or is the one being dealt out) where it belongs.
static void place(gyre__wheel *wheel, gyre_timer *timer)
{
    uint64_t tick = tick_of(timer->due);
    uint64_t differs = tick ^ wheel->tick;
    int level = differs ? (63 - __builtin_clzll(differs)) / LEVEL_BITS : 0;
    if (level >= WHEEL_LEVELS) {
        gyre__list_append(&wheel->far, &timer->link);
        return;
    }
    unsigned slot = digit(tick, level);
    mark_used(wheel, level, slot);
    gyre__list_append(&wheel->slots[level][slot], &timer->link);
}

static void place_near(gyre__wheel *wheel, gyre_timer *timer)
{
    gyre__node *behind = wheel->near.prev;
    while (behind != &wheel->near && GYRE_CONTAINER_OF(behind, gyre_timer, link)->due > timer->due)
        behind = behind->prev;
    gyre__list_insert_after(behind, &timer->link);
}

// ---- Turning -------------------------------------------------------------------------------

// Walks the timers without unlinking them one by one: `place` writes both pointers of each anew.
static void deal_out(gyre__wheel *wheel, gyre__node *slot)
{
    gyre__node *node = slot->next;
    gyre__list_init(slot);
    while (node != slot) {
        gyre__node *next = node->next;
        place(wheel, GYRE_CONTAINER_OF(node, gyre_timer, link));
        node = next;
    }
}

static gyre_time due_of(const gyre__node *node)
{
    return GYRE_CONTAINER_OF(node, gyre_timer, link)->due;
}

// The first timer of the two lists below a tick, or NULL. Equal ones: `near` was started earlier.
static gyre__node *first_near(gyre__wheel *wheel)
{
    gyre__node *near = wheel->near.next, *at_once = wheel->at_once.next;
    if (at_once == &wheel->at_once) return near == &wheel->near ? NULL : near;
    if (near == &wheel->near) return at_once;
    return due_of(at_once) < due_of(near) ? at_once : near;
}

static void take_near(gyre__wheel *wheel, gyre_time now)
{
    for (gyre__node *node; (node = first_near(wheel)) && due_of(node) <= now;) {
        gyre__list_remove(node);
        gyre__list_append(&wheel->due, node);
    }
}

static void enter_tick(gyre__wheel *wheel, uint64_t tick)
{
    wheel->tick = tick;
    if ((tick & UINT32_MAX) == 0) deal_out(wheel, &wheel->far);
    for (int level = WHEEL_LEVELS - 1; level > 0; level--) {
        uint64_t below = ((uint64_t)1 << (level * LEVEL_BITS)) - 1;
        if ((tick & below) == 0) deal_out(wheel, &wheel->slots[level][digit(tick, level)]);
    }
    // What ends on the tick itself was started later than the timers of the tick: it goes behind.
    take_near(wheel, (gyre_time)(tick * TICK) - 1);
    gyre__list_splice(&wheel->due, &wheel->slots[0][digit(tick, 0)]);
}

// Moves all that is due at `now` to the due list, in order of time and start.
static void advance(gyre__wheel *wheel, gyre_time now)
{
    uint64_t target = (uint64_t)now / TICK;
    for (uint64_t tick; (tick = next_tick(wheel)) <= target;) enter_tick(wheel, tick);
    if (wheel->tick < target) wheel->tick = target;
    take_near(wheel, now);
}

gyre_time gyre__wheel_next(gyre__wheel *wheel)
{
    const gyre__node *first = first_near(wheel);
    gyre_time near = first ? due_of(first) : GYRE_FOREVER;
    uint64_t tick = next_tick(wheel);
    if (tick > (uint64_t)GYRE_FOREVER / TICK) return near;
    gyre_time on_wheel = (gyre_time)(tick * TICK);
    return near < on_wheel ? near : on_wheel;
}

// The first start of a period whose tick lies ahead; those that were missed, also by the callback's
// own length, are left out.
static void renew(gyre_loop *loop, gyre_timer *timer)
{
    gyre_duration late = gyre__clock_read() / TICK * TICK - timer->due;
    timer->due += timer->period * (late / timer->period + 1);
    place(&loop->wheel, timer);
}

// A periodic timer waits in a list of its own while its callback runs, which may stop it, start it
// anew or free it: only if it is still there it is renewed.
static void call(gyre_loop *loop, gyre_timer *timer)
{
    gyre_timer_fn *fn = timer->fn;
    gyre__node renewed;
    gyre__list_init(&renewed);
    if (timer->period) gyre__list_append(&renewed, &timer->link);
    fn(loop, timer);
    if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
    if (gyre__list_pop(&renewed)) renew(loop, timer);
}

void gyre__timers_run(gyre_loop *loop)
{
    gyre__wheel *wheel = &loop->wheel;
    advance(wheel, loop->now);
    for (gyre__node *node; (node = gyre__list_pop(&wheel->due));)
        call(loop, GYRE_CONTAINER_OF(node, gyre_timer, link));
}

// ---- Opening and closing --------------------------------------------------------------------

void gyre__wheel_init(gyre__wheel *wheel, gyre_time now)
{
    wheel->tick = (uint64_t)now / TICK;
    gyre__list_init(&wheel->near);
    gyre__list_init(&wheel->at_once);
    gyre__list_init(&wheel->far);
    gyre__list_init(&wheel->due);
    gyre__list_init(&wheel->never);
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++) gyre__list_init(&wheel->slots[level][slot]);
}

static void unlink_all(gyre__node *head)
{
    while (gyre__list_pop(head)) continue;
}

void gyre__wheel_clear(gyre__wheel *wheel)
{
    unlink_all(&wheel->near);
    unlink_all(&wheel->at_once);
    unlink_all(&wheel->far);
    unlink_all(&wheel->due);
    unlink_all(&wheel->never);
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++) unlink_all(&wheel->slots[level][slot]);
}

// ---- The public calls -----------------------------------------------------------------------

void gyre_timer_start(gyre_loop *loop, gyre_timer *timer, gyre_duration delay, gyre_timer_fn *fn)
{
    CHECK_THREAD(loop, "gyre_timer_start");
    gyre_timer_stop(timer);
    gyre__clock_refresh(loop); // an old time would make the timer early
    timer->fn = fn;
    timer->period = 0;
    if (delay < 0) delay = 0;
    if (delay >= GYRE_FOREVER - loop->now - TICK) {
        gyre__list_append(&loop->wheel.never, &timer->link);
        return;
    }
    timer->due = loop->now + delay;
    if (delay == 0)
        gyre__list_append(&loop->wheel.at_once, &timer->link);
    else if (delay < TICK)
        place_near(&loop->wheel, timer);
    else
        place(&loop->wheel, timer);
}

void gyre_timer_every(gyre_loop *loop, gyre_timer *timer, gyre_duration period, gyre_timer_fn *fn)
{
    if (period < TICK) period = TICK;
    gyre_timer_start(loop, timer, period, fn);
    timer->period = period;
}

void gyre_timer_stop(gyre_timer *timer)
{
    if (gyre__node_is_linked(&timer->link)) gyre__list_remove(&timer->link);
}

bool gyre_timer_is_active(const gyre_timer *timer)
{
    return gyre__node_is_linked(&timer->link);
}
