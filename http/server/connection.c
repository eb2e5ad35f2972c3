// Connections: from one request to the next.
//
// Design notes. A connection is in one of two states.
//
//     idle        request is NULL: only this struct, a reader and a timer; no coroutine, no stack,
//                 no buffer
//     at work     request is set: a coroutine runs `serve`, which reads the head, has it answered
//                 and sees to the rest of the body
//
// The connection's task leads from one state to the other: it begins a request when there are
// bytes, goes idle when there are none. So each request has a coroutine of its own, and one that
// is answered without waiting begins and ends inside one run of the task, as do those pipelined
// behind it.
//
// Answers of pipelined requests gather in `out`. They leave with the answer that no further input
// stands behind, when a body is waited for (body.c), and at the end of the task, which whoever puts
// something there queues: so in the same turn, whatever the coroutines wait for.
//
// The stream's pointer is NULL once it is closed; whoever waited looks again.

#include "http/server/impl.h"

#include <assert.h>
#include <string.h>

static const gyre_duration linger_time = GYRE_SECONDS(2);

// ---- Writing -------------------------------------------------------------------------------

static void give_out(gyre_server *server, gyre__out *out)
{
    if (out) gyre__pool_give(server, &server->free_outs, out);
}

int gyre__connection_room(gyre__connection *connection, size_t len, char **room)
{
    gyre_server *server = connection->server;
    assert(len <= GYRE__OUT_SIZE);
    if (!connection->stream) return GYRE_ECLOSED;
    if (connection->out && connection->out->len + len > GYRE__OUT_SIZE) {
        int err = gyre__connection_send(connection, NULL, 0);
        if (err) return err;
    }
    if (!connection->out) {
        connection->out = gyre__pool_take(server, &server->free_outs, sizeof *connection->out);
        if (!connection->out) return -ENOMEM;
        connection->out->len = 0;
    }
    *room = connection->out->bytes + connection->out->len;
    return 0;
}

void gyre__connection_flush(gyre__connection *connection)
{
    gyre__out *out = connection->out;
    if (!out || !connection->stream) return;
    connection->out = NULL;
    gyre_void_future written = gyre_write(connection->stream, (gyre_view){out->bytes, out->len});
    // One that pends had no memory for its copy: releasing it cancels it.
    bool failed = gyre__future_is_pending(written.untyped) || gyre_future_error(written);
    gyre_release(written);
    give_out(connection->server, out);
    if (failed) gyre__connection_close(connection);
}

// Takes up to GYRE__SEND_SLICE bytes off the front of the pieces; returns how many views they are.
static size_t cut_slice(gyre_view **pieces, size_t *count, gyre_view slice[])
{
    size_t room = GYRE__SEND_SLICE, used = 0;
    while (*count > 0 && room > 0) {
        gyre_view *piece = *pieces;
        slice[used].ptr = piece->ptr;
        slice[used].len = piece->len < room ? piece->len : room;
        room -= slice[used].len;
        piece->ptr += slice[used].len;
        piece->len -= slice[used].len;
        used++;
        if (piece->len > 0) break;
        (*pieces)++;
        (*count)--;
    }
    return used;
}

enum { PIECES = 4 };

static int send_pieces(gyre__connection *connection, gyre_view *pieces, size_t count)
{
    gyre_server *server = connection->server;
    int err = 0;
    while (count > 0 && !err) {
        gyre_view slice[PIECES];
        if (!connection->stream) return GYRE_ECLOSED;
        gyre__send send = {.pieces = slice, .count = cut_slice(&pieces, &count, slice)};
        send.deadline = gyre__after(server->loop, server->opts.body_timeout);
        err = gyre__stream_send(connection->stream, &send);
    }
    return err == GYRE_ETIMEDOUT ? GYRE_ETIMEDOUT_SEND : err;
}

int gyre__connection_send(gyre__connection *connection, const gyre_view *tail, size_t count)
{
    gyre_view pieces[PIECES];
    size_t used = 0;
    gyre_request *request = connection->request;
    gyre__out *out = connection->out;
    assert(count < PIECES);
    if (!connection->stream) return GYRE_ECLOSED;
    if (out) pieces[used++] = (gyre_view){out->bytes, out->len};
    for (size_t i = 0; i < count; i++)
        if (tail[i].len > 0) pieces[used++] = tail[i];
    connection->out = NULL;
    request->sending = out; // found there if the coroutine never comes back
    int err = send_pieces(connection, pieces, used);
    request->sending = NULL;
    give_out(connection->server, out);
    if (err) gyre__connection_close(connection);
    return err;
}

