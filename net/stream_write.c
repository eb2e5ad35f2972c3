// Streams: writing.
//
// Design notes. What is to leave stands in one order: first the copied bytes (`out`), whose futures
// are done, then the outputs, whose bytes still belong to their callers. Each flush gathers from
// both into one system call. An output is `done` when its last byte was taken by the kernel, or
// when the stream can no longer be written to; it is out of the list by then, so `done` may free
// it.
//
// A public write is an output inside a future. It is flushed at once; what is left of it is copied
// into `out` if nothing stands before it and there is room, which lets go of the caller's bytes.

#include "net/impl.h"

#include <errno.h>
#include <sys/socket.h>

// ---- The queue -----------------------------------------------------------------------------

bool gyre__stream_has_output(const gyre_stream *stream)
{
    return gyre__buf_len(&stream->out) > 0 || !gyre__list_is_empty(&stream->outputs);
}

static gyre__output *first_output(const gyre_stream *stream)
{
    if (gyre__list_is_empty(&stream->outputs)) return NULL;
    return GYRE_CONTAINER_OF(stream->outputs.next, gyre__output, link);
}

static void finish_output(gyre__output *output, int err)
{
    gyre__list_remove(&output->link);
    output->done(output, err);
}

void gyre__stream_fail_output(gyre_stream *stream, int err)
{
    if (!stream->write_err) stream->write_err = err;
    gyre__net_detach(stream->net, &stream->out);
    for (gyre__output *output; (output = first_output(stream));) finish_output(output, err);
}

// The bytes in front, up to the end of the sending direction.
static size_t gather(const gyre_stream *stream, gyre_view pieces[GYRE__PIECES + 1])
{
    size_t count = 0;
    if (gyre__buf_len(&stream->out) > 0) pieces[count++] = gyre__buf_view(&stream->out);
    const gyre__node *node = stream->outputs.next;
    for (; node != &stream->outputs; node = node->next) {
        const gyre__output *output = GYRE_CONTAINER_OF(node, const gyre__output, link);
        if (output->shut) break;
        for (size_t i = 0; i < output->count; i++) {
            if (count > GYRE__PIECES) return count;
            size_t skip = i == 0 ? output->offset : 0;
            gyre_view piece = output->pieces[i];
            if (piece.len > skip) pieces[count++] = (gyre_view){piece.ptr + skip, piece.len - skip};
        }
    }
    return count;
}

// Counts up to `len` bytes of an output as sent, and returns how many there were. Afterwards the
// first piece, if there is one, has bytes left.
static size_t advance(gyre__output *output, size_t len)
{
    size_t left = len;
    while (output->count > 0 && output->pieces->len - output->offset <= left) {
        left -= output->pieces->len - output->offset;
        output->pieces++;
        output->count--;
        output->offset = 0;
    }
    if (output->count > 0) {
        output->offset += left;
        left = 0;
    }
    if (len > left) output->begun = true;
    return len - left;
}

static void account(gyre_stream *stream, size_t sent)
{
    size_t copied = gyre__buf_len(&stream->out);
    if (copied > sent) copied = sent;
    gyre__buf_consume(&stream->out, copied);
    if (gyre__buf_len(&stream->out) == 0) gyre__net_detach(stream->net, &stream->out);
    sent -= copied;
    for (gyre__output *output; (output = first_output(stream)) && !output->shut;) {
        sent -= advance(output, sent);
        if (output->count > 0) return;
        finish_output(output, 0);
    }
}

static void shut_down(gyre_stream *stream, gyre__output *output)
{
    int err = shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
    finish_output(output, err);
    gyre__stream_fail_output(stream, -EPIPE);
}

void gyre__stream_flush(gyre_stream *stream)
{
    while (!stream->write_err && gyre__stream_has_output(stream)) {
        gyre_view pieces[GYRE__PIECES + 1];
        size_t count = gather(stream, pieces);
        if (count == 0) {
            gyre__output *output = first_output(stream);
            if (output->shut)
                shut_down(stream, output);
            else
                finish_output(output, 0); // nothing but empty pieces
            continue;
        }
        ssize_t sent = gyre__stream_push(stream, pieces, count);
        if (sent == -EAGAIN) return;
        if (sent < 0)
            gyre__stream_fail_output(stream, (int)sent);
        else
            account(stream, (size_t)sent);
    }
}

