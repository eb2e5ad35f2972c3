// The client's own structs; private to http/client/.
#ifndef GYRE_HTTP_CLIENT_IMPL_H
#define GYRE_HTTP_CLIENT_IMPL_H

#include "base/arena.h"
#include "http/framing_int.h"
#include "http/http_int.h"
#include "net/connect_int.h"
#include "net/net_int.h"

#include <errno.h>

typedef struct gyre__origin_key gyre__origin_key;
typedef struct gyre__peer gyre__peer;
typedef struct gyre__conn gyre__conn;
typedef struct gyre__answer gyre__answer;
typedef struct gyre__answers gyre__answers;
typedef struct gyre__fetch gyre__fetch;

// ---- Answers: the memory behind a gyre_response (response.c) -----------------------------------

struct gyre__answer {
    gyre_response response; // what the user sees
    gyre__arena arena;      // everything its views point to, but a body that grew
    char *grown; // a block for such a body, or NULL; may be larger, and of an earlier one
    size_t grown_cap;
    gyre__answers *answers; // where it goes when it is freed
    gyre__answer *next;     // in the free list
};

// The free list of a client. Counted, so that responses may outlive their client and its loop.
struct gyre__answers {
    gyre_allocator alloc;
    gyre__answer *free;
    unsigned free_count;
    size_t grown_kept;   // bytes of the blocks for grown bodies in the free list
    unsigned references; // the client's and one per answer in use
    bool closed;         // the client is gone: nothing is kept any more
};

gyre__answers *gyre__answers_open(const gyre_allocator *alloc);
void gyre__answers_close(gyre__answers *answers);
gyre__answer *gyre__answer_new(gyre__answers *answers); // NULL: no memory
void gyre__answer_free(gyre__answer *answer);           // NULL is fine
// Forgets what was read, to be used for another response.
void gyre__answer_clear(gyre__answer *answer);
// Keeps a parsed head: copies its bytes and points the response at them. 0 or -ENOMEM.
int gyre__answer_keep_head(gyre__answer *answer, gyre__head *head, size_t head_len);
// Room for the body up to `size` bytes; NULL when there is no memory.
char *gyre__answer_body_room(gyre__answer *answer, size_t size);
// Appends to a body of unknown length. 0, -ENOMEM, GYRE_EBODYSIZE beyond `max`.
int gyre__answer_append(gyre__answer *answer, gyre_view bytes, uint64_t max);

// ---- Peers and connections (pool.c) ----------------------------------------------------------

// One scheme, host and port of a client.
struct gyre__peer {
    gyre__node link;    // in its bucket of client->peers
    gyre__node ring;    // in client->ring while tickets wait
    gyre__node tickets; // gyre__ticket, in order of arrival
    gyre__node idle;    // gyre__conn, the newest last
    int active;         // slots taken
    unsigned users;     // fetches that wait for one of its slots or have one
    size_t hash;
    size_t key_len;
    char key[]; // "http://host:port"
};

struct gyre__conn {
    gyre__node link; // in peer->idle while idle
    gyre_client *client;
    gyre__peer *peer;
    gyre_stream *stream;
    gyre__reader reader; // while idle: any byte, or the end, discards it
    gyre_timer timer;    // while idle: its time is up
    gyre_address address;
    gyre_duration hint; // the server's Keep-Alive timeout, 0 if none
};

// A fetch that waits for a slot.
typedef struct gyre__ticket {
    gyre__wait wait;
    gyre__node link; // in peer->tickets
    gyre_timer timer;
} gyre__ticket;

// The peer of a URL, with one user more; NULL: no memory.
gyre__peer *gyre__peer_of(gyre_client *client, const gyre_url *url);
// A user goes; the last one takes a peer without idle connections with it.
void gyre__peer_leave(gyre_client *client, gyre__peer *peer);

// Takes a slot for `peer`, waiting in its queue until `deadline`. 0, GYRE_ETIMEDOUT_QUEUE,
// GYRE_ECANCELED.
int gyre__slot_take(gyre_client *client, gyre__peer *peer, gyre_time deadline);
void gyre__slot_give(gyre_client *client, gyre__peer *peer);

// The newest idle connection, or NULL.
gyre__conn *gyre__conn_reuse(gyre__peer *peer);
// Wraps the connector's stream, which it takes; NULL, with nothing taken, when there is no memory.
gyre__conn *gyre__conn_open(gyre_client *client, gyre__peer *peer, gyre__connector *connector);
// Keeps a connection for the next request, if it may be kept.
void gyre__conn_park(gyre__conn *conn);
void gyre__conn_close(gyre__conn *conn); // NULL is fine
void gyre__peers_close(gyre_client *client);

