// What belongs to the process, not to a loop: the only mutable globals of the library.
//
// Design notes. The signal table: for each signal how many watches ask for it and the disposition
// that was there before; it returns with the last. The handler walks a list of sinks, one per loop,
// by atomic loads only. A sink is unlinked under the lock and then waited for until no handler is
// inside, so a handler never touches a sink that is gone; the handler takes no lock, so a thread
// interrupted while holding it cannot deadlock.
//
// The fork mark: a page that the kernel empties in a forked child (MADV_WIPEONFORK; elsewhere
// pthread_atfork does). It holds the number of this process's generation, so asking "am I in a
// forked child?" costs one load. A child that opens a loop of its own gets the next number; the
// sinks and handlers of its parent are dropped then, and before that its handler sees the zero and
// does nothing. A fork takes the lock, so that no child begins with it held by a thread that it
// does not have.

#include "loop/impl.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *mark_page;        // atomic; set once, never unmapped
static uint64_t generation;        // last number given to mark_page
static gyre__signal_sink *sinks;   // atomic
static int handlers_inside;        // atomic
static unsigned catchers[SIGNALS]; // watches of all loops, by signal
static struct sigaction before[SIGNALS];

const void *gyre__thread_mark(void)
{
    static _Thread_local char mark;
    return &mark;
}

// ---- Fork ----------------------------------------------------------------------------------

uint64_t gyre__process_mark(void)
{
    const uint64_t *mark = __atomic_load_n(&mark_page, __ATOMIC_ACQUIRE);
    return mark ? __atomic_load_n(mark, __ATOMIC_RELAXED) : 0;
}

static int map_mark_page(uint64_t **out)
{
    long size = sysconf(_SC_PAGESIZE);
    void *page =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return -errno;
#ifdef MADV_WIPEONFORK
    if (madvise(page, (size_t)size, MADV_WIPEONFORK) == 0) {
        *out = page;
        return 0;
    }
#endif
    munmap(page, (size_t)size);
    return -ENOTSUP;
}

static uint64_t plain_mark; // stands in for the page where the kernel cannot wipe one

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    plain_mark = 0;
    pthread_mutex_unlock(&lock);
}

static int make_mark(void)
{
    if (mark_page) return 0;
    uint64_t *mark = &plain_mark;
    int err = map_mark_page(&mark);
    if (err && err != -ENOTSUP) return err;
    if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) return -ENOMEM;
    __atomic_store_n(&mark_page, mark, __ATOMIC_RELEASE);
    return 0;
}

// In a forked child the parent's loops are not told of signals any more.
static void forget_parent(void)
{
    __atomic_store_n(&sinks, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&handlers_inside, 0, __ATOMIC_RELEASE);
    for (int signo = 1; signo < SIGNALS; signo++) {
        if (catchers[signo]) sigaction(signo, &before[signo], NULL);
        catchers[signo] = 0;
    }
}

uint64_t gyre__process_open(void)
{
    pthread_mutex_lock(&lock);
    if (make_mark() == 0 && *mark_page == 0) {
        if (generation > 0) forget_parent();
        __atomic_store_n(mark_page, ++generation, __ATOMIC_RELAXED);
    }
    uint64_t mark = gyre__process_mark();
    pthread_mutex_unlock(&lock);
    return mark;
}

// ---- Signals -------------------------------------------------------------------------------

static void on_signal(int signo)
{
    int saved = errno;
    // Sequentially consistent, as in gyre__process_remove_sink: either that sees this handler, or
    // this handler does not see the sink that goes.
    __atomic_add_fetch(&handlers_inside, 1, __ATOMIC_SEQ_CST);
    gyre__signal_sink *sink =
        gyre__process_mark() ? __atomic_load_n(&sinks, __ATOMIC_SEQ_CST) : NULL;
    for (; sink; sink = __atomic_load_n(&sink->next, __ATOMIC_SEQ_CST)) {
        if (!__atomic_load_n(&sink->wanted[signo], __ATOMIC_RELAXED)) continue;
        __atomic_add_fetch(&sink->pending[signo], 1, __ATOMIC_RELEASE);
        if (!__atomic_exchange_n(&sink->any, 1, __ATOMIC_ACQ_REL))
            gyre__mailbox_wake(sink->mailbox);
    }
    __atomic_sub_fetch(&handlers_inside, 1, __ATOMIC_ACQ_REL);
    errno = saved;
}

void gyre__process_add_sink(gyre__signal_sink *sink)
{
    pthread_mutex_lock(&lock);
    sink->next = sinks;
    __atomic_store_n(&sinks, sink, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

void gyre__process_remove_sink(gyre__signal_sink *sink)
{
    pthread_mutex_lock(&lock);
    gyre__signal_sink **link = &sinks;
    while (*link && *link != sink) link = &(*link)->next;
    if (*link) __atomic_store_n(link, sink->next, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&lock);
    while (__atomic_load_n(&handlers_inside, __ATOMIC_SEQ_CST) > 0) sched_yield();
}

int gyre__process_catch(int signo)
{
    int err = 0;
    pthread_mutex_lock(&lock);
    if (catchers[signo] == 0) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigfillset(&action.sa_mask);
        if (sigaction(signo, &action, &before[signo]) < 0) err = -errno;
    }
    if (!err) catchers[signo]++;
    pthread_mutex_unlock(&lock);
    return err;
}

void gyre__process_uncatch(int signo)
{
    pthread_mutex_lock(&lock);
    if (catchers[signo] > 0 && --catchers[signo] == 0) sigaction(signo, &before[signo], NULL);
    pthread_mutex_unlock(&lock);
}
