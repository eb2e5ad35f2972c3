// One fetch, from top to bottom.
//
// Design notes. `run` is the straight line that every style of consuming drives: it runs in a
// pooled coroutine of the library's and parks on intrusive waiters, so a fetch has one future, the
// caller's. What it holds (slot, connection, response) is released in one place, `clean_up`, which
// is deferred: it also runs when the fetch is cancelled or its coroutine dropped. A fetch that is
// cancelled in the middle of a response closes the connection; nobody else can use what is left on
// it.

#include "http/client/impl.h"

#include <string.h>

enum { FETCHES_KEPT = 1024 };

// ---- Helpers of all the parts ------------------------------------------------------------------

gyre_time gyre__fetch_until(const gyre__fetch *fetch, gyre_duration limit)
{
    gyre_time now = gyre_now(fetch->client->loop);
    if (limit >= fetch->deadline - now) return fetch->deadline;
    return now + limit;
}

static gyre_duration elapsed(const gyre__fetch *fetch)
{
    return gyre_now(fetch->client->loop) - fetch->began;
}

// ---- The connection --------------------------------------------------------------------------

struct connecting {
    gyre__wait wait;
    gyre__connector connector;
};

static void on_connected(gyre__connector *connector)
{
    gyre__wake(&GYRE_CONTAINER_OF(connector, struct connecting, connector)->wait, 0);
}

static void cancel_connect(gyre__wait *wait)
{
    gyre__connect_stop(&GYRE_CONTAINER_OF(wait, struct connecting, wait)->connector);
    gyre__wake(wait, GYRE_ECANCELED);
}

// Forgets a connector with what it holds; also one whose coroutine is dropped while it waits.
static void drop_connector(gyre__fetch *fetch)
{
    gyre__connector *connector = fetch->connector;
    if (!connector) return;
    fetch->connector = NULL;
    gyre__connect_stop(connector);
    gyre_stream_close(connector->stream);
    gyre__free(fetch->client->alloc, connector->why);
}

static int take_outcome(gyre__fetch *fetch)
{
    gyre__connector *done = fetch->connector;
    if (done->resolved) fetch->timing.namelookup = done->resolved - fetch->began;
    if (done->err) {
        int err = done->err == -EINVAL ? GYRE_EURL : done->err; // a host that no name can be
        gyre__loop_set_why(fetch->client->loop, err, done->why);
        done->why = NULL;
        return err;
    }
    fetch->timing.connect = done->connected - fetch->began;
    fetch->conn = gyre__conn_open(fetch->client, fetch->peer, done);
    return fetch->conn ? 0 : -ENOMEM;
}

static int connect_new(gyre__fetch *fetch)
{
    gyre_client *client = fetch->client;
    gyre_connect_opts opts = client->opts.connect;
    opts.timeout =
        gyre__fetch_until(fetch, fetch->order.limits.connect_timeout) - gyre_now(client->loop);
    if (opts.timeout <= 0)
        return gyre__fetch_fail(fetch, GYRE_ETIMEDOUT_CONNECT, "connect to %.*s: no time left",
                                GYRE_FMT(fetch->url.authority));
    char host[256];
    memcpy(host, fetch->url.name.ptr, fetch->url.name.len);
    host[fetch->url.name.len] = '\0';

    struct connecting connecting = {.wait.cancel = cancel_connect, .connector.done = on_connected};
    fetch->connector = &connecting.connector;
    gyre__connect_start(fetch->connector, client->loop, host, fetch->url.port, &opts);
    int err = gyre__park(client->loop, &connecting.wait);
    if (!err) err = take_outcome(fetch);
    drop_connector(fetch);
    return err;
}

// A connection with its slot: an idle one, unless the request was lost on one already.
static int take_connection(gyre__fetch *fetch, bool fresh)
{
    gyre__conn *idle = fresh ? NULL : gyre__conn_reuse(fetch->peer);
    fetch->timing.namelookup = fetch->timing.connect = fetch->timing.queue;
    fetch->reused = idle != NULL;
    fetch->conn = idle;
    return idle ? 0 : connect_new(fetch);
}

static void drop_connection(gyre__fetch *fetch)
{
    gyre__conn_close(fetch->conn);
    fetch->conn = NULL;
}

static void leave_peer(gyre__fetch *fetch)
{
    gyre__peer *peer = fetch->peer;
    if (!peer) return;
    if (fetch->has_slot) gyre__slot_give(fetch->client, peer);
    fetch->peer = NULL;
    fetch->has_slot = false;
    gyre__peer_leave(fetch->client, peer);
}

// ---- One exchange ----------------------------------------------------------------------------

static int send_and_receive(gyre__fetch *fetch)
{
    fetch->answered = fetch->reusable = false;
    int err = gyre__request_send(fetch);
    if (!err) err = gyre__response_receive(fetch);
    if (err || !fetch->reusable) {
        drop_connection(fetch);
        return err;
    }
    gyre__conn_park(fetch->conn);
    fetch->conn = NULL;
    return 0;
}

static bool is_idempotent(gyre_view method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (gyre_view_equal(method, gyre_view_of(methods[i]))) return true;
    return false;
}

// The server may have closed an idle connection while the request was on its way (RFC 9112 section
// 9.3.1): such a request is sent once more, on a new connection.
static bool was_lost(const gyre__fetch *fetch, int err)
{
    bool closed = err == GYRE_ECLOSED_SEND || err == GYRE_ECLOSED_WAIT;
    return closed && fetch->reused && !fetch->answered && is_idempotent(fetch->order.method);
}

