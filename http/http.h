// HTTP/1.1: a client with a pool, and a server (RFC 9110, RFC 9112).
#ifndef GYRE_HTTP_HTTP_H
#define GYRE_HTTP_HTTP_H

#include "http/url.h"
#include "net/net.h"

GYRE_EXTERN_C_BEGIN

typedef struct gyre_client gyre_client;
typedef struct gyre_server gyre_server;
typedef struct gyre_request gyre_request;

typedef struct gyre_field {
    gyre_view name;
    gyre_view value;
} gyre_field;

// ---- Responses -----------------------------------------------------------------------------

// How long each part of a fetch took, from its call on; nanoseconds on the loop's clock. A part
// that did not happen (a reused connection looks up no name) repeats the time of the part before.
typedef struct gyre_timing {
    gyre_duration queue;         // a slot was free
    gyre_duration namelookup;    // the first address was known
    gyre_duration connect;       // the connection stood
    gyre_duration starttransfer; // the first byte of the last response came
    gyre_duration total;         // all of it
    gyre_duration redirect;      // began the last hop; 0 without redirects
} gyre_timing;

// A response: plain data, read-only. Every view lives as long as the response, which stays valid
// after its client and its loop are closed.
typedef struct gyre_response {
    int status; // 200, 404, …
    gyre_view reason;
    gyre_view url;            // of the last hop, with the fragment
    const gyre_field *fields; // in the order of the wire
    size_t field_count;
    gyre_view body;
    gyre_timing timing;
    gyre_address peer;
    int redirects; // hops that were followed
    bool reused;   // the last hop went over a connection that had served before
} gyre_response;

GYRE_FUTURE_TYPE(gyre_response, gyre_response *);

// Frees a response; NULL is fine.
// Blocks: never. Thread: the loop's, or any once the loop is closed.
void gyre_response_free(gyre_response *response);

// The value of the first field of that name, compared without case; ptr is NULL when there is none.
// Ownership: borrows from the response. Blocks: never. Thread: any.
gyre_view gyre_header(const gyre_response *response, const char *name);

// ---- Client --------------------------------------------------------------------------------

typedef struct gyre_client_opts {
    int max_requests;          // under way at once; default: 100
    int max_per_origin;        // of these to one scheme, host and port; default: 10
    gyre_duration idle;        // how long a connection waits for reuse; GYRE_NONE: no reuse;
                               // default: 4 s, or the server's Keep-Alive hint less 1 s
    const char *user_agent;    // default: "gyre/" and the version; "" sends none
    gyre_connect_opts connect; // its timeout is the default of gyre_fetch_opts.connect_timeout
} gyre_client_opts;

typedef struct gyre_fetch_opts {
    const char *method;       // a token, case-sensitive; default: "GET", with a body "POST"
    gyre_view body;           // borrowed until the fetch settles
    const gyre_field *fields; // copied; Content-Length and Transfer-Encoding are the library's
    size_t field_count;
    gyre_duration timeout;            // from the call to the last byte; default: 30 s
    gyre_duration queue_timeout;      // for a slot; default: all of it, as the three below
    gyre_duration connect_timeout;    // name and connection; default: 10 s
    gyre_duration first_byte_timeout; // from the request's last byte to the response's first
    gyre_duration between_bytes_timeout;
    int max_redirects; // GYRE_NONE: gives the redirect itself; default: 5
    int64_t max_body;  // bytes of the body, or GYRE_UNLIMITED; default: 100 MiB
} gyre_fetch_opts;

// Opens a client: a pool of connections and the limits of its requests.
// Ownership: the caller closes it; `opts` (NULL: all defaults) is copied. Closing the loop closes
// it.
// Errors: -EINVAL (an option), -ENOMEM, GYRE_ECLOSED (the loop is closing).
// Blocks: never. Thread: the loop's.
int gyre_client_open(gyre_client **out, gyre_loop *loop,
                     const gyre_client_opts *opts) GYRE_MUST_USE;

// Closes a client: cancels its fetches, closes its connections. NULL is fine.
// Blocks: never. Thread: the loop's.
void gyre_client_close(gyre_client *client);