// ---- The client ----------------------------------------------------------------------------

struct gyre_client {
    gyre__node link; // among the loop's clients
    gyre_loop *loop;
    const gyre_allocator *alloc;
    gyre_client_opts opts; // with the defaults filled in
    gyre__node *peers;     // buckets
    size_t bucket_count;   // a power of two
    size_t peer_count;
    gyre__node ring;    // peers with tickets, in the order they are served
    int active;         // slots taken
    gyre__node fetches; // under way
    gyre__fetch *free_fetches;
    unsigned free_count;
    gyre__answers *answers;
    bool closed;
    gyre_task task; // frees it once the last fetch has ended
};

// ---- A fetch (fetch.c, request.c, receive.c, redirect.c) ----------------------------------------

// What was asked for; copied, but the body's bytes.
typedef struct gyre__order {
    gyre_view method;
    gyre_view body;
    const gyre_field *fields;
    size_t field_count;
    gyre_fetch_opts limits; // with the defaults filled in
    bool has_body;          // Content-Length is sent
} gyre__order;

struct gyre__fetch {
    gyre__node link; // among the client's fetches; its next is the free list's while unused
    gyre_coro *self;
    gyre_client *client;
    gyre__order order;
    gyre__arena arena; // the order's texts and the URLs of the hops
    gyre__peer *peer;  // whose user it is; or NULL
    gyre__conn *conn;  // or NULL
    gyre__answer *answer;
    gyre__connector *connector; // while it connects, or the outcome was not taken; else NULL
    gyre_time began;
    gyre_time deadline; // of the whole
    gyre_timing timing;
    gyre_url url;
    const gyre__framing *framing; // while a body is read; else NULL
    int hops;
    uint32_t head_bytes; // that this response's heads and trailers may still take
    uint32_t head_lines; // the same in lines
    gyre_view unsent;    // of the body: what the kernel has not got
    bool has_slot;       // of `peer`
    bool closes;         // the request says "Connection: close"
    bool sent_all;       // the whole request was handed to the kernel
    bool answered;       // a byte of the response has come
    bool reused;
    bool reusable; // the connection may serve again
};

// Frees a closed client, later, once its last fetch has ended.
void gyre__client_maybe_free(gyre_client *client);

// Checks and copies what was asked. GYRE_EURL, GYRE_EREQUEST, -EINVAL, -ENOMEM, with details.
int gyre__order_take(gyre__fetch *fetch, const char *url, const gyre_fetch_opts *opts);
// Sends the request, until the server says something. Errors carry their phase.
int gyre__request_send(gyre__fetch *fetch);
// Sends more of a body that an interim response has interrupted, in the same way.
int gyre__request_go_on(gyre__fetch *fetch);
// Reads the response into fetch->answer.
int gyre__response_receive(gyre__fetch *fetch);
// Says whether the response is a redirect to be followed; then turns the order into the next hop's.
// 0: the response is final; 1: go on; or an error.
int gyre__redirect(gyre__fetch *fetch);

// The earlier of a fetch's deadline and `limit` from now.
gyre_time gyre__fetch_until(const gyre__fetch *fetch, gyre_duration limit);

// ---- Details of errors (why.c) ------------------------------------------------------------------

enum { GYRE__QUOTE = 128 }; // room for a text in quotes
enum { GYRE__LIMIT = 32 };  // and for a duration

// Keeps a text for gyre_why_last and returns err.
int gyre__fetch_fail(gyre__fetch *fetch, int err, const char *format, ...) GYRE_PRINTF(3, 4);
// The same for a text that begins with "response of" and the peer.
int gyre__response_fail(gyre__fetch *fetch, int err, const char *what);
// Whatever failed has details from here on, at least the URL and what the error means.
int gyre__fetch_failed(gyre__fetch *fetch, int err, gyre_view url);
// The text in quotes, cut when it is long; bytes that do not print become '?'. Returns `to`.
const char *gyre__quote(char to[GYRE__QUOTE], gyre_view text);
// The same for a URL, well-formed or not: what could be its userinfo is left out, up to the last
// "@".
const char *gyre__quote_url(char to[GYRE__QUOTE], gyre_view url);
// The deadline that has passed: that of the whole fetch, or else `limit`. Returns `to`.
const char *gyre__limit_passed(const gyre__fetch *fetch, gyre_duration limit, char to[GYRE__LIMIT]);

#endif
