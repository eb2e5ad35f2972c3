// Every byte and the end arrive, whatever comes in whatever order; and a stream that nobody reads.
#include "test/net/wire.h"

#include "test/support/clock.h"

#include <sys/ioctl.h>

enum { STEPS = 4 };

// 'a': 100 bytes, 'o': an urgent byte (TCP only), 'b': 1,000 bytes, 'f': the end.
static size_t play(struct wire *w, enum wire_kind kind, char step, const char *bytes, size_t at)
{
    if (w->peer < 0) return 0; // after its end a peer sends nothing
    switch (step) {
    case 'a': wire_send(w, bytes + at, 100); return 100;
    case 'b': wire_send(w, bytes + at, 1000); return 1000;
    case 'o':
        if (kind == WIRE_TCP) assert_int_equal(real_send(w->peer, "!", 1, MSG_OOB), 1);
        return 0;
    default: wire_hang_up(w); return 0;
    }
}

enum moment { BEFORE_REGISTRATION, READING, UNREAD, AT_ONCE, MOMENTS };

static void receive_order(enum wire_kind kind, const char *order, enum moment moment)
{
    struct wire w = {0};
    int fds[2];
    char *bytes = wire_pattern(1100);
    size_t len = 0;
    wire_pair(kind, fds);
    w.fd = fds[0];
    w.peer = fds[1];
    assert_int_equal(gyre_loop_open(&w.loop, NULL), 0);
    if (moment == BEFORE_REGISTRATION)
        for (int i = 0; i < STEPS; i++) len += play(&w, kind, order[i], bytes, len);
    assert_int_equal(gyre_stream_open(&w.stream, w.loop, w.fd, NULL), 0);
    gyre_view_future f = {NULL};
    if (moment == READING) f = gyre_read_until_close(w.stream, 5000);
    if (moment != BEFORE_REGISTRATION)
        for (int i = 0; i < STEPS; i++) {
            len += play(&w, kind, order[i], bytes, len);
            if (moment != AT_ONCE) wire_settle(&w);
        }
    wire_hang_up(&w);
    if (!f.untyped) f = gyre_read_until_close(w.stream, 5000);
    gyre_view view = {NULL, 0};
    assert_int_equal(gyre_run(f, &view), 0);
    assert_int_equal(view.len, len);
    assert_memory_equal(view.ptr, bytes, len);
    EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_EEOF);
    free(bytes);
    wire_close(&w);
}

static void in_every_order(enum wire_kind kind)
{
    static const char *const orders[] = {"aobf", "abof", "oabf", "obaf", "baof", "boaf",
                                         "aofb", "abfo", "oafb", "obfa", "bafo", "bofa",
                                         "afob", "afbo", "ofab", "ofba", "bfao", "bfoa",
                                         "faob", "fabo", "foab", "foba", "fbao", "fboa"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (enum moment moment = 0; moment < MOMENTS; moment++)
            receive_order(kind, orders[i], moment);
}

static void everything_arrives_on_tcp(void **state)
{
    (void)state;
    in_every_order(WIRE_TCP);
}

static void everything_arrives_on_a_unix_socket(void **state)
{
    (void)state;
    in_every_order(WIRE_UNIX);
}

static void everything_arrives_on_a_pipe(void **state)
{
    (void)state;
    in_every_order(WIRE_PIPE);
}

static void everything_arrives_on_a_terminal(void **state)
{
    (void)state;
    in_every_order(WIRE_PTY);
}

// ---- A stream that nobody reads -------------------------------------------------------------

static void note_close(void *arg, int err)
{
    *(int *)arg = err;
}

// Waits of the loop that found something, as long as there are any.
static unsigned long wake_ups(struct wire *w)
{
    enum fault_call waits[] = {FAULT_EPOLL_WAIT, FAULT_EPOLL_PWAIT2, FAULT_PPOLL};
    unsigned long before = 0, after = 0;
    gyre_time until = gyre_now_exact() + GYRE_MS(60);
    fault_reset();
    for (int i = 0; i < 3; i++) before += fault_count(waits[i]);
    while (gyre_now_exact() < until) assert_int_equal(gyre_loop_turn(w->loop, GYRE_MS(60)), 0);
    for (int i = 0; i < 3; i++) after += fault_count(waits[i]);
    return after - before - 1; // the last one waited in vain
}

static void set_big_buffers(int fds[2])
{
    int size = 2 << 20;
    for (int i = 0; i < 2; i++) {
        real_setsockopt(fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        real_setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    }
}

// Sends until a mebibyte has left or the kernel is full.
static size_t send_much(int fd, const char *bytes, size_t len)
{
    size_t sent = 0;
    real_fcntl(fd, F_SETFL, O_NONBLOCK);
    while (sent < len) {
        ssize_t n = real_write(fd, bytes + sent, len - sent);
        if (n < 0) break;
        sent += (size_t)n;
    }
    return sent;
}

static void an_unread_mebibyte_wakes_once(enum wire_kind kind, bool sent_before)
{
    struct wire w = {0};
    int fds[2], told = 99;
    size_t len = 1 << 20, sent = 0;
    char *bytes = wire_pattern(len);
    wire_pair(kind, fds);
    set_big_buffers(fds);
    if (kind == WIRE_PIPE) real_fcntl(fds[1], F_SETPIPE_SZ, (int)len);
    w.fd = fds[0];
    w.peer = fds[1];
    assert_int_equal(gyre_loop_open(&w.loop, NULL), 0);
    if (sent_before) sent = send_much(w.peer, bytes, len);
    assert_int_equal(gyre_stream_open(&w.stream, w.loop, w.fd, NULL), 0);
    gyre_stream_on_close(w.stream, note_close, &told);
    // That a socket can be written to, which is told once as well, is not counted.
    if (!sent_before) wire_settle(&w);
    if (!sent_before) sent = send_much(w.peer, bytes, len / 2);
    unsigned long woken = wake_ups(&w);
    if (!sent_before) {
        sent += send_much(w.peer, bytes + sent, len - sent);
        woken += wake_ups(&w);
    }
    assert_in_range(sent, 4096, len);
    assert_int_equal(told, 99);
    if (woken > 1) print_error("%s: woken %lu times\n", wire_names[kind], woken);
    assert_true(woken <= 1);

    wire_hang_up(&w);
    woken = wake_ups(&w);
    assert_true(woken <= 2);
    assert_int_equal(told, 0); // its end is noticed although the bytes were not read

    gyre_view view;
    size_t got = 0;
    while (gyre_run(gyre_read_some(w.stream, 65536), &view) == 0) {
        assert_true(got + view.len <= sent);
        assert_memory_equal(view.ptr, bytes + got, view.len);
        got += view.len;
    }
    assert_int_equal(got, sent);
    free(bytes);
    wire_close(&w);
}

static void a_stream_that_nobody_reads_wakes_once(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        an_unread_mebibyte_wakes_once(kind, true);
        an_unread_mebibyte_wakes_once(kind, false);
    }
}

static void a_reader_that_went_away_is_soon_left_alone(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct wire w;
        unsigned long woken = 0;
        wire_open(&w, kind);
        wire_say(&w, "first");
        EXPECT_READ(gyre_read_bytes(w.stream, 5), "first");
        wire_settle(&w);
        for (int i = 0; i < 5; i++) {
            wire_say(&w, "and more");
            woken += wake_ups(&w);
        }
        assert_true(woken <= 2);
        for (int i = 0; i < 5; i++) EXPECT_READ(gyre_read_bytes(w.stream, 8), "and more");
        gyre_view_future f = gyre_read_bytes(w.stream, 3);
        wire_say(&w, "end");
        EXPECT_READ(f, "end");
        wire_close(&w);
    }
}

