// Streams: life, events, the end.
//
// Design notes. An event only sets bits; a system call is made only while its bit is set, and
// clears it when the kernel has no more (stream_io.c). Then whoever waits is told: outputs are sent
// on, the reader's `ready` is called once. Nobody's own code runs inside: futures and coroutines
// that become ready are tasks.
//
// A stream ends in steps. `end` is set when reading came to the peer's end or an error; what is in
// the buffer can still be read, and writing may go on (a half-closed connection). `write_err` is
// the same for writing. `broken` is the end of everything: the descriptor is closed, all that was
// pending has failed. gyre_stream_close breaks the stream and frees it by a task, behind every task
// that was queued for its waiters.
//
// Invariant: while a bit is clear and its direction has not ended, the kernel is asked for it.

#include "net/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- Names and texts -----------------------------------------------------------------------

void gyre__stream_name(const gyre_stream *stream, const char *doing, char *text, size_t size)
{
    char name[GYRE_ADDRESS_TEXT];
    gyre_address peer = gyre_stream_peer(stream);
    if (peer.len == 0) peer = gyre_stream_local(stream); // the accepted end of a Unix socket
    gyre_address_text(&peer, name, sizeof name);
    if (!name[0] && stream->fd >= 0) snprintf(name, sizeof name, "descriptor %d", stream->fd);
    if (!name[0]) snprintf(name, sizeof name, "a closed stream");
    snprintf(text, size, "%s %s", doing, name);
}

char *gyre__stream_why(const gyre_stream *stream, const char *doing, int err)
{
    char text[GYRE_ADDRESS_TEXT + 32];
    gyre__stream_name(stream, doing, text, sizeof text);
    return gyre__format(stream->net->alloc, "%s: %s", text, gyre_strerror(err));
}

gyre_address gyre_stream_peer(const gyre_stream *stream)
{
    gyre_address address = {0};
    if (stream->peer.any.sa_family == AF_INET)
        address.len = sizeof stream->peer.v4;
    else if (stream->peer.any.sa_family == AF_INET6)
        address.len = sizeof stream->peer.v6;
    else
        return stream->fd >= 0 && stream->kind != GYRE__FILE ? gyre__socket_peer(stream->fd)
                                                             : address;
    memcpy(&address.storage, &stream->peer, address.len);
    return address;
}

gyre_address gyre_stream_local(const gyre_stream *stream)
{
    if (stream->fd >= 0 && stream->kind != GYRE__FILE) return gyre__socket_local(stream->fd);
    return (gyre_address){0};
}

gyre_loop *gyre_stream_loop(const gyre_stream *stream)
{
    return stream->net->loop;
}

static void keep_peer(gyre_stream *stream, const gyre_address *peer)
{
    if (peer && peer->len > 0 && peer->len <= sizeof stream->peer)
        memcpy(&stream->peer, &peer->storage, peer->len);
}

// ---- Events --------------------------------------------------------------------------------

static void tell_reader(gyre_stream *stream, int err)
{
    gyre__reader *reader = stream->reader;
    stream->reader = NULL;
    if (reader) reader->ready(reader, stream, err);
}

// Nobody waits for what an event announced. The first time, the reader may be on its way (its task
// is queued, or it is busy with what it read). Then the kernel is asked to be quiet, so that a peer
// that goes on sending does not wake the loop for each segment. At the end it is told apart whether
// bytes still wait before it.
static void nobody_reads(gyre_stream *stream)
{
    bool ignored = stream->ignored || !stream->was_read;
    stream->ignored = true;
    if (stream->events & GYRE__ENDED) {
        if (!stream->end) gyre__stream_look_for_end(stream);
    } else if (ignored) {
        gyre__stream_mute(stream);
    }
    gyre__stream_maybe_tell(stream);
}

void gyre__stream_go_on(gyre_stream *stream)
{
    stream->turn_calls = 0;
    stream->turn_bytes = 0;
    if (stream->bits & GYRE_WRITABLE) gyre__stream_flush(stream);
    if (stream->bits & GYRE_READABLE) tell_reader(stream, 0);
}

static void connect_ended(gyre_stream *stream)
{
    stream->connecting = false;
    tell_reader(stream, gyre__socket_error(stream->fd));
}

