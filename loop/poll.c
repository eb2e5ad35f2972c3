// The poll backend: every test's second opinion, and the one for systems with nothing better.
//
// Design notes. poll(2) only knows levels. An edge watch is made by asking for each bit once: when
// it has been reported it is left out until the library says that it drained it, so an unread
// stream does not spin. The peer's FIN is asked for apart (POLLRDHUP) and so is noticed meanwhile.
// POLLHUP and POLLERR come unasked: after one of them the descriptor is muted (its complement is
// what poll is given, which it ignores) until the library asks again.
//
// `polled` and `watches` run in parallel; `place` finds a descriptor's index. Events are copied out
// before the first callback, because callbacks start and stop watches and so move the arrays.

#include "loop/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

struct event {
    int fd;
    unsigned generation;
    unsigned events;
};

struct poller {
    int wake_pipe[2];
    int count, capacity;   // of polled, watches and kept
    struct pollfd *polled; // [0] is the wake-up
    gyre_watch **watches;
    struct event *kept;
    int kept_count;
    int *place; // by descriptor; -1: not polled
    int place_count;
};

static short mask_of(unsigned want)
{
    int mask = 0;
    if (want & GYRE_READABLE) mask |= POLLIN;
    if (want & GYRE_WRITABLE) mask |= POLLOUT;
    if (want & GYRE__EDGE) mask |= POLLRDHUP | POLLPRI;
    return (short)mask;
}

static unsigned events_of(int mask)
{
    unsigned events = 0;
    if (mask & POLLIN) events |= GYRE_READABLE;
    if (mask & POLLOUT) events |= GYRE_WRITABLE;
    if (mask & POLLHUP) events |= GYRE_HANGUP;
    if (mask & POLLRDHUP) events |= GYRE__PEER_SHUT;
    if (mask & POLLPRI) events |= GYRE__URGENT;
    if (mask & (POLLERR | POLLNVAL)) events |= GYRE__ERROR;
    return events;
}

// ---- Life ----------------------------------------------------------------------------------

static void close_descriptors(gyre_loop *loop)
{
    struct poller *poller = loop->poller;
    for (int i = 0; i < 2; i++) {
        if (poller->wake_pipe[i] >= 0) close(poller->wake_pipe[i]);
        poller->wake_pipe[i] = -1;
    }
}

static void close_poller(gyre_loop *loop)
{
    struct poller *poller = loop->poller;
    close_descriptors(loop);
    gyre__free(&loop->alloc, poller->polled);
    gyre__free(&loop->alloc, poller->watches);
    gyre__free(&loop->alloc, poller->kept);
    gyre__free(&loop->alloc, poller->place);
    gyre__free(&loop->alloc, poller);
    loop->poller = NULL;
}

static int grow_array(gyre_loop *loop, void *array, int count, size_t size)
{
    void **slot = array;
    void *grown = gyre__realloc_array(&loop->alloc, *slot, (size_t)count, size);
    if (!grown) return -ENOMEM;
    *slot = grown;
    return 0;
}

// Room for one more polled descriptor. An array that grew before another failed stays grown.
static int make_room(gyre_loop *loop, struct poller *poller)
{
    if (poller->count < poller->capacity) return 0;
    int count = poller->capacity ? poller->capacity * 2 : 16;
    int err = grow_array(loop, &poller->polled, count, sizeof *poller->polled);
    if (!err) err = grow_array(loop, &poller->watches, count, sizeof *poller->watches);
    if (!err) err = grow_array(loop, &poller->kept, count, sizeof *poller->kept);
    if (!err) poller->capacity = count;
    return err;
}

static int make_place(gyre_loop *loop, struct poller *poller, int fd)
{
    if (fd < poller->place_count) return 0;
    int count = poller->place_count ? poller->place_count : 32;
    while (count <= fd) count *= 2;
    int err = grow_array(loop, &poller->place, count, sizeof *poller->place);
    if (err) return err;
    for (int i = poller->place_count; i < count; i++) poller->place[i] = -1;
    poller->place_count = count;
    return 0;
}

