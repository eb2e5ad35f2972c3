// Wrappers of the calls that neither transfer bytes (wrap_io.c) nor wait (wrap_wait.c).
#include <fcntl.h>
#include <stdarg.h>

#include "test/support/wrap_int.h"

WRAP(int, socket, SOCKET, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, bind, BIND, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
WRAP(int, listen, LISTEN, (int fd, int backlog), (fd, backlog))
WRAP(int, shutdown, SHUTDOWN, (int fd, int how), (fd, how))
WRAP(int, getsockopt, GETSOCKOPT, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len))
WRAP(int, setsockopt, SETSOCKOPT, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
WRAP(int, getsockname, GETSOCKNAME, (int fd, struct sockaddr *addr, socklen_t *len),
     (fd, addr, len))
WRAP(int, epoll_create1, EPOLL_CREATE1, (int flags), (flags))
WRAP(int, eventfd, EVENTFD, (unsigned initial, int flags), (initial, flags))
WRAP(int, signalfd, SIGNALFD, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, pipe2, PIPE2, (int fds[2], int flags), (fds, flags))
WRAP(int, munmap, MUNMAP, (void *addr, size_t len), (addr, len))
WRAP(int, mprotect, MPROTECT, (void *addr, size_t len, int prot), (addr, len, prot))
WRAP(int, madvise, MADVISE, (void *addr, size_t len, int advice), (addr, len, advice))
WRAP(int, sigaction, SIGACTION, (int signo, const struct sigaction *act, struct sigaction *old),
     (signo, act, old))
WRAP(int, stat, STAT, (const char *path, struct stat *out), (path, out))
WRAP(int, stat64, STAT, (const char *path, struct stat64 *out), (path, out))
WRAP(ssize_t, getrandom, GETRANDOM, (void *buf, size_t len, unsigned flags), (buf, len, flags))
WRAP_OR(void *, mmap, MMAP, (void *addr, size_t len, int prot, int flags, int fd, off_t offset),
        (addr, len, prot, flags, fd, offset), MAP_FAILED)
WRAP_OR(void *, mmap64, MMAP, (void *addr, size_t len, int prot, int flags, int fd, off64_t offset),
        (addr, len, prot, flags, fd, offset), MAP_FAILED)

// pthread_create(3) returns its error and leaves errno alone.
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg)
{
    int err = fault_take(FAULT_PTHREAD_CREATE);
    return err ? err : real_pthread_create(thread, attr, fn, arg);
}

// Whatever close(2) reports on Linux, the descriptor is gone: an injected error closes too.
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int err = fault_take(FAULT_CLOSE);
    int result = real_close(fd);
    if (!err || result) return result;
    errno = err;
    return -1;
}

// A connect(2) that a signal interrupts goes on in the background (POSIX); other errors do not.
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    int err = fault_take(FAULT_CONNECT);
    if (!err || err == EINTR) {
        int result = real_connect(fd, addr, len);
        if (!err || (result && errno != EINPROGRESS)) return result;
    }
    errno = err;
    return -1;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int err = fault_take(FAULT_ACCEPT4);
    if (!err) return real_accept4(fd, addr, len, flags);
    if (err == EAGAIN) wrap_rearm(fd);
    errno = err;
    return -1;
}

// The mode is there only with these flags; reading it otherwise would read past the arguments.
static mode_t open_mode(int flags, va_list args)
{
    return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(args, mode_t) : 0;
}

#define WRAP_OPEN(name) \
    int __wrap_##name(const char *path, int flags, ...); \
    int __wrap_##name(const char *path, int flags, ...) \
    { \
        va_list args; \
        va_start(args, flags); \
        mode_t mode = open_mode(flags, args); \
        va_end(args); \
        int err = fault_take(FAULT_OPEN); \
        if (!err) return real_##name(path, flags, mode); \
        errno = err; \
        return -1; \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)

// The argument is nothing, an int or a pointer. On every Linux ABI an argument fetched as a
// pointer and passed on as one reaches the kernel unchanged in all three cases.
#define WRAP_FCNTL(name) \
    int __wrap_##name(int fd, int command, ...); \
    int __wrap_##name(int fd, int command, ...) \
    { \
        va_list args; \
        va_start(args, command); \
        void *arg = va_arg(args, void *); \
        va_end(args); \
        int err = fault_take(FAULT_FCNTL); \
        if (!err) return real_##name(fd, command, arg); \
        errno = err; \
        return -1; \
    }

WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)
