// Peers, slots and idle connections of a client.
//
// Design notes. A fetch holds one slot from before its connection to its end, redirects included
// hop by hop; a slot counts against the client and against its peer. Tickets wait in their peer's
// queue; a slot that comes free goes to the peers in turn, so that a busy one cannot starve the
// others, and within a peer to the oldest.
//
// An idle connection holds its structs and nothing else. It is watched: a byte that nobody asked
// for, or the peer's end, discards it, so that no later request meets another's answer.

#include "http/client/impl.h"

#include <assert.h>
#include <string.h>

enum { FIRST_BUCKETS = 16 };

// ---- Peers ---------------------------------------------------------------------------------

static size_t hash_of(gyre_view key)
{
    size_t hash = 1469598103934665603u; // FNV-1a
    for (size_t i = 0; i < key.len; i++) hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211u;
    return hash;
}

static int grow_buckets(gyre_client *client)
{
    size_t count = client->bucket_count ? client->bucket_count * 2 : FIRST_BUCKETS;
    gyre__node *buckets = gyre__realloc_array(client->alloc, NULL, count, sizeof *buckets);
    if (!buckets) return client->bucket_count ? 0 : -ENOMEM; // full buckets are only slow
    for (size_t i = 0; i < count; i++) gyre__list_init(&buckets[i]);
    for (size_t i = 0; i < client->bucket_count; i++)
        for (gyre__node *node; (node = gyre__list_pop(&client->peers[i]));) {
            gyre__peer *peer = GYRE_CONTAINER_OF(node, gyre__peer, link);
            gyre__list_append(&buckets[peer->hash & (count - 1)], node);
        }
    gyre__free(client->alloc, client->peers);
    client->peers = buckets;
    client->bucket_count = count;
    return 0;
}

static gyre__peer *find_peer(gyre_client *client, gyre_view key, size_t hash)
{
    if (!client->bucket_count) return NULL;
    gyre__node *bucket = &client->peers[hash & (client->bucket_count - 1)];
    for (gyre__node *node = bucket->next; node != bucket; node = node->next) {
        gyre__peer *peer = GYRE_CONTAINER_OF(node, gyre__peer, link);
        if (peer->hash == hash && gyre_view_equal((gyre_view){peer->key, peer->key_len}, key))
            return peer;
    }
    return NULL;
}

static gyre__peer *add_peer(gyre_client *client, gyre_view key, size_t hash)
{
    if (client->peer_count >= client->bucket_count && grow_buckets(client) != 0) return NULL;
    gyre__peer *peer = gyre__alloc_zero(client->alloc, sizeof *peer + key.len);
    if (!peer) return NULL;
    gyre__list_init(&peer->tickets);
    gyre__list_init(&peer->idle);
    peer->hash = hash;
    peer->key_len = key.len;
    memcpy(peer->key, key.ptr, key.len);
    gyre__list_append(&client->peers[hash & (client->bucket_count - 1)], &peer->link);
    client->peer_count++;
    return peer;
}

// The key is the text up to the target: every field that says to whom a connection leads. What
// else decides that (the source address, the name servers) is the client's and the same for all.
static gyre_view key_of(const gyre_url *url)
{
    return (gyre_view){url->text.ptr, (size_t)(url->target.ptr - url->text.ptr)};
}

gyre__peer *gyre__peer_of(gyre_client *client, const gyre_url *url)
{
    gyre_view key = key_of(url);
    size_t hash = hash_of(key);
    gyre__peer *peer = find_peer(client, key, hash);
    if (!peer) peer = add_peer(client, key, hash);
    if (peer) peer->users++;
    return peer;
}

static void maybe_free_peer(gyre_client *client, gyre__peer *peer)
{
    if (peer->users > 0 || !gyre__list_is_empty(&peer->idle)) return;
    gyre__list_remove(&peer->link);
    client->peer_count--;
    gyre__free(client->alloc, peer);
}

void gyre__peer_leave(gyre_client *client, gyre__peer *peer)
{
    peer->users--;
    maybe_free_peer(client, peer);
}

// ---- Slots ---------------------------------------------------------------------------------

static bool has_room(const gyre_client *client, const gyre__peer *peer)
{
    return client->active < client->opts.max_requests && peer->active < client->opts.max_per_origin;
}

static void take(gyre_client *client, gyre__peer *peer)
{
    client->active++;
    peer->active++;
}

static void leave_queue(gyre__peer *peer, gyre__ticket *ticket)
{
    gyre__list_remove(&ticket->link);
    gyre_timer_stop(&ticket->timer);
    if (gyre__list_is_empty(&peer->tickets)) gyre__list_remove(&peer->ring);
}

static void serve_oldest(gyre_client *client, gyre__peer *peer)
{
    gyre__ticket *ticket = GYRE_CONTAINER_OF(peer->tickets.next, gyre__ticket, link);
    gyre__list_remove(&ticket->link);
    gyre_timer_stop(&ticket->timer);
    // Its turn comes again after the others'.
    assert(peer->ring.prev);
    gyre__list_remove(&peer->ring);
    if (!gyre__list_is_empty(&peer->tickets)) gyre__list_append(&client->ring, &peer->ring);
    take(client, peer);
    gyre__wake(&ticket->wait, 0);
}

