// A server with every allocation and every system call failing in turn, calls cut short and
// interrupted: whatever happens, the loop goes on, nothing leaks, and no answer is a wrong one.

// timeout 240

#include "test/http/server.h"
#include "test/support/faults.h"

static char big[40000];

static int say_big(gyre_request *request)
{
    return gyre_reply(request, 200, NULL, (gyre_view){big, sizeof big});
}

static int in_pieces(gyre_request *request)
{
    int err = gyre_reply_field(request, "X-One", GYRE_VIEW("1"));
    if (!err) err = gyre_reply_start(request, 200, "text/plain");
    if (!err) err = gyre_reply_write(request, GYRE_VIEW("pieces"));
    return err ? err : gyre_reply_end(request);
}

static const gyre_route routes[] = {GYRE_GET("/hello", say_hello),  GYRE_GET("/later", say_later),
                                    GYRE_POST("/echo", say_echo),   GYRE_GET("/big", say_big),
                                    GYRE_GET("/pieces", in_pieces), GYRE_ROUTES_END};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

// All of it on one connection, and a refusal at its end.
static const char input[] = GET("/hello") GET("/nowhere") GET("/later")
    GET("/big") "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n0\r\n\r\n"
                "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" GET(
                    "/pieces") "GET /hello HTTP/1.1\r\n\r\n";

enum { ANSWERS = 8 };

static void log_nothing(void *arg, gyre_log_level level, const char *where, const char *text)
{
    (void)arg;
    (void)level;
    (void)where;
    (void)text;
}

// Plays the client until the server closes, or says nothing for long. Never fails the test.
static void converse(world *w, int fd)
{
    gyre_view rest = {input, sizeof input - 1};
    bool open = true;
    hear_nothing_yet(w);
    for (int silent = 0; open && silent < 120; silent++) {
        if (rest.len > 0) {
            size_t len = rest.len < 60 ? rest.len : 60;
            ssize_t sent = real_send(fd, rest.ptr, len, MSG_NOSIGNAL);
            if (sent > 0) rest = (gyre_view){rest.ptr + sent, rest.len - (size_t)sent};
        }
        (void)gyre_loop_turn(w->loop, GYRE_MS(1));
        int step = listen_once(w, fd);
        if (step > 0) silent = 0;
        open = step != 0;
    }
}

static size_t answers_heard(const world *w)
{
    size_t count = 0;
    for (const char *at = w->text; (at = strstr(at, "HTTP/1.1 ")); at++) count++;
    return count;
}

// 0 when every answer came; -ENOMEM when the loop or the server could not be opened, or not all
// came.
static int exchange(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    world *w = &the_world;
    memset(big, 'b', sizeof big);
    gyre_loop_opts loop_opts = {.allocator = alloc, .log = log_nothing, .blocked = GYRE_NONE};
    gyre_server_opts opts = {.routes = routes};
    if (gyre_loop_open(&w->loop, &loop_opts)) return -ENOMEM;
    int err = gyre_server_open(&w->server, w->loop, &opts);
    if (!err) {
        gyre_address address = gyre_server_address(w->server);
        w->port = gyre_address_port(&address);
        int fd = dial(w);
        converse(w, fd);
        real_close(fd);
        err = gyre_run(gyre_server_close(w->server, GYRE_SECONDS(1)));
    }
    (void)gyre_loop_close(w->loop);
    if (err) return -ENOMEM;
    return answers_heard(w) == ANSWERS && strstr(w->text, " 400 ") ? 0 : -ENOMEM;
}

static int exchange_plainly(void *arg)
{
    struct memory memory;
    memory_open(&memory);
    int err = exchange(&memory.alloc, arg);
    memory_close(&memory);
    return err;
}

static void every_allocation_of_a_server_fails_in_turn(void **state)
{
    (void)state;
    clock_virtual_start();
    MEMORY_TORTURE(exchange, NULL);
}

static void every_system_call_of_a_server_fails_in_turn(void **state)
{
    (void)state;
    static const struct {
        enum fault_call call;
        int err;
    } faults[] = {
        {FAULT_RECV, ECONNRESET},     {FAULT_RECV, EAGAIN},          {FAULT_RECV, EINTR},
        {FAULT_SEND, EPIPE},          {FAULT_SEND, EAGAIN},          {FAULT_SEND, EINTR},
        {FAULT_SENDMSG, EPIPE},       {FAULT_SENDMSG, EAGAIN},       {FAULT_ACCEPT4, EMFILE},
        {FAULT_ACCEPT4, EINTR},       {FAULT_ACCEPT4, ECONNABORTED}, {FAULT_SHUTDOWN, ENOTCONN},
        {FAULT_EPOLL_CTL, ENOSPC},    {FAULT_EPOLL_CTL, ENOMEM},     {FAULT_EPOLL_WAIT, EINTR},
        {FAULT_EPOLL_PWAIT2, EINTR},  {FAULT_POLL, EINTR},           {FAULT_PPOLL, EINTR},
        {FAULT_MMAP, ENOMEM},         {FAULT_MADVISE, ENOMEM},       {FAULT_CLOSE, EINTR},
        {FAULT_SOCKET, EMFILE},       {FAULT_BIND, EADDRINUSE},      {FAULT_LISTEN, EADDRINUSE},
        {FAULT_GETSOCKNAME, ENOBUFS}, {FAULT_SETSOCKOPT, ENOBUFS},
    };
    clock_virtual_start();
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        fault_torture(faults[i].call, faults[i].err, exchange_plainly, NULL);
}

static void a_server_works_with_calls_cut_to_one_byte(void **state)
{
    (void)state;
    clock_virtual_start();
    fault_reset();
    fault_short_all(1);
    assert_int_equal(exchange_plainly(NULL), 0);
    assert_true(fault_hit() > 100);
    fault_reset();
}

static void a_server_works_with_calls_interrupted(void **state)
{
    (void)state;
    clock_virtual_start();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fault_reset();
        fault_eintr(0.5, seed);
        assert_int_equal(exchange_plainly(NULL), 0);
        assert_true(fault_hit() > 3);
    }
    fault_reset();
}

static void a_server_works_with_spurious_readiness(void **state)
{
    (void)state;
    clock_virtual_start();
    fault_reset();
    fault_every(FAULT_RECV, 2, EAGAIN);
    fault_every(FAULT_SEND, 2, EAGAIN);
    fault_every(FAULT_SENDMSG, 2, EAGAIN);
    assert_int_equal(exchange_plainly(NULL), 0);
    fault_reset();
}

TESTS(cmocka_unit_test(every_allocation_of_a_server_fails_in_turn),
      cmocka_unit_test(every_system_call_of_a_server_fails_in_turn),
      cmocka_unit_test(a_server_works_with_calls_cut_to_one_byte),
      cmocka_unit_test(a_server_works_with_calls_interrupted),
      cmocka_unit_test(a_server_works_with_spurious_readiness))
