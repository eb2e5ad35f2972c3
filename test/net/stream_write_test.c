// Writing: order, back-pressure, cancel, the end of the sending direction, broken connections.
#include "test/net/wire.h"

#include <signal.h>
#include <sys/ioctl.h>

enum { MUCH = 4 << 20 }; // more than any kernel buffer of these tests takes

static gyre_view view_of(const char *bytes, size_t len)
{
    return (gyre_view){bytes, len};
}

// Keeps what the kernel takes small, so that back-pressure is near.
static void open_small(struct wire *w, enum wire_kind kind, const gyre_stream_opts *opts)
{
    int fds[2], small = 4096;
    wire_pair(kind, fds);
    real_setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    int end = kind == WIRE_PIPE; // a stream that writes has the other end of a pipe
    w->fd = fds[end];
    w->peer = fds[!end];
    assert_int_equal(gyre_loop_open(&w->loop, NULL), 0);
    assert_int_equal(gyre_stream_open(&w->stream, w->loop, w->fd, opts), 0);
}

// Reads and checks `len` bytes of the pattern at the peer while the loop turns.
static void drain(struct wire *w, const char *bytes, size_t len)
{
    char part[65536];
    size_t got = 0;
    real_fcntl(w->peer, F_SETFL, O_NONBLOCK);
    while (got < len) {
        ssize_t n = real_read(w->peer, part, sizeof part);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_int_equal(gyre_loop_turn(w->loop, GYRE_MS(20)), 0);
            continue;
        }
        assert_true(n > 0 && got + (size_t)n <= len);
        assert_memory_equal(part, bytes + got, (size_t)n);
        got += (size_t)n;
    }
}

static void a_write_is_done_at_once_and_in_order(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_void_future first = gyre_write(w.stream, GYRE_VIEW("one "));
    assert_int_equal(gyre_future_state(first), GYRE_DONE);
    const gyre_view pieces[] = {GYRE_VIEW("two "), GYRE_VIEW(""), GYRE_VIEW("three "),
                                GYRE_VIEW("")};
    EXPECT_ERROR(gyre_writev(w.stream, pieces, 4), 0);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("")), 0);
    EXPECT_ERROR(gyre_writev(w.stream, NULL, 0), 0);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("four")), 0);
    EXPECT_ERROR(first, 0);
    wire_expect(&w, "one two three four");
    gyre_view many[65] = {{NULL, 0}};
    EXPECT_ERROR(gyre_writev(w.stream, many, 65), -EINVAL);
    wire_close(&w);
}

static void a_peer_that_never_reads_makes_writes_wait(void **state)
{
    (void)state;
    static const enum wire_kind kinds[] = {WIRE_TCP, WIRE_UNIX, WIRE_PIPE};
    for (int i = 0; i < 3; i++) {
        struct wire w;
        char *bytes = wire_pattern(MUCH);
        open_small(&w, kinds[i], NULL);
        size_t at = 0, accepted = 0;
        gyre_void_future f;
        for (;;) { // 1,000 bytes at a time, until one waits
            f = gyre_write(w.stream, view_of(bytes + at, 1000));
            at += 1000;
            if (gyre_future_state(f) == GYRE_PENDING) wire_settle(&w);
            if (gyre_future_state(f) == GYRE_PENDING) break;
            EXPECT_ERROR(f, 0);
            accepted = at;
            assert_true(at < MUCH - 1000);
        }
        assert_true(gyre__stream_has_output(w.stream));
        gyre_void_future next = gyre_write(w.stream, view_of(bytes + at, 5));
        assert_int_equal(gyre_future_state(next), GYRE_PENDING); // order: no small one overtakes
        assert_true(accepted > 0);
        drain(&w, bytes, at + 5);
        EXPECT_ERROR(f, 0);
        EXPECT_ERROR(next, 0);
        assert_false(gyre__stream_has_output(w.stream));
        free(bytes);
        wire_close(&w);
    }
}

static void what_was_copied_may_be_changed(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH), own[1000];
    open_small(&w, WIRE_UNIX, NULL);
    size_t at = 0;
    for (;;) {
        memcpy(own, bytes + at, sizeof own);
        gyre_void_future f = gyre_write(w.stream, view_of(own, sizeof own));
        if (gyre_future_state(f) == GYRE_PENDING) {
            assert_true(gyre_cancel(f));
            gyre_release(f);
            break;
        }
        EXPECT_ERROR(f, 0);
        memset(own, 0, sizeof own);
        at += sizeof own;
    }
    drain(&w, bytes, at);
    wire_close(&w);
    free(bytes);
}

