// See sockets.h.
#include "test/support/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "test/support/real.h"
#include "test/support/test.h"

static void require(bool good, const char *what)
{
    if (!good) fail_msg("%s: %s", what, strerror(errno));
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return addr;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 addr; // large enough for both; the port is at the same place
    socklen_t len = sizeof addr;
    require(!real_getsockname(fd, (struct sockaddr *)&addr, &len), "getsockname");
    return ntohs(addr.sin6_port);
}

// A socket bound to a free loopback port, or -1 with errno.
static int bind_on_loopback(int family)
{
    int fd = real_socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct sockaddr_in v4 = loopback(0);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_v6 = family == AF_INET6;
    const struct sockaddr *addr =
        is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (!real_bind(fd, addr, is_v6 ? sizeof v6 : sizeof v4)) return fd;
    int saved = errno;
    real_close(fd);
    errno = saved;
    return -1;
}

int listen_on_loopback(int family, int backlog, uint16_t *port)
{
    int fd = bind_on_loopback(family);
    require(fd >= 0, "bind to loopback");
    require(!real_listen(fd, backlog), "listen");
    *port = port_of(fd);
    return fd;
}

static int connect_to(uint16_t port, int flags)
{
    int fd = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    require(fd >= 0, "socket");
    struct sockaddr_in addr = loopback(port);
    int result = real_connect(fd, (struct sockaddr *)&addr, sizeof addr);
    require(!result || errno == EINPROGRESS, "connect to loopback");
    return fd;
}

void socket_pair_tcp(int fds[2])
{
    uint16_t port;
    int listener = listen_on_loopback(AF_INET, 1, &port);
    fds[0] = connect_to(port, 0);
    fds[1] = real_accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    require(fds[1] >= 0, "accept4");
    real_close(listener);
    for (int i = 0; i < 2; i++)
        real_setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

uint16_t refusing_port(int *holder)
{
    *holder = bind_on_loopback(AF_INET);
    require(*holder >= 0, "bind to loopback");
    return port_of(*holder);
}

uint16_t free_port(void)
{
    int fd;
    uint16_t port = refusing_port(&fd);
    real_close(fd);
    return port;
}

bool has_ipv6(void)
{
    int fd = bind_on_loopback(AF_INET6);
    if (fd >= 0) real_close(fd);
    return fd >= 0;
}

void syn_drop_start(struct syn_drop *drop)
{
    drop->listener = listen_on_loopback(AF_INET, 0, &drop->port);
    drop->count = 0;
    // The queue of a backlog of 0 takes one connection; the first that gets no answer within a
    // while tells that it is full.
    struct pollfd filler = {.events = POLLOUT};
    do {
        require(drop->count < 8, "fill the queue of a listener");
        filler.fd = drop->fillers[drop->count++] = connect_to(drop->port, SOCK_NONBLOCK);
    } while (real_poll(&filler, 1, 50) > 0);
}

void syn_drop_stop(struct syn_drop *drop)
{
    for (int i = 0; i < drop->count; i++) real_close(drop->fillers[i]);
    real_close(drop->listener);
}
