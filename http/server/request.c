// Requests: their struct, their parts, the way to their handler.
//
// Design notes. A head is copied out of the stream as soon as it is complete, so its views stay
// where they are while the body is read into the stream's buffer, and that buffer goes back while
// the handler waits. The copy and the body lie in buffers that stay with the struct in the free
// list, unless they have grown large.

#include "http/server/impl.h"

#include <string.h>

enum { KEPT_BYTES = 16384 }; // of each buffer, in the free list

// ---- Life ----------------------------------------------------------------------------------

gyre_request *gyre__request_open(gyre__connection *connection)
{
    gyre_server *server = connection->server;
    bool fresh = !server->free_requests.free;
    gyre_request *request = gyre__pool_take(server, &server->free_requests, sizeof *request);
    if (!request) return NULL;
    memset(request, 0, offsetof(gyre_request, text));
    request->connection = connection;
    request->server = server;
    gyre__head_init(&request->head, request->items, GYRE__HEAD_LINES);
    if (fresh) {
        gyre__buf_init(&request->text, server->alloc, GYRE__HEAD_MAX);
        gyre__buf_init(&request->body, server->alloc, SIZE_MAX / 2);
        gyre__buf_init(&request->added, server->alloc, GYRE__ADDED_MAX);
    }
    return request;
}

static void empty(gyre__buf *buf, bool kept)
{
    if (!kept || buf->cap > KEPT_BYTES)
        gyre__buf_release(buf);
    else
        gyre__buf_consume(buf, gyre__buf_len(buf));
}

void gyre__request_close(gyre_request *request)
{
    bool kept = gyre__pool_has_room(&request->server->free_requests);
    gyre__body_cancel(request);
    empty(&request->text, kept);
    empty(&request->body, kept);
    empty(&request->added, kept);
    gyre__pool_give(request->server, &request->server->free_requests, request);
}

void gyre__requests_free(gyre_server *server)
{
    gyre__pool *pool = &server->free_requests;
    while (pool->free) {
        gyre_request *request = gyre__pool_take(server, pool, sizeof *request);
        gyre__buf_release(&request->text);
        gyre__buf_release(&request->body);
        gyre__buf_release(&request->added);
        gyre__free(server->alloc, request);
    }
}

// ---- The head ------------------------------------------------------------------------------

static int keep_head(gyre_request *request, size_t len)
{
    gyre_stream *stream = request->connection->stream;
    gyre_view bytes = {gyre__stream_peek(stream).ptr, len};
    int err = gyre__buf_append(&request->text, bytes);
    if (err) return err;
    gyre__stream_consume(stream, len);
    request->head.fields.base = gyre__buf_view(&request->text).ptr;
    return 0;
}

// The trailers of a chunked body share the budget of the head (RFC 9112 section 7.1.2).
static gyre__chunked_limits chunk_limits(const gyre_request *request, size_t head_len)
{
    return (gyre__chunked_limits){
        .line_max = 256,
        .ext_max = 16384,
        .trailer_max = (uint32_t)(GYRE__HEAD_MAX + 2 - head_len),
        .field_max = GYRE__HEAD_LINES - request->head.fields.count,
    };
}

static bool is_head(const gyre_request *request)
{
    return gyre_view_equal(gyre_request_method(request), GYRE_VIEW("HEAD"));
}

void gyre__request_refuse(gyre_request *request, int status)
{
    request->is_head = is_head(request); // the method may be all that is known
    (void)gyre__reply_status(request, status);
}

int gyre__request_accept(gyre_request *request, size_t len)
{
    int err = keep_head(request, len);
    if (err) return err;
    gyre__framing *framing = &request->framing;
    err = gyre__request_frame(framing, &request->head);
    if (!err)
        err = gyre__target_parse(&request->target, gyre_request_method(request),
                                 gyre__span_view(request->head.fields.base, request->head.target));
    if (err) return gyre__refusal_status(&request->head, err);
    request->is_head = is_head(request);
    if (framing->expect == GYRE__EXPECT_UNKNOWN) return 417;
    request->keep_alive = framing->keep_alive;
    request->left = framing->length;
    request->chunked.limits = chunk_limits(request, len);
    request->body_done = framing->body == GYRE__BODY_NONE ||
                         (framing->body == GYRE__BODY_LENGTH && framing->length == 0);
    return 0;
}

gyre_view gyre_request_method(const gyre_request *request)
{
    return gyre__span_view(request->head.fields.base, request->head.method);
}

gyre_view gyre_request_path(const gyre_request *request)
{
    return request->target.path;
}

gyre_view gyre_request_query(const gyre_request *request, const char *name)
{
    gyre_view key = gyre_view_of(name);
    gyre_view rest = request->target.query;
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '&', rest.len);
        gyre_view pair = {rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len};
        rest.ptr += pair.len + (end != NULL);
        rest.len -= pair.len + (end != NULL);
        if (pair.len < key.len || memcmp(pair.ptr, key.ptr, key.len) != 0) continue;
        if (pair.len == key.len) return (gyre_view){pair.ptr + pair.len, 0};
        if (pair.ptr[key.len] == '=')
            return (gyre_view){pair.ptr + key.len + 1, pair.len - key.len - 1};
    }
    return (gyre_view){NULL, 0};
}