// ---- Reading -------------------------------------------------------------------------------

// Reads more. As gyre__stream_fill.
static int fill(gyre__connection *connection, gyre_time deadline)
{
    if (!connection->stream) return GYRE_ECLOSED;
    gyre__stream_unattend(connection->stream, &connection->reader);
    return gyre__stream_fill(connection->stream, deadline);
}

// 0, the status to refuse the request with, or an error after which nothing can be said.
static int read_head(gyre_request *request)
{
    static const gyre__head_limits limits = {GYRE__HEAD_MAX, GYRE__REQUEST_LINE};
    gyre__connection *connection = request->connection;
    gyre_server *server = request->server;
    gyre_time deadline = gyre__after(server->loop, server->opts.head_timeout);
    for (;;) {
        gyre_view bytes = gyre__stream_peek(connection->stream);
        int len = gyre__request_parse(&request->head, bytes, &limits);
        if (len > 0) return gyre__request_accept(request, (size_t)len);
        if (len < 0) return gyre__refusal_status(&request->head, len);
        int err = fill(connection, deadline);
        if (err) return err == GYRE_ETIMEDOUT ? 408 : err;
    }
}

// A close with unread bytes in the kernel becomes a reset, which would take the answer away from a
// peer that is still sending (RFC 9112 section 9.6): the end is announced, and for a while what
// comes is thrown away.
static void linger(gyre__connection *connection)
{
    gyre_time deadline = gyre__after(connection->server->loop, linger_time);
    if (!connection->stream) return;
    if (gyre_await(gyre_stream_shutdown(connection->stream)) != 0) return;
    for (size_t dropped = 0; connection->stream && dropped < GYRE__DRAIN_MAX;) {
        gyre_view bytes = gyre__stream_peek(connection->stream);
        dropped += bytes.len;
        gyre__stream_consume(connection->stream, bytes.len);
        if (fill(connection, deadline) != 0) return;
    }
}

// ---- One request ---------------------------------------------------------------------------

// Leaves the connection ready for the next request, or closes it.
static void see_to_the_rest(gyre_request *request)
{
    gyre__connection *connection = request->connection;
    bool answered = request->state == GYRE__ANSWERED;
    bool clean = request->body_done;
    if (!connection->stream) return;
    gyre__body_cancel(request);
    if (answered && request->keep_alive && !clean)
        clean = gyre__body_is_drainable(request) && gyre__body_drain(request) == 0;
    if (answered && request->keep_alive && clean) {
        bool last = gyre__stream_peek(connection->stream).len == 0;
        if (last && connection->out) (void)gyre__connection_send(connection, NULL, 0);
        return;
    }
    if (answered && (!clean || gyre__stream_peek(connection->stream).len > 0)) linger(connection);
    gyre__connection_close(connection);
}

// The coroutine ends: by return, by cancel, or because its loop goes.
static void on_end(void *arg)
{
    gyre_request *request = arg;
    gyre__connection *connection = request->connection;
    give_out(request->server, request->sending);
    connection->request = NULL;
    gyre__request_close(request);
    gyre_soon(connection->server->loop, &connection->task);
}

static int serve(gyre_coro *self, void *arg)
{
    gyre_request *request = arg;
    request->self = self;
    int err = gyre_defer(self, on_end, request);
    if (err) { // cannot be: there is room for a few without memory
        on_end(request);
        return err;
    }
    int status = read_head(request);
    if (status >= 0) request->server->counts.requests++;
    if (status == 0)
        gyre__request_route(request);
    else if (status > 0) // its body counts as unread: what follows is no request
        gyre__request_refuse(request, status);
    see_to_the_rest(request);
    return 0;
}

// ---- From one to the next ------------------------------------------------------------------

