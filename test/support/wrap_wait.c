// Wrappers of epoll and poll: faults, then virtual time; and the record of what was registered.
//
// The record holds for each descriptor its last registration, so that wrap_rearm can make an edge
// that the kernel owes nobody (see faults.h). Where the record is out of date (the descriptor or
// the epoll was closed) EPOLL_CTL_MOD fails, which is as good as knowing that nothing is to be
// armed.
#include <stdio.h>
#include <stdlib.h>

#include "test/support/clock.h"
#include "test/support/wrap_int.h"

enum { FD_MOST = 4096 };

struct registration {
    int epfd; // valid while `event.events` is not 0
    struct epoll_event event;
};

static struct registration registrations[FD_MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void record(int epfd, int fd, const struct epoll_event *event)
{
    if (fd >= FD_MOST) return;
    pthread_mutex_lock(&lock);
    registrations[fd] = (struct registration){.epfd = epfd, .event = *event};
    pthread_mutex_unlock(&lock);
}

void wrap_rearm(int fd)
{
    if (fd < 0) return;
    if (fd >= FD_MOST) {
        fprintf(stderr, "faults: cannot arm descriptor %d again, the record has %d\n", fd, FD_MOST);
        abort();
    }
    int saved = errno;
    pthread_mutex_lock(&lock);
    struct registration *known = &registrations[fd];
    if (known->event.events && !(known->event.events & (EPOLLONESHOT | EPOLLEXCLUSIVE)))
        real_epoll_ctl(known->epfd, EPOLL_CTL_MOD, fd, &known->event);
    pthread_mutex_unlock(&lock);
    errno = saved;
}

int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int err = fault_take(FAULT_EPOLL_CTL);
    if (err) {
        errno = err;
        return -1;
    }
    int result = real_epoll_ctl(epfd, op, fd, event);
    if (!result && op != EPOLL_CTL_DEL) record(epfd, fd, event);
    return result;
}

static void shuffle(struct epoll_event *events, int count)
{
    uint64_t state = fault_shuffle_seed();
    if (!state) return;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)(fault_random(&state) % (uint64_t)(i + 1));
        struct epoll_event moved = events[i];
        events[i] = events[j];
        events[j] = moved;
    }
}

static int64_t timeout_of(const struct timespec *timeout)
{
    return timeout ? (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec : -1;
}

static int64_t timeout_of_ms(int ms)
{
    return ms < 0 ? -1 : (int64_t)ms * 1000000;
}

static struct timespec timespec_of_ms(int ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
}

struct epoll_wait_args {
    int epfd;
    struct epoll_event *events;
    int max;
    const sigset_t *mask;
};

static int epoll_wait_ms(void *arg, int ms)
{
    struct epoll_wait_args *args = arg;
    if (!args->mask) return real_epoll_wait(args->epfd, args->events, args->max, ms);
    struct timespec timeout = timespec_of_ms(ms);
    return real_epoll_pwait2(args->epfd, args->events, args->max, &timeout, args->mask);
}

int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    int err = fault_take(FAULT_EPOLL_WAIT);
    if (err) {
        errno = err;
        return -1;
    }
    struct epoll_wait_args args = {.epfd = epfd, .events = events, .max = max};
    int ready = clock_is_virtual() ? clock_wait(epoll_wait_ms, &args, timeout_of_ms(timeout))
                                   : real_epoll_wait(epfd, events, max, timeout);
    shuffle(events, ready);
    return ready;
}

int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask);
int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask)
{
    int err = fault_take(FAULT_EPOLL_PWAIT2);
    if (err) {
        errno = err;
        return -1;
    }
    struct epoll_wait_args args = {.epfd = epfd, .events = events, .max = max, .mask = mask};
    int ready = clock_is_virtual() ? clock_wait(epoll_wait_ms, &args, timeout_of(timeout))
                                   : real_epoll_pwait2(epfd, events, max, timeout, mask);
    shuffle(events, ready);
    return ready;
}

struct poll_args {
    struct pollfd *fds;
    nfds_t count;
    const sigset_t *mask;
};

static int poll_ms(void *arg, int ms)
{
    struct poll_args *args = arg;
    struct timespec timeout = timespec_of_ms(ms);
    return real_ppoll(args->fds, args->count, &timeout, args->mask);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    int err = fault_take(FAULT_POLL);
    if (err) {
        errno = err;
        return -1;
    }
    if (!clock_is_virtual()) return real_poll(fds, count, timeout);
    struct poll_args args = {.fds = fds, .count = count};
    return clock_wait(poll_ms, &args, timeout_of_ms(timeout));
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
    int err = fault_take(FAULT_PPOLL);
    if (err) {
        errno = err;
        return -1;
    }
    if (!clock_is_virtual()) return real_ppoll(fds, count, timeout, mask);
    struct poll_args args = {.fds = fds, .count = count, .mask = mask};
    return clock_wait(poll_ms, &args, timeout_of(timeout));
}