gyre_view gyre_request_header(const gyre_request *request, const char *name)
{
    return gyre__fields_get(&request->head.fields, gyre_view_of(name));
}

gyre_view gyre_request_head(const gyre_request *request)
{
    gyre_view head = gyre__buf_view(&request->text);
    size_t blanks = request->head.method.at; // empty lines before the request
    return (gyre_view){head.ptr + blanks, head.len - blanks};
}

void *gyre_request_arg(const gyre_request *request)
{
    return request->server->opts.arg;
}

gyre_loop *gyre_request_loop(const gyre_request *request)
{
    return request->server->loop;
}

// ---- Routes --------------------------------------------------------------------------------

static bool is_any(const char *method)
{
    return method[0] == '*' && method[1] == '\0';
}

static bool method_fits(const gyre_request *request, const char *method)
{
    if (is_any(method)) return true;
    if (request->is_head && strcmp(method, "GET") == 0) return true;
    return gyre_view_equal(gyre_request_method(request), gyre_view_of(method));
}

static bool path_fits(const gyre_request *request, const gyre_route *route)
{
    return gyre_view_equal(request->target.path, gyre_view_of(route->path));
}

static bool is_known_method(gyre_view method)
{
    static const char *const known[] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                        "DELETE", "OPTIONS", "CONNECT", "TRACE"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gyre_view_equal(method, gyre_view_of(known[i]))) return true;
    return false;
}

static bool has_path(const gyre_request *request)
{
    return request->target.form == GYRE__TARGET_ORIGIN ||
           request->target.form == GYRE__TARGET_ABSOLUTE;
}

// Whether the route's method belongs into "Allow": it serves the path (any, for a target without
// one) and is not a further one of its method.
static bool is_allowed_by(const gyre_request *request, const gyre_route *route)
{
    bool every = !has_path(request);
    if (is_any(route->method) || (!every && !path_fits(request, route))) return false;
    for (const gyre_route *r = request->server->opts.routes; r < route; r++)
        if (strcmp(r->method, route->method) == 0 && (every || path_fits(request, r))) return false;
    return true;
}

static int add_allow(gyre_request *request)
{
    gyre__buf list;
    gyre__buf_init(&list, request->server->alloc, GYRE__ADDED_MAX / 2);
    int err = 0;
    for (const gyre_route *route = request->server->opts.routes; route->method && !err; route++) {
        if (!is_allowed_by(request, route)) continue;
        bool get = strcmp(route->method, "GET") == 0;
        const char *comma = gyre__buf_len(&list) > 0 ? ", " : "";
        err = gyre__buf_printf(&list, "%s%s%s", comma, route->method, get ? ", HEAD" : "");
    }
    if (err == GYRE_ELIMIT) err = 0; // more methods than anybody has: the first will do
    if (!err) err = gyre__reply_add(request, GYRE_VIEW("Allow"), gyre__buf_view(&list));
    gyre__buf_release(&list);
    return err;
}

static int answer_allow(gyre_request *request, int status)
{
    int err = add_allow(request);
    return err ? err : gyre__reply_status(request, status);
}

// Nobody serves it: says why.
static int refuse(gyre_request *request, bool path_known)
{
    bool known = is_known_method(gyre_request_method(request));
    if (request->target.form == GYRE__TARGET_ASTERISK) return answer_allow(request, 204);
    if (!known) return gyre__reply_status(request, 501);
    if (path_known || !has_path(request)) return answer_allow(request, 405);
    return gyre__reply_status(request, 404);
}

// A handler that failed, or gave no answer.
static void answer_for(gyre_request *request, const gyre_route *route, int err)
{
    if (request->state != GYRE__UNANSWERED || !request->connection->stream) return;
    int status = gyre__refusal_status(&request->head, err);
    if (err == GYRE_ETIMEDOUT_RECEIVE) status = 408;
    if (err == GYRE_ECLOSED_RECEIVE) status = 400;
    if (!status) {
        gyre__log(request->server->loop, GYRE_LOG_WARN, "http", "handler of %s %s %s",
                  route->method, route->path, err ? gyre_strerror(err) : "gave no answer");
        status = 500;
    }
    (void)gyre__reply_status(request, status);
}

void gyre__request_route(gyre_request *request)
{
    bool path_known = false;
    const gyre_route *route = request->server->opts.routes;
    for (; has_path(request) && route->method; route++) {
        if (!path_fits(request, route)) continue;
        path_known = true;
        if (!method_fits(request, route->method)) continue;
        answer_for(request, route, route->handler(request));
        return;
    }
    (void)refuse(request, path_known);
}
