// The coroutine floor's state on a loop, and its part in closing one.
//
// Design notes. Closing cancels every coroutine that no other one waits for, as the future that it
// is (see future.c), and lets each unwind while the loop turns: a parent cancels its child itself,
// after a shield perhaps. Generators have no future and are cancelled here. What still waits when
// the grace is over (a body that ignores errors, a long shield) is stopped and named.

#include "coro/impl.h"

#include <stdio.h>
#include <stdlib.h>

static const long usual_map_count = 65530;

static long max_map_count(void)
{
    char text[32] = "";
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (!file) return usual_map_count;
    long count = fgets(text, sizeof text, file) ? strtol(text, NULL, 10) : 0;
    fclose(file);
    return count > 0 ? count : usual_map_count;
}

static gyre_coro *first_live(gyre__coros *coros)
{
    gyre__node *node = coros->live.next;
    return node == &coros->live ? NULL : GYRE_CONTAINER_OF(node, gyre_coro, link);
}

static void cancel_generators(gyre_loop *loop)
{
    gyre__coros *coros = gyre__coros_of(loop);
    gyre__node end;
    gyre__list_append(&coros->live, &end);
    for (gyre__node *node; (node = coros->live.next) != &end;) {
        gyre_coro *coro = GYRE_CONTAINER_OF(node, gyre_coro, link);
        gyre__list_remove(node);
        gyre__list_append(&coros->live, node);
        if (!coro->future && coro->started) gyre__coro_cancel(coro);
    }
    gyre__list_remove(&end);
}

// A generator between two values waits for nobody and does not hold the close up.
static bool any_live(gyre_loop *loop)
{
    gyre__coros *coros = gyre__coros_of(loop);
    for (gyre__node *node = coros->live.next; node != &coros->live; node = node->next) {
        gyre_coro *coro = GYRE_CONTAINER_OF(node, gyre_coro, link);
        if (coro->future || coro->parked) return true;
    }
    return false;
}

static void stop_one(gyre_coro *coro)
{
    if (coro->future || coro->parked)
        gyre__log(coro->loop, GYRE_LOG_WARN, "coro", "stopped %s, which still waited at the close",
                  coro->body.name);
    if (coro->started)
        gyre__coro_stop(coro);
    else if (coro->future)
        gyre__future_cancel(coro->future);
    else {
        gyre__generator_ended(coro->generator, GYRE_ECANCELED); // its owner may still ask
        gyre__coro_unmake(coro);
    }
}

static void stop_all(gyre_loop *loop)
{
    gyre__coros *coros = gyre__coros_of(loop);
    for (gyre_coro *coro; (coro = first_live(coros));) stop_one(coro);
}

static void destroy(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_CORO);
    gyre__generators_free(slot->state);
    gyre__stack_unmap_all(loop);
    gyre__free(gyre__loop_allocator(loop), slot->state);
    *slot = (gyre__loop_state){NULL, NULL};
}

static const gyre__floor floor_of_coros = {cancel_generators, any_live, stop_all, destroy};

static int park_for_future(gyre_loop *loop, void *future, void *out)
{
    (void)loop;
    return gyre__future_await(future, out);
}

gyre__coros *gyre__coros_of(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_CORO);
    if (slot->state) return slot->state;
    gyre__coros *coros = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *coros);
    if (!coros) return NULL;
    gyre__list_init(&coros->live);
    gyre__list_init(&coros->generators);
    coros->mapping_guards_max = max_map_count() / 4; // two mappings each, half of them ours
    slot->state = coros;
    slot->floor = &floor_of_coros;
    gyre__loop_set_park(loop, park_for_future);
    return coros;
}
