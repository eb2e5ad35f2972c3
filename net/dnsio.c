// The system calls that c-ares makes on its sockets.
//
// c-ares would make them itself, but then a name server that resets a TCP connection could raise
// SIGPIPE (it uses writev), EINTR would count as a dead server, and a datagram of no bytes as the
// end of the connection (CVE-2023-32067).

#define CARES_NO_DEPRECATED
#include "net/dns_impl.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static ares_socket_t on_socket(int family, int type, int protocol, void *arg)
{
    gyre__channel *channel = arg;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    channel->socket_err = fd < 0 ? -errno : 0;
    if (fd < 0) return ARES_SOCKET_BAD;
    // A question is one small segment; without this it merely waits a little.
    if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static int on_close(ares_socket_t fd, void *arg)
{
    (void)arg;
    return close(fd);
}

static int on_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
    (void)arg;
    int result = connect(fd, addr, len);
    if (result < 0 && errno == EINTR) errno = EINPROGRESS; // it goes on by itself
    return result;
}

static bool is_datagram(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

// recvfrom(2), as c-ares has it called.
static ares_ssize_t cares_recvfrom(ares_socket_t fd, void *to, size_t size, int flags,
                                   struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
    (void)arg;
    ssize_t n;
    do n = recvfrom(fd, to, size, flags, from, from_len);
    while (n < 0 && errno == EINTR);
    if (n != 0 || size == 0 || !is_datagram(fd)) return n;
    errno = EAGAIN; // an empty datagram; the watch tells if there is more
    return -1;
}

static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *pieces, int count, void *arg)
{
    (void)arg;
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t n;
    do n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    // The port's refusal of an earlier datagram, told instead of sending this one. Sent again, this
    // one is refused too, and a refusal that is read fails every query of the socket at once;
    // taken here it would be lost to the earlier one, which then waits for its time-out.
    if (n < 0 && errno == ECONNREFUSED && is_datagram(fd)) n = sendmsg(fd, &message, MSG_NOSIGNAL);
    return n;
}

const struct ares_socket_functions gyre__dns_socket_functions = {
    .asocket = on_socket,
    .aclose = on_close,
    .aconnect = on_connect,
    .arecvfrom = cares_recvfrom,
    .asendv = on_send,
};
