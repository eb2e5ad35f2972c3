// once
//
// Faults of calls that transfer bytes, and the edges that must follow them.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>

#include "test/support/faults.h"
#include "test/support/real.h"
#include "test/support/sockets.h"
#include "test/support/tests/outcome.h"

static void short_read_gives_the_same_bytes_in_pieces(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(fds[1], "0123456789", 10), 10);
    fault_reset();
    fault_short(FAULT_READ, 3);
    char all[16];
    assert_int_equal(read(fds[0], all, 16), 3);
    assert_int_equal(read(fds[0], all + 3, 13), 3);
    assert_int_equal(read(fds[0], all + 6, 2), 2); // asks for less: not a fault
    assert_int_equal(read(fds[0], all + 8, 8), 2); // has less: not a fault either
    assert_memory_equal(all, "0123456789", 10);
    assert_int_equal(read(fds[0], all, 16), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fault_hit(), 2);
    close(fds[0]);
    close(fds[1]);
}

typedef ssize_t io(int fd, char *bytes, size_t len);

static ssize_t by_read(int fd, char *bytes, size_t len)
{
    return read(fd, bytes, len);
}

static ssize_t by_recv(int fd, char *bytes, size_t len)
{
    return recv(fd, bytes, len, 0);
}

static ssize_t by_recvfrom(int fd, char *bytes, size_t len)
{
    return recvfrom(fd, bytes, len, 0, NULL, NULL);
}

// The bytes in three parts, the second of them empty.
static struct msghdr in_parts(struct iovec parts[3], void *bytes, size_t len)
{
    parts[0] = (struct iovec){bytes, len / 2};
    parts[1] = (struct iovec){bytes, 0};
    parts[2] = (struct iovec){(char *)bytes + len / 2, len - len / 2};
    return (struct msghdr){.msg_iov = parts, .msg_iovlen = 3};
}

static ssize_t by_readv(int fd, char *bytes, size_t len)
{
    struct iovec parts[3];
    in_parts(parts, bytes, len);
    return readv(fd, parts, 3);
}

static ssize_t by_recvmsg(int fd, char *bytes, size_t len)
{
    struct iovec parts[3];
    struct msghdr msg = in_parts(parts, bytes, len);
    ssize_t got = recvmsg(fd, &msg, 0);
    assert_ptr_equal(msg.msg_iov, parts); // the caller's message is as it was
    assert_int_equal(msg.msg_iovlen, 3);
    return got;
}

static ssize_t by_write(int fd, char *bytes, size_t len)
{
    return write(fd, bytes, len);
}

static ssize_t by_send(int fd, char *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL);
}

static ssize_t by_sendto(int fd, char *bytes, size_t len)
{
    return sendto(fd, bytes, len, MSG_NOSIGNAL, NULL, 0);
}

static ssize_t by_writev(int fd, char *bytes, size_t len)
{
    struct iovec parts[3];
    in_parts(parts, bytes, len);
    return writev(fd, parts, 3);
}

static ssize_t by_sendmsg(int fd, char *bytes, size_t len)
{
    struct iovec parts[3];
    struct msghdr msg = in_parts(parts, bytes, len);
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

// Sends 100 bytes with `put`, receives them with `get`, at most `most` at a time.
static void transfer(io *put, io *get, size_t most)
{
    int fds[2];
    char out[100], in[100];
    for (int i = 0; i < 100; i++) out[i] = (char)('a' + i);
    socket_pair_tcp(fds);
    fault_reset();
    fault_short_all(most);
    for (size_t done = 0; done < 100;) {
        ssize_t n = put(fds[0], out + done, 100 - done);
        assert_in_range(n, 1, most);
        done += (size_t)n;
    }
    assert_int_equal(fault_hit(), (100 - 1) / most);
    for (size_t done = 0; done < 100;) {
        ssize_t n = get(fds[1], in + done, 100 - done);
        assert_in_range(n, 1, most);
        done += (size_t)n;
    }
    assert_memory_equal(in, out, 100);
    fault_reset();
    close(fds[0]);
    close(fds[1]);
}

static void short_transfers_keep_every_byte_in_every_call(void **state)
{
    (void)state;
    io *puts[] = {by_write, by_send, by_sendto, by_writev, by_sendmsg};
    io *gets[] = {by_read, by_recv, by_recvfrom, by_readv, by_recvmsg};
    size_t mosts[] = {1, 7, 50, 51, 99};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) transfer(puts[i], gets[i], mosts[k]);
}

