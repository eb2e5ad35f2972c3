// The contract between the loop and a poller.
//
// A backend is one table. It keeps its state in loop->poller and finds what it was told of in the
// watch itself (fd, want, registered). It reports through gyre__watch_event, which drops what is
// stale. All calls but `wake` come from the loop's thread.
//
//   epoll.c   EPOLLET for the library's own edge watches, level-triggered for users'
//   poll.c    level-triggered only; edges are made by not asking again until `drained`
//   kqueue.c  fits the same table: EV_CLEAR, changes batched into `wait`, EVFILT_USER for `wake`
#ifndef GYRE_LOOP_BACKEND_H
#define GYRE_LOOP_BACKEND_H

#include "loop/loop.h"

// Bits of gyre_watch.want and of events that only the library's floors use, beside enum gyre_io.
enum gyre__io {
    GYRE__EDGE = 0x100,     // want: report each change once, not while it lasts
    GYRE__PEER_SHUT = 0x10, // event: the peer sent its FIN
    GYRE__URGENT = 0x20,    // event: out-of-band data
    GYRE__ERROR = 0x40,     // event: an error is pending on the descriptor
};

typedef struct gyre__backend {
    const char *name;

    // Makes the poller and its wake-up. 0 or -errno; on error nothing is left behind.
    int (*open)(gyre_loop *loop);

    // Closes both and frees what it took. Started watches are forgotten.
    void (*close)(gyre_loop *loop);

    // Closes the descriptors only, for a forked child: it may be inside `dispatch`.
    void (*close_descriptors)(gyre_loop *loop);

    // Begins to report watch->fd for watch->want, at once: the caller needs the error.
    int (*add)(gyre_loop *loop, gyre_watch *watch);

    // Told before a poll that watch->want differs from watch->registered; sets registered.
    // Never for edge watches, whose interest does not change.
    void (*change)(gyre_loop *loop, gyre_watch *watch);

    // Ends reporting, at once: the descriptor may be closed when this returns.
    void (*remove)(gyre_loop *loop, gyre_watch *watch);

    // Waits for events at most `timeout` (0: not at all, GYRE_FOREVER) and keeps them.
    // 0 or -errno; -EINTR is a wait without events.
    int (*wait)(gyre_loop *loop, gyre_duration timeout);

    // Hands the kept events to gyre__watch_event, each at most once.
    void (*dispatch)(gyre_loop *loop);

    // An edge watch has read or written until there was no more (GYRE_READABLE, GYRE_WRITABLE):
    // level-triggered backends ask for these bits again. NULL where the kernel does it.
    void (*drained)(gyre_loop *loop, gyre_watch *watch, unsigned bits);

    // Ends a wait early, also one that begins later. Any thread, and signal handlers.
    void (*wake)(int wake_fd);
} gyre__backend;

extern const gyre__backend gyre__epoll;
extern const gyre__backend gyre__poll;

// The backend of that name; NULL asks the environment, then the build, then takes the machine's
// best. NULL when there is none of that name.
const gyre__backend *gyre__backend_named(const char *name);

#endif