void gyre__stream_put(gyre_stream *stream, gyre__output *output)
{
    bool waits = gyre__stream_has_output(stream);
    gyre__list_append(&stream->outputs, &output->link);
    if (stream->write_err)
        finish_output(output, stream->write_err);
    else if (!waits)
        gyre__stream_flush(stream);
}

void gyre__stream_take_back(gyre_stream *stream, gyre__output *output)
{
    gyre__list_remove(&output->link);
    if (output->begun) gyre__stream_finish(stream, GYRE_ECLOSED);
}

// ---- Public writes -------------------------------------------------------------------------

typedef struct write_op {
    gyre__output output;
    gyre_future *future;
    gyre_stream *stream; // NULL once done
    gyre_view pieces[];
} write_op;

static void write_done(gyre__output *output, int err)
{
    write_op *op = GYRE_CONTAINER_OF(output, write_op, output);
    gyre_stream *stream = op->stream;
    op->stream = NULL;
    const char *doing = output->shut ? "shut down" : "write to";
    char *why = err ? gyre__stream_why(stream, doing, err) : NULL;
    gyre__future_settle(op->future, err, why, NULL);
}

static void write_cancel(gyre_future *future, void *data)
{
    write_op *op = data;
    gyre_stream *stream = op->stream;
    op->stream = NULL;
    gyre__future_retain(future); // settling may free what is looked at below
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
    gyre__stream_take_back(stream, &op->output);
    gyre__future_release(future);
}

static void write_describe(void *data, char *text, size_t size)
{
    write_op *op = data;
    if (op->stream) gyre__stream_name(op->stream, "writes to", text, size);
}

static const gyre__future_ops write_ops = {.cancel = write_cancel, .describe = write_describe};

// Lets go of the caller's bytes if nothing stands before them and they fit. Without memory they
// stay borrowed.
static void copy_rest(gyre_stream *stream, write_op *op)
{
    if (op->stream == NULL || first_output(stream) != &op->output || op->output.shut) return;
    gyre_view pieces[GYRE__PIECES + 1];
    size_t held = gyre__buf_len(&stream->out), len = 0;
    size_t first = held > 0, count = gather(stream, pieces);
    for (size_t i = first; i < count; i++) len += pieces[i].len;
    if (len > stream->out.max - held) return;
    char *room;
    if (gyre__net_attach(stream->net, &stream->out)) return;
    if (gyre__buf_reserve(&stream->out, len, &room)) return;
    for (size_t i = first; i < count; i++) (void)gyre__buf_append(&stream->out, pieces[i]);
    finish_output(&op->output, 0);
}

static gyre_void_future begin(gyre_stream *stream, const gyre_view *pieces, size_t count, bool shut)
{
    gyre_loop *loop = stream->net->loop;
    gyre_future *f = gyre__future_open(loop, &gyre_void_type, &write_ops,
                                       sizeof(write_op) + count * sizeof *pieces);
    if (!gyre__future_is_pending(f)) return GYRE__MAKE(gyre_void_future, f);
    write_op *op = gyre__future_op(f);
    op->future = f;
    op->stream = stream;
    op->output.done = write_done;
    op->output.pieces = op->pieces;
    op->output.shut = shut;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].len > 0) op->pieces[op->output.count++] = pieces[i];
    if (op->output.count == 0 && !shut)
        gyre__future_settle(f, stream->write_err, NULL, NULL);
    else
        gyre__stream_put(stream, &op->output);
    copy_rest(stream, op);
    return GYRE__MAKE(gyre_void_future, f);
}

static gyre_void_future refuse(gyre_stream *stream, int err, const char *why)
{
    char *text = gyre__format(stream->net->alloc, "%s", why);
    return GYRE__MAKE(gyre_void_future,
                      gyre__future_failed(stream->net->loop, &gyre_void_type, err, text));
}

gyre_void_future gyre_write(gyre_stream *stream, gyre_view data)
{
    return begin(stream, &data, 1, false);
}

gyre_void_future gyre_writev(gyre_stream *stream, const gyre_view *pieces, size_t count)
{
    if (count > GYRE__PIECES) return refuse(stream, -EINVAL, "writev of more than 64 pieces");
    return begin(stream, pieces, count, false);
}

gyre_void_future gyre_stream_shutdown(gyre_stream *stream)
{
    if (stream->kind == GYRE__FILE)
        return refuse(stream, -ENOTSUP, "shutdown of a pipe or terminal; close it");
    return begin(stream, NULL, 0, true);
}
