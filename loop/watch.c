// Watches: which callback a descriptor's events belong to.
//
// Design notes. One entry per descriptor number. Each start takes a new generation, which travels
// through the kernel's user data and back; an event whose generation is not the entry's belongs to
// a start that is over and is dropped. Starts and stops reach the kernel at once, because a start
// can fail and a stop must be complete before the caller's close; changes of a running watch are
// only noted and told before the next poll.

#include "loop/impl.h"

#include <errno.h>
#include <fcntl.h>

// Entries double with the highest descriptor; a process has few of these growths.
static int make_room(gyre_loop *loop, int fd)
{
    if (fd < loop->entry_count) return 0;
    if (fcntl(fd, F_GETFD) < 0) return -errno; // a wild number would make a wild table
    int count = loop->entry_count ? loop->entry_count : 32;
    while (count <= fd) count *= 2;
    gyre__entry *entries =
        gyre__realloc_array(&loop->alloc, loop->entries, (size_t)count, sizeof *entries);
    if (!entries) return -ENOMEM;
    for (int i = loop->entry_count; i < count; i++) entries[i] = (gyre__entry){NULL, 0};
    loop->entries = entries;
    loop->entry_count = count;
    return 0;
}

int gyre_watch_start(gyre_loop *loop, gyre_watch *watch, int fd, unsigned want, gyre_watch_fn *fn)
{
    const unsigned known = GYRE_READABLE | GYRE_WRITABLE | GYRE__EDGE;
    if (loop->process != gyre__process_mark()) return GYRE_EFORKED;
    if (gyre__loop_is_foreign(loop)) return GYRE_ELOOP;
    if (fd < 0) return -EBADF;
    if (want & ~known || fd >= INT32_MAX / 2) return -EINVAL;
    if (watch->loop) return -EEXIST;
    int err = make_room(loop, fd);
    if (err) return err;
    gyre__entry *entry = &loop->entries[fd];
    if (entry->watch) return -EEXIST;

    watch->fn = fn;
    watch->fd = fd;
    watch->want = watch->registered = want;
    watch->generation = ++loop->generation;
    err = loop->backend->add(loop, watch);
    if (err) return err;
    watch->loop = loop;
    entry->watch = watch;
    entry->generation = watch->generation;
    return 0;
}

void gyre_watch_want(gyre_watch *watch, unsigned want)
{
    if (!watch->loop) return;
    CHECK_THREAD(watch->loop, "gyre_watch_want");
    want = (want & (GYRE_READABLE | GYRE_WRITABLE)) | (watch->want & GYRE__EDGE);
    if (watch->want == want) return;
    watch->want = want;
    if (!gyre__node_is_linked(&watch->link)) gyre__list_append(&watch->loop->changed, &watch->link);
}

void gyre_watch_stop(gyre_watch *watch)
{
    gyre_loop *loop = watch->loop;
    if (!loop) return;
    CHECK_THREAD(loop, "gyre_watch_stop");
    if (gyre__node_is_linked(&watch->link)) gyre__list_remove(&watch->link);
    if (loop->process == gyre__process_mark()) loop->backend->remove(loop, watch);
    loop->entries[watch->fd].watch = NULL;
    watch->loop = NULL;
}

void gyre__watch_drained(gyre_watch *watch, unsigned bits)
{
    gyre_loop *loop = watch->loop;
    if (loop && loop->backend->drained) loop->backend->drained(loop, watch, bits);
}

void gyre__watches_flush(gyre_loop *loop)
{
    for (gyre__node *node; (node = gyre__list_pop(&loop->changed));) {
        gyre_watch *watch = GYRE_CONTAINER_OF(node, gyre_watch, link);
        if (watch->want != watch->registered) loop->backend->change(loop, watch);
    }
}

// A level-triggered watch hears of the end or an error through whatever it waits for: its next
// read or write tells it what happened.
static unsigned events_for_user(unsigned events, unsigned want)
{
    const unsigned ended = GYRE_HANGUP | GYRE__ERROR;
    unsigned told = events & (GYRE_READABLE | GYRE_WRITABLE) & want;
    if (events & ended) told |= (want & (GYRE_READABLE | GYRE_WRITABLE)) | GYRE_HANGUP;
    return want ? told : 0;
}

void gyre__watch_event(gyre_loop *loop, int fd, unsigned generation, unsigned events)
{
    gyre__entry *entry = &loop->entries[fd];
    if (!entry->watch || entry->generation != generation) return;
    gyre_watch *watch = entry->watch;
    gyre_watch_fn *fn = watch->fn;
    if (!(watch->want & GYRE__EDGE)) events = events_for_user(events, watch->want);
    if (!events) return;
    fn(loop, watch, events);
    if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
}

void gyre__watches_close(gyre_loop *loop)
{
    for (int fd = 0; fd < loop->entry_count; fd++)
        if (loop->entries[fd].watch) gyre_watch_stop(loop->entries[fd].watch);
    gyre__free(&loop->alloc, loop->entries);
    loop->entries = NULL;
    loop->entry_count = 0;
}