static void on_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    (void)err; // asking the stream tells
    gyre__connection *connection = GYRE_CONTAINER_OF(reader, gyre__connection, reader);
    gyre_timer_stop(&connection->timer);
    if (!connection->request) gyre_soon(connection->server->loop, &connection->task);
}

static void on_idle_over(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre__connection_close(GYRE_CONTAINER_OF(timer, gyre__connection, timer));
}

// There is no memory for a coroutine: what can be said without one.
static void refuse_for_want(gyre__connection *connection)
{
    static const gyre_view busy = GYRE_VIEW("HTTP/1.1 503 Service Unavailable\r\n"
                                            "Content-Length: 0\r\nConnection: close\r\n\r\n");
    gyre__connection_flush(connection);
    if (!connection->stream) return;
    gyre_void_future written = gyre_write(connection->stream, busy);
    (void)gyre_future_error(written);
    gyre_release(written);
    gyre__connection_close(connection);
}

static void begin(gyre__connection *connection)
{
    gyre_loop *loop = connection->server->loop;
    gyre_request *request = gyre__request_open(connection);
    connection->request = request;
    if (request) {
        gyre__body body = gyre__body_of("request", GYRE__HERE, serve, request);
        gyre_future *done = gyre__spawn(loop, &gyre_void_type, body, NULL);
        int err = gyre__future_error(done);
        gyre__future_detach(done);
        if (!err || !connection->request) return; // it has begun
        connection->request = NULL;
        gyre__request_close(request);
    }
    refuse_for_want(connection);
}

static void go_idle(gyre__connection *connection)
{
    gyre_server *server = connection->server;
    gyre_duration limit = server->opts.idle_timeout;
    if (limit == GYRE_NONE) limit = server->opts.head_timeout;
    gyre_timer_start(server->loop, &connection->timer, limit, on_idle_over);
}

// Serves what has arrived, until a request waits or there is nothing more.
static void go_on(gyre__connection *connection)
{
    while (connection->stream && !connection->request) {
        gyre_stream *stream = connection->stream;
        gyre__stream_unattend(stream, &connection->reader);
        if (gyre__stream_peek(stream).len == 0) {
            if (connection->server->closing) break;
            if (gyre__stream_idle(stream, &connection->reader)) {
                go_idle(connection);
                return;
            }
            if (gyre__stream_peek(stream).len == 0) break; // the end
        }
        begin(connection);
    }
    gyre__connection_flush(connection);
    if (!connection->request)
        gyre__connection_close(connection);
    else if (connection->stream) // while a handler waits, no buffer is held either
        (void)gyre__stream_idle(connection->stream, &connection->reader);
}

static void on_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre__connection *connection = GYRE_CONTAINER_OF(task, gyre__connection, task);
    go_on(connection);
    if (!connection->stream && !connection->request)
        gyre__connection_free(connection);
    else
        gyre_task_stop(task); // what was queued meanwhile has been seen to
}

// ---- Life ----------------------------------------------------------------------------------

void gyre__connection_open(gyre_server *server, gyre_stream *stream)
{
    gyre__connection *connection =
        gyre__pool_take(server, &server->free_connections, sizeof *connection);
    if (!connection) {
        gyre_stream_close(stream);
        return;
    }
    *connection = (gyre__connection){.server = server, .stream = stream};
    connection->reader.ready = on_ready;
    connection->task.fn = on_task;
    gyre__list_append(&server->connections, &connection->link);
    server->counts.open++;
    gyre_soon(server->loop, &connection->task);
}

void gyre__connection_close(gyre__connection *connection)
{
    gyre_stream *stream = connection->stream;
    if (!stream) return;
    connection->stream = NULL;
    gyre_timer_stop(&connection->timer);
    gyre_stream_close(stream);
    gyre_soon(connection->server->loop, &connection->task);
}

void gyre__connection_abort(gyre__connection *connection)
{
    gyre__connection_close(connection);
    if (connection->request) gyre__coro_cancel(connection->request->self);
}

void gyre__connection_free(gyre__connection *connection)
{
    gyre_server *server = connection->server;
    gyre__connection_close(connection);
    if (connection->request) gyre__request_close(connection->request);
    gyre_task_stop(&connection->task);
    give_out(server, connection->out);
    gyre__server_forget(server, connection);
    gyre__pool_give(server, &server->free_connections, connection);
}
