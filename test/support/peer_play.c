// The steps of a peer, on its thread. A step that cannot complete writes `failure` and ends the
// script; cmocka's checks would jump out of the thread, so none is used here.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/peer_int.h"

static const char *const action_names[] = {"END",           "ACCEPT",       "USE",        "EXPECT",
                                           "EXPECT_UNTIL",  "EXPECT_BYTES", "EXPECT_EOF", "SEND",
                                           "SEND_BYTEWISE", "SEND_OOB",     "SEND_FILL",  "PAUSE",
                                           "SHUTDOWN",      "CLOSE",        "RESET",      "STALL"};

char peer_fill(size_t i)
{
    return (char)(i * 131 + (i >> 8) * 7 + (i >> 16));
}

// Writes text as C would, the beginning of long ones only.
static void quote(char out[static 200], const char *bytes, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < len && at < 180; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= ' ' && byte < 127)
            out[at++] = (char)byte;
        else
            at += (size_t)snprintf(out + at, 200 - at, "\\x%02x", byte);
    }
    out[at] = '\0';
}

static void note_failure(peer *p, const peer_step *step, const char *why)
{
    char text[200], rest[200] = "";
    quote(text, step->bytes.ptr, step->bytes.len);
    if (p->count) {
        const struct peer_connection *connection = &p->connections[p->current];
        quote(rest, connection->received + connection->used, connection->len - connection->used);
    }
    snprintf(p->failure, sizeof p->failure,
             "step %td (%s \"%.100s\" %zu, line %d): %s; received and not expected: \"%.150s\"",
             step - p->script, action_names[step->action], text, step->number, step->line, why,
             rest);
}

// Waits for `events` on `fd` until the deadline.
static bool ready(const peer *p, int fd, short events)
{
    for (;;) {
        struct timespec now;
        real_clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = p->deadline - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
        if (left <= 0) return false;
        struct pollfd wait = {.fd = fd, .events = events};
        int result = real_poll(&wait, 1, (int)(left / 1000000) + 1);
        if (result > 0) return true;
        if (result < 0 && errno != EINTR) return false;
    }
}

static void grow(struct peer_connection *connection, size_t cap)
{
    connection->received = realloc(connection->received, cap);
    if (!connection->received) abort();
    connection->cap = cap;
}

void peer_connection_open(struct peer_connection *connection, int fd)
{
    *connection = (struct peer_connection){.fd = fd};
    grow(connection, 4096);
}

