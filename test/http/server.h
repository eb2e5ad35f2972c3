// A server with its clients on raw sockets, all on one thread: the test writes, turns the loop,
// reads.
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include "base/error.h"
#include "coro/coro.h"
#include "http/http.h"
#include "test/support/clock.h"
#include "test/support/memory.h"
#include "test/support/real.h"
#include "test/support/sockets.h"
#include "test/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEARD_MAX = 1 << 20, TURNS_MAX = 200000 };

typedef struct world {
    struct memory memory;
    gyre_loop *loop;
    gyre_server *server; // NULL once a test has closed it
    uint16_t port;
    int log_lines;         // of level warn and worse
    bool was_reset;        // the last connection that ended did so with a reset
    size_t heard;          // bytes in `text`
    char text[HEARD_MAX];  // what the last hear_… received
    char plain[HEARD_MAX]; // the same without Date lines
} world;

static world the_world;

static inline void count_log(void *arg, gyre_log_level level, const char *where, const char *text)
{
    world *w = arg;
    (void)where;
    (void)text;
    if (level <= GYRE_LOG_WARN) w->log_lines++;
}

// ---- Handlers that several tests use ----------------------------------------------------------

static inline int say_hello(gyre_request *request)
{
    return gyre_reply(request, 200, "text/plain", GYRE_VIEW("hello\n"));
}

static inline int say_echo(gyre_request *request)
{
    gyre_view body;
    int err = gyre_await(gyre_body(request, 0), &body);
    return err ? err : gyre_reply(request, 200, NULL, body);
}

static inline int say_path(gyre_request *request)
{
    return gyre_reply(request, 200, NULL, gyre_request_path(request));
}

static inline int say_later(gyre_request *request)
{
    int err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_MS(30)));
    return err ? err : gyre_reply(request, 200, NULL, GYRE_VIEW("late\n"));
}

static const gyre_route usual_routes[] __attribute__((unused)) = {GYRE_GET("/hello", say_hello),
                                                                  GYRE_POST("/echo", say_echo),
                                                                  GYRE_GET("/a", say_path),
                                                                  GYRE_GET("/b", say_path),
                                                                  GYRE_GET("/later", say_later),
                                                                  GYRE_ANY("/any", say_path),
                                                                  GYRE_ROUTES_END};

// ---- Texts that are put together --------------------------------------------------------------

typedef struct long_text {
    char bytes[64 * 1024];
    size_t len;
} long_text;

static inline void add(long_text *to, const char *piece)
{
    size_t len = strlen(piece);
    assert_true(len < sizeof to->bytes - to->len);
    memcpy(to->bytes + to->len, piece, len + 1);
    to->len += len;
}

static inline void add_many(long_text *to, const char *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) add(to, piece);
}

// ---- The world -----------------------------------------------------------------------------

static inline world *world_open_with(gyre_server_opts opts)
{
    world *w = &the_world;
    memory_open(&w->memory);
    w->log_lines = 0;
    gyre_loop_opts loop_opts = {
        .allocator = &w->memory.alloc, .log = count_log, .log_arg = w, .blocked = GYRE_NONE};
    assert_int_equal(gyre_loop_open(&w->loop, &loop_opts), 0);
    if (!opts.routes) opts.routes = usual_routes;
    assert_int_equal(gyre_server_open(&w->server, w->loop, &opts), 0);
    gyre_address address = gyre_server_address(w->server);
    w->port = gyre_address_port(&address);
    return w;
}

static inline world *world_open(void)
{
    return world_open_with((gyre_server_opts){0});
}

// Closes everything; nothing may be left.
static inline void world_close(world *w)
{
    assert_int_equal(gyre_loop_close(w->loop), 0);
    memory_close(&w->memory);
}

static inline void turn(world *w)
{
    assert_int_equal(gyre_loop_turn(w->loop, GYRE_MS(1)), 0);
}

static inline void turns(world *w, int count)
{
    for (int i = 0; i < count; i++) turn(w);
}

