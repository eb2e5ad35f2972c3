// gyre_connect: a connector as a future.

#include "net/connect_int.h"

#include "future/future_int.h"

#include <stdio.h>

struct connecting {
    gyre_future *future;
    gyre_loop *loop;
    gyre__connector connector;
};

static void on_done(gyre__connector *connector)
{
    struct connecting *op = GYRE_CONTAINER_OF(connector, struct connecting, connector);
    if (connector->err) {
        gyre__future_settle(op->future, connector->err, connector->why, NULL);
        return;
    }
    gyre_stream *stream = connector->stream;
    if (!gyre__future_settle(op->future, 0, NULL, &stream)) gyre_stream_close(stream);
}

// A closing loop frees its streams itself, before the futures.
static void on_drop(void *value, void *op)
{
    if (!gyre__loop_is_closing(((struct connecting *)op)->loop))
        gyre_stream_close(*(gyre_stream **)value);
}

static void on_cancel(gyre_future *future, void *op)
{
    struct connecting *connecting = op;
    gyre__connect_stop(&connecting->connector);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void on_describe(void *op, char *text, size_t size)
{
    const gyre__connector *connector = &((struct connecting *)op)->connector;
    snprintf(text, size, "connects to %s port %u", connector->host ? connector->host : "?",
             connector->port);
}

static void on_destroy(void *op)
{
    gyre__connect_stop(&((struct connecting *)op)->connector);
}

static const gyre__future_ops ops = {
    .drop = on_drop, .cancel = on_cancel, .describe = on_describe, .destroy = on_destroy};

gyre_stream_future gyre_connect(gyre_loop *loop, const char *host, uint16_t port,
                                const gyre_connect_opts *opts)
{
    static const gyre_connect_opts defaults;
    if (!opts) opts = &defaults;
    gyre_future *f = gyre__future_open(loop, &gyre_stream_type, &ops, sizeof(struct connecting));
    if (!gyre__future_is_pending(f)) return GYRE__MAKE(gyre_stream_future, f);
    struct connecting *op = gyre__future_op(f);
    op->future = f;
    op->loop = loop;
    op->connector.done = on_done;
    gyre__connect_start(&op->connector, loop, host, port, opts);
    return GYRE__MAKE(gyre_stream_future, f);
}
