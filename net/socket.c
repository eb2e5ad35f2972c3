// Sockets: made non-blocking and close-on-exec in one step, so that no fork can come between.

#include "net/net_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

int gyre__socket_open(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

// A connect(2) that a signal interrupts goes on by itself; asking again would give EALREADY.
int gyre__socket_connect(int fd, const gyre_address *to)
{
    if (connect(fd, (const struct sockaddr *)&to->storage, to->len) == 0) return 0;
    return errno == EINTR ? -EINPROGRESS : -errno;
}

void gyre__socket_no_delay(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int gyre__socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) return -errno;
    return -err;
}

// A Unix socket without a name has an address of nothing but its family.
static gyre_address address_if(int result, gyre_address address)
{
    if (result < 0 || address.len <= sizeof address.storage.ss_family) address.len = 0;
    return address;
}

gyre_address gyre__socket_local(int fd)
{
    gyre_address address = {.len = sizeof address.storage};
    int result = getsockname(fd, (struct sockaddr *)&address.storage, &address.len);
    return address_if(result, address);
}

gyre_address gyre__socket_peer(int fd)
{
    gyre_address address = {.len = sizeof address.storage};
    int result = getpeername(fd, (struct sockaddr *)&address.storage, &address.len);
    return address_if(result, address);
}

void gyre__socket_close(int fd)
{
    int saved = errno;
    if (fd >= 0) close(fd);
    errno = saved;
}
