// once
#include "test/support/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "test/support/tests/outcome.h"

// Connects without waiting; the descriptor.
static int begin_connect(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = connect(fd, (struct sockaddr *)&addr, sizeof addr);
    assert_true(!result || errno == EINPROGRESS || errno == ECONNREFUSED);
    return fd;
}

// How the connect ended within `ms`: an errno, 0 = connected, -1 = not at all.
static int end_connect(int fd, int ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, ms) == 0) return -1;
    int err = 0;
    socklen_t len = sizeof err;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
    return err;
}

static int connect_result(uint16_t port, int ms)
{
    int fd = begin_connect(port), err = end_connect(fd, ms);
    close(fd);
    return err;
}

static void socket_pair_is_connected_both_ways(void **state)
{
    (void)state;
    int fds[2];
    char in[4] = "";
    socket_pair_tcp(fds);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send(fds[i], "abc", 3, 0), 3);
        assert_int_equal(recv(fds[!i], in, 3, MSG_WAITALL), 3);
        assert_string_equal(in, "abc");
    }
    close(fds[0]);
    assert_int_equal(recv(fds[1], in, 1, 0), 0);
    close(fds[1]);
}

static void refusing_port_refuses_and_stays_taken(void **state)
{
    (void)state;
    int holder;
    uint16_t port = refusing_port(&holder);
    assert_int_equal(connect_result(port, 5000), ECONNREFUSED);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other, (struct sockaddr *)&addr, sizeof addr), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(other);
    close(holder);
}

static void free_port_can_be_bound(void **state)
{
    (void)state;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(free_port())};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd);
}

static void syn_drop_answers_no_connect(void **state)
{
    (void)state;
    struct syn_drop drop;
    syn_drop_start(&drop);
    assert_true(drop.count >= 2);
    int fds[3];
    for (int i = 0; i < 3; i++) fds[i] = begin_connect(drop.port);
    for (int i = 0; i < 3; i++) assert_int_equal(end_connect(fds[i], i ? 0 : 1500), -1);
    for (int i = 0; i < 3; i++) close(fds[i]);
    uint16_t port = drop.port;
    syn_drop_stop(&drop);
    assert_int_equal(connect_result(port, 5000), ECONNREFUSED);
}

TESTS(cmocka_unit_test(socket_pair_is_connected_both_ways),
      cmocka_unit_test(refusing_port_refuses_and_stays_taken),
      cmocka_unit_test(free_port_can_be_bound), cmocka_unit_test(syn_drop_answers_no_connect))
