// Listeners on chosen loopback addresses, for tests of connecting.
#ifndef TEST_NET_CONNECT_SETUP_H
#define TEST_NET_CONNECT_SETUP_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "test/net/names.h"
#include "test/support/real.h"
#include "test/support/sockets.h"

// Binds a TCP socket to an address such as "127.0.0.2"; port 0: the kernel chooses. Listens unless
// the backlog is negative: then the port refuses.
static inline int bound_to(const char *text, uint16_t port, int backlog)
{
    gyre_address address;
    assert_int_equal(gyre_address_parse(&address, gyre_view_of(text), port), 0);
    int fd = real_socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (address.storage.ss_family == AF_INET6)
        assert_int_equal(real_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)), 0);
    const struct sockaddr *to = (const struct sockaddr *)&address.storage;
    assert_int_equal(real_bind(fd, to, address.len), 0);
    if (backlog >= 0) assert_int_equal(real_listen(fd, backlog), 0);
    return fd;
}

static inline uint16_t port_of(int fd)
{
    gyre_address address = {.len = sizeof address.storage};
    assert_int_equal(real_getsockname(fd, (struct sockaddr *)&address.storage, &address.len), 0);
    return gyre_address_port(&address);
}

// A connect through the name server of the test.
static inline gyre_stream_future connect_to(struct names *names, const char *host, uint16_t port,
                                            gyre_connect_opts opts)
{
    opts.resolve.servers = names->dns.text;
    return gyre_connect(names->loop, host, port, &opts);
}

// Connects, closes the stream, and gives the outcome; *peer (unless NULL) is whom it met.
static inline int try_connect(struct names *names, const char *host, uint16_t port,
                              gyre_connect_opts opts, char peer[GYRE_ADDRESS_TEXT])
{
    gyre_stream *stream = NULL;
    int err = gyre_run(connect_to(names, host, port, opts), &stream);
    if (err) return err;
    gyre_address address = gyre_stream_peer(stream);
    if (peer) gyre_address_text(&address, peer, GYRE_ADDRESS_TEXT);
    gyre_stream_close(stream);
    return 0;
}

// "127.0.0.1" and a port, as gyre_address_text writes it.
static inline const char *with_port(char to[GYRE_ADDRESS_TEXT], const char *host, uint16_t port)
{
    snprintf(to, GYRE_ADDRESS_TEXT, "%s:%u", host, port);
    return to;
}

#endif