// The first peer in the ring that may have a slot.
static gyre__peer *next_peer(gyre_client *client)
{
    for (gyre__node *node = client->ring.next; node != &client->ring; node = node->next) {
        assert(node->next);
        gyre__peer *peer = GYRE_CONTAINER_OF(node, gyre__peer, ring);
        if (has_room(client, peer)) return peer;
    }
    return NULL;
}

// Hands free slots to the peers in turn.
static void serve_tickets(gyre_client *client)
{
    for (gyre__peer *peer; (peer = next_peer(client));) serve_oldest(client, peer);
}

struct queued {
    gyre__ticket ticket;
    gyre__peer *peer;
};

static void on_cancel(gyre__wait *wait)
{
    struct queued *queued = GYRE_CONTAINER_OF(wait, struct queued, ticket.wait);
    leave_queue(queued->peer, &queued->ticket);
    gyre__wake(wait, GYRE_ECANCELED);
}

static void on_timeout(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct queued *queued = GYRE_CONTAINER_OF(timer, struct queued, ticket.timer);
    leave_queue(queued->peer, &queued->ticket);
    gyre__wake(&queued->ticket.wait, GYRE_ETIMEDOUT_QUEUE);
}

int gyre__slot_take(gyre_client *client, gyre__peer *peer, gyre_time deadline)
{
    if (gyre__list_is_empty(&peer->tickets) && has_room(client, peer)) {
        take(client, peer);
        return 0;
    }
    gyre_duration left = deadline - gyre_now(client->loop);
    if (left <= 0) return GYRE_ETIMEDOUT_QUEUE;
    if (gyre__loop_refuses(client->loop)) return GYRE_ECANCELED;
    struct queued queued = {.ticket.wait.cancel = on_cancel, .peer = peer};
    if (gyre__list_is_empty(&peer->tickets)) gyre__list_append(&client->ring, &peer->ring);
    gyre__list_append(&peer->tickets, &queued.ticket.link);
    gyre_timer_start(client->loop, &queued.ticket.timer, left, on_timeout);
    return gyre__park(client->loop, &queued.ticket.wait);
}

void gyre__slot_give(gyre_client *client, gyre__peer *peer)
{
    client->active--;
    peer->active--;
    serve_tickets(client);
}

// ---- Connections -----------------------------------------------------------------------------

static void leave_idle(gyre__conn *conn)
{
    if (!gyre__node_is_linked(&conn->link)) return;
    gyre__list_remove(&conn->link);
    gyre_timer_stop(&conn->timer);
    gyre__stream_unattend(conn->stream, &conn->reader);
}

void gyre__conn_close(gyre__conn *conn)
{
    if (!conn) return;
    leave_idle(conn);
    gyre_stream_close(conn->stream);
    gyre__free(conn->client->alloc, conn);
}

static void discard(gyre__conn *conn)
{
    gyre_client *client = conn->client;
    gyre__peer *peer = conn->peer;
    gyre__conn_close(conn);
    maybe_free_peer(client, peer);
}

static void on_idle_end(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    (void)err;
    discard(GYRE_CONTAINER_OF(reader, gyre__conn, reader));
}

static void on_idle_timeout(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    discard(GYRE_CONTAINER_OF(timer, gyre__conn, timer));
}

gyre__conn *gyre__conn_reuse(gyre__peer *peer)
{
    if (gyre__list_is_empty(&peer->idle)) return NULL;
    gyre__conn *conn = GYRE_CONTAINER_OF(peer->idle.prev, gyre__conn, link);
    leave_idle(conn);
    return conn;
}

gyre__conn *gyre__conn_open(gyre_client *client, gyre__peer *peer, gyre__connector *connector)
{
    gyre__conn *conn = gyre__alloc_zero(client->alloc, sizeof *conn);
    if (!conn) return NULL; // the connector keeps its stream
    conn->client = client;
    conn->peer = peer;
    conn->stream = connector->stream;
    conn->address = connector->peer;
    conn->reader.ready = on_idle_end;
    connector->stream = NULL;
    return conn;
}

// How long a connection may wait: the client's wish, or by default the server's hint less a second
// (it must not close while a request is on its way), at most ten minutes.
static gyre_duration idle_limit(const gyre__conn *conn)
{
    gyre_duration wish = conn->client->opts.idle;
    if (wish) return wish == GYRE_NONE ? 0 : wish;
    if (!conn->hint) return GYRE_SECONDS(4);
    gyre_duration limit = conn->hint - GYRE_SECONDS(1);
    return limit > GYRE_SECONDS(600) ? GYRE_SECONDS(600) : limit;
}

void gyre__conn_park(gyre__conn *conn)
{
    gyre_duration limit = idle_limit(conn);
    if (conn->client->closed || limit <= 0 || !gyre__stream_idle(conn->stream, &conn->reader)) {
        gyre__conn_close(conn);
        return;
    }
    gyre__list_append(&conn->peer->idle, &conn->link);
    gyre_timer_start(conn->client->loop, &conn->timer, limit, on_idle_timeout);
}

void gyre__peers_close(gyre_client *client)
{
    for (size_t i = 0; i < client->bucket_count; i++)
        for (gyre__node *next, *node = client->peers[i].next; node != &client->peers[i];
             node = next) {
            next = node->next;
            gyre__peer *peer = GYRE_CONTAINER_OF(node, gyre__peer, link);
            while (!gyre__list_is_empty(&peer->idle))
                gyre__conn_close(GYRE_CONTAINER_OF(peer->idle.next, gyre__conn, link));
            maybe_free_peer(client, peer);
        }
}
