// The HTTP floor's state on a loop, and its part in closing one.

#include "http/http_int.h"

#include <errno.h>

static gyre__http *state_of(gyre_loop *loop)
{
    return gyre__loop_slot(loop, GYRE__SLOT_HTTP)->state;
}

static void cancel(gyre_loop *loop)
{
    gyre__servers_cancel(state_of(loop));
    gyre__clients_cancel(state_of(loop));
}

static bool is_live(gyre_loop *loop)
{
    return gyre__servers_are_live(state_of(loop)) || gyre__clients_are_live(state_of(loop));
}

static void destroy(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_HTTP);
    gyre__servers_destroy(slot->state);
    gyre__clients_destroy(slot->state);
    gyre__free(gyre__loop_allocator(loop), slot->state);
    *slot = (gyre__loop_state){NULL, NULL};
}

static const gyre__floor floor_of_http = {cancel, is_live, NULL, destroy};

int gyre__http_open(gyre__http **out, gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_HTTP);
    if (gyre__loop_is_closing(loop)) return GYRE_ECLOSED;
    if (!slot->state) {
        gyre__http *http = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *http);
        if (!http) return -ENOMEM;
        gyre__list_init(&http->clients);
        gyre__list_init(&http->servers);
        slot->state = http;
        slot->floor = &floor_of_http;
    }
    *out = slot->state;
    return 0;
}