// Fetches a URL. A 404 is a response, not an error. Redirects are followed (301, 302, 303, 307,
// 308; RFC 9110 section 15.4): credentials do not follow to another origin. A request that a reused
// connection lost before a byte came back is sent once more, if its method is idempotent.
// Ownership: copies the URL and the options but the body's bytes, which are borrowed until the
// fetch settles and not touched once it was cancelled. The value is freed with gyre_response_free.
// Errors: GYRE_EURL, GYRE_EREQUEST; GYRE_ETIMEDOUT_QUEUE, _RESOLVE, _CONNECT, _SEND, _WAIT,
// _RECEIVE; those of gyre_connect; GYRE_ECLOSED_SEND, _WAIT, _RECEIVE; GYRE_ESTARTLINE,
// GYRE_EVERSION, GYRE_EFIELD, GYRE_EFRAMING, GYRE_ECODING, GYRE_ECHUNK, GYRE_EUNEXPECTED;
// GYRE_EHEADSIZE (64 KiB, 256 lines), GYRE_EBODYSIZE; GYRE_EREDIRECTS, GYRE_EREDIRECT;
// GYRE_ECLOSED, GYRE_ECANCELED, -ENOMEM. gyre_why_last has the details.
// Blocks: never. Thread: the loop's.
gyre_response_future gyre_fetch(gyre_client *client, const char *url, const gyre_fetch_opts *opts);

// gyre_fetch with all defaults, on a client that the loop keeps for this.
// Blocks: never. Thread: the loop's.
gyre_response_future gyre_get(gyre_loop *loop, const char *url);

// ---- Server --------------------------------------------------------------------------------

// Answers one request, in a coroutine of its own: replies with gyre_reply or gyre_reply_start, and
// returns 0. An error of gyre_body answers 400, 408 or 413; any other result, or no reply, 500. An
// answer that was begun and not ended closes the connection.
typedef int gyre_handler_fn(gyre_request *request);

typedef struct gyre_route {
    const char *method; // NULL ends the table; "*": any
    const char *path;   // compared whole, without the query
    gyre_handler_fn *handler;
} gyre_route;

#define GYRE_GET(path, handler) \
    { \
        "GET", path, handler \
    }
#define GYRE_POST(path, handler) \
    { \
        "POST", path, handler \
    }
#define GYRE_ANY(path, handler) \
    { \
        "*", path, handler \
    }
#define GYRE_ROUTES_END \
    { \
        NULL, NULL, NULL \
    }

typedef struct gyre_server_opts {
    const char *address;        // as gyre_listen; default: "127.0.0.1:0"
    const gyre_route *routes;   // must outlive the server
    void *arg;                  // what gyre_request_arg gives
    int64_t max_body;           // of a buffered request body; GYRE_NONE: none; default: 1 MiB
    gyre_duration head_timeout; // from the first byte of a head to its end; default: 10 s
    gyre_duration idle_timeout; // between requests; GYRE_NONE: one request a connection;
                                // default: 75 s
    gyre_duration body_timeout; // for a request body, and a second more for each KiB of it that
                                // came; for each 256 KiB of an answer; default: 60 s
    gyre_listen_opts listen;
} gyre_server_opts;

// Opens a server. Requests of a connection are answered in order; HEAD goes to the GET route. The
// first route that fits is taken; a path without any is 404, a known method that no route of the
// path has 405, an unknown one 501. Malformed requests are refused and the connection closed.
// Ownership: the caller closes it with gyre_server_close; closing the loop closes it too. `opts`
// is copied, but for the routes.
// Errors: those of gyre_listen; -EINVAL (an option, no routes); -ENOMEM; GYRE_ECLOSED (the loop is
// closing).
// Blocks: never. Thread: the loop's. RFC 9110, RFC 9112.
int gyre_server_open(gyre_server **out, gyre_loop *loop,
                     const gyre_server_opts *opts) GYRE_MUST_USE;

// Stops listening, closes idle connections, lets requests under way end for at most `drain` (0: not
// at all) and cancels what is left. Done when everything is closed; the pointer is dead at once.
// Ownership: the caller consumes the future; cancelling or releasing it ends the drain, detaching
// it does not.
// Blocks: never. Thread: the loop's.
gyre_void_future gyre_server_close(gyre_server *server, gyre_duration drain);