// ---- Clients -------------------------------------------------------------------------------

// A connection to the server, non-blocking; the loop need not turn for it.
static inline int dial(const world *w)
{
    int fd = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(real_connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(real_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    assert_int_equal(real_fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

// Sends bytes, turning the loop while they do not fit. False when the server has closed.
static inline bool say_bytes(world *w, int fd, gyre_view bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = real_send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) turn(w);
        if (sent > 0) bytes = (gyre_view){bytes.ptr + sent, bytes.len - (size_t)sent};
    }
    return true;
}

static inline void say(world *w, int fd, const char *text)
{
    assert_true(say_bytes(w, fd, gyre_view_of(text)));
}

// One byte after the other, the server looking at each. Stops when it closes.
static inline void say_bytewise(world *w, int fd, gyre_view bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!say_bytes(w, fd, (gyre_view){bytes.ptr + i, 1})) return;
        turn(w);
    }
}

// Receives what is there. 1: something, 0: the end (or a reset), -1: nothing yet.
static inline int listen_once(world *w, int fd)
{
    ssize_t got = real_recv(fd, w->text + w->heard, sizeof w->text - w->heard - 1, 0);
    if (got < 0 && errno == EAGAIN) return -1;
    w->was_reset = got < 0;
    if (got <= 0) return 0;
    w->heard += (size_t)got;
    w->text[w->heard] = '\0';
    return 1;
}

static inline const char *without_dates(world *w)
{
    size_t len = 0;
    for (const char *at = w->text; *at;) {
        const char *end = strchr(at, '\n');
        size_t line = end ? (size_t)(end - at) + 1 : strlen(at);
        bool date = line == 37 && strncmp(at, "Date: ", 6) == 0;
        if (!date) memcpy(w->plain + len, at, line);
        if (!date) len += line;
        at += line;
    }
    w->plain[len] = '\0';
    return w->plain;
}

static inline void hear_nothing_yet(world *w)
{
    w->heard = 0;
    w->text[0] = '\0';
}

// What comes until the server closes, without Date lines.
static inline const char *hear_all(world *w, int fd)
{
    hear_nothing_yet(w);
    for (int i = 0; i < TURNS_MAX; i++) {
        int step = listen_once(w, fd);
        if (step == 0) return without_dates(w);
        if (step < 0) turn(w);
    }
    fail_msg("the server did not close; it said: %.200s", w->text);
    return NULL;
}

// What comes until the last of it is `end`.
static inline const char *hear_until(world *w, int fd, const char *end)
{
    size_t len = strlen(end);
    hear_nothing_yet(w);
    for (int i = 0; i < TURNS_MAX; i++) {
        int step = listen_once(w, fd);
        if (step == 0) fail_msg("the server closed; it said: %.200s", w->text);
        if (step < 0) turn(w);
        if (w->heard >= len && memcmp(w->text + w->heard - len, end, len) == 0)
            return without_dates(w);
    }
    fail_msg("the server did not say %s; it said: %.200s", end, w->text);
    return NULL;
}

// Nothing comes, and the connection stays open, for some turns.
static inline void hear_silence(world *w, int fd)
{
    hear_nothing_yet(w);
    for (int i = 0; i < 20; i++) {
        int step = listen_once(w, fd);
        if (step >= 0) fail_msg("the server %s: %.200s", step ? "spoke" : "closed", w->text);
        turn(w);
    }
}

static inline void hang_up(world *w, int fd)
{
    real_close(fd);
    turns(w, 3);
}

// A connection of its own for one exchange: says it, ends its side, hears everything.
static inline const char *ask(world *w, const char *text)
{
    int fd = dial(w);
    (void)say_bytes(w, fd, gyre_view_of(text));
    real_shutdown(fd, SHUT_WR);
    const char *answer = hear_all(w, fd);
    hang_up(w, fd);
    return answer;
}

#define HELLO       "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define HELLO_CLOSE "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"
#define ANSWER_CLOSE \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: " \
    "close\r\n\r\n" \
    "hello\n"

#endif
