// Streams: the system calls, and what their results say about the next one.
//
// Design notes. A direction is drained, and its bit cleared, when the kernel said EAGAIN. A short
// read says the same only on a TCP socket whose last event had no end, error or urgent byte: those
// are queued behind the bytes and send no edge of their own once they were reported. On every other
// kind of descriptor, and after such an event, reading goes on to EAGAIN or the end.
//
// A stream that moved 256 KiB or made 16 calls in a turn gives way until the next one, so that a
// fast peer does not keep the others waiting.

#include "net/impl.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// ---- Turns ---------------------------------------------------------------------------------

// The loop's time is read with each poll and so tells its turns apart; while the loop does not run,
// there are none.
static bool may_call(gyre_stream *stream)
{
    gyre_loop *loop = stream->net->loop;
    gyre_time now = gyre__loop_here() == loop ? gyre_now(loop) : stream->turn_time;
    if (stream->turn_time != now) {
        stream->turn_time = now;
        stream->turn_calls = 0;
        stream->turn_bytes = 0;
    }
    if (stream->turn_calls >= GYRE__TURN_CALLS || stream->turn_bytes >= GYRE__TURN_BYTES) {
        gyre__net_give_way(stream);
        return false;
    }
    stream->turn_calls++;
    return true;
}

// ---- What the kernel is asked for -----------------------------------------------------------

// An edge watch cannot be changed in place without missing the error; a new start reports at once
// what is ready, so nothing is lost in between.
static void ask_anew(gyre_stream *stream, unsigned want)
{
    gyre_watch_fn *fn = stream->watch.fn;
    gyre_watch_stop(&stream->watch);
    int err = gyre_watch_start(stream->net->loop, &stream->watch, stream->fd, want, fn);
    if (err) gyre__stream_finish(stream, err);
}

void gyre__stream_ask(gyre_stream *stream, unsigned want)
{
    want |= stream->watch.want;
    if (want != stream->watch.want) ask_anew(stream, want);
}

void gyre__stream_mute(gyre_stream *stream)
{
    unsigned want = GYRE__EDGE | (stream->bits & GYRE_WRITABLE ? 0 : GYRE_WRITABLE);
    if (stream->watch.want & GYRE_READABLE) ask_anew(stream, want);
}

// What comes next in this direction comes with an event, and so in another turn.
static void drained(gyre_stream *stream, unsigned bit)
{
    stream->bits &= ~bit;
    stream->turn_calls = 0;
    stream->turn_bytes = 0;
    gyre__watch_drained(&stream->watch, bit);
    gyre__stream_ask(stream, bit);
}

// ---- Reading -------------------------------------------------------------------------------

static ssize_t read_once(const gyre_stream *stream, void *data, size_t size, int flags)
{
    ssize_t count;
    do {
        count = stream->kind == GYRE__FILE ? read(stream->fd, data, size)
                                           : recv(stream->fd, data, size, flags);
    } while (count < 0 && errno == EINTR);
    return count;
}

// What reading came to. A terminal says EIO when its other side is closed. When a write took the
// connection's error away, reading only sees an end: the error stays what it was.
static void set_end(gyre_stream *stream, int err)
{
    if (err == -EIO && stream->kind == GYRE__FILE) err = GYRE_EEOF;
    bool lost = stream->write_err == -ECONNRESET || stream->write_err == -ETIMEDOUT;
    if (err == GYRE_EEOF && lost) err = stream->write_err;
    if (!stream->end) stream->end = err;
}

static int nothing_read(gyre_stream *stream, ssize_t count)
{
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        drained(stream, GYRE_READABLE);
        return stream->broken ? stream->broken : -EAGAIN;
    }
    set_end(stream, count == 0 ? GYRE_EEOF : -errno);
    return stream->end;
}

int gyre__stream_pull(gyre_stream *stream, void *data, size_t size, size_t *got)
{
    assert(size > 0);
    stream->was_read = true;
    stream->ignored = false;
    if (stream->broken) return stream->broken;
    if (stream->end) return stream->end;
    if (!(stream->bits & GYRE_READABLE) || !may_call(stream)) return -EAGAIN;
    size_t room = GYRE__TURN_BYTES - stream->turn_bytes;
    if (size > room) size = room;
    ssize_t count = read_once(stream, data, size, 0);
    if (count <= 0) return nothing_read(stream, count);
    *got = (size_t)count;
    stream->turn_bytes += *got;
    const unsigned odd = GYRE__ENDED | GYRE__URGENT;
    if (*got < size && stream->kind == GYRE__TCP && !(stream->events & odd))
        drained(stream, GYRE_READABLE);
    return 0;
}

// Bytes that wait in a pipe or terminal, where there is no peeking.
static bool bytes_wait(const gyre_stream *stream)
{
    int waiting = 0;
    return ioctl(stream->fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

void gyre__stream_look_for_end(gyre_stream *stream)
{
    char byte;
    if (stream->write_only) {
        set_end(stream, -EPIPE);
    } else if (stream->kind != GYRE__FILE) {
        ssize_t count = read_once(stream, &byte, 1, MSG_PEEK);
        if (count <= 0) nothing_read(stream, count);
    } else if (!bytes_wait(stream)) {
        bool was_read = stream->was_read;
        (void)gyre__stream_try_fill(stream);
        stream->was_read = was_read;
    }
}

// ---- Writing -------------------------------------------------------------------------------

// Writing to a pipe whose reader is gone raises SIGPIPE, which no flag prevents: it is held back
// and taken away, unless one was waiting already that is not ours.
static ssize_t write_file(int fd, const struct iovec *iov, int count)
{
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigemptyset(&pending);
    (void)sigpending(&pending);
    bool foreign = sigismember(&pending, SIGPIPE) == 1;
    if (!foreign && pthread_sigmask(SIG_BLOCK, &pipe_signal, &before) != 0) foreign = true;
    ssize_t result = writev(fd, iov, count);
    if (foreign) return result;
    int saved = errno;
    const struct timespec at_once = {0, 0};
    if (result < 0 && saved == EPIPE)
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR) continue;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return result;
}

static ssize_t write_once(const gyre_stream *stream, struct iovec *iov, int count)
{
    if (stream->kind == GYRE__FILE) return write_file(stream->fd, iov, count);
    if (count == 1) return send(stream->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    return sendmsg(stream->fd, &message, MSG_NOSIGNAL);
}

ssize_t gyre__stream_push(gyre_stream *stream, const gyre_view *pieces, size_t count)
{
    struct iovec iov[GYRE__PIECES + 1];
    assert(count > 0 && count <= GYRE__PIECES + 1);
    if (!(stream->bits & GYRE_WRITABLE) || !may_call(stream)) return -EAGAIN;
    size_t room = GYRE__TURN_BYTES - stream->turn_bytes, used = 0;
    for (; used < count && room > 0; used++) {
        size_t len = pieces[used].len < room ? pieces[used].len : room;
        iov[used] = (struct iovec){.iov_base = (void *)(uintptr_t)pieces[used].ptr, .iov_len = len};
        room -= len;
    }
    ssize_t sent;
    do {
        sent = write_once(stream, iov, (int)used);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        stream->turn_bytes += (size_t)sent;
        return sent;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -errno;
    drained(stream, GYRE_WRITABLE);
    return stream->broken ? stream->broken : -EAGAIN;
}
