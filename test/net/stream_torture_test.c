// An echo over every kind of failure: each allocation and each system call failing in turn.
#include "test/net/wire.h"

#include "coro/coro.h"
#include "test/support/memory.h"

struct echo {
    gyre_loop *loop;
    gyre_listener *listener;
    int served;
};

// Answers lines until the client ends, each with the system's own error.
static int serve(gyre_coro *self, void *arg)
{
    struct echo *e = arg;
    gyre_stream *s = NULL;
    gyre_view line;
    (void)self;
    int err = gyre_await(gyre_accept(e->listener), &s);
    if (err) return err;
    while ((err = gyre_await(gyre_read_until(s, GYRE_VIEW("\n"), 4096), &line)) == 0) {
        const gyre_view answer[] = {GYRE_VIEW("> "), line};
        err = gyre_await(gyre_writev(s, answer, 2));
        if (err) break;
        e->served++;
    }
    if (err == GYRE_EEOF) err = gyre_await(gyre_stream_shutdown(s));
    gyre_stream_close(s);
    return err;
}

static int start_client(struct echo *e, gyre_stream **out)
{
    gyre_address to = gyre_listener_address(e->listener);
    int fd = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(real_connect(fd, (struct sockaddr *)&to.storage, to.len), 0);
    int err = gyre_stream_open(out, e->loop, fd, NULL);
    if (err) real_close(fd);
    return err;
}

static int converse(gyre_stream *s)
{
    gyre_view view;
    char into[5];
    int err = gyre_run(gyre_write(s, GYRE_VIEW("one\ntwo\n")));
    if (!err) err = gyre_run(gyre_read_until(s, GYRE_VIEW("\n"), 100), &view);
    if (err) return err;
    assert_view(view, "> one\n");
    err = gyre_run(gyre_read_into(s, into, 5));
    if (err) return err;
    assert_memory_equal(into, "> two", 5);
    err = gyre_run(gyre_stream_shutdown(s));
    if (!err) err = gyre_run(gyre_read_until_close(s, 100), &view);
    if (!err) assert_view(view, "\n");
    return err;
}

static int with_loop(struct echo *e)
{
    gyre_stream *client = NULL;
    int err = gyre_listen(&e->listener, e->loop, "127.0.0.1:0", NULL);
    if (err) return err;
    gyre_void_future server = gyre_spawn(gyre_void, e->loop, serve, e);
    err = start_client(e, &client);
    // A server that never came to its feet would leave the client waiting.
    if (!err && gyre_future_state(server) != GYRE_FAILED) {
        err = gyre_run(gyre_with_timeout(gyre_sleep(e->loop, 0), GYRE_SECONDS(5)));
        if (!err) err = converse(client);
    }
    gyre_stream_close(client);
    gyre_listener_close(e->listener);
    int server_err = gyre_run(server);
    return err ? err : server_err;
}

static void no_log(void *arg, gyre_log_level level, const char *where, const char *text)
{
    (void)arg;
    (void)level;
    (void)where;
    (void)text;
}

static int echo(const gyre_allocator *alloc, void *arg)
{
    struct echo e = {0};
    (void)arg;
    const gyre_loop_opts opts = {.allocator = alloc, .log = no_log, .close_grace = GYRE_MS(100)};
    int err = gyre_loop_open(&e.loop, &opts);
    if (err) return err;
    err = with_loop(&e);
    gyre_loop_close(e.loop);
    return err;
}

// When the server has no memory it closes, which the client sees as an end.
static int echo_without_memory(const gyre_allocator *alloc, void *arg)
{
    int err = echo(alloc, arg);
    bool told_by_peer = err == GYRE_EEOF || err == -ECONNRESET || err == -EPIPE;
    return told_by_peer || err == GYRE_ECLOSED ? -ENOMEM : err;
}

static void every_allocation_fails_in_turn(void **state)
{
    (void)state;
    MEMORY_TORTURE(echo_without_memory, NULL);
}

static int echo_of_libc(void *arg)
{
    return echo(NULL, arg);
}

static void every_system_call_fails_in_turn(void **state)
{
    (void)state;
    static const struct {
        enum fault_call call;
        int err;
    } faults[] = {
        {FAULT_SOCKET, EMFILE},     {FAULT_BIND, EACCES},        {FAULT_LISTEN, EADDRINUSE},
        {FAULT_SETSOCKOPT, ENOMEM}, {FAULT_GETSOCKOPT, ENOBUFS}, {FAULT_GETSOCKNAME, ENOBUFS},
        {FAULT_FCNTL, EPERM},       {FAULT_ACCEPT4, EMFILE},     {FAULT_ACCEPT4, ECONNABORTED},
        {FAULT_RECV, ECONNRESET},   {FAULT_RECV, EAGAIN},        {FAULT_RECV, EINTR},
        {FAULT_SEND, EPIPE},        {FAULT_SEND, ENOBUFS},       {FAULT_SENDMSG, EAGAIN},
        {FAULT_SENDMSG, EPIPE},     {FAULT_SENDMSG, EINTR},      {FAULT_SHUTDOWN, ENOTCONN},
        {FAULT_EPOLL_CTL, ENOMEM},  {FAULT_EPOLL_CTL, ENOSPC},   {FAULT_EPOLL_CREATE1, EMFILE},
        {FAULT_EVENTFD, EMFILE},    {FAULT_PIPE2, ENFILE},       {FAULT_CLOSE, EINTR},
        {FAULT_CLOSE, EIO},         {FAULT_EPOLL_WAIT, EINTR},   {FAULT_EPOLL_PWAIT2, EINTR},
        {FAULT_PPOLL, EINTR},       {FAULT_MMAP, ENOMEM},        {FAULT_MADVISE, EINVAL},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        fault_torture(faults[i].call, faults[i].err, echo_of_libc, NULL);
}

static void an_echo_survives_interrupted_and_shuffled_calls(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        fault_reset();
        fault_eintr(0.5, seed);
        fault_shuffle(seed);
        fault_short_all(seed % 4);
        assert_int_equal(echo(NULL, NULL), 0);
        fault_reset();
    }
}

TESTS(cmocka_unit_test(every_allocation_fails_in_turn),
      cmocka_unit_test(every_system_call_fails_in_turn),
      cmocka_unit_test(an_echo_survives_interrupted_and_shuffled_calls))
