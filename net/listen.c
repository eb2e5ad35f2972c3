// Listeners: one or two sockets whose connections come out of one queue.
//
// Design notes. Each socket is watched edge-triggered and has a bit: while it is set accept(2) may
// find a connection, EAGAIN clears it. Connections are taken only while somebody wants them (one
// gyre_accept, or an acceptor of the library); the others wait in the kernel's queue. When there
// are no descriptors left, the bits stay set and a timer tries again: an edge that was reported is
// not reported twice, so nothing spins meanwhile.

#include "net/listen_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 128 };
static const gyre_duration pause_time = GYRE_MS(100);

// ---- Accepting -----------------------------------------------------------------------------

static void go_on(gyre_listener *listener);

static void on_pause_over(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    go_on(GYRE_CONTAINER_OF(timer, gyre_listener, pause));
}

static void pause_for(gyre_listener *listener, gyre_duration time)
{
    gyre_timer_start(listener->net->loop, &listener->pause, time, on_pause_over);
}

static void pause_and_log(gyre_listener *listener, int err)
{
    gyre_loop *loop = listener->net->loop;
    pause_for(listener, pause_time);
    if (listener->logged && gyre_now(loop) - listener->logged < GYRE_SECONDS(1)) return;
    listener->logged = gyre_now(loop);
    char name[GYRE_ADDRESS_TEXT];
    gyre__log(loop, GYRE_LOG_WARN, "net", "accept on %s pauses: %s",
              gyre_address_text(&listener->address, name, sizeof name), gyre_strerror(err));
}

// What accept(2) says of one connection, not of the listener: the next one may be fine.
static bool is_of_connection(int err)
{
    switch (err) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case EPERM: return true;
    default: return false;
    }
}

static void hand_over(gyre_listener *listener, int err, gyre_stream *stream)
{
    gyre_future *f = listener->accept;
    if (!f) {
        if (err)
            pause_and_log(listener, err);
        else
            listener->acceptor->accepted(listener->acceptor, stream);
        return;
    }
    listener->accept = NULL;
    char *why = err ? gyre__format(listener->net->alloc, "accept: %s", gyre_strerror(err)) : NULL;
    gyre__future_settle(f, err, why, &stream);
}

static void accept_one(gyre_listener *listener, gyre__listening *socket)
{
    gyre_address peer = {.len = sizeof peer.storage};
    int fd = accept4(socket->watch.fd, (struct sockaddr *)&peer.storage, &peer.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int err = errno;
        if (err == EAGAIN || err == EWOULDBLOCK) {
            socket->ready = false;
            gyre__watch_drained(&socket->watch, GYRE_READABLE);
        } else if (!is_of_connection(err)) {
            pause_and_log(listener, -err);
        }
        return;
    }
    bool tcp = listener->address.storage.ss_family != AF_UNIX;
    gyre__origin origin = {.fd = fd,
                           .kind = tcp ? GYRE__TCP : GYRE__UNIX,
                           .peer = tcp ? &peer : NULL,
                           .bits = GYRE_READABLE | GYRE_WRITABLE};
    gyre_stream *stream = NULL;
    int err = gyre__stream_adopt(&stream, listener->net->loop, &origin, &listener->stream_opts);
    if (err) gyre__socket_close(fd);
    hand_over(listener, err, stream);
}

static bool wants(const gyre_listener *listener)
{
    return !listener->closed && (listener->accept || listener->acceptor) &&
           !gyre_timer_is_active(&listener->pause);
}

// Takes connections from the sockets in turn.
static void go_on(gyre_listener *listener)
{
    for (int count = 0; wants(listener); count++) {
        gyre__listening *socket = &listener->sockets[count % listener->socket_count];
        if (!socket->ready) socket = &listener->sockets[(count + 1) % listener->socket_count];
        if (!socket->ready) return;
        if (count == ACCEPTS_PER_TURN)
            pause_for(listener, 0);
        else
            accept_one(listener, socket);
    }
}

static void on_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop;
    (void)events;
    gyre__listening *socket = GYRE_CONTAINER_OF(watch, gyre__listening, watch);
    socket->ready = true;
    go_on(socket->listener);
}

typedef struct accept_op {
    gyre_listener *listener; // while it is pending
    gyre_loop *loop;
} accept_op;