static void one_big_write_arrives_whole(void **state)
{
    (void)state;
    for (int high = 0; high < 2; high++) {
        const gyre_stream_opts opts = {.write_buffer = high ? GYRE_UNLIMITED : GYRE_NONE};
        struct wire w;
        char *bytes = wire_pattern(MUCH);
        open_small(&w, WIRE_TCP, &opts);
        gyre_void_future f = gyre_write(w.stream, view_of(bytes, MUCH));
        assert_int_equal(gyre_future_state(f), high ? GYRE_DONE : GYRE_PENDING);
        drain(&w, bytes, MUCH);
        EXPECT_ERROR(f, 0);
        free(bytes);
        wire_close(&w);
    }
}

static void many_pieces_leave_in_order(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH);
    gyre_view pieces[64];
    const gyre_stream_opts opts = {.write_buffer = 100};
    open_small(&w, WIRE_UNIX, &opts);
    size_t at = 0;
    gyre_void_future f[4];
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < 64; k++) {
            pieces[k] = view_of(bytes + at, 37 * k);
            at += 37 * k;
        }
        f[i] = gyre_writev(w.stream, pieces, 64);
    }
    drain(&w, bytes, at);
    for (int i = 0; i < 4; i++) EXPECT_ERROR(f[i], 0);
    free(bytes);
    wire_close(&w);
}

static void injected_write_faults_change_no_byte(void **state)
{
    (void)state;
    static const enum wire_kind kinds[] = {WIRE_TCP, WIRE_UNIX, WIRE_PIPE};
    for (int i = 0; i < 3; i++)
        for (int fault = 0; fault < 3; fault++) {
            struct wire w;
            char *bytes = wire_pattern(3000);
            enum fault_call call = kinds[i] == WIRE_PIPE ? FAULT_WRITEV : FAULT_SENDMSG;
            open_small(&w, kinds[i], NULL);
            fault_reset();
            if (fault == 0) fault_short_all(7);
            if (fault == 1) fault_every(call, 2, EINTR);
            if (fault == 2) fault_every(call, 2, EAGAIN);
            for (size_t at = 0; at < 3000; at += 1000) {
                gyre_view pieces[] = {view_of(bytes + at, 500), view_of(bytes + at + 500, 500)};
                EXPECT_ERROR(gyre_writev(w.stream, pieces, 2), 0);
            }
            drain(&w, bytes, 3000);
            assert_true(fault_hit() > 0);
            fault_reset();
            free(bytes);
            wire_close(&w);
        }
}

// Fills the kernel and the write buffer; the pending write that did not fit.
static gyre_void_future fill_up(struct wire *w, const char *bytes, size_t *at)
{
    for (;;) {
        gyre_void_future f = gyre_write(w->stream, view_of(bytes + *at, 1000));
        if (gyre_future_state(f) == GYRE_PENDING) return f;
        EXPECT_ERROR(f, 0);
        *at += 1000;
    }
}

static void a_cancelled_write_is_taken_out(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH);
    size_t at = 0;
    open_small(&w, WIRE_UNIX, NULL);
    gyre_void_future f = fill_up(&w, bytes, &at);
    gyre_void_future next = gyre_write(w.stream, view_of(bytes + at, 500));
    assert_true(gyre_cancel(f));
    assert_int_equal(gyre_future_state(f), GYRE_CANCELED);
    EXPECT_ERROR(f, GYRE_ECANCELED);
    drain(&w, bytes, at + 500); // as if it had never been
    EXPECT_ERROR(next, 0);
    wire_close(&w);
    free(bytes);
}

static void cancelling_half_a_write_closes_the_stream(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH);
    open_small(&w, WIRE_TCP, NULL);
    gyre_void_future f = gyre_write(w.stream, view_of(bytes, MUCH));
    gyre_void_future next = gyre_write(w.stream, GYRE_VIEW("behind it"));
    gyre_view_future read = gyre_read_some(w.stream, 9);
    assert_true(gyre_cancel(f));
    EXPECT_ERROR(f, GYRE_ECANCELED);
    EXPECT_ERROR(next, GYRE_ECLOSED);
    EXPECT_ERROR(read, GYRE_ECLOSED);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("x")), GYRE_ECLOSED);
    EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_ECLOSED);
    wire_close(&w); // the pointer was alive until here
    free(bytes);
}

static void a_gone_reader_is_an_error_without_a_signal(void **state)
{
    (void)state;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR); // it would kill
    for (enum wire_kind kind = 0; kind <= WIRE_PIPE; kind++) {
        struct wire w;
        open_small(&w, kind, NULL);
        wire_hang_up(&w);
        int err = 0;
        for (int i = 0; i < 3 && err == 0; i++) {
            err = gyre_run(gyre_write(w.stream, GYRE_VIEW("anybody?")));
            wire_settle(&w);
        }
        assert_true(err == -EPIPE || err == -ECONNRESET);
        EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("x")), err);
        wire_close(&w);
    }
    sigset_t pending;
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
}