// A reader that is only late, because it has still to run, costs no system call.
static void a_late_reader_changes_no_registration(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_view_future f = gyre_read_bytes(w.stream, 2);
    wire_settle(&w);
    for (int i = 0; i < 10; i++) {
        fault_reset();
        wire_say(&w, "in");
        EXPECT_READ(f, "in");
        wire_say(&w, "co");
        wire_settle(&w); // nobody reads now
        EXPECT_READ(gyre_read_bytes(w.stream, 2), "co");
        f = gyre_read_bytes(w.stream, 2);
        assert_int_equal(fault_count(FAULT_EPOLL_CTL), 0);
    }
    gyre_release(f);
    wire_close(&w);
}

static void urgent_bytes_do_not_make_the_loop_spin(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_view_future f = gyre_read_bytes(w.stream, 6);
    wire_say(&w, "abc");
    wire_settle(&w);
    assert_int_equal(real_send(w.peer, "!", 1, MSG_OOB), 1);
    assert_true(wake_ups(&w) <= 2);
    wire_say(&w, "def");
    EXPECT_READ(f, "abcdef");
    assert_true(wake_ups(&w) <= 2);
    wire_close(&w);
}

// A pipe of packets gives one of them to each read: short reads, and more behind.
static void packets_of_a_pipe_are_all_read(void **state)
{
    (void)state;
    struct wire w = {0};
    int fds[2];
    assert_int_equal(real_pipe2(fds, O_CLOEXEC | O_DIRECT), 0);
    w.peer = fds[1];
    assert_int_equal(gyre_loop_open(&w.loop, NULL), 0);
    assert_int_equal(gyre_stream_open(&w.stream, w.loop, fds[0], NULL), 0);
    gyre_view_future f = gyre_read_bytes(w.stream, 9);
    wire_say(&w, "one");
    wire_say(&w, "two");
    wire_say(&w, "six");
    wire_settle(&w);
    assert_int_equal(gyre_future_state(f), GYRE_DONE);
    EXPECT_READ(f, "onetwosix");
    wire_close(&w);
}

TESTS(cmocka_unit_test(everything_arrives_on_tcp),
      cmocka_unit_test(everything_arrives_on_a_unix_socket),
      cmocka_unit_test(everything_arrives_on_a_pipe),
      cmocka_unit_test(everything_arrives_on_a_terminal),
      cmocka_unit_test(packets_of_a_pipe_are_all_read),
      cmocka_unit_test(a_stream_that_nobody_reads_wakes_once),
      cmocka_unit_test(a_reader_that_went_away_is_soon_left_alone),
      cmocka_unit_test(a_late_reader_changes_no_registration),
      cmocka_unit_test(urgent_bytes_do_not_make_the_loop_spin))