int peer_take(struct peer_connection *connection)
{
    if (connection->fd < 0) return 0;
    if (connection->len == connection->cap) grow(connection, connection->cap * 2);
    ssize_t got = real_recv(connection->fd, connection->received + connection->len,
                            connection->cap - connection->len, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    connection->len += (size_t)got;
    return got > 0;
}

// Reads until more than `have` bytes are there that no step has taken.
static const char *read_beyond(const peer *p, struct peer_connection *connection, size_t have)
{
    while (connection->len - connection->used <= have) {
        if (connection->fd < 0) return "connection is closed";
        if (!ready(p, connection->fd, POLLIN)) return "timed out";
        if (!peer_take(connection)) return "end of stream";
    }
    return NULL;
}

static const char *expect(const peer *p, struct peer_connection *connection, const peer_step *step)
{
    gyre_view want = step->bytes;
    size_t len = want.ptr ? want.len : step->number;
    for (size_t i = 0; i < len; i++) {
        const char *why = read_beyond(p, connection, i);
        if (why) return why;
        if (want.ptr && connection->received[connection->used + i] != want.ptr[i])
            return "other bytes came";
    }
    connection->used += len;
    return NULL;
}

static const char *expect_until(const peer *p, struct peer_connection *connection,
                                gyre_view delimiter)
{
    for (size_t have = 0;; have = connection->len - connection->used) {
        const char *start = connection->received + connection->used;
        const char *found = have ? memmem(start, have, delimiter.ptr, delimiter.len) : NULL;
        if (found) {
            connection->used += (size_t)(found - start) + delimiter.len;
            return NULL;
        }
        const char *why = read_beyond(p, connection, have);
        if (why) return why;
    }
}

static const char *expect_eof(const peer *p, struct peer_connection *connection)
{
    const char *why = read_beyond(p, connection, 0);
    if (!why) return "bytes came instead of the end";
    return strcmp(why, "end of stream") ? why : NULL;
}

static const char *send_all(const peer *p, int fd, gyre_view bytes, int flags)
{
    if (fd < 0) return "connection is closed";
    while (bytes.len) {
        if (!ready(p, fd, POLLOUT)) return "timed out";
        ssize_t sent = real_send(fd, bytes.ptr, bytes.len, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) continue;
        if (sent < 0) return strerrorname_np(errno);
        bytes.ptr += sent;
        bytes.len -= (size_t)sent;
    }
    return NULL;
}

static const char *send_bytewise(const peer *p, int fd, gyre_view bytes)
{
    const char *why = NULL;
    for (size_t i = 0; i < bytes.len && !why; i++)
        why = send_all(p, fd, (gyre_view){bytes.ptr + i, 1}, 0);
    return why;
}

static const char *send_fill(const peer *p, int fd, size_t len)
{
    const char *why = NULL;
    char block[4096];
    for (size_t sent = 0; sent < len && !why;) {
        size_t part = len - sent < sizeof block ? len - sent : sizeof block;
        for (size_t i = 0; i < part; i++) block[i] = peer_fill(sent + i);
        why = send_all(p, fd, (gyre_view){block, part}, 0);
        sent += part;
    }
    return why;
}

static const char *accept_next(peer *p)
{
    if (p->count == PEER_CONNECTIONS) return "too many connections";
    if (!ready(p, p->listener, POLLIN)) return "timed out";
    int fd = real_accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return strerrorname_np(errno);
    if (p->kind != PEER_UNIX) real_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    p->current = p->count++;
    peer_connection_open(&p->connections[p->current], fd);
    return NULL;
}

static const char *close_connection(struct peer_connection *connection, bool reset)
{
    if (connection->fd < 0) return "connection is closed";
    struct linger linger = {.l_onoff = reset, .l_linger = 0};
    if (reset) real_setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    real_close(connection->fd);
    connection->fd = -1;
    return NULL;
}

static const char *stall(const peer *p)
{
    uint64_t one;
    if (!ready(p, p->released, POLLIN)) return "was never released";
    return real_read(p->released, &one, sizeof one) == sizeof one ? NULL : "cannot be released";
}

static const char *on_connection(const peer *p, struct peer_connection *connection,
                                 const peer_step *step)
{
    switch (step->action) {
    case PEER_DO_EXPECT:
    case PEER_DO_EXPECT_BYTES: return expect(p, connection, step);
    case PEER_DO_EXPECT_UNTIL: return expect_until(p, connection, step->bytes);
    case PEER_DO_EXPECT_EOF: return expect_eof(p, connection);
    case PEER_DO_SEND: return send_all(p, connection->fd, step->bytes, 0);
    case PEER_DO_SEND_BYTEWISE: return send_bytewise(p, connection->fd, step->bytes);
    case PEER_DO_SEND_OOB: return send_all(p, connection->fd, step->bytes, MSG_OOB);
    case PEER_DO_SEND_FILL: return send_fill(p, connection->fd, step->number);
    case PEER_DO_SHUTDOWN:
        return real_shutdown(connection->fd, SHUT_WR) ? strerrorname_np(errno) : NULL;
    case PEER_DO_CLOSE: return close_connection(connection, false);
    case PEER_DO_RESET: return close_connection(connection, true);
    default: return "unknown step";
    }
}

static const char *play_step(peer *p, const peer_step *step)
{
    switch (step->action) {
    case PEER_DO_ACCEPT: return accept_next(p);
    case PEER_DO_STALL: return stall(p);
    case PEER_DO_PAUSE: usleep((useconds_t)step->number * 1000); return NULL;
    case PEER_DO_USE:
        if (step->number >= p->count) return "no such connection";
        p->current = step->number;
        return NULL;
    default:
        if (!p->count) return "no connection was accepted";
        return on_connection(p, &p->connections[p->current], step);
    }
}

void peer_play(peer *p)
{
    for (const peer_step *step = p->script; step->action != PEER_DO_END; step++) {
        const char *why = play_step(p, step);
        if (why) {
            note_failure(p, step, why);
            return;
        }
    }
}
