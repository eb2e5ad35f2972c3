// What the tests of the loop share: a loop with what it logs kept aside, a trace, pipes, threads.
#ifndef GYRE_TEST_LOOP_FIXTURE_H
#define GYRE_TEST_LOOP_FIXTURE_H

#include "test/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/loop_int.h"
#include "test/support/clock.h"
#include "test/support/faults.h"
#include "test/support/memory.h"
#include "test/support/real.h"
#include "test/support/sockets.h"

enum { READ = GYRE_READABLE, WRITE = GYRE_WRITABLE, HANGUP = GYRE_HANGUP };

// ---- Trace -------------------------------------------------------------------------------------

static char trace[256];

// Adds a letter for each thing that happened, in order.
static inline void note(char what)
{
    size_t len = strlen(trace);
    if (len + 1 < sizeof trace) trace[len] = what, trace[len + 1] = '\0';
}

// ---- Loops -------------------------------------------------------------------------------------

static inline gyre_loop *open_loop_with(const gyre_loop_opts *opts)
{
    gyre_loop *loop = NULL;
    assert_int_equal(gyre_loop_open(&loop, opts), 0);
    trace[0] = '\0';
    return loop;
}

static inline gyre_loop *open_loop(void)
{
    return open_loop_with(NULL);
}

static inline void turn(gyre_loop *loop)
{
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
}

static inline void close_loop(gyre_loop *loop)
{
    assert_int_equal(gyre_loop_close(loop), 0);
}

static inline bool is_epoll(const gyre_loop *loop)
{
    return strcmp(gyre_loop_backend(loop), "epoll") == 0;
}

// How often the poller was asked since fault_reset.
static inline unsigned long polls(void)
{
    return fault_count(FAULT_EPOLL_WAIT) + fault_count(FAULT_EPOLL_PWAIT2) +
           fault_count(FAULT_PPOLL);
}

// ---- Descriptors -------------------------------------------------------------------------------

static inline void open_pipe(int fds[2])
{
    assert_int_equal(real_pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static inline void open_pair(int fds[2])
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    assert_int_equal(socketpair(AF_UNIX, type, 0, fds), 0);
}

static inline void close_both(const int fds[2])
{
    real_close(fds[0]);
    real_close(fds[1]);
}

static inline void put(int fd)
{
    assert_int_equal(real_write(fd, "x", 1), 1);
}

static inline void take(int fd)
{
    char byte;
    assert_int_equal(real_read(fd, &byte, 1), 1);
}

// ---- Children ----------------------------------------------------------------------------------

// Runs `fn(arg)` in a forked child, which exits with what it returns; its wait status. A child that
// hangs is ended by SIGALRM.
static inline int in_child(int (*fn)(void *arg), void *arg)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        _exit(fn(arg));
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
