// The life of a peer: listen, start its thread, join it, read what is left, clean up.
//
// The thread alone touches the peer between start and join, but for the eventfd. Peers and their
// records are never freed: they are few, and a test may look at them until it ends.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/peer_int.h"
#include "test/support/test.h"

static peer *all_peers;

static void listen_on_unix(peer *p)
{
    const char *parent = getenv("TEST_TMP");
    char directory[96];
    int len = snprintf(directory, sizeof directory, "%s/peer-XXXXXX", parent ? parent : "/tmp");
    if (len >= (int)sizeof directory) fail_msg("peer: TEST_TMP is too long for a socket's path");
    if (!mkdtemp(directory)) fail_msg("peer: mkdtemp: %s", strerror(errno));
    snprintf(p->path, sizeof p->path, "%s/socket", directory);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    memcpy(addr.sun_path, p->path, sizeof p->path);
    p->listener = real_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (real_bind(p->listener, (struct sockaddr *)&addr, sizeof addr) ||
        real_listen(p->listener, PEER_CONNECTIONS))
        fail_msg("peer: listen on %s: %s", p->path, strerror(errno));
}

static void *thread_main(void *arg)
{
    peer_play(arg);
    return NULL;
}

peer *peer_start_for(enum peer_kind kind, const peer_step *script, int limit_ms)
{
    if (kind == PEER_IPV6 && !has_ipv6()) SKIP("the loopback of this machine has no IPv6");
    peer *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->next = all_peers;
    all_peers = p;
    p->kind = kind;
    p->script = script;
    if (kind == PEER_UNIX)
        listen_on_unix(p);
    else
        p->listener =
            listen_on_loopback(kind == PEER_IPV6 ? AF_INET6 : AF_INET, PEER_CONNECTIONS, &p->port);
    p->released = real_eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    struct timespec now;
    real_clock_gettime(CLOCK_MONOTONIC, &now);
    p->deadline = (now.tv_sec * 1000 + limit_ms) * INT64_C(1000000) + now.tv_nsec;
    int err = real_pthread_create(&p->thread, NULL, thread_main, p);
    if (err) fail_msg("peer: thread: %s", strerror(err));
    return p;
}

peer *peer_start(enum peer_kind kind, const peer_step *script)
{
    return peer_start_for(kind, script, PEER_LIMIT_MS);
}

uint16_t peer_port(const peer *p)
{
    return p->port;
}

const char *peer_path(const peer *p)
{
    return p->path;
}

void peer_release(peer *p)
{
    uint64_t one = 1;
    if (real_write(p->released, &one, sizeof one) != sizeof one)
        fail_msg("peer: release: %s", strerror(errno));
}

// Takes the connections that no step accepted: a test may ask how many were made.
static void accept_rest(peer *p)
{
    while (p->count < PEER_CONNECTIONS) {
        struct pollfd wait = {.fd = p->listener, .events = POLLIN};
        if (real_poll(&wait, 1, 0) <= 0) return;
        int fd = real_accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return;
        peer_connection_open(&p->connections[p->count++], fd);
    }
}

const char *peer_wait(peer *p)
{
    if (!p->joined) {
        pthread_join(p->thread, NULL);
        p->joined = true;
        accept_rest(p);
        for (size_t k = 0; k < p->count; k++) {
            struct peer_connection *connection = &p->connections[k];
            while (peer_take(connection) > 0) continue;
            if (connection->fd >= 0) real_close(connection->fd);
            connection->fd = -1;
        }
        real_close(p->listener);
        real_close(p->released);
        if (p->kind == PEER_UNIX) {
            unlink(p->path);
            *strrchr(p->path, '/') = '\0';
            rmdir(p->path);
        }
    }
    return *p->failure ? p->failure : NULL;
}

void peer_finish(peer *p)
{
    const char *failure = peer_wait(p);
    if (failure) fail_msg("peer: %s", failure);
}

size_t peer_connections(const peer *p)
{
    return p->count;
}

gyre_view peer_received(const peer *p, size_t k)
{
    if (k >= p->count) return (gyre_view){NULL, 0};
    return (gyre_view){p->connections[k].received, p->connections[k].len};
}
