// The epoll backend.
//
// Design notes. The user data of an event is generation and descriptor, so a stale event is told
// from a fresh one without a pointer that might dangle. The wake-up is an eventfd registered
// edge-triggered: each write is a new edge, so it is never read. epoll_pwait2 gives waits in
// nanoseconds; kernels before 5.11 (and sandboxes that do not know the call and say EPERM) get
// milliseconds rounded up, so that a timer is late there but never early.
//
// epoll reports EPOLLHUP and EPOLLERR whether asked or not. A paused watch (want 0) would therefore
// spin on a dead peer: it is taken out of the set instead and added again when it wants something.

#include "loop/impl.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_POLL = 512 };
static const uint64_t wake_token = UINT64_MAX;

struct poller {
    int epoll_fd;
    int wake_fd;
    int count; // events kept from the last wait
    bool no_pwait2;
    struct epoll_event events[EVENTS_PER_POLL];
};

static uint64_t token_of(const gyre_watch *watch)
{
    return (uint64_t)watch->generation << 32 | (uint32_t)watch->fd;
}

static uint32_t mask_of(unsigned want)
{
    uint32_t mask = 0;
    if (want & GYRE_READABLE) mask |= EPOLLIN;
    if (want & GYRE_WRITABLE) mask |= EPOLLOUT;
    if (want & GYRE__EDGE) mask |= EPOLLET | EPOLLRDHUP | EPOLLPRI;
    return mask;
}

static unsigned events_of(uint32_t mask)
{
    unsigned events = 0;
    if (mask & EPOLLIN) events |= GYRE_READABLE;
    if (mask & EPOLLOUT) events |= GYRE_WRITABLE;
    if (mask & EPOLLHUP) events |= GYRE_HANGUP;
    if (mask & EPOLLRDHUP) events |= GYRE__PEER_SHUT;
    if (mask & EPOLLPRI) events |= GYRE__URGENT;
    if (mask & EPOLLERR) events |= GYRE__ERROR;
    return events;
}

static int control(gyre_loop *loop, int operation, gyre_watch *watch)
{
    struct poller *poller = loop->poller;
    struct epoll_event event = {.events = mask_of(watch->want), .data.u64 = token_of(watch)};
    return epoll_ctl(poller->epoll_fd, operation, watch->fd, &event) == 0 ? 0 : -errno;
}

// ---- Life ----------------------------------------------------------------------------------

static void close_descriptors(gyre_loop *loop)
{
    struct poller *poller = loop->poller;
    if (poller->epoll_fd >= 0) close(poller->epoll_fd);
    if (poller->wake_fd >= 0) close(poller->wake_fd);
    poller->epoll_fd = poller->wake_fd = -1;
}

static void close_poller(gyre_loop *loop)
{
    close_descriptors(loop);
    gyre__free(&loop->alloc, loop->poller);
    loop->poller = NULL;
}

static int open_descriptors(gyre_loop *loop, struct poller *poller)
{
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll_fd < 0) return -errno;
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->wake_fd < 0) return -errno;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = wake_token};
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->wake_fd, &event) < 0) return -errno;
    return gyre__mailbox_open(&loop->mailbox, loop, poller->wake_fd);
}

static int open_poller(gyre_loop *loop)
{
    struct poller *poller = gyre__alloc(&loop->alloc, sizeof *poller);
    if (!poller) return -ENOMEM;
    poller->epoll_fd = poller->wake_fd = -1;
    poller->count = 0;
    poller->no_pwait2 = false;
    loop->poller = poller;
    int err = open_descriptors(loop, poller);
    if (err) close_poller(loop);
    return err;
}

static void wake(int wake_fd)
{
    const uint64_t one = 1;
    while (write(wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

// ---- Registration --------------------------------------------------------------------------

// A watch that begins paused is added and taken out again: only so the kernel says what it thinks
// of the descriptor.
static int add(gyre_loop *loop, gyre_watch *watch)
{
    int err = control(loop, EPOLL_CTL_ADD, watch);
    if (!err && !watch->want) err = control(loop, EPOLL_CTL_DEL, watch);
    return err;
}

static void change(gyre_loop *loop, gyre_watch *watch)
{
    int operation = !watch->want         ? EPOLL_CTL_DEL
                    : !watch->registered ? EPOLL_CTL_ADD
                                         : EPOLL_CTL_MOD;
    int err = control(loop, operation, watch);
    watch->registered = watch->want;
    if (err)
        gyre__log(loop, GYRE_LOG_ERROR, "loop", "epoll_ctl of descriptor %d: %s", watch->fd,
                  gyre_strerror(err));
}

static void remove_watch(gyre_loop *loop, gyre_watch *watch)
{
    if (watch->registered) control(loop, EPOLL_CTL_DEL, watch);
}

// ---- Waiting -------------------------------------------------------------------------------

static int wait_nanoseconds(struct poller *poller, gyre_duration timeout)
{
    struct timespec limit = {.tv_sec = timeout / GYRE_SECONDS(1),
                             .tv_nsec = timeout % GYRE_SECONDS(1)};
    return epoll_pwait2(poller->epoll_fd, poller->events, EVENTS_PER_POLL, &limit, NULL);
}

static int wait_milliseconds(struct poller *poller, gyre_duration timeout)
{
    gyre_duration limit = timeout / GYRE_MS(1) + (timeout % GYRE_MS(1) != 0);
    if (limit > INT32_MAX) limit = INT32_MAX;
    return epoll_wait(poller->epoll_fd, poller->events, EVENTS_PER_POLL, (int)limit);
}

static int wait_events(gyre_loop *loop, gyre_duration timeout)
{
    struct poller *poller = loop->poller;
    int count;
    if (timeout == GYRE_FOREVER) {
        count = epoll_wait(poller->epoll_fd, poller->events, EVENTS_PER_POLL, -1);
    } else if (timeout == 0 || poller->no_pwait2) {
        count = wait_milliseconds(poller, timeout);
    } else {
        count = wait_nanoseconds(poller, timeout);
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
            poller->no_pwait2 = true;
            count = wait_milliseconds(poller, timeout);
        }
    }
    poller->count = count < 0 ? 0 : count;
    return count < 0 ? -errno : 0;
}

static void dispatch(gyre_loop *loop)
{
    struct poller *poller = loop->poller;
    for (int i = 0; i < poller->count; i++) {
        uint64_t token = poller->events[i].data.u64;
        if (token == wake_token) continue;
        gyre__watch_event(loop, (int)(uint32_t)token, (unsigned)(token >> 32),
                          events_of(poller->events[i].events));
    }
    poller->count = 0;
}

const gyre__backend gyre__epoll = {
    .name = "epoll",
    .open = open_poller,
    .close = close_poller,
    .close_descriptors = close_descriptors,
    .add = add,
    .change = change,
    .remove = remove_watch,
    .wait = wait_events,
    .dispatch = dispatch,
    .drained = NULL,
    .wake = wake,
};