static void a_pending_foreign_sigpipe_is_left_alone(void **state)
{
    (void)state;
    struct wire w;
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    open_small(&w, WIRE_PIPE, NULL);
    wire_hang_up(&w);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGPIPE);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("x")), -EPIPE);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    signal(SIGPIPE, SIG_IGN); // takes it away
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_DFL);
    wire_close(&w);
}

static void a_pending_write_fails_when_the_peer_resets(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH);
    open_small(&w, WIRE_TCP, NULL);
    gyre_void_future f = gyre_write(w.stream, view_of(bytes, MUCH));
    wire_settle(&w);
    wire_hang_up(&w); // with unread bytes: a reset
    int err = gyre_run(f);
    assert_true(err == -EPIPE || err == -ECONNRESET);
    assert_non_null(strstr(gyre_why_last(w.loop), "write to 127.0.0.1:"));
    EXPECT_ERROR(gyre_read_some(w.stream, 1), -ECONNRESET);
    wire_close(&w);
    free(bytes);
}

static void an_answer_is_read_although_writing_failed(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_UNIX);
    wire_say(&w, "413 too much");
    wire_hang_up(&w);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("body")), -EPIPE);
    EXPECT_READ(gyre_read_until_close(w.stream, 100), "413 too much");
    wire_close(&w);
}

static void shutdown_comes_behind_what_was_written(void **state)
{
    (void)state;
    struct wire w;
    char *bytes = wire_pattern(MUCH);
    open_small(&w, WIRE_TCP, NULL);
    gyre_void_future f = gyre_write(w.stream, view_of(bytes, MUCH));
    gyre_void_future end = gyre_stream_shutdown(w.stream);
    gyre_void_future late = gyre_write(w.stream, GYRE_VIEW("too late"));
    assert_int_equal(gyre_future_state(end), GYRE_PENDING);
    drain(&w, bytes, MUCH);
    EXPECT_ERROR(f, 0);
    EXPECT_ERROR(end, 0);
    EXPECT_ERROR(late, -EPIPE);
    EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("later still")), -EPIPE);
    struct pollfd p = {.fd = w.peer, .events = POLLIN};
    char byte;
    assert_int_equal(real_poll(&p, 1, 5000), 1);
    assert_int_equal(real_read(w.peer, &byte, 1), 0);
    wire_say(&w, "reading goes on");
    EXPECT_READ(gyre_read_bytes(w.stream, 15), "reading goes on");
    wire_close(&w);
    free(bytes);
}

static void a_pipe_has_no_shutdown(void **state)
{
    (void)state;
    struct wire w;
    open_small(&w, WIRE_PIPE, NULL);
    EXPECT_ERROR(gyre_stream_shutdown(w.stream), -ENOTSUP);
    wire_close(&w);
}

// The registration for writing, which comes with the first EAGAIN, fails.
static void a_failed_registration_fails_the_write(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_UNIX);
    if (strcmp(gyre_loop_backend(w.loop), "epoll") != 0) {
        wire_close(&w);
        SKIP("poll registers nothing");
    }
    char *bytes = wire_pattern(MUCH);
    fault_fail_from(FAULT_EPOLL_CTL, 1, ENOMEM);
    EXPECT_ERROR(gyre_write(w.stream, view_of(bytes, MUCH)), -ENOMEM);
    fault_reset();
    EXPECT_ERROR(gyre_read_some(w.stream, 1), -ENOMEM);
    wire_close(&w);
    free(bytes);
}

TESTS(cmocka_unit_test(a_write_is_done_at_once_and_in_order),
      cmocka_unit_test(a_peer_that_never_reads_makes_writes_wait),
      cmocka_unit_test(what_was_copied_may_be_changed),
      cmocka_unit_test(one_big_write_arrives_whole), cmocka_unit_test(many_pieces_leave_in_order),
      cmocka_unit_test(injected_write_faults_change_no_byte),
      cmocka_unit_test(a_cancelled_write_is_taken_out),
      cmocka_unit_test(cancelling_half_a_write_closes_the_stream),
      cmocka_unit_test(a_gone_reader_is_an_error_without_a_signal),
      cmocka_unit_test(a_pending_foreign_sigpipe_is_left_alone),
      cmocka_unit_test(a_pending_write_fails_when_the_peer_resets),
      cmocka_unit_test(an_answer_is_read_although_writing_failed),
      cmocka_unit_test(shutdown_comes_behind_what_was_written),
      cmocka_unit_test(a_pipe_has_no_shutdown),
      cmocka_unit_test(a_failed_registration_fails_the_write))
