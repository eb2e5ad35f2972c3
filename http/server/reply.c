// Answers: heads, whole bodies, bodies in pieces.
//
// Design notes. This is the only place that writes an answer. A head is put together behind the
// answers that wait already, a small body behind it, and all of it leaves in one write. When more
// input stands behind the request, the answer stays there so that the next ones go with it
// (connection.c says when it leaves at the latest).
//
// What the head says about the connection is decided when it is written: the body that the handler
// has not read must be worth reading, and the server must not be closing.

#include "http/server/impl.h"

#include "http/scan_int.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    FIXED_PARTS = 256, // bytes of a head beside its type and what was added
    DECIMAL_MAX = 20,
};

static_assert(FIXED_PARTS + GYRE__TYPE_MAX + GYRE__ADDED_MAX + GYRE__OUT_COPIED <= GYRE__OUT_SIZE,
              "a head and a small body fit into one block");

gyre_view gyre__status_text(int status)
{
    static const struct {
        int status;
        gyre_view text;
    } texts[] = {
#define TEXT(status, text) \
    { \
        status, \
        { \
            "" text, sizeof(text) - 1 \
        } \
    }
        TEXT(200, "OK"),
        TEXT(201, "Created"),
        TEXT(202, "Accepted"),
        TEXT(203, "Non-Authoritative Information"),
        TEXT(204, "No Content"),
        TEXT(205, "Reset Content"),
        TEXT(206, "Partial Content"),
        TEXT(300, "Multiple Choices"),
        TEXT(301, "Moved Permanently"),
        TEXT(302, "Found"),
        TEXT(303, "See Other"),
        TEXT(304, "Not Modified"),
        TEXT(307, "Temporary Redirect"),
        TEXT(308, "Permanent Redirect"),
        TEXT(400, "Bad Request"),
        TEXT(401, "Unauthorized"),
        TEXT(403, "Forbidden"),
        TEXT(404, "Not Found"),
        TEXT(405, "Method Not Allowed"),
        TEXT(406, "Not Acceptable"),
        TEXT(408, "Request Timeout"),
        TEXT(409, "Conflict"),
        TEXT(410, "Gone"),
        TEXT(411, "Length Required"),
        TEXT(412, "Precondition Failed"),
        TEXT(413, "Content Too Large"),
        TEXT(414, "URI Too Long"),
        TEXT(415, "Unsupported Media Type"),
        TEXT(416, "Range Not Satisfiable"),
        TEXT(417, "Expectation Failed"),
        TEXT(422, "Unprocessable Content"),
        TEXT(426, "Upgrade Required"),
        TEXT(428, "Precondition Required"),
        TEXT(429, "Too Many Requests"),
        TEXT(431, "Request Header Fields Too Large"),
        TEXT(500, "Internal Server Error"),
        TEXT(501, "Not Implemented"),
        TEXT(502, "Bad Gateway"),
        TEXT(503, "Service Unavailable"),
        TEXT(504, "Gateway Timeout"),
        TEXT(505, "HTTP Version Not Supported"),
#undef TEXT
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status) return texts[i].text;
    return (gyre_view){"", 0};
}

// ---- Heads ---------------------------------------------------------------------------------

static char *put(char *at, gyre_view text)
{
    if (text.len == 0) return at;
    assert(text.ptr);
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static char *put_number(char *at, uint64_t number)
{
    char digits[DECIMAL_MAX];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, (gyre_view){digits + first, sizeof digits - first});
}

static char *put_field(char *at, gyre_view name_and_colon, gyre_view value)
{
    at = put(at, name_and_colon);
    at = put(at, value);
    return put(at, GYRE_VIEW("\r\n"));
}

static char *put_status_line(char *at, int status)
{
    if (status == 200) return put(at, GYRE_VIEW("HTTP/1.1 200 OK\r\n"));
    at = put(at, GYRE_VIEW("HTTP/1.1 "));
    at = put_number(at, (uint64_t)status);
    return put_field(at, GYRE_VIEW(" "), gyre__status_text(status));
}

