// Closing: from every callback, what on_close is told and when, what a closing loop does.
#include "test/net/wire.h"

struct told {
    int count;
    int err;
    gyre_stream *close; // closed by the callback; or NULL
};

static void note(void *arg, int err)
{
    struct told *told = arg;
    told->count++;
    told->err = err;
    gyre_stream_close(told->close);
}

static void on_close_comes_once_after_the_bytes(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct wire w;
        struct told told = {0};
        wire_open(&w, kind);
        gyre_stream_on_close(w.stream, note, &told);
        wire_say(&w, "one\ntwo\n");
        EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\n"), 99), "one\n");
        wire_hang_up(&w);
        wire_settle(&w);
        assert_int_equal(told.count, 0); // "two" is still there
        EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\n"), 99), "two\n");
        EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_EEOF);
        wire_settle(&w);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.err, 0);
        wire_close(&w);
        assert_int_equal(told.count, 1);
    }
}

static void on_close_comes_without_a_read(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct wire w;
        struct told told = {0};
        wire_open(&w, kind);
        wire_say(&w, "read before");
        EXPECT_READ(gyre_read_bytes(w.stream, 11), "read before");
        wire_settle(&w);
        gyre_stream_on_close(w.stream, note, &told);
        wire_hang_up(&w);
        wire_settle(&w);
        assert_int_equal(told.count, 1);
        assert_int_equal(told.err, 0);
        wire_close(&w);
    }
}

static void on_close_set_late_is_told_all_the_same(void **state)
{
    (void)state;
    struct wire w;
    struct told told = {0};
    wire_open(&w, WIRE_TCP);
    wire_hang_up(&w);
    EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_EEOF);
    gyre_stream_on_close(w.stream, note, &told);
    assert_int_equal(told.count, 0); // never inside the call
    wire_settle(&w);
    assert_int_equal(told.count, 1);
    wire_close(&w);
}

static void on_close_can_be_cleared_and_replaced(void **state)
{
    (void)state;
    struct wire w;
    struct told first = {0}, second = {0};
    wire_open(&w, WIRE_TCP);
    gyre_stream_on_close(w.stream, note, &first);
    gyre_stream_on_close(w.stream, note, &second);
    wire_hang_up(&w);
    wire_settle(&w);
    assert_int_equal(first.count, 0);
    assert_int_equal(second.count, 1);
    wire_close(&w);

    wire_open(&w, WIRE_TCP);
    gyre_stream_on_close(w.stream, note, &first);
    gyre_stream_on_close(w.stream, NULL, NULL);
    wire_close(&w);
    assert_int_equal(first.count, 0);
}

static void on_close_tells_of_a_reset(void **state)
{
    (void)state;
    struct wire w;
    struct told told = {0};
    const struct linger hard = {.l_onoff = 1};
    wire_open(&w, WIRE_TCP);
    gyre_stream_on_close(w.stream, note, &told);
    wire_settle(&w);
    assert_int_equal(real_setsockopt(w.peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    wire_hang_up(&w);
    wire_settle(&w);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.err, -ECONNRESET);
    wire_close(&w);
}

static void a_pipe_writer_hears_that_its_reader_is_gone(void **state)
{
    (void)state;
    int fds[2];
    struct told told = {0};
    gyre_loop *loop;
    gyre_stream *stream;
    wire_pair(WIRE_PIPE, fds);
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    assert_int_equal(gyre_stream_open(&stream, loop, fds[1], NULL), 0);
    gyre_stream_on_close(stream, note, &told);
    real_close(fds[0]);
    for (int i = 0; i < 4; i++) assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.err, -EPIPE);
    gyre_stream_close(stream);
    assert_int_equal(gyre_loop_close(loop), 0);
}

static void closing_tells_on_close_and_fails_what_is_pending(void **state)
{
    (void)state;
    struct wire w;
    struct told told = {0};
    wire_open(&w, WIRE_TCP);
    gyre_stream_on_close(w.stream, note, &told);
    gyre_view_future f = gyre_read_some(w.stream, 1);
    gyre_stream_close(w.stream);
    assert_int_equal(real_fcntl(w.fd, F_GETFD), -1); // at once
    EXPECT_ERROR(f, GYRE_ECLOSED);
    wire_settle(&w);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.err, 0);
    w.stream = NULL;
    wire_close(&w);
}

static void closing_twice_before_the_task_ran_is_fine(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_stream_close(w.stream);
    gyre_stream_close(w.stream);
    gyre_stream_close(NULL);
    w.stream = NULL;
    wire_close(&w);
}

static void a_stream_closes_in_its_on_close(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    struct told told = {.close = w.stream};
    gyre_stream_on_close(w.stream, note, &told);
    wire_hang_up(&w);
    wire_settle(&w);
    assert_int_equal(told.count, 1);
    w.stream = NULL;
    wire_close(&w);
}

static void close_after_read(void *arg, int err, gyre_view *view)
{
    struct wire *w = arg;
    if (!err) assert_view(*view, "go");
    gyre_stream_close(w->stream);
    w->stream = NULL;
}

