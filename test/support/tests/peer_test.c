// once
#include "test/support/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "test/support/faults.h"
#include "test/support/real.h"
#include "test/support/tests/outcome.h"

static int connect_v4(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

static int connect_peer(const peer *p, enum peer_kind kind)
{
    if (kind == PEER_IPV4) return connect_v4(peer_port(p));
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(peer_port(p))};
    v6.sin6_addr = in6addr_loopback;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", peer_path(p));
    int fd = socket(kind == PEER_IPV6 ? AF_INET6 : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = kind == PEER_IPV6 ? connect(fd, (struct sockaddr *)&v6, sizeof v6)
                                : connect(fd, (struct sockaddr *)&un, sizeof un);
    assert_int_equal(err, 0);
    return fd;
}

// Reads to the end of the stream; the length, or -errno.
static ssize_t read_all(int fd, char *bytes, size_t cap)
{
    size_t len = 0;
    for (ssize_t got; (got = recv(fd, bytes + len, cap - len, 0)) != 0; len += (size_t)got)
        if (got < 0) return -errno;
    return (ssize_t)len;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void assert_received(const peer *p, size_t k, const char *text)
{
    gyre_view received = peer_received(p, k);
    assert_int_equal(received.len, strlen(text));
    assert_memory_equal(received.ptr, text, received.len);
}

static const peer_step dialogue[] = {
    PEER_ACCEPT,
    PEER_EXPECT("hello "),
    PEER_EXPECT_UNTIL("\r\n"),
    PEER_SEND("one "),
    PEER_EXPECT("go"),
    PEER_SEND("two"),
    PEER_SHUTDOWN,
    PEER_EXPECT_BYTES(3),
    PEER_EXPECT_EOF,
    PEER_CLOSE,
    PEER_END,
};

static void play_dialogue(enum peer_kind kind)
{
    peer *p = peer_start(kind, dialogue);
    int fd = connect_peer(p, kind);
    char path[128], in[16];
    snprintf(path, sizeof path, "%s", peer_path(p));
    say(fd, "hello there\r");
    say(fd, "\ngo");
    assert_int_equal(read_all(fd, in, sizeof in), 7);
    assert_memory_equal(in, "one two", 7);
    say(fd, "end");
    close(fd);
    peer_finish(p);
    assert_received(p, 0, "hello there\r\ngoend");
    assert_int_equal(peer_connections(p), 1);
    if (kind == PEER_UNIX) assert_int_equal(access(path, F_OK), -1);
}

static void peer_plays_its_script_over_ipv4(void **state)
{
    (void)state;
    play_dialogue(PEER_IPV4);
}

static void peer_plays_its_script_over_ipv6(void **state)
{
    (void)state;
    play_dialogue(PEER_IPV6);
}

static void peer_plays_its_script_over_a_unix_socket(void **state)
{
    (void)state;
    play_dialogue(PEER_UNIX);
}

static void peer_is_not_hit_by_faults(void **state)
{
    (void)state;
    fault_reset();
    peer *p = peer_start(PEER_IPV4, dialogue);
    int fd = connect_peer(p, PEER_IPV4);
    fault_fail_from(FAULT_RECV, 1, EIO);
    fault_fail_from(FAULT_ACCEPT4, 1, EIO);
    fault_fail_from(FAULT_POLL, 1, EIO);
    say(fd, "hello there\r\ngoend");
    fault_fail_from(FAULT_SEND, 1, EIO);
    shutdown(fd, SHUT_WR);
    peer_finish(p);
    assert_int_equal(fault_hit(), 0);
    fault_reset();
    close(fd);
}

static void peer_sends_bytes_one_by_one_and_out_of_band(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT,        PEER_SEND_BYTEWISE("abc"),
                                       PEER_SEND_OOB("!"), PEER_SEND("def"),
                                       PEER_CLOSE,         PEER_END};
    peer *p = peer_start(PEER_IPV4, script);
    int fd = connect_peer(p, PEER_IPV4);
    struct pollfd urgent = {.fd = fd, .events = POLLPRI};
    assert_int_equal(poll(&urgent, 1, 5000), 1);
    char in[16], byte = 0;
    assert_int_equal(recv(fd, &byte, 1, MSG_OOB), 1);
    assert_int_equal(byte, '!');
    assert_int_equal(read_all(fd, in, sizeof in), 6);
    assert_memory_equal(in, "abcdef", 6);
    close(fd);
    peer_finish(p);
}

static void peer_fills_while_the_other_side_reads_slowly(void **state)
{
    (void)state;
    enum { LEN = 8 << 20 };
    static const peer_step script[] = {PEER_ACCEPT, PEER_SEND_FILL(LEN), PEER_CLOSE, PEER_END};
    peer *p = peer_start(PEER_IPV4, script);
    int fd = connect_peer(p, PEER_IPV4);
    real_poll(NULL, 0, 30); // until the socket's buffers are full
    static char in[LEN + 1];
    assert_int_equal(read_all(fd, in, sizeof in), LEN);
    for (size_t i = 0; i < LEN; i++)
        if (in[i] != peer_fill(i)) fail_msg("byte %zu is %d", i, in[i]);
    close(fd);
    peer_finish(p);
}

static void peer_resets_a_connection(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT, PEER_RESET, PEER_END};
    peer *p = peer_start(PEER_IPV4, script);
    int fd = connect_peer(p, PEER_IPV4);
    char in[4];
    assert_int_equal(read_all(fd, in, sizeof in), -ECONNRESET);
    close(fd);
    peer_finish(p);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void peer_stalls_until_it_is_released(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT,    PEER_STALL,     PEER_SEND("a"), PEER_STALL,
                                       PEER_SEND("b"), PEER_PAUSE(20), PEER_SEND("c"), PEER_END};
    peer *p = peer_start(PEER_IPV4, script);
    int fd = connect_peer(p, PEER_IPV4);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char in[4];
    int64_t released = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(poll(&wait, 1, 20), 0);
        released = now_ms();
        peer_release(p);
        assert_int_equal(recv(fd, in + i, 1, 0), 1);
    }
    assert_int_equal(recv(fd, in + 2, 1, 0), 1);
    assert_true(now_ms() - released >= 19); // the pause
    assert_memory_equal(in, "abc", 3);
    close(fd);
    peer_finish(p);
}