static void accept_cancel(gyre_future *future, void *op)
{
    ((accept_op *)op)->listener->accept = NULL;
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void accept_describe(void *op, char *text, size_t size)
{
    const gyre_listener *listener = ((accept_op *)op)->listener;
    char name[GYRE_ADDRESS_TEXT];
    snprintf(text, size, "accepts on %s", gyre_address_text(&listener->address, name, sizeof name));
}

// A loop that closes has ended every stream itself, and may have freed it already.
static void accept_drop(void *value, void *op)
{
    if (!gyre__loop_is_closing(((accept_op *)op)->loop)) gyre_stream_close(*(gyre_stream **)value);
}

gyre_stream_future gyre_accept(gyre_listener *listener)
{
    static const gyre__future_ops ops = {
        .drop = accept_drop, .cancel = accept_cancel, .describe = accept_describe};
    gyre_loop *loop = listener->net->loop;
    gyre_future *f = gyre__future_open(loop, &gyre_stream_type, &ops, sizeof(accept_op));
    if (!gyre__future_is_pending(f)) return GYRE__MAKE(gyre_stream_future, f);
    *(accept_op *)gyre__future_op(f) = (accept_op){listener, loop};
    const char *why = NULL;
    int err = 0;
    if (listener->closed) {
        err = GYRE_ECLOSED;
        why = "the listener is closed";
    } else if (listener->accept || listener->acceptor) {
        err = GYRE_EBUSY;
        why = "an accept of this listener is under way";
    }
    if (err) {
        gyre__future_settle(f, err, gyre__format(listener->net->alloc, "%s", why), NULL);
    } else {
        listener->accept = f;
        go_on(listener);
    }
    return GYRE__MAKE(gyre_stream_future, f);
}

int gyre__listener_serve(gyre_listener *listener, gyre__acceptor *acceptor)
{
    if (listener->accept) return GYRE_EBUSY;
    listener->acceptor = acceptor;
    go_on(listener);
    return 0;
}

// ---- Life ----------------------------------------------------------------------------------

static void finish(gyre_listener *listener, int err)
{
    if (listener->closed) return;
    listener->closed = true;
    gyre_timer_stop(&listener->pause);
    gyre__listener_unlink(listener);
    for (int i = 0; i < listener->socket_count; i++) {
        int fd = listener->sockets[i].watch.fd;
        gyre_watch_stop(&listener->sockets[i].watch);
        gyre__socket_close(fd);
    }
    gyre_future *f = listener->accept;
    listener->accept = NULL;
    listener->acceptor = NULL;
    if (f) gyre__future_settle(f, err, NULL, NULL);
}

static void free_listener(gyre_listener *listener)
{
    gyre_task_stop(&listener->task);
    gyre__net_remove(&listener->object);
    gyre__free(listener->net->alloc, listener);
}

static void run_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    free_listener(GYRE_CONTAINER_OF(task, gyre_listener, task));
}

void gyre_listener_close(gyre_listener *listener)
{
    if (!listener || listener->dead) return;
    finish(listener, GYRE_ECLOSED);
    listener->dead = true;
    gyre_soon(listener->net->loop, &listener->task);
}

static void cancel_object(gyre__net_object *object)
{
    finish(GYRE_CONTAINER_OF(object, gyre_listener, object), GYRE_ECANCELED);
}

static void destroy_object(gyre__net_object *object)
{
    gyre_listener *listener = GYRE_CONTAINER_OF(object, gyre_listener, object);
    finish(listener, GYRE_ECANCELED);
    free_listener(listener);
}

gyre_address gyre_listener_address(const gyre_listener *listener)
{
    return listener->address;
}

static int watch_sockets(gyre_listener *listener, const int *fds)
{
    for (int i = 0; i < listener->socket_count; i++) {
        gyre__listening *socket = &listener->sockets[i];
        socket->listener = listener;
        int err = gyre_watch_start(listener->net->loop, &socket->watch, fds[i],
                                   GYRE_READABLE | GYRE__EDGE, on_event);
        if (err) return err;
    }
    return 0;
}

static int open_listener(gyre_listener **out, gyre__net *net, const char *addr,
                         const gyre_listen_opts *opts)
{
    static const gyre__net_class kind = {cancel_object, destroy_object};
    gyre_listener *listener = gyre__alloc_zero(net->alloc, sizeof *listener);
    if (!listener) return -ENOMEM;
    listener->net = net;
    listener->task.fn = run_task;
    listener->stream_opts = opts->stream;
    int fds[GYRE__LISTEN_SOCKETS] = {-1, -1};
    int err = gyre__listener_bind(listener, fds, addr, opts);
    if (!err) err = watch_sockets(listener, fds);
    if (!err) {
        gyre__net_add(net, &listener->object, &kind);
        *out = listener;
        return 0;
    }
    gyre__listener_unlink(listener);
    for (int i = 0; i < GYRE__LISTEN_SOCKETS; i++) {
        gyre_watch_stop(&listener->sockets[i].watch);
        gyre__socket_close(fds[i]);
    }
    gyre__free(net->alloc, listener);
    return err;
}

int gyre_listen(gyre_listener **out, gyre_loop *loop, const char *addr,
                const gyre_listen_opts *opts)
{
    static const gyre_listen_opts defaults;
    if (!opts) opts = &defaults;
    if (!addr || opts->backlog < 0 || opts->mode < 0 || opts->mode > 07777) return -EINVAL;
    gyre__net *net;
    int err = gyre__stream_check_opts(&opts->stream);
    if (!err) err = gyre__net_open(&net, loop);
    return err ? err : open_listener(out, net, addr, opts);
}