static int no_slot(gyre__fetch *fetch, int err)
{
    char limit[GYRE__LIMIT];
    if (err != GYRE_ETIMEDOUT_QUEUE) return err;
    gyre__limit_passed(fetch, fetch->order.limits.queue_timeout, limit);
    return gyre__fetch_fail(fetch, err, "queue for %.*s: no slot came free within %s",
                            GYRE_FMT(fetch->url.authority), limit);
}

static int exchange(gyre__fetch *fetch)
{
    gyre_client *client = fetch->client;
    fetch->peer = gyre__peer_of(client, &fetch->url);
    if (!fetch->peer) return -ENOMEM;
    gyre_time deadline = gyre__fetch_until(fetch, fetch->order.limits.queue_timeout);
    int err = gyre__slot_take(client, fetch->peer, deadline);
    fetch->has_slot = !err;
    if (err) {
        leave_peer(fetch);
        return no_slot(fetch, err);
    }
    if (fetch->hops == 0) fetch->timing.queue = elapsed(fetch);
    err = take_connection(fetch, false);
    if (!err) err = send_and_receive(fetch);
    if (was_lost(fetch, err)) {
        gyre__loop_set_why(client->loop, 0, NULL);
        err = take_connection(fetch, true);
        if (!err) err = send_and_receive(fetch);
    }
    leave_peer(fetch);
    return err;
}

// ---- The fetch -----------------------------------------------------------------------------

static gyre__fetch *new_fetch(gyre_client *client)
{
    gyre__fetch *fetch = client->free_fetches;
    gyre__arena arena;
    gyre__arena_init(&arena, client->alloc);
    if (fetch) {
        client->free_fetches = (gyre__fetch *)(void *)fetch->link.next;
        client->free_count--;
        arena = fetch->arena;
    } else {
        fetch = gyre__alloc(client->alloc, sizeof *fetch);
        if (!fetch) return NULL;
    }
    memset(fetch, 0, sizeof *fetch);
    fetch->arena = arena;
    fetch->client = client;
    gyre__list_append(&client->fetches, &fetch->link);
    return fetch;
}

static void free_fetch(gyre__fetch *fetch)
{
    gyre_client *client = fetch->client;
    gyre__list_remove(&fetch->link);
    if (client->free_count < FETCHES_KEPT) {
        gyre__arena_reset(&fetch->arena);
        fetch->link.next = (gyre__node *)(void *)client->free_fetches;
        client->free_fetches = fetch;
        client->free_count++;
    } else {
        gyre__arena_free(&fetch->arena);
        gyre__free(client->alloc, fetch);
    }
    gyre__client_maybe_free(client);
}

static void clean_up(void *arg)
{
    gyre__fetch *fetch = arg;
    drop_connector(fetch);
    drop_connection(fetch);
    leave_peer(fetch);
    gyre__answer_free(fetch->answer);
    free_fetch(fetch);
}

static int hop_by_hop(gyre__fetch *fetch)
{
    for (;;) {
        int err = exchange(fetch);
        if (!err) err = gyre__redirect(fetch);
        if (err <= 0) return err;
        fetch->hops++;
        fetch->timing.redirect = elapsed(fetch);
        gyre__answer_clear(fetch->answer);
    }
}

static int finish(gyre__fetch *fetch)
{
    gyre_response *response = &fetch->answer->response;
    gyre_view url = fetch->url.text;
    if (fetch->url.fragment.ptr) url.len += 1 + fetch->url.fragment.len;
    response->url = gyre__arena_copy(&fetch->answer->arena, url);
    if (!response->url.ptr) return -ENOMEM;
    fetch->timing.total = elapsed(fetch);
    response->timing = fetch->timing;
    response->redirects = fetch->hops;
    response->reused = fetch->reused;
    return gyre__coro_give(fetch->self, &response, sizeof response);
}

struct call {
    gyre_client *client;
    const char *url;
    const gyre_fetch_opts *opts;
};

// The caller's options are read before the first wait, while its frame is still there.
static int run(gyre_coro *self, void *arg)
{
    const struct call *call = arg;
    gyre__fetch *fetch = new_fetch(call->client);
    if (!fetch) return -ENOMEM;
    fetch->self = self;
    fetch->began = gyre_now(call->client->loop);
    int err = gyre_defer(self, clean_up, fetch);
    if (err) {
        clean_up(fetch);
        return err;
    }
    err = gyre__order_take(fetch, call->url, call->opts);
    if (err) return gyre__fetch_failed(fetch, err, gyre_view_of(call->url));
    fetch->answer = gyre__answer_new(fetch->client->answers);
    if (!fetch->answer) return -ENOMEM;
    err = hop_by_hop(fetch);
    if (!err) err = finish(fetch);
    if (err) return gyre__fetch_failed(fetch, err, fetch->url.text);
    fetch->answer = NULL; // the caller's from here on
    return 0;
}

static void drop(void *value)
{
    gyre_response_free(*(gyre_response **)value);
}

gyre_response_future gyre_fetch(gyre_client *client, const char *url, const gyre_fetch_opts *opts)
{
    static const gyre_spawn_opts spawn_opts = {.name = "gyre_fetch", .drop = drop};
    gyre_future *future;
    struct call call = {client, url, opts};
    if (client->closed)
        future = gyre__future_failed(
            client->loop, &gyre_response_type, GYRE_ECLOSED,
            gyre__copy_text(client->alloc, GYRE_VIEW("fetch: client is closed")));
    else
        future =
            gyre__spawn_small(client->loop, &gyre_response_type,
                              gyre__body_of("gyre_fetch", "http/client", run, &call), &spawn_opts);
    return GYRE__MAKE(gyre_response_future, future);
}
