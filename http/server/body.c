// Bodies of requests: read whole into memory, or thrown away.
//
// Design notes. A read is an operation of its own and no coroutine: each time the stream is
// readable it takes what is there, and attends again, until the body is complete, an error comes,
// or it is cancelled; whichever is first settles its future and undoes the rest at once. What was
// read stays with the request, so one that was cancelled, or found its limit too low, can be asked
// for anew.
//
// The deadline is of the body as a whole: the server's time for it and a second more for each KiB
// that came. A peer that sends less than that on the average does not hold the connection for ever.

#include "http/server/impl.h"

#include <stdio.h>

struct gyre__body_read {
    gyre__reader reader;
    gyre_timer timer;
    gyre_future *future;
    gyre_request *request; // NULL once it is over
    uint64_t max;          // bytes that it may take in all
    bool drops;            // throws them away
};

// ---- Pieces --------------------------------------------------------------------------------

// The next piece of the body in `bytes`: a gyre__chunk_step or an error.
static int next_piece(gyre_request *request, gyre_view bytes, gyre__chunk_piece *piece)
{
    if (request->framing.body == GYRE__BODY_CHUNKED)
        return gyre__chunked_decode(&request->chunked, bytes, piece);
    size_t len = bytes.len < request->left ? bytes.len : (size_t)request->left;
    *piece = (gyre__chunk_piece){.used = len, .data = {bytes.ptr, len}};
    request->left -= len;
    if (len > 0) return GYRE__CHUNK_DATA;
    return request->left > 0 ? GYRE__CHUNK_MORE : GYRE__CHUNK_END;
}

static int keep(gyre__body_read *read, gyre_view data)
{
    gyre_request *request = read->request;
    uint64_t held = read->drops ? request->received : gyre__buf_len(&request->body);
    if (data.len > read->max || held > read->max - data.len) return GYRE_EBODYSIZE;
    return read->drops ? 0 : gyre__buf_append(&request->body, data);
}

// Takes what is in the stream's buffer. 0 when the body is complete, -EAGAIN when it needs more.
static int take(gyre__body_read *read)
{
    gyre_request *request = read->request;
    gyre_stream *stream = request->connection->stream;
    for (;;) {
        gyre__chunk_piece piece;
        gyre__chunked before = request->chunked;
        int step = next_piece(request, gyre__stream_peek(stream), &piece);
        if (step < 0) return request->body_err = step;
        int err = keep(read, piece.data);
        if (err) { // nothing of this piece was taken
            request->chunked = before;
            if (request->framing.body == GYRE__BODY_LENGTH) request->left += piece.data.len;
            return err;
        }
        request->received += piece.data.len;
        gyre__stream_consume(stream, piece.used);
        if (step == GYRE__CHUNK_END) request->body_done = true;
        if (step == GYRE__CHUNK_END) return 0;
        if (step == GYRE__CHUNK_MORE) return -EAGAIN;
    }
}

// ---- The operation -------------------------------------------------------------------------

static void end_read(gyre__body_read *read, int err)
{
    gyre_request *request = read->request;
    gyre_stream *stream = request->connection->stream;
    read->request = NULL;
    request->reading = NULL;
    gyre_timer_stop(&read->timer);
    if (stream) gyre__stream_unattend(stream, &read->reader);
    gyre_view body = gyre__buf_view(&request->body);
    char *why = NULL;
    if (err && err != GYRE_ECANCELED)
        why = gyre__format(request->server->alloc, "body of a request, %llu bytes of it read: %s",
                           (unsigned long long)request->received, gyre_strerror(err));
    gyre__future_settle(read->future, err, why, &body);
}

static void on_deadline(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre__body_read *read = GYRE_CONTAINER_OF(timer, gyre__body_read, timer);
    read->request->body_err = GYRE_ETIMEDOUT_RECEIVE;
    end_read(read, GYRE_ETIMEDOUT_RECEIVE);
}

static gyre_duration time_left(const gyre_request *request)
{
    const gyre_server *server = request->server;
    gyre_duration limit = server->opts.body_timeout;
    gyre_duration earned = (gyre_duration)(request->received >> 10) * GYRE_SECONDS(1);
    if (earned > GYRE_FOREVER - limit - request->body_began) return GYRE_FOREVER;
    return request->body_began + (limit + earned) - gyre_now(server->loop);
}

// 0, or why it cannot be waited for.
static int attend(gyre__body_read *read)
{
    gyre_request *request = read->request;
    gyre__connection *connection = request->connection;
    gyre__connection_flush(connection); // earlier answers do not wait as well
    if (!connection->stream) return GYRE_ECLOSED_RECEIVE;
    gyre_timer_start(request->server->loop, &read->timer, time_left(request), on_deadline);
    return gyre__stream_attend(connection->stream, &read->reader);
}

