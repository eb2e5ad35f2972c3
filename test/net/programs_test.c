// Streams against programs that others wrote: socat's echo, redis-server.
#include "test/net/wire.h"

#include "test/support/child.h"

static const char *tmp_path(char *text, size_t size, const char *name)
{
    const char *dir = getenv("TEST_TMP");
    snprintf(text, size, "%s/%s-%d", dir ? dir : "/tmp", name, (int)getpid());
    return text;
}

static gyre_stream *dial(gyre_loop *loop, const gyre_address *to)
{
    gyre_stream *stream;
    int fd = real_socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(real_connect(fd, (const struct sockaddr *)&to->storage, to->len), 0);
    assert_int_equal(gyre_stream_open(&stream, loop, fd, NULL), 0);
    return stream;
}

// A mebibyte goes there and back. Not more than half a pipe at once is under way: socat writes to
// the pipe between its two sides without looking whether all of it fits, and would stand still.
static void echo_through(const gyre_address *to)
{
    enum { PART = 32768, PARTS = 32 };
    gyre_loop *loop;
    char *bytes = wire_pattern(PARTS * PART);
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    gyre_stream *stream = dial(loop, to);
    gyre_view view;
    for (size_t at = 0; at < PARTS * PART; at += PART) {
        EXPECT_ERROR(gyre_write(stream, (gyre_view){bytes + at, PART}), 0);
        assert_int_equal(gyre_run(gyre_read_bytes(stream, PART), &view), 0);
        assert_memory_equal(view.ptr, bytes + at, PART);
    }
    EXPECT_ERROR(gyre_write(stream, GYRE_VIEW("the end")), 0);
    EXPECT_ERROR(gyre_stream_shutdown(stream), 0);
    EXPECT_READ(gyre_read_until_close(stream, 100), "the end");
    gyre_stream_close(stream);
    assert_int_equal(gyre_loop_close(loop), 0);
    free(bytes);
}

static void socat_echoes_over_tcp(void **state)
{
    (void)state;
    child c;
    char listen_text[64], address_text[32];
    uint16_t port = free_port();
    gyre_address to;
    snprintf(listen_text, sizeof listen_text, "tcp-listen:%u,bind=127.0.0.1", port);
    child_start(&c, (const char *const[]){"socat", "-t5", listen_text, "pipe", NULL});
    child_wait_port(&c, port);
    snprintf(address_text, sizeof address_text, "127.0.0.1:%u", port);
    assert_int_equal(gyre_address_parse(&to, gyre_view_of(address_text), 0), 0);
    echo_through(&to);
    child_stop(&c);
}

static void socat_echoes_over_a_unix_socket(void **state)
{
    (void)state;
    child c;
    char path[80], listen_text[100], address_text[100];
    gyre_address to;
    tmp_path(path, sizeof path, "socat");
    snprintf(listen_text, sizeof listen_text, "unix-listen:%s", path);
    snprintf(address_text, sizeof address_text, "unix:%s", path);
    child_start(&c, (const char *const[]){"socat", "-t5", listen_text, "pipe", NULL});
    child_wait_unix(&c, path);
    assert_int_equal(gyre_address_parse(&to, gyre_view_of(address_text), 0), 0);
    echo_through(&to);
    child_stop(&c);
}

static void redis_answers(void **state)
{
    (void)state;
    child c;
    char port_text[8], address_text[32];
    uint16_t port = free_port();
    gyre_address to;
    gyre_loop *loop;
    snprintf(port_text, sizeof port_text, "%u", port);
    snprintf(address_text, sizeof address_text, "127.0.0.1:%u", port);
    child_start(&c, (const char *const[]){"redis-server", "--port", port_text, "--bind",
                                          "127.0.0.1", "--save", "", NULL});
    child_wait_port(&c, port);
    assert_int_equal(gyre_address_parse(&to, gyre_view_of(address_text), 0), 0);
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    gyre_stream *stream = dial(loop, &to);
    for (int i = 0; i < 100; i++) {
        EXPECT_ERROR(gyre_write(stream, GYRE_VIEW("SET k 12345\r\nGET k\r\n")), 0);
        EXPECT_READ(gyre_read_until(stream, GYRE_VIEW("\r\n"), 100), "+OK\r\n");
        EXPECT_READ(gyre_read_until_regex(stream, "^\\$[0-9]+\r\n", 100), "$5\r\n");
        EXPECT_READ(gyre_read_bytes(stream, 7), "12345\r\n");
    }
    EXPECT_ERROR(gyre_write(stream, GYRE_VIEW("QUIT\r\n")), 0);
    EXPECT_READ(gyre_read_until_close(stream, 100), "+OK\r\n");
    gyre_stream_close(stream);
    assert_int_equal(gyre_loop_close(loop), 0);
    child_stop(&c);
}

TESTS(cmocka_unit_test(socat_echoes_over_tcp), cmocka_unit_test(socat_echoes_over_a_unix_socket),
      cmocka_unit_test(redis_answers))