static void on_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop;
    gyre_stream *stream = GYRE_CONTAINER_OF(watch, gyre_stream, watch);
    stream->events = events;
    if (events & (GYRE_READABLE | GYRE__ENDED)) stream->bits |= GYRE_READABLE;
    if (events & (GYRE_WRITABLE | GYRE_HANGUP | GYRE__ERROR)) stream->bits |= GYRE_WRITABLE;
    if (stream->connecting) {
        if (events & (GYRE_WRITABLE | GYRE_HANGUP | GYRE__ERROR)) connect_ended(stream);
        return;
    }
    if (stream->bits & GYRE_WRITABLE) gyre__stream_flush(stream);
    if (stream->broken || !(events & (GYRE_READABLE | GYRE__ENDED))) return;
    if (stream->reader)
        tell_reader(stream, 0);
    else
        nobody_reads(stream);
}

int gyre__stream_attend(gyre_stream *stream, gyre__reader *reader)
{
    if (stream->reader) return GYRE_EBUSY;
    stream->reader = reader;
    return 0;
}

void gyre__stream_unattend(gyre_stream *stream, gyre__reader *reader)
{
    if (stream->reader == reader) stream->reader = NULL;
}

bool gyre__stream_idle(gyre_stream *stream, gyre__reader *reader)
{
    if (stream->broken || stream->reader || gyre__stream_peek(stream).len > 0) return false;
    if (gyre__stream_try_fill(stream) != -EAGAIN) return false;
    gyre__net_detach(stream->net, &stream->in);
    return gyre__stream_attend(stream, reader) == 0;
}

// ---- The end -------------------------------------------------------------------------------

// 0 after the peer's orderly end, and when it was simply closed here, by the loop's close too.
static int end_to_tell(const gyre_stream *stream)
{
    int err = stream->end ? stream->end : stream->broken;
    return err == GYRE_EEOF || err == GYRE_ECLOSED || err == GYRE_ECANCELED ? 0 : err;
}

static void tell(gyre_stream *stream)
{
    if (stream->told || !stream->on_close) return;
    stream->told = stream->telling = true;
    stream->close_err = end_to_tell(stream);
    gyre_soon(stream->net->loop, &stream->task);
}

void gyre__stream_maybe_tell(gyre_stream *stream)
{
    // A stream that was never read from is a sender's: it hears of the end although bytes wait.
    bool unread = !stream->was_read && stream->events & GYRE__ENDED;
    bool consumed = gyre__buf_len(&stream->in) == stream->handed && !stream->reader;
    if (stream->broken || ((stream->end || unread) && consumed)) tell(stream);
}

void gyre_stream_on_close(gyre_stream *stream, void (*fn)(void *arg, int err), void *arg)
{
    stream->on_close = fn;
    stream->on_close_arg = arg;
    if (!fn) stream->telling = false;
    if (!stream->dead) gyre__stream_maybe_tell(stream);
}

static void close_descriptor(gyre_stream *stream)
{
    gyre_watch_stop(&stream->watch);
    if (stream->unblocked) { // a terminal is shared with the shell that lent it
        int flags = fcntl(stream->fd, F_GETFL);
        if (flags >= 0) (void)fcntl(stream->fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    gyre__socket_close(stream->fd);
    stream->fd = -1;
}

void gyre__stream_finish(gyre_stream *stream, int err)
{
    if (stream->broken) return;
    stream->broken = err;
    close_descriptor(stream);
    if (gyre__node_is_linked(&stream->hot)) gyre__list_remove(&stream->hot);
    stream->bits = 0;
    gyre__stream_fail_output(stream, err);
    tell_reader(stream, err);
    gyre__stream_maybe_tell(stream);
}

static void free_stream(gyre_stream *stream)
{
    gyre__read_forget(stream);
    gyre_task_stop(&stream->task);
    gyre__net_detach(stream->net, &stream->in);
    gyre__net_detach(stream->net, &stream->out);
    gyre__net_remove(&stream->object);
    gyre__free(stream->net->alloc, stream);
}

static void run_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre_stream *stream = GYRE_CONTAINER_OF(task, gyre_stream, task);
    if (stream->telling) {
        stream->telling = false;
        stream->on_close(stream->on_close_arg, stream->close_err);
    }
    // on_close may have closed the stream just now, which queued the task anew.
    if (stream->dead && !gyre__node_is_linked(&task->link)) free_stream(stream);
}

void gyre_stream_close(gyre_stream *stream)
{
    if (!stream || stream->dead) return;
    gyre__stream_finish(stream, GYRE_ECLOSED);
    stream->dead = true;
    gyre_soon(stream->net->loop, &stream->task);
}

static void cancel_object(gyre__net_object *object)
{
    gyre__stream_finish(GYRE_CONTAINER_OF(object, gyre_stream, object), GYRE_ECANCELED);
}

static void destroy_object(gyre__net_object *object)
{
    gyre_stream *stream = GYRE_CONTAINER_OF(object, gyre_stream, object);
    gyre__stream_finish(stream, GYRE_ECANCELED);
    free_stream(stream);
}

static const gyre__net_class class_of_streams = {cancel_object, destroy_object};

// ---- Making --------------------------------------------------------------------------------

int gyre__stream_check_opts(const gyre_stream_opts *opts)
{
    if (!opts) return 0;
    return opts->read_buffer < 0 || opts->write_buffer < GYRE_NONE ? -EINVAL : 0;
}

static size_t limit_of(int64_t option, int64_t normal)
{
    if (option == GYRE_NONE) return 0;
    if (option == 0) option = normal;
    return (uint64_t)option > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)option;
}

