// Clean-up: defers and shields.
//
// Design notes. A coroutine refuses to wait while it is cancelled and no shield holds. Each shield
// keeps the time until which it holds, never later than the shield around it, so the innermost one
// decides; one timer runs for it. When it ends, by gyre_unshield or by its time, a cancel that was
// held back takes effect. Once the body is over only defers run, and nothing waits, shield or not.

#include "coro/impl.h"

// ---- Shields -------------------------------------------------------------------------------

bool gyre__coro_is_shielded(const gyre_coro *coro)
{
    if (coro->shields == 0 || coro->ending) return false;
    return gyre_now(coro->loop) < coro->shield_until[coro->shields - 1];
}

static void on_shield_end(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre_coro *coro = GYRE_CONTAINER_OF(timer, gyre_coro, shield_timer);
    if (coro->canceled) gyre__coro_cancel(coro);
}

static void apply(gyre_coro *coro)
{
    gyre_timer_stop(&coro->shield_timer);
    coro->strand.refuses = coro->ending || (coro->canceled && !gyre__coro_is_shielded(coro));
    if (coro->shields == 0 || coro->ending) return;
    gyre_duration left = coro->shield_until[coro->shields - 1] - gyre_now(coro->loop);
    gyre_timer_start(coro->loop, &coro->shield_timer, left, on_shield_end);
}

int gyre_shield(gyre_coro *self, gyre_duration limit)
{
    if (limit <= 0) return -EINVAL;
    if (self->shields == SHIELDS) return GYRE_EBUSY;
    gyre_time now = gyre_now(self->loop);
    gyre_time until = limit > GYRE_FOREVER - now ? GYRE_FOREVER : now + limit;
    if (self->shields > 0 && self->shield_until[self->shields - 1] < until)
        until = self->shield_until[self->shields - 1];
    self->shield_until[self->shields++] = until;
    apply(self);
    return 0;
}

void gyre_unshield(gyre_coro *self)
{
    if (self->shields == 0) return;
    self->shields--;
    apply(self);
}

// ---- Defers --------------------------------------------------------------------------------

static int grow_defers(gyre_coro *self)
{
    const gyre_allocator *alloc = gyre__loop_allocator(self->loop);
    bool is_inline = self->defers == self->inline_defers;
    unsigned space = self->defer_space * 2;
    gyre__defer *defers =
        gyre__realloc_array(alloc, is_inline ? NULL : self->defers, space, sizeof *defers);
    if (!defers) return -ENOMEM;
    for (unsigned i = 0; is_inline && i < self->defer_count; i++) defers[i] = self->defers[i];
    self->defers = defers;
    self->defer_space = space;
    return 0;
}

int gyre_defer(gyre_coro *self, void (*fn)(void *arg), void *arg)
{
    if (self->defer_count == self->defer_space) {
        int err = grow_defers(self);
        if (err) return err;
    }
    self->defers[self->defer_count++] = (gyre__defer){fn, arg};
    return 0;
}

void gyre__coro_run_defers(gyre_coro *coro)
{
    coro->ending = true;
    coro->strand.refuses = true;
    while (coro->defer_count > 0) {
        gyre__defer defer = coro->defers[--coro->defer_count];
        defer.fn(defer.arg);
    }
}