static void peer_keeps_several_connections_apart(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT, PEER_ACCEPT,          PEER_EXPECT("second"),
                                       PEER_USE(0), PEER_EXPECT("first"), PEER_END};
    peer *p = peer_start(PEER_IPV4, script);
    int first = connect_peer(p, PEER_IPV4), second = connect_peer(p, PEER_IPV4);
    int third = connect_peer(p, PEER_IPV4);
    say(first, "first");
    say(second, "second, and more");
    say(third, "unasked");
    peer_finish(p);
    assert_int_equal(peer_connections(p), 3); // one of them was never accepted by the script
    assert_received(p, 0, "first");
    assert_received(p, 1, "second, and more");
    assert_received(p, 2, "unasked");
    close(first);
    close(second);
    close(third);
}

// ---- Scripts that do not complete --------------------------------------------------------------

// What a peer says whose other side sent `text` and closed.
static void assert_script_fails(const peer_step *script, const char *text, const char *want)
{
    peer *p = peer_start_for(PEER_IPV4, script, 300);
    int fd = connect_peer(p, PEER_IPV4);
    say(fd, text);
    shutdown(fd, SHUT_WR);
    const char *failure = peer_wait(p);
    if (!failure || !strstr(failure, want)) fail_msg("wanted %s, got %s", want, failure);
    close(fd);
}

static void peer_says_at_which_step_its_script_failed(void **state)
{
    (void)state;
    static const peer_step other[] = {PEER_ACCEPT, PEER_EXPECT("abcd"), PEER_END};
    assert_script_fails(other, "abX", "step 1 (EXPECT \"abcd\"");
    assert_script_fails(other, "abXd", "other bytes came; received and not expected: \"abXd\"");
    assert_script_fails(other, "abc", "end of stream; received and not expected: \"abc\"");
    static const peer_step until[] = {PEER_ACCEPT, PEER_EXPECT_UNTIL("\r\n\r\n"), PEER_END};
    assert_script_fails(until, "GET\r\n\r", "EXPECT_UNTIL \"\\x0d\\x0a\\x0d\\x0a\" 0, line ");
    static const peer_step bytes[] = {PEER_ACCEPT, PEER_EXPECT_BYTES(5), PEER_END};
    assert_script_fails(bytes, "1234", "EXPECT_BYTES \"\" 5, line ");
    static const peer_step eof[] = {PEER_ACCEPT, PEER_EXPECT("a"), PEER_EXPECT_EOF, PEER_END};
    assert_script_fails(eof, "ab", "step 2 (EXPECT_EOF \"\" 0");
    static const peer_step second[] = {PEER_ACCEPT, PEER_ACCEPT, PEER_END};
    assert_script_fails(second, "", "step 1 (ACCEPT \"\" 0");
    assert_script_fails(second, "", "timed out");
    static const peer_step stalls[] = {PEER_ACCEPT, PEER_STALL, PEER_END};
    assert_script_fails(stalls, "", "was never released");
    static const peer_step stuck[] = {PEER_ACCEPT, PEER_SEND_FILL(64 << 20), PEER_END};
    assert_script_fails(stuck, "", "timed out");
    static const peer_step closed[] = {PEER_ACCEPT, PEER_CLOSE, PEER_SEND("x"), PEER_END};
    assert_script_fails(closed, "", "connection is closed");
    static const peer_step early[] = {PEER_SEND("x"), PEER_END};
    assert_script_fails(early, "", "no connection was accepted");
    static const peer_step beyond[] = {PEER_ACCEPT, PEER_USE(1), PEER_END};
    assert_script_fails(beyond, "", "no such connection");
}

static void finish_a_failed_peer(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT, PEER_END};
    peer_finish(peer_start_for(PEER_IPV4, script, 50));
}

static void peer_finish_fails_the_test_of_an_unfinished_script(void **state)
{
    (void)state;
    assert_fails_with(finish_a_failed_peer, "peer: step 0 (ACCEPT");
}

TESTS(cmocka_unit_test(peer_plays_its_script_over_ipv4),
      cmocka_unit_test(peer_plays_its_script_over_ipv6),
      cmocka_unit_test(peer_plays_its_script_over_a_unix_socket),
      cmocka_unit_test(peer_is_not_hit_by_faults),
      cmocka_unit_test(peer_sends_bytes_one_by_one_and_out_of_band),
      cmocka_unit_test(peer_fills_while_the_other_side_reads_slowly),
      cmocka_unit_test(peer_resets_a_connection),
      cmocka_unit_test(peer_stalls_until_it_is_released),
      cmocka_unit_test(peer_keeps_several_connections_apart),
      cmocka_unit_test(peer_says_at_which_step_its_script_failed),
      cmocka_unit_test(peer_finish_fails_the_test_of_an_unfinished_script))
