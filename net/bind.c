// Listening sockets: addresses, both families of one port, the files of Unix sockets.
//
// Design notes. ":0" must give one port for both families: the kernel chooses one for IPv4, and
// when it is taken for IPv6 another is tried. IPv6 sockets never serve IPv4 (IPV6_V6ONLY), so that
// an address means the same on every system. A machine without IPv6 listens on IPv4 alone.

#include "net/listen_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, PORT_TRIES = 32 };

static int set_option(int fd, int level, int name)
{
    const int on = 1;
    return setsockopt(fd, level, name, &on, sizeof on) < 0 ? -errno : 0;
}

static int listen_on(int fd, const gyre_listen_opts *opts)
{
    return listen(fd, opts->backlog ? opts->backlog : BACKLOG) < 0 ? -errno : 0;
}

// ---- TCP -----------------------------------------------------------------------------------

static int set_options(int fd, int family, const gyre_listen_opts *opts)
{
    int err = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (!err && opts->reuse_port) err = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (!err && family == AF_INET6) err = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    gyre__socket_no_delay(fd); // what is accepted inherits it
    return err;
}

// A bound and listening socket in *out; its real address replaces *address.
static int bind_tcp(int *out, gyre_address *address, const gyre_listen_opts *opts)
{
    int family = address->storage.ss_family;
    int fd = gyre__socket_open(family);
    if (fd < 0) return fd;
    int err = set_options(fd, family, opts);
    if (!err && bind(fd, (struct sockaddr *)&address->storage, address->len) < 0) err = -errno;
    if (!err) err = listen_on(fd, opts);
    gyre_address real = err ? *address : gyre__socket_local(fd);
    if (!err && real.len == 0) err = -errno;
    if (err) {
        gyre__socket_close(fd);
        return err;
    }
    *address = real;
    *out = fd;
    return 0;
}

static gyre_address any_address(int family, uint16_t port)
{
    gyre_address address = {0};
    if (family == AF_INET) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
        address.len = sizeof sin;
        memcpy(&address.storage, &sin, sizeof sin);
    } else {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        address.len = sizeof sin6;
        memcpy(&address.storage, &sin6, sizeof sin6);
    }
    return address;
}

static bool family_is_missing(int err)
{
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL || err == -EPFNOSUPPORT;
}

static int bind_both(gyre_listener *listener, int *fds, uint16_t port, const gyre_listen_opts *opts)
{
    int err = 0;
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        gyre_address v4 = any_address(AF_INET, port);
        err = bind_tcp(&fds[0], &v4, opts);
        if (err) break;
        gyre_address v6 = any_address(AF_INET6, gyre_address_port(&v4));
        err = bind_tcp(&fds[1], &v6, opts);
        listener->address = v4;
        listener->socket_count = err ? 1 : 2;
        if (!err || family_is_missing(err)) return 0;
        gyre__socket_close(fds[0]);
        fds[0] = -1;
        if (port != 0 || err != -EADDRINUSE) break;
    }
    return err;
}

// ":port" without a host, in a text of at most five digits.
static bool is_port_only(gyre_view text, uint16_t *port)
{
    static const char host[] = "0.0.0.0";
    char copy[sizeof host + 6];
    gyre_address address;
    bool has_port;
    if (text.len < 2 || text.len > 6 || text.ptr[0] != ':') return false;
    memcpy(copy, host, sizeof host - 1);
    memcpy(copy + sizeof host - 1, text.ptr, text.len);
    gyre_view whole = {copy, sizeof host - 1 + text.len};
    if (gyre__address_parse(&address, whole, 0, &has_port)) return false;
    *port = gyre_address_port(&address);
    return true;
}

// ---- Unix ----------------------------------------------------------------------------------

static const char *path_of(const gyre_address *address)
{
    return (const char *)&address->storage + offsetof(struct sockaddr_un, sun_path);
}

// Says whether a socket's file has nobody behind it any more.
static bool is_stale(const gyre_address *address)
{
    int fd = gyre__socket_open(AF_UNIX);
    if (fd < 0) return false;
    int err = gyre__socket_connect(fd, address);
    gyre__socket_close(fd);
    return err == -ECONNREFUSED;
}

static int clear_path(const gyre_address *address)
{
    struct stat status;
    const char *path = path_of(address);
    if (lstat(path, &status) < 0) return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode)) return -EEXIST;
    if (!is_stale(address)) return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

// Nobody can connect before listen(2), so the permissions are right from the first moment on.
static int bind_path(gyre_listener *listener, int fd, const gyre_listen_opts *opts)
{
    const gyre_address *address = &listener->address;
    struct stat status;
    int err = clear_path(address);
    if (err) return err;
    if (bind(fd, (const struct sockaddr *)&address->storage, address->len) < 0) return -errno;
    if (lstat(path_of(address), &status) < 0) return -errno;
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    mode_t mode = opts->mode ? (mode_t)opts->mode : 0600;
    return chmod(path_of(address), mode) < 0 ? -errno : 0;
}

static int bind_unix(gyre_listener *listener, int *fds, const gyre_listen_opts *opts)
{
    const gyre_address *address = &listener->address;
    int fd = gyre__socket_open(AF_UNIX);
    if (fd < 0) return fd;
    fds[0] = fd;
    listener->socket_count = 1;
    int err = 0;
    if (path_of(address)[0] != '\0')
        err = bind_path(listener, fd, opts);
    else if (bind(fd, (const struct sockaddr *)&address->storage, address->len) < 0)
        err = -errno;
    return err ? err : listen_on(fd, opts);
}

void gyre__listener_unlink(gyre_listener *listener)
{
    struct stat status;
    if (!listener->inode) return;
    const char *path = path_of(&listener->address);
    if (lstat(path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        (void)unlink(path);
    listener->inode = 0;
}

int gyre__listener_bind(gyre_listener *listener, int fds[GYRE__LISTEN_SOCKETS], const char *addr,
                        const gyre_listen_opts *opts)
{
    uint16_t port;
    bool has_port;
    gyre_view text = gyre_view_of(addr);
    if (is_port_only(text, &port)) return bind_both(listener, fds, port, opts);
    int err = gyre__address_parse(&listener->address, text, 0, &has_port);
    if (err) return err;
    if (listener->address.storage.ss_family == AF_UNIX) return bind_unix(listener, fds, opts);
    if (!has_port) return -EINVAL; // a forgotten port must not become one of the kernel's choice
    listener->socket_count = 1;
    return bind_tcp(&fds[0], &listener->address, opts);
}
