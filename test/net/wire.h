// One stream on a loop, and the other end of its connection as a plain blocking descriptor.
//
// The other end uses the real system calls: nothing that faults.h does reaches it.
#ifndef TEST_NET_WIRE_H
#define TEST_NET_WIRE_H

#include "net/net_int.h"
#include "test/support/faults.h"
#include "test/support/real.h"
#include "test/support/sockets.h"
#include "test/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

enum wire_kind { WIRE_TCP, WIRE_UNIX, WIRE_PIPE, WIRE_PTY, WIRE_KINDS };

static const char *const wire_names[WIRE_KINDS] UNUSED = {"tcp", "unix", "pipe", "pty"};

struct wire {
    gyre_loop *loop;
    gyre_stream *stream; // NULL once closed
    int fd;              // of the stream
    int peer;            // -1 once closed
};

// A terminal whose two sides pass bytes on as they are; fds[0] is the master.
static inline void wire_pty(int fds[2])
{
    fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(fds[0] >= 0);
    assert_int_equal(grantpt(fds[0]), 0);
    assert_int_equal(unlockpt(fds[0]), 0);
    fds[1] = real_open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(fds[1] >= 0);
    struct termios raw;
    assert_int_equal(tcgetattr(fds[1], &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(fds[1], TCSANOW, &raw), 0);
}

static inline void wire_pair(enum wire_kind kind, int fds[2])
{
    switch (kind) {
    case WIRE_TCP: socket_pair_tcp(fds); return;
    case WIRE_UNIX:
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        return;
    case WIRE_PIPE: assert_int_equal(real_pipe2(fds, O_CLOEXEC), 0); return;
    default: wire_pty(fds); return;
    }
}

// A loop with a stream; `opts` NULL: defaults.
static inline void wire_open_with(struct wire *w, enum wire_kind kind, const gyre_stream_opts *opts)
{
    int fds[2];
    wire_pair(kind, fds);
    w->fd = fds[0];
    w->peer = fds[1];
    assert_int_equal(gyre_loop_open(&w->loop, NULL), 0);
    assert_int_equal(gyre_stream_open(&w->stream, w->loop, w->fd, opts), 0);
}

static inline void wire_open(struct wire *w, enum wire_kind kind)
{
    wire_open_with(w, kind, NULL);
}

static inline void wire_hang_up(struct wire *w)
{
    if (w->peer >= 0) real_close(w->peer);
    w->peer = -1;
}

static inline void wire_close(struct wire *w)
{
    gyre_stream_close(w->stream);
    w->stream = NULL;
    assert_int_equal(gyre_loop_close(w->loop), 0);
    wire_hang_up(w);
}

static inline void wire_send(struct wire *w, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = real_write(w->peer, bytes, len);
        assert_true(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
}

static inline void wire_say(struct wire *w, const char *text)
{
    wire_send(w, text, strlen(text));
}

// Turns the loop until nothing more happens.
static inline void wire_settle(struct wire *w)
{
    for (int i = 0; i < 8; i++) assert_int_equal(gyre_loop_turn(w->loop, 0), 0);
}

// Reads exactly `len` bytes at the peer, 5 s at most.
static inline void wire_receive(struct wire *w, char *to, size_t len)
{
    while (len > 0) {
        struct pollfd p = {.fd = w->peer, .events = POLLIN};
        assert_int_equal(real_poll(&p, 1, 5000), 1);
        ssize_t n = real_read(w->peer, to, len);
        assert_true(n > 0);
        to += n;
        len -= (size_t)n;
    }
}

static inline void wire_expect(struct wire *w, const char *text)
{
    char got[256] = "";
    assert_true(strlen(text) < sizeof got);
    wire_receive(w, got, strlen(text));
    assert_string_equal(got, text);
}

#define assert_view(view, text) \
    do { \
        assert_int_equal((view).len, strlen(text)); \
        assert_memory_equal((view).ptr, text, (view).len); \
    } while (0)

// Runs a read and compares what it gives.
#define EXPECT_READ(read, text) \
    do { \
        gyre_view view_ = {NULL, 0}; \
        assert_int_equal(gyre_run(read, &view_), 0); \
        assert_view(view_, text); \
    } while (0)

#define EXPECT_ERROR(future, err) assert_int_equal(gyre_run(future), err)

static inline char wire_byte(size_t i)
{
    return (char)(i * 7 + (i >> 8) * 3 + 1);
}

// Bytes of a pattern in memory of its own.
static inline char *wire_pattern(size_t len)
{
    char *bytes = malloc(len ? len : 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) bytes[i] = wire_byte(i);
    return bytes;
}

#endif