int gyre__stream_adopt(gyre_stream **out, gyre_loop *loop, const gyre__origin *origin,
                       const gyre_stream_opts *opts)
{
    static const gyre_stream_opts defaults;
    gyre__net *net;
    int err = gyre__stream_check_opts(opts);
    if (!err) err = gyre__net_open(&net, loop);
    if (err) return err;
    if (!opts) opts = &defaults;
    gyre_stream *stream = gyre__alloc_zero(net->alloc, sizeof *stream);
    if (!stream) return -ENOMEM;
    stream->net = net;
    stream->fd = origin->fd;
    stream->kind = origin->kind;
    stream->bits = origin->bits;
    stream->connecting = origin->connecting;
    stream->task.fn = run_task;
    gyre__buf_init(&stream->in, net->alloc, limit_of(opts->read_buffer, 100 << 20));
    gyre__buf_init(&stream->out, net->alloc, limit_of(opts->write_buffer, GYRE__BLOCK));
    gyre__list_init(&stream->outputs);
    keep_peer(stream, origin->peer);

    // Both directions at once double the wake-ups of Unix sockets and pipes.
    unsigned want = GYRE__EDGE | GYRE_READABLE;
    if (origin->kind == GYRE__TCP || !(origin->bits & GYRE_WRITABLE)) want |= GYRE_WRITABLE;
    err = gyre_watch_start(loop, &stream->watch, stream->fd, want, on_event);
    if (err) {
        gyre__free(net->alloc, stream);
        return err;
    }
    gyre__net_add(net, &stream->object, &class_of_streams);
    *out = stream;
    return 0;
}

// What kind of descriptor it is; -EPROTOTYPE for a socket that is no stream.
static int kind_of(int fd, enum gyre__stream_kind *kind)
{
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    *kind = GYRE__FILE;
    if (!S_ISSOCK(status.st_mode)) return 0;
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) return -errno;
    if (type != SOCK_STREAM) return -EPROTOTYPE;
    struct sockaddr_storage local = {0};
    len = sizeof local;
    if (getsockname(fd, (struct sockaddr *)&local, &len) < 0) return -errno;
    bool tcp = local.ss_family == AF_INET || local.ss_family == AF_INET6;
    *kind = tcp ? GYRE__TCP : GYRE__UNIX;
    return 0;
}

int gyre_stream_open(gyre_stream **out, gyre_loop *loop, int fd, const gyre_stream_opts *opts)
{
    gyre__origin origin = {.fd = fd, .bits = GYRE_READABLE | GYRE_WRITABLE};
    int err = kind_of(fd, &origin.kind);
    if (err) return err;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    bool blocking = !(flags & O_NONBLOCK);
    gyre_stream *stream;
    err = gyre__stream_adopt(&stream, loop, &origin, opts);
    if (err) return err;
    stream->write_only = (flags & O_ACCMODE) == O_WRONLY;
    stream->unblocked = blocking && origin.kind == GYRE__FILE;
    if (blocking && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        err = -errno;
        gyre_watch_stop(&stream->watch); // the descriptor remains the caller's
        free_stream(stream);
        return err;
    }
    *out = stream;
    return 0;
}
