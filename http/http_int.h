// What the HTTP floor hangs on a loop.
#ifndef GYRE_HTTP_HTTP_INT_H
#define GYRE_HTTP_HTTP_INT_H

#include "coro/coro_int.h"
#include "http/http.h"

typedef struct gyre__http {
    gyre__node clients;          // every gyre_client of the loop
    gyre__node servers;          // every gyre_server of the loop
    gyre_client *default_client; // of gyre_get; NULL until its first call
} gyre__http;

// The floor's state, made on first use. 0, -ENOMEM, GYRE_ECLOSED once the loop closes.
int gyre__http_open(gyre__http **out, gyre_loop *loop);

// Each half's part in gyre_loop_close (see gyre__floor): closing, whether something is still under
// way, freeing what is left.
void gyre__clients_cancel(gyre__http *http);
bool gyre__clients_are_live(gyre__http *http);
void gyre__clients_destroy(gyre__http *http);
void gyre__servers_cancel(gyre__http *http);
bool gyre__servers_are_live(gyre__http *http);
void gyre__servers_destroy(gyre__http *http);

#endif
