// Real programs (redis-server, socat, nginx, dnsmasq) as peers.
//
//     child c;
//     child_start(&c, (const char *const[]){"redis-server", "--port", port_text, NULL});
//     child_wait_port(&c, port);
//     …
//     child_stop(&c);
//
// A child runs in a process group of its own with its output kept aside. It is killed with its
// group when the test program exits, whatever way; if the test program itself is killed, the
// kernel kills the child alone (PR_SET_PDEATHSIG), so let programs run as one process where they
// can (nginx: `daemon off; master_process off;`). Start children on the main thread: the kernel
// takes the end of the starting thread for the end of the parent.
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct child {
    struct child *next; // all that run
    pid_t pid;          // also of the group; 0 once stopped
    int output;         // memory file with what it wrote to stdout and stderr
    const char *name;
} child;

// Starts argv[0], looked up in PATH, /usr/sbin and /usr/local/sbin; skips the test with the reason
// when it is not installed. `c` and argv[0] must live until child_stop.
void child_start(child *c, const char *const argv[]);

// Says whether `program` is installed.
bool child_is_installed(const char *program);

// Waits until a socket listens on TCP port `port`, 10 s at most. It looks at the kernel's table and
// does not connect, so a program that serves one connection still has it. Fails the test, with the
// child's output, when it ends or does not listen in time.
void child_wait_port(child *c, uint16_t port);

// The same for a UDP port that is bound, and for a Unix socket that listens at `path`.
void child_wait_udp(child *c, uint16_t port);
void child_wait_unix(child *c, const char *path);

// Ends the child (SIGTERM, after 2 s SIGKILL to its group), reaps it; returns its wait status.
int child_stop(child *c);

// Waits until the child ends by itself, `ms` of real time at most; its wait status. Fails the test
// when it does not.
int child_join(child *c, int ms);

#endif
