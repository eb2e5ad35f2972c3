// Loopback sockets for tests: pairs, ports that are free, that refuse, that answer nothing.
//
// Everything here uses the real system calls; whatever the machine refuses fails the test.
#ifndef TEST_SUPPORT_SOCKETS_H
#define TEST_SUPPORT_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

// A connected TCP pair on 127.0.0.1, blocking, close-on-exec, TCP_NODELAY: fds[0] connected,
// fds[1] was accepted.
void socket_pair_tcp(int fds[2]);

// A TCP port of 127.0.0.1 that was free a moment ago; for programs that must be told one.
uint16_t free_port(void);

// A TCP port of 127.0.0.1 that refuses connections as long as *holder (close it) is open: bound,
// so that nobody else gets it, and not listening.
uint16_t refusing_port(int *holder);

// Says whether 127.0.0.1's sister ::1 can be bound.
bool has_ipv6(void);

// A listener whose queue is full, so that the kernel drops every SYN: a connect to it stays in
// progress until its own time-out.
struct syn_drop {
    uint16_t port; // on 127.0.0.1
    int listener;
    int fillers[8]; // connections in the queue, and those that wait for a place
    int count;
};
void syn_drop_start(struct syn_drop *drop);
void syn_drop_stop(struct syn_drop *drop);

// Binds a listening TCP socket to a free loopback port of the family; returns it, and the port.
int listen_on_loopback(int family, int backlog, uint16_t *port);

#endif