// RFC 9112 section 9.3: what differs from the version's default is said.
static char *put_connection(char *at, const gyre_request *request)
{
    if (!request->keep_alive) return put(at, GYRE_VIEW("Connection: close\r\n"));
    if (request->head.minor == 0) return put(at, GYRE_VIEW("Connection: keep-alive\r\n"));
    return at;
}

// The answer that is being begun.
typedef struct answer {
    int status;
    gyre_view type; // empty: none
    bool bodiless;  // no body may follow
    bool streamed;  // its length is not known
    uint64_t len;   // unless streamed
} answer;

// 204 and 304 have no length either (RFC 9110 section 8.6, RFC 9112 section 6.1).
static char *put_framing(char *at, const gyre_request *request, const answer *a)
{
    if (a->status == 204 || a->status == 304) return at;
    if (!a->streamed) {
        at = put(at, GYRE_VIEW("Content-Length: "));
        at = put_number(at, a->len);
        return put(at, GYRE_VIEW("\r\n"));
    }
    if (request->head.minor == 0) return at;
    return put(at, GYRE_VIEW("Transfer-Encoding: chunked\r\n"));
}

static char *put_head(char *at, const gyre_request *request, const answer *a)
{
    at = put_status_line(at, a->status);
    at = put(at, gyre__server_date(request->server));
    if (a->type.len > 0) at = put_field(at, GYRE_VIEW("Content-Type: "), a->type);
    if (gyre__buf_len(&request->added) > 0) at = put(at, gyre__buf_view(&request->added));
    at = put_framing(at, request, a);
    at = put_connection(at, request);
    return put(at, GYRE_VIEW("\r\n"));
}

// Whether the connection can serve another request after this answer.
static bool stays_open(const gyre_request *request, const answer *a)
{
    const gyre_server *server = request->server;
    if (!request->keep_alive || server->closing || server->opts.idle_timeout == GYRE_NONE)
        return false;
    if (a->streamed && !a->bodiless && request->head.minor == 0)
        return false; // its end is the close
    return gyre__body_is_drainable(request);
}

static bool is_bodiless(const gyre_request *request, int status)
{
    return request->is_head || status == 204 || status == 304;
}

// Writes the head, and `body` behind it, to where answers wait.
static int begin(gyre_request *request, const answer *a, gyre_view body)
{
    gyre__connection *connection = request->connection;
    if (request->state != GYRE__UNANSWERED || a->status < 200 || a->status > 599) return -EINVAL;
    if (a->type.len > GYRE__TYPE_MAX || !gyre__is_field_value(a->type)) return -EINVAL;
    size_t most = FIXED_PARTS + a->type.len + gyre__buf_len(&request->added) + body.len;
    char *room;
    int err = gyre__connection_room(connection, most, &room);
    if (err) return err;
    request->keep_alive = stays_open(request, a);
    char *end = put_head(room, request, a);
    if (body.len > 0) end = put(end, body);
    assert((size_t)(end - room) <= most);
    connection->out->len += (size_t)(end - room);
    return 0;
}

// Sends what was written and `rest` behind it, unless it may go with the next answer.
static int finish(gyre_request *request, gyre_view rest)
{
    gyre__connection *connection = request->connection;
    request->state = GYRE__ANSWERED;
    if (rest.len == 0 && request->keep_alive && gyre__stream_peek(connection->stream).len > 0 &&
        !gyre__stream_has_output(connection->stream)) {
        gyre_soon(request->server->loop, &connection->task);
        return 0;
    }
    return gyre__connection_send(connection, &rest, 1);
}

// ---- Whole answers -------------------------------------------------------------------------

int gyre_reply(gyre_request *request, int status, const char *type, gyre_view body)
{
    answer a = {.status = status, .type = gyre_view_of(type), .len = body.len};
    a.bodiless = is_bodiless(request, status);
    gyre_view none = {NULL, 0};
    gyre_view sent = a.bodiless ? none : body;
    bool copied = sent.len <= GYRE__OUT_COPIED;
    int err = begin(request, &a, copied ? sent : none);
    return err ? err : finish(request, copied ? none : sent);
}

