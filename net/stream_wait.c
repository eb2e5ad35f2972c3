// Streams: coroutines of the library that wait for them, without futures.
//
// Design notes. A wait lies on the coroutine's stack and is taken back whole before the call
// returns: by the event, the deadline or the cancel, whichever comes first; the other two are
// undone by the one that came. Only the first wakes the coroutine.

#include "net/impl.h"

#include <errno.h>

typedef struct stream_wait {
    gyre__wait wait;
    gyre__reader reader;
    gyre__output output; // linked while it is a send that waits
    gyre_timer timer;
    gyre_stream *stream; // NULL once the wait is over
    bool sends;
    bool stopped; // a send: the stream became readable
} stream_wait;

// Undoes what has not come and wakes the coroutine.
static void end_wait(stream_wait *w, int result)
{
    gyre_stream *stream = w->stream;
    w->stream = NULL;
    gyre_timer_stop(&w->timer);
    gyre__stream_unattend(stream, &w->reader);
    gyre__wake(&w->wait, result);
    if (!gyre__node_is_linked(&w->output.link)) return;
    if (w->stopped)
        gyre__list_remove(&w->output.link); // the caller goes on with the rest
    else
        gyre__stream_take_back(stream, &w->output);
}

static void on_deadline(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    end_wait(GYRE_CONTAINER_OF(timer, stream_wait, timer), GYRE_ETIMEDOUT);
}

static void on_cancel(gyre__wait *wait)
{
    stream_wait *w = GYRE_CONTAINER_OF(wait, stream_wait, wait);
    if (w->stream) end_wait(w, GYRE_ECANCELED);
}

static void on_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    stream_wait *w = GYRE_CONTAINER_OF(reader, stream_wait, reader);
    if (!w->stream || (w->sends && err)) return; // the output is told of the error
    if (w->sends) w->stopped = true;
    end_wait(w, err);
}

static void on_sent(gyre__output *output, int err)
{
    stream_wait *w = GYRE_CONTAINER_OF(output, stream_wait, output);
    if (w->stream) end_wait(w, err);
}

static void describe(gyre__wait *wait, char *text, size_t size)
{
    stream_wait *w = GYRE_CONTAINER_OF(wait, stream_wait, wait);
    if (w->stream) gyre__stream_name(w->stream, w->sends ? "writes to" : "reads from", text, size);
}

// Parks until the wait is over.
static int park(stream_wait *w, gyre_stream *stream, gyre_time deadline)
{
    gyre_loop *loop = stream->net->loop;
    w->stream = stream;
    w->wait.cancel = on_cancel;
    w->wait.describe = describe;
    gyre_duration left = deadline == GYRE_FOREVER ? GYRE_FOREVER : deadline - gyre_now(loop);
    if (left != GYRE_FOREVER) gyre_timer_start(loop, &w->timer, left, on_deadline);
    int err = gyre__park(loop, &w->wait);
    if (w->stream) { // it never slept: cancelled before, or no coroutine
        w->stream = NULL;
        gyre_timer_stop(&w->timer);
        gyre__stream_unattend(stream, &w->reader);
        if (gyre__node_is_linked(&w->output.link)) gyre__stream_take_back(stream, &w->output);
    }
    return err;
}

static int wait_readable(gyre_stream *stream, gyre_time deadline)
{
    stream_wait w = {.reader.ready = on_ready};
    int err = gyre__stream_attend(stream, &w.reader);
    return err ? err : park(&w, stream, deadline);
}

int gyre__stream_fill(gyre_stream *stream, gyre_time deadline)
{
    for (;;) {
        if (gyre__loop_refuses(stream->net->loop)) return GYRE_ECANCELED;
        int err = gyre__stream_try_fill(stream);
        if (err != -EAGAIN) return err;
        err = wait_readable(stream, deadline);
        if (err) return err;
    }
}

int gyre__stream_receive(gyre_stream *stream, void *data, size_t size, size_t *got,
                         gyre_time deadline)
{
    for (;;) {
        if (gyre__loop_refuses(stream->net->loop)) return GYRE_ECANCELED;
        int err = gyre__stream_try_receive(stream, data, size, got);
        if (err != -EAGAIN) return err;
        err = wait_readable(stream, deadline);
        if (err) return err;
    }
}

// ---- Sending -------------------------------------------------------------------------------

static size_t bytes_of(const gyre_view *pieces, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) len += pieces[i].len;
    return len;
}

// What came of an output before anybody waited for it.
typedef struct sent_now {
    stream_wait w;
    int err;
    bool done;
} sent_now;

static void note_sent(gyre__output *output, int err)
{
    sent_now *now = GYRE_CONTAINER_OF(output, sent_now, w.output);
    now->err = err;
    now->done = true;
}

int gyre__stream_send(gyre_stream *stream, gyre__send *send)
{
    if (gyre__loop_refuses(stream->net->loop)) return GYRE_ECANCELED;
    sent_now now = {.w = {.reader.ready = on_ready, .sends = true}};
    gyre__output *output = &now.w.output;
    output->pieces = send->pieces;
    output->count = send->count;
    output->done = note_sent;
    send->stopped = false;
    gyre__stream_put(stream, output);
    int err = now.err;
    if (!now.done) {
        output->done = on_sent;
        err = send->stop_on_read ? gyre__stream_attend(stream, &now.w.reader) : 0;
        if (err)
            gyre__stream_take_back(stream, output);
        else
            err = park(&now.w, stream, send->deadline);
    }
    send->stopped = now.w.stopped;
    send->sent = bytes_of(send->pieces, send->count) - bytes_of(output->pieces, output->count) +
                 output->offset;
    return err;
}