static void close_after_write(void *arg, int err, gyre_nothing *value)
{
    (void)value;
    struct wire *w = arg;
    assert_int_equal(err, 0);
    gyre_stream_close(w->stream);
    w->stream = NULL;
}

static void a_stream_closes_in_the_callbacks_of_its_futures(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_then(gyre_read_bytes(w.stream, 2), close_after_read, &w);
    wire_say(&w, "go");
    wire_settle(&w);
    assert_null(w.stream);
    wire_close(&w);

    wire_open(&w, WIRE_TCP);
    gyre_then(gyre_write(w.stream, GYRE_VIEW("x")), close_after_write, &w);
    wire_settle(&w);
    assert_null(w.stream);
    wire_close(&w);

    wire_open(&w, WIRE_TCP); // and when the read fails
    gyre_then(gyre_read_bytes(w.stream, 2), close_after_read, &w);
    wire_hang_up(&w);
    wire_settle(&w);
    assert_null(w.stream);
    wire_close(&w);
}

static void a_closing_loop_ends_its_streams(void **state)
{
    (void)state;
    struct wire w;
    struct told told = {0};
    wire_open(&w, WIRE_TCP);
    gyre_stream_on_close(w.stream, note, &told);
    gyre_view_future f = gyre_read_some(w.stream, 1);
    (void)f; // the loop cancels it; the reference dies with the loop
    assert_int_equal(gyre_loop_close(w.loop), 0);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.err, 0);
    assert_int_equal(real_fcntl(w.fd, F_GETFD), -1);
    wire_hang_up(&w);
}

static void files_and_wrong_descriptors_are_refused(void **state)
{
    (void)state;
    gyre_loop *loop;
    gyre_stream *stream = NULL, *second = NULL;
    int fds[2];
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    assert_int_equal(gyre_stream_open(&stream, loop, -1, NULL), -EBADF);
    int file = real_open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    assert_int_equal(gyre_stream_open(&stream, loop, file, NULL), -EPERM);
    real_close(file);
    int datagrams = real_socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(gyre_stream_open(&stream, loop, datagrams, NULL), -EPROTOTYPE);
    real_close(datagrams);
    wire_pair(WIRE_UNIX, fds);
    const gyre_stream_opts bad = {.read_buffer = -7};
    assert_int_equal(gyre_stream_open(&stream, loop, fds[0], &bad), -EINVAL);
    assert_int_equal(gyre_stream_open(&stream, loop, fds[0], NULL), 0);
    assert_int_equal(gyre_stream_open(&second, loop, fds[0], NULL), -EEXIST);
    assert_null(second);
    gyre_stream_close(stream);
    assert_int_equal(gyre_loop_close(loop), 0);
    real_close(fds[1]);
}

static void a_terminal_blocks_again_afterwards(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_PTY);
    int other = real_fcntl(w.fd, F_DUPFD_CLOEXEC, 0);
    assert_true(real_fcntl(other, F_GETFL) & O_NONBLOCK);
    gyre_stream_close(w.stream);
    w.stream = NULL;
    assert_false(real_fcntl(other, F_GETFL) & O_NONBLOCK);
    real_close(other);
    wire_close(&w);
}

static void a_stream_knows_its_addresses(void **state)
{
    (void)state;
    struct wire w;
    char text[GYRE_ADDRESS_TEXT];
    wire_open(&w, WIRE_TCP);
    gyre_address peer = gyre_stream_peer(w.stream), local = gyre_stream_local(w.stream);
    assert_true(strncmp(gyre_address_text(&peer, text, sizeof text), "127.0.0.1:", 10) == 0);
    assert_true(gyre_address_port(&peer) > 0 && gyre_address_port(&local) > 0);
    assert_ptr_equal(gyre_stream_loop(w.stream), w.loop);
    wire_close(&w);
    wire_open(&w, WIRE_PIPE);
    assert_int_equal(gyre_stream_peer(w.stream).len, 0);
    wire_close(&w);
}

TESTS(cmocka_unit_test(on_close_comes_once_after_the_bytes),
      cmocka_unit_test(on_close_comes_without_a_read),
      cmocka_unit_test(on_close_set_late_is_told_all_the_same),
      cmocka_unit_test(on_close_can_be_cleared_and_replaced),
      cmocka_unit_test(on_close_tells_of_a_reset),
      cmocka_unit_test(a_pipe_writer_hears_that_its_reader_is_gone),
      cmocka_unit_test(closing_tells_on_close_and_fails_what_is_pending),
      cmocka_unit_test(closing_twice_before_the_task_ran_is_fine),
      cmocka_unit_test(a_stream_closes_in_its_on_close),
      cmocka_unit_test(a_stream_closes_in_the_callbacks_of_its_futures),
      cmocka_unit_test(a_closing_loop_ends_its_streams),
      cmocka_unit_test(files_and_wrong_descriptors_are_refused),
      cmocka_unit_test(a_terminal_blocks_again_afterwards),
      cmocka_unit_test(a_stream_knows_its_addresses))