static int open_parts(gyre_loop *loop, struct poller *poller)
{
    if (pipe2(poller->wake_pipe, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
    int err = make_room(loop, poller);
    if (err) return err;
    poller->polled[0] = (struct pollfd){.fd = poller->wake_pipe[0], .events = POLLIN};
    poller->count = 1;
    return gyre__mailbox_open(&loop->mailbox, loop, poller->wake_pipe[1]);
}

static int open_poller(gyre_loop *loop)
{
    struct poller *poller = gyre__alloc_zero(&loop->alloc, sizeof *poller);
    if (!poller) return -ENOMEM;
    poller->wake_pipe[0] = poller->wake_pipe[1] = -1;
    loop->poller = poller;
    int err = open_parts(loop, poller);
    if (err) close_poller(loop);
    return err;
}

// A full pipe is fine: the wake-up it holds has not been taken yet.
static void wake(int wake_fd)
{
    while (write(wake_fd, "", 1) < 0 && errno == EINTR) continue;
}

// ---- Registration --------------------------------------------------------------------------

// Says no to what poll would report as always ready, as epoll does.
static int check_descriptor(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? -EPERM : 0;
}

static int add(gyre_loop *loop, gyre_watch *watch)
{
    struct poller *poller = loop->poller;
    int err = check_descriptor(watch->fd);
    if (!err) err = make_place(loop, poller, watch->fd);
    if (!err) err = make_room(loop, poller);
    if (err) return err;
    int at = poller->count++;
    poller->place[watch->fd] = at;
    poller->watches[at] = watch;
    poller->polled[at] =
        (struct pollfd){.fd = watch->want ? watch->fd : ~watch->fd, .events = mask_of(watch->want)};
    return 0;
}

static void change(gyre_loop *loop, gyre_watch *watch)
{
    struct poller *poller = loop->poller;
    struct pollfd *polled = &poller->polled[poller->place[watch->fd]];
    polled->fd = watch->want ? watch->fd : ~watch->fd;
    polled->events = mask_of(watch->want);
    watch->registered = watch->want;
}

static void remove_watch(gyre_loop *loop, gyre_watch *watch)
{
    struct poller *poller = loop->poller;
    int hole = poller->place[watch->fd];
    int last = --poller->count;
    poller->place[watch->fd] = -1;
    if (hole == last) return;
    poller->polled[hole] = poller->polled[last];
    poller->watches[hole] = poller->watches[last];
    poller->place[poller->watches[hole]->fd] = hole;
}

static void drained(gyre_loop *loop, gyre_watch *watch, unsigned bits)
{
    struct poller *poller = loop->poller;
    struct pollfd *polled = &poller->polled[poller->place[watch->fd]];
    polled->fd = watch->fd;
    polled->events |= mask_of(bits & watch->want);
    if (bits & GYRE_READABLE) polled->events |= POLLPRI;
}

// ---- Waiting -------------------------------------------------------------------------------

static void mute_reported(struct pollfd *polled)
{
    polled->events = (short)(polled->events & ~polled->revents);
    if (polled->revents & (POLLHUP | POLLERR | POLLNVAL)) polled->fd = ~polled->fd;
}

static void keep_events(struct poller *poller, int ready)
{
    for (int i = 1; i < poller->count && ready > 0; i++) {
        struct pollfd *polled = &poller->polled[i];
        if (polled->fd < 0 || !polled->revents) continue;
        gyre_watch *watch = poller->watches[i];
        poller->kept[poller->kept_count++] =
            (struct event){watch->fd, watch->generation, events_of(polled->revents)};
        if (watch->want & GYRE__EDGE) mute_reported(polled);
        ready--;
    }
}

static void empty_wake_pipe(struct poller *poller)
{
    char bytes[64];
    while (read(poller->wake_pipe[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

static int wait_events(gyre_loop *loop, gyre_duration timeout)
{
    struct poller *poller = loop->poller;
    struct timespec limit = {.tv_sec = timeout / GYRE_SECONDS(1),
                             .tv_nsec = timeout % GYRE_SECONDS(1)};
    int ready =
        ppoll(poller->polled, (nfds_t)poller->count, timeout == GYRE_FOREVER ? NULL : &limit, NULL);
    if (ready < 0) return -errno;
    if (ready > 0 && poller->polled[0].revents) {
        empty_wake_pipe(poller);
        ready--;
    }
    keep_events(poller, ready);
    return 0;
}

static void dispatch(gyre_loop *loop)
{
    struct poller *poller = loop->poller;
    for (int i = 0; i < poller->kept_count; i++) {
        struct event event = poller->kept[i];
        gyre__watch_event(loop, event.fd, event.generation, event.events);
    }
    poller->kept_count = 0;
}

const gyre__backend gyre__poll = {
    .name = "poll",
    .open = open_poller,
    .close = close_poller,
    .close_descriptors = close_descriptors,
    .add = add,
    .change = change,
    .remove = remove_watch,
    .wait = wait_events,
    .dispatch = dispatch,
    .drained = drained,
    .wake = wake,
};