// The address that a server listens on, with the port that the kernel chose.
// Blocks: never. Thread: the loop's.
gyre_address gyre_server_address(const gyre_server *server);

typedef struct gyre_server_counts {
    uint64_t connections; // accepted since the server was opened
    uint64_t open;        // of these, not closed yet
    uint64_t requests;    // whose head was read, or refused
} gyre_server_counts;

// What a server has seen so far. Blocks: never. Thread: the loop's.
gyre_server_counts gyre_server_count(const gyre_server *server);

// Parts of a request. Views live until the handler has returned.
// Blocks: never. Thread: the loop's.
gyre_view gyre_request_method(const gyre_request *request);

// The path as it was sent, without the query. Blocks: never. Thread: the loop's.
gyre_view gyre_request_path(const gyre_request *request);

// The value of a query parameter as it was sent (not percent-decoded); ptr is NULL when there is
// none.
// Blocks: never. Thread: the loop's.
gyre_view gyre_request_query(const gyre_request *request, const char *name);

// The value of the first field of that name; ptr is NULL when there is none.
// Blocks: never. Thread: the loop's.
gyre_view gyre_request_header(const gyre_request *request, const char *name);

// The head as it was sent: the request line and the fields, with the empty line behind them.
// Blocks: never. Thread: the loop's.
gyre_view gyre_request_head(const gyre_request *request);

// The `arg` of the server's options. Blocks: never. Thread: the loop's.
void *gyre_request_arg(const gyre_request *request);

// The loop of a request. Blocks: never. Thread: the loop's.
gyre_loop *gyre_request_loop(const gyre_request *request);

// The whole body of a request, at most `max` bytes (0: the server's max_body); empty when there is
// none. A client that waits for "100 Continue" gets it now.
// Errors: GYRE_EBODYSIZE, GYRE_ECHUNK, GYRE_EFIELD and GYRE_EHEADSIZE (trailers),
// GYRE_ECLOSED_RECEIVE, GYRE_ETIMEDOUT_RECEIVE, GYRE_EBUSY (a call is under way), -ENOMEM.
// Ownership: the view lives until the handler has returned. Blocks: never. Thread: the loop's.
gyre_view_future gyre_body(gyre_request *request, size_t max);

// Adds a field to the answer that comes. Content-Length, Transfer-Encoding and Date are the
// server's; "Connection: close" closes the connection after the answer.
// Ownership: copies both.
// Errors: -EINVAL (not sendable, the server's own, or the answer has begun), GYRE_EHEADSIZE
// (8 KiB in all), -ENOMEM.
// Blocks: never. Thread: the loop's.
int gyre_reply_field(gyre_request *request, const char *name, gyre_view value) GYRE_MUST_USE;

// Answers a request with a whole body. To HEAD, and with 204 and 304, the body is not sent.
// Ownership: `type` (a Content-Type; NULL: none) and `body` are copied or sent before it returns.
// Errors: -EINVAL (a status outside 200 to 599, a type that cannot be sent, a second reply),
// -ENOMEM, GYRE_ECLOSED, GYRE_ETIMEDOUT_SEND, why it could not be sent.
// Blocks: the handler's coroutine, while the peer does not read. Thread: the loop's.
int gyre_reply(gyre_request *request, int status, const char *type, gyre_view body);

// Begins an answer whose length is not known: chunked, or up to the close for HTTP/1.0.
// Errors and waits: as gyre_reply.
// Blocks: the handler's coroutine, while the peer does not read. Thread: the loop's.
int gyre_reply_start(gyre_request *request, int status, const char *type);

// Sends a piece of it. Blocks: the handler's coroutine, while the peer does not read.
// Thread: the loop's.
int gyre_reply_write(gyre_request *request, gyre_view piece);

// Ends it. Blocks: the handler's coroutine, while the peer does not read. Thread: the loop's.
int gyre_reply_end(gyre_request *request);

GYRE_EXTERN_C_END

#endif
