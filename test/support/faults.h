// System calls that fail when a test says so.
//
// Every call of the list below is intercepted at link time (wrap.list, ld --wrap) in all objects
// of a test program, the test's own included. What support itself calls, and what a test calls
// through real.h, is neither counted nor failed; nor is what shared libraries and libc call inside.
// A new call costs one line here, one wrapper in wrap*.c and one line in wrap.list.
//
// Counters and rules are atomic; a rule may be set while other threads run. One rule for each call
// at a time: setting another replaces it. Without a rule the cost is one atomic addition.
//
// Injected failures happen *instead* of the call, except two that the kernel does differently:
// close(2) really closes whatever it reports, and connect(2) that reports EINTR goes on in the
// background. An injected EAGAIN, and a read or write cut short, would be followed by no new edge
// of an edge-triggered epoll, which no kernel does; so the descriptor's registration is armed
// again and the edge comes (once more than needed: spurious readiness is part of the exercise).
#ifndef TEST_SUPPORT_FAULTS_H
#define TEST_SUPPORT_FAULTS_H

#include <stddef.h>
#include <stdint.h>

// X(name, text, interruptible): fault_eintr hits the interruptible ones only (signal(7)).
#define FAULT_LIST(X) \
    X(READ, "read", 1) \
    X(WRITE, "write", 1) \
    X(READV, "readv", 1) \
    X(WRITEV, "writev", 1) \
    X(SEND, "send", 1) \
    X(SENDTO, "sendto", 1) \
    X(SENDMSG, "sendmsg", 1) \
    X(SENDFILE, "sendfile", 1) \
    X(RECV, "recv", 1) \
    X(RECVFROM, "recvfrom", 1) \
    X(RECVMSG, "recvmsg", 1) \
    X(ACCEPT4, "accept4", 1) \
    X(CONNECT, "connect", 1) \
    X(SOCKET, "socket", 0) \
    X(BIND, "bind", 0) \
    X(LISTEN, "listen", 0) \
    X(SHUTDOWN, "shutdown", 0) \
    X(GETSOCKOPT, "getsockopt", 0) \
    X(SETSOCKOPT, "setsockopt", 0) \
    X(GETSOCKNAME, "getsockname", 0) \
    X(CLOSE, "close", 1) \
    X(EPOLL_CREATE1, "epoll_create1", 0) \
    X(EPOLL_CTL, "epoll_ctl", 0) \
    X(EPOLL_WAIT, "epoll_wait", 1) \
    X(EPOLL_PWAIT2, "epoll_pwait2", 1) \
    X(POLL, "poll", 1) \
    X(PPOLL, "ppoll", 1) \
    X(EVENTFD, "eventfd", 0) \
    X(SIGNALFD, "signalfd", 0) \
    X(PIPE2, "pipe2", 0) \
    X(MMAP, "mmap", 0) \
    X(MUNMAP, "munmap", 0) \
    X(MPROTECT, "mprotect", 0) \
    X(MADVISE, "madvise", 0) \
    X(SIGACTION, "sigaction", 0) \
    X(OPEN, "open", 1) \
    X(STAT, "stat", 0) \
    X(FCNTL, "fcntl", 0) \
    X(GETRANDOM, "getrandom", 1) \
    X(PTHREAD_CREATE, "pthread_create", 0)

enum fault_call {
#define FAULT_ENUM(name, text, interruptible) FAULT_##name,
    FAULT_LIST(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_CALLS // how many there are
};

// Forgets every rule and sets every counter to 0.
void fault_reset(void);

// The n-th call from now (1 = the next) fails with `err`, once.
void fault_fail_nth(enum fault_call call, unsigned long n, int err);

// The n-th call from now and every later one fail with `err`.
void fault_fail_from(enum fault_call call, unsigned long n, int err);

// Every n-th call from now fails with `err`.
void fault_every(enum fault_call call, unsigned long n, int err);

// The call transfers at most `bytes` bytes; 0 = as many as asked for. For the read, write, send,
// recv and sendfile families; datagram sockets, eventfd and the like are left whole, as they are
// in the kernel.
void fault_short(enum fault_call call, size_t bytes);

// fault_short for every call that transfers bytes, in both directions.
void fault_short_all(size_t bytes);

// Each interruptible call fails with EINTR with this probability (0 to below 1; 0 = off). The
// same seed gives each call the same sequence.
void fault_eintr(double probability, uint64_t seed);

// The events of one epoll_wait come in an order drawn from `seed`; 0 = as the kernel gives them.
void fault_shuffle(uint64_t seed);

// Calls since fault_reset (or since the program began), failed ones included.
unsigned long fault_count(enum fault_call call);

// How often an injected fault really occurred since fault_reset: failures and cuts. Tests print
// it: a test of faults in which none occurred shows nothing.
unsigned long fault_hit(void);

// The name of a call: "epoll_ctl".
const char *fault_name(enum fault_call call);

// Runs `fn(arg)` with the first `call` failing with `err`, then with the second, and so on until a
// run in which none failed; prints how many were failed. `fn` ends with 0 or an error of its own;
// the clean run must end with 0, or the test fails.
void fault_torture(enum fault_call call, int err, int (*fn)(void *arg), void *arg);

// ---- For the wrappers --------------------------------------------------------------------------

// Counts a call; the errno to fail it with, or 0.
int fault_take(enum fault_call call);

// How many of `len` bytes the call may transfer on `fd`.
size_t fault_cut(enum fault_call call, int fd, size_t len);

// Counts a fault that occurred.
void fault_note(void);

// Sorts the events as fault_shuffle says; returns the seed of this batch, 0 = leave them.
uint64_t fault_shuffle_seed(void);

// The next of a sequence of well mixed numbers (splitmix64).
uint64_t fault_random(uint64_t *state);

#endif