int gyre__reply_status(gyre_request *request, int status)
{
    char text[64];
    gyre_view reason = gyre__status_text(status);
    int len = snprintf(text, sizeof text, "%d %.*s\n", status, GYRE_FMT(reason));
    if (status == 204) len = 0;
    return gyre_reply(request, status, len ? "text/plain" : NULL, (gyre_view){text, (size_t)len});
}

int gyre__reply_add(gyre_request *request, gyre_view name, gyre_view value)
{
    int err = gyre__buf_printf(&request->added, "%.*s: %.*s\r\n", GYRE_FMT(name), GYRE_FMT(value));
    return err == GYRE_ELIMIT ? GYRE_EHEADSIZE : err;
}

int gyre_reply_field(gyre_request *request, const char *name, gyre_view value)
{
    gyre_view key = gyre_view_of(name);
    if (request->state != GYRE__UNANSWERED || value.len > GYRE__ADDED_MAX) return -EINVAL;
    if (!gyre__is_token(key) || !gyre__is_field_value(value)) return -EINVAL;
    if (gyre__is_framing_name(key) || gyre_view_equal_nocase(key, GYRE_VIEW("Date")))
        return -EINVAL;
    if (gyre_view_equal_nocase(key, GYRE_VIEW("Connection"))) {
        if (!gyre_view_equal_nocase(value, GYRE_VIEW("close"))) return -EINVAL;
        request->keep_alive = false;
        return 0;
    }
    return gyre__reply_add(request, key, value);
}

// ---- Answers in pieces -----------------------------------------------------------------------

int gyre_reply_start(gyre_request *request, int status, const char *type)
{
    answer a = {.status = status, .type = gyre_view_of(type), .streamed = true};
    a.bodiless = is_bodiless(request, status);
    int err = begin(request, &a, (gyre_view){NULL, 0});
    if (err) return err;
    request->state = GYRE__STREAMING;
    request->bodiless = a.bodiless;
    request->chunked_answer = !a.bodiless && request->head.minor > 0;
    gyre_soon(request->server->loop, &request->connection->task); // if no piece follows at once
    return 0;
}

// What frames a piece is written to where answers wait, a small piece as well.
int gyre_reply_write(gyre_request *request, gyre_view piece)
{
    gyre__connection *connection = request->connection;
    if (request->state != GYRE__STREAMING) return -EINVAL;
    if (!connection->stream) return GYRE_ECLOSED;
    if (request->bodiless || piece.len == 0) return 0;
    bool copied = piece.len <= GYRE__OUT_COPIED;
    gyre_view end = request->chunked_answer ? GYRE_VIEW("\r\n") : GYRE_VIEW("");
    char *room;
    int err = gyre__connection_room(connection, GYRE__CHUNK_HEAD_MAX + GYRE__OUT_COPIED + 2, &room);
    if (err) return err;
    char *at = room;
    if (request->chunked_answer) at += gyre__chunk_head(at, piece.len);
    if (copied) at = put(put(at, piece), end);
    connection->out->len += (size_t)(at - room);
    return copied ? gyre__connection_send(connection, NULL, 0)
                  : gyre__connection_send(connection, (gyre_view[]){piece, end}, 2);
}

int gyre_reply_end(gyre_request *request)
{
    gyre__connection *connection = request->connection;
    if (request->state != GYRE__STREAMING) return -EINVAL;
    if (!connection->stream) return GYRE_ECLOSED;
    if (request->chunked_answer) {
        char *room;
        int err = gyre__connection_room(connection, sizeof GYRE__CHUNKED_LAST, &room);
        if (err) return err;
        put(room, GYRE_VIEW(GYRE__CHUNKED_LAST));
        connection->out->len += sizeof GYRE__CHUNKED_LAST - 1;
    }
    return finish(request, (gyre_view){NULL, 0});
}