static void short_sendfile_goes_on_at_its_offset(void **state)
{
    (void)state;
    int fds[2], file = memfd_create("file", MFD_CLOEXEC);
    assert_int_equal(write(file, "0123456789", 10), 10);
    socket_pair_tcp(fds);
    fault_reset();
    fault_short(FAULT_SENDFILE, 4);
    off_t at = 0;
    assert_int_equal(sendfile(fds[0], file, &at, 10), 4);
    assert_int_equal(sendfile(fds[0], file, &at, 6), 4);
    assert_int_equal(sendfile(fds[0], file, &at, 2), 2);
    char in[10];
    assert_int_equal(recv(fds[1], in, 10, MSG_WAITALL), 10);
    assert_memory_equal(in, "0123456789", 10);
    close(file);
    close(fds[0]);
    close(fds[1]);
}

static void short_transfers_leave_datagrams_and_counters_whole(void **state)
{
    (void)state;
    int fds[2], counter = eventfd(7, EFD_CLOEXEC);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    fault_reset();
    fault_short_all(1);
    char in[10];
    uint64_t value = 0;
    assert_int_equal(send(fds[0], "01234", 5, 0), 5);
    assert_int_equal(recv(fds[1], in, 10, 0), 5);
    assert_int_equal(read(counter, &value, sizeof value), 8);
    assert_int_equal(value, 7);
    assert_int_equal(fault_hit(), 0);
    fault_reset();
    close(counter);
    close(fds[0]);
    close(fds[1]);
}

// ---- Edges -------------------------------------------------------------------------------------

struct edge {
    int epfd;
    int fds[2]; // TCP; fds[0] is registered edge-triggered in both directions
};

static struct edge edge_open(void)
{
    struct edge edge = {.epfd = epoll_create1(EPOLL_CLOEXEC)};
    socket_pair_tcp(edge.fds);
    fcntl(edge.fds[0], F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = 4711};
    assert_int_equal(epoll_ctl(edge.epfd, EPOLL_CTL_ADD, edge.fds[0], &event), 0);
    fault_reset();
    return edge;
}

static void edge_close(struct edge *edge)
{
    fault_reset();
    close(edge->epfd);
    close(edge->fds[0]);
    close(edge->fds[1]);
}

// The edges reported within `ms`, 0 when there are none.
static uint32_t edges(const struct edge *edge, int ms)
{
    struct epoll_event event = {0};
    if (!epoll_wait(edge->epfd, &event, 1, ms)) return 0;
    assert_int_equal(event.data.u64, 4711);
    return event.events;
}

