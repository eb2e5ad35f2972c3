// The system calls that c-ares is given.

#define CARES_NO_DEPRECATED
#include "net/dns_impl.h"
#include "test/net/connect_setup.h"

#include <ares.h>

#include "test/support/faults.h"

static int open_with(gyre__channel *channel, int type, uint16_t port)
{
    gyre_address to;
    assert_int_equal(gyre_address_parse(&to, GYRE_VIEW("127.0.0.1"), port), 0);
    int fd = gyre__dns_socket_functions.asocket(AF_INET, type, 0, channel);
    assert_true(fd >= 0);
    int flags = real_fcntl(fd, F_GETFL);
    assert_true(flags & O_NONBLOCK);
    assert_true(real_fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int result = gyre__dns_socket_functions.aconnect(fd, (const struct sockaddr *)&to.storage,
                                                     to.len, channel);
    assert_true(result == 0 || errno == EINPROGRESS);
    return fd;
}

static ssize_t receive(int fd, void *to, size_t size)
{
    return gyre__dns_socket_functions.arecvfrom(fd, to, size, 0, NULL, NULL, NULL);
}

static void an_empty_datagram_is_no_end_for_c_ares(void **state)
{
    (void)state;
    gyre__channel channel = {0};
    char bytes[10];
    int server = real_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(real_bind(server, (struct sockaddr *)&own, sizeof own), 0);
    int fd = open_with(&channel, SOCK_DGRAM, port_of(server));
    gyre_address client = {.len = sizeof client.storage};
    real_getsockname(fd, (struct sockaddr *)&client.storage, &client.len);
    const struct sockaddr *to = (const struct sockaddr *)&client.storage;
    assert_int_equal(real_sendto(server, "", 0, 0, to, client.len), 0);
    assert_int_equal(real_sendto(server, "x", 1, 0, to, client.len), 1);
    errno = 0;
    assert_int_equal(receive(fd, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(receive(fd, bytes, sizeof bytes), 1);
    assert_int_equal(gyre__dns_socket_functions.aclose(fd, &channel), 0);
    real_close(server);
}

// Without MSG_NOSIGNAL this would end the process.
static void a_name_server_that_resets_raises_no_signal(void **state)
{
    (void)state;
    gyre__channel channel = {0};
    int listener = bound_to("127.0.0.1", 0, 8);
    int fd = open_with(&channel, SOCK_STREAM, port_of(listener));
    int server = real_accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    const struct linger hard = {1, 0};
    real_setsockopt(server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    real_close(server);
    const struct iovec piece = {(char[]){"question"}, 8};
    for (int i = 0; i < 3; i++) {
        ssize_t n = gyre__dns_socket_functions.asendv(fd, &piece, 1, &channel);
        if (i == 2) assert_true(n < 0 && errno == EPIPE);
    }
    assert_int_equal(gyre__dns_socket_functions.aclose(fd, &channel), 0);
    real_close(listener);
}

static void a_socket_that_cannot_be_had_is_remembered(void **state)
{
    (void)state;
    gyre__channel channel = {0};
    fault_fail_nth(FAULT_SOCKET, 1, EMFILE);
    assert_int_equal(gyre__dns_socket_functions.asocket(AF_INET, SOCK_DGRAM, 0, &channel), -1);
    assert_int_equal(channel.socket_err, -EMFILE);
    int fd = gyre__dns_socket_functions.asocket(AF_INET, SOCK_DGRAM, 0, &channel);
    assert_int_equal(channel.socket_err, 0);
    gyre__dns_socket_functions.aclose(fd, &channel);
    fault_reset();
}

TESTS(cmocka_unit_test(an_empty_datagram_is_no_end_for_c_ares),
      cmocka_unit_test(a_name_server_that_resets_raises_no_signal),
      cmocka_unit_test(a_socket_that_cannot_be_had_is_remembered))