// Reads until the body is complete or the kernel has no more; then attends.
static void go_on(gyre__body_read *read)
{
    gyre_request *request = read->request;
    int err = take(read);
    while (err == -EAGAIN) {
        err = gyre__stream_try_fill(request->connection->stream);
        if (err == -EAGAIN) {
            err = attend(read);
            if (!err) return;
        }
        if (err && err != -ENOMEM) request->body_err = err = GYRE_ECLOSED_RECEIVE;
        if (!err) err = take(read);
    }
    end_read(read, err);
}

static void on_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    gyre__body_read *read = GYRE_CONTAINER_OF(reader, gyre__body_read, reader);
    if (!read->request) return;
    if (err)
        end_read(read, read->request->body_err = GYRE_ECLOSED_RECEIVE);
    else
        go_on(read);
}

static void cancel_read(gyre_future *future, void *op)
{
    (void)future;
    end_read(op, GYRE_ECANCELED);
}

static void describe_read(void *op, char *text, size_t size)
{
    const gyre__body_read *read = op;
    snprintf(text, size, "reads a body, %llu bytes so far",
             read->request ? (unsigned long long)read->request->received : 0ULL);
}

static const gyre__future_ops read_ops = {.cancel = cancel_read, .describe = describe_read};

// Tells the client that its body is welcome, unless it is on its way already (RFC 9110 section
// 10.1.1).
static int welcome(gyre_request *request)
{
    static const gyre_view text = GYRE_VIEW("HTTP/1.1 100 Continue\r\n\r\n");
    gyre__connection *connection = request->connection;
    bool waits = request->framing.expect == GYRE__EXPECT_CONTINUE &&
                 gyre__stream_peek(connection->stream).len == 0;
    request->framing.expect = GYRE__EXPECT_NONE;
    if (!waits || request->state != GYRE__UNANSWERED) return 0;
    gyre__connection_flush(connection); // so that there is room
    char *room;
    int err = gyre__connection_room(connection, text.len, &room);
    if (err) return err;
    for (size_t i = 0; i < text.len; i++) room[i] = text.ptr[i];
    connection->out->len += text.len;
    gyre__connection_flush(connection);
    return connection->stream ? 0 : GYRE_ECLOSED_RECEIVE;
}

// 0 when a read may begin.
static int may_begin(const gyre_request *request, uint64_t max)
{
    if (request->reading) return GYRE_EBUSY;
    if (request->body_err) return request->body_err;
    if (request->body_done) return gyre__buf_len(&request->body) > max ? GYRE_EBODYSIZE : 0;
    if (!request->connection->stream) return GYRE_ECLOSED_RECEIVE;
    bool counted = request->framing.body == GYRE__BODY_LENGTH;
    return counted && request->framing.length > max ? GYRE_EBODYSIZE : 0;
}

static gyre_future *begin(gyre_request *request, uint64_t max, bool drops)
{
    gyre_future *future = gyre__future_open(request->server->loop, &gyre_view_type, &read_ops,
                                            sizeof(gyre__body_read));
    if (!gyre__future_is_pending(future)) return future;
    gyre__body_read *read = gyre__future_op(future);
    *read = (gyre__body_read){.future = future, .max = max, .drops = drops};
    read->reader.ready = on_ready;
    int err = may_begin(request, max);
    if (!err && !request->body_done) err = welcome(request);
    if (err || request->body_done) {
        gyre_view body = gyre__buf_view(&request->body);
        gyre__future_settle(future, err, NULL, &body);
        return future;
    }
    if (!request->body_began) request->body_began = gyre_now(request->server->loop);
    read->request = request;
    request->reading = read;
    gyre__stream_unattend(request->connection->stream, &request->connection->reader);
    go_on(read);
    return future;
}

gyre_view_future gyre_body(gyre_request *request, size_t max)
{
    uint64_t most = max ? max : (uint64_t)request->server->opts.max_body;
    return GYRE__MAKE(gyre_view_future, begin(request, most, false));
}

// ---- What the handler left -----------------------------------------------------------------

bool gyre__body_is_drainable(const gyre_request *request)
{
    if (request->body_done) return true;
    if (request->body_err || request->framing.expect == GYRE__EXPECT_CONTINUE) return false;
    return request->framing.body == GYRE__BODY_CHUNKED || request->left <= GYRE__DRAIN_MAX;
}

int gyre__body_drain(gyre_request *request)
{
    gyre_future *read = begin(request, request->received + GYRE__DRAIN_MAX, true);
    return gyre_await(GYRE__MAKE(gyre_view_future, read));
}

void gyre__body_cancel(gyre_request *request)
{
    if (request->reading) gyre__future_cancel(request->reading->future);
}