static void injected_eagain_is_followed_by_a_new_edge(void **state)
{
    (void)state;
    struct edge edge = edge_open();
    assert_int_equal(edges(&edge, 5000), EPOLLOUT);
    assert_int_equal(write(edge.fds[1], "ab", 2), 2);
    assert_true(edges(&edge, 5000) & EPOLLIN);
    assert_int_equal(edges(&edge, 20), 0); // the kernel reports an edge once
    fault_fail_nth(FAULT_READ, 1, EAGAIN);
    char in[8];
    assert_int_equal(read(edge.fds[0], in, 8), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(edges(&edge, 5000), EPOLLIN | EPOLLOUT);
    assert_int_equal(read(edge.fds[0], in, 8), 2);
    assert_int_equal(edges(&edge, 20), 0);
    fault_fail_nth(FAULT_WRITEV, 1, EAGAIN);
    assert_int_equal(by_writev(edge.fds[0], in, 2), -1);
    assert_int_equal(edges(&edge, 5000), EPOLLOUT);
    edge_close(&edge);
}

static void short_transfer_is_followed_by_a_new_edge(void **state)
{
    (void)state;
    struct edge edge = edge_open();
    assert_int_equal(write(edge.fds[1], "abcd", 4), 4);
    while (!(edges(&edge, 5000) & EPOLLIN)) continue;
    fault_short(FAULT_RECV, 3);
    char in[8];
    errno = EDOM;
    assert_int_equal(recv(edge.fds[0], in, 8, 0), 3);
    assert_int_equal(errno, EDOM);
    assert_int_equal(edges(&edge, 5000), EPOLLIN | EPOLLOUT);
    assert_int_equal(recv(edge.fds[0], in, 8, 0), 1); // all that is there: no fault, no edge
    assert_int_equal(edges(&edge, 20), 0);
    fault_short(FAULT_SEND, 1);
    assert_int_equal(send(edge.fds[0], "xy", 2, 0), 1);
    assert_int_equal(edges(&edge, 5000), EPOLLOUT);
    assert_int_equal(epoll_ctl(edge.epfd, EPOLL_CTL_DEL, edge.fds[0], NULL), 0);
    assert_int_equal(send(edge.fds[0], "xy", 2, 0), 1); // nothing to arm any more
    assert_int_equal(errno, EDOM);
    assert_int_equal(edges(&edge, 0), 0);
    edge_close(&edge);
}

static void injected_eagain_of_accept_is_followed_by_a_new_edge(void **state)
{
    (void)state;
    uint16_t port;
    int epfd = epoll_create1(EPOLL_CLOEXEC), listener = listen_on_loopback(AF_INET, 4, &port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(epoll_wait(epfd, &event, 1, 5000), 1);
    fault_reset();
    fault_fail_nth(FAULT_ACCEPT4, 1, EAGAIN);
    assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
    assert_int_equal(epoll_wait(epfd, &event, 1, 5000), 1);
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    close(accepted);
    close(fd);
    close(listener);
    close(epfd);
}

// The order in which eight ready pipes are reported.
static void order_of_eight(int epfd, int order[8])
{
    struct epoll_event events[8];
    assert_int_equal(epoll_wait(epfd, events, 8, 0), 8);
    unsigned seen = 0;
    for (int i = 0; i < 8; i++) {
        order[i] = events[i].data.fd;
        seen |= 1u << order[i];
    }
    assert_int_equal(seen, 255); // each once
}

static void shuffle_reorders_the_events_of_a_wait(void **state)
{
    (void)state;
    int epfd = epoll_create1(EPOLL_CLOEXEC), fds[8], plain[8], one[8], two[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = i};
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &event), 0);
    }
    fault_reset();
    order_of_eight(epfd, plain);
    fault_shuffle(5);
    order_of_eight(epfd, one);
    fault_shuffle(5);
    order_of_eight(epfd, two);
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, plain, sizeof one);
    order_of_eight(epfd, two);
    assert_memory_not_equal(one, two, sizeof one);
    fault_reset();
    for (int i = 0; i < 8; i++) close(fds[i]);
    close(epfd);
}

TESTS(cmocka_unit_test(short_read_gives_the_same_bytes_in_pieces),
      cmocka_unit_test(short_transfers_keep_every_byte_in_every_call),
      cmocka_unit_test(short_sendfile_goes_on_at_its_offset),
      cmocka_unit_test(short_transfers_leave_datagrams_and_counters_whole),
      cmocka_unit_test(injected_eagain_is_followed_by_a_new_edge),
      cmocka_unit_test(short_transfer_is_followed_by_a_new_edge),
      cmocka_unit_test(injected_eagain_of_accept_is_followed_by_a_new_edge),
      cmocka_unit_test(shuffle_reorders_the_events_of_a_wait))
