// Signals on the loop: the callback registry of the tutorial.
//
// Design notes. The handler (process.c) only counts deliveries in the loop's sink and wakes it;
// here, on the loop's thread, each counted delivery calls each watch of that signal once. A watch
// started while one delivery is handed out hears of the next, also one that was counted before.

#include "loop/impl.h"

#include <errno.h>
#include <signal.h>

// ---- Starting and stopping ------------------------------------------------------------------

// Faults of the program itself, and what cannot be caught.
static bool may_be_watched(int signo)
{
    switch (signo) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS: return false;
    default: return signo > 0 && signo < SIGNALS;
    }
}

static int make_sink(gyre_loop *loop)
{
    if (loop->sink) return 0;
    gyre__signal_sink *sink = gyre__alloc_zero(&loop->alloc, sizeof *sink);
    if (!sink) return -ENOMEM;
    sink->mailbox = loop->mailbox;
    gyre__process_add_sink(sink);
    loop->sink = sink;
    return 0;
}

int gyre_on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo, gyre_signal_fn *fn)
{
    if (loop->process != gyre__process_mark()) return GYRE_EFORKED;
    if (gyre__loop_is_foreign(loop)) return GYRE_ELOOP;
    if (!may_be_watched(signo)) return -EINVAL;
    if (watch->loop) return -EBUSY;
    int err = make_sink(loop);
    if (!err) err = gyre__process_catch(signo);
    if (err) return err;
    watch->fn = fn;
    watch->loop = loop;
    watch->signo = signo;
    gyre__list_append(&loop->signals, &watch->link);
    if (loop->sink->wanted[signo] == 0)
        __atomic_store_n(&loop->sink->pending[signo], 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&loop->sink->wanted[signo], 1, __ATOMIC_RELAXED);
    return 0;
}

void gyre_signal_stop(gyre_signal_watch *watch)
{
    gyre_loop *loop = watch->loop;
    if (!loop) return;
    CHECK_THREAD(loop, "gyre_signal_stop");
    gyre__list_remove(&watch->link);
    watch->loop = NULL;
    if (loop->process != gyre__process_mark()) return;
    __atomic_sub_fetch(&loop->sink->wanted[watch->signo], 1, __ATOMIC_RELAXED);
    gyre__process_uncatch(watch->signo);
}

void gyre__signals_close(gyre_loop *loop)
{
    while (!gyre__list_is_empty(&loop->signals))
        gyre_signal_stop(GYRE_CONTAINER_OF(loop->signals.next, gyre_signal_watch, link));
    if (!loop->sink) return;
    gyre__process_remove_sink(loop->sink);
    gyre__free(&loop->alloc, loop->sink);
    loop->sink = NULL;
}

// ---- Handing out ----------------------------------------------------------------------------

// Calls every watch of `signo` once. Those that run are moved to the list's end; a mark node says
// where the walk stops, since callbacks may start and stop any watch.
static void deliver(gyre_loop *loop, int signo)
{
    gyre__node end;
    gyre__list_append(&loop->signals, &end);
    for (gyre__node *node; (node = loop->signals.next) != &end;) {
        gyre_signal_watch *watch = GYRE_CONTAINER_OF(node, gyre_signal_watch, link);
        gyre__list_remove(node);
        gyre__list_append(&loop->signals, node);
        if (watch->signo != signo) continue;
        gyre_signal_fn *fn = watch->fn;
        fn(loop, watch, signo);
        if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
    }
    gyre__list_remove(&end);
}

void gyre__signals_run(gyre_loop *loop)
{
    gyre__signal_sink *sink = loop->sink;
    if (!sink || !__atomic_load_n(&sink->any, __ATOMIC_ACQUIRE)) return;
    // An exchange, so that a delivery whose handler found the flag still set is seen below.
    __atomic_exchange_n(&sink->any, 0, __ATOMIC_ACQ_REL);
    for (int signo = 1; signo < SIGNALS; signo++) {
        if (!__atomic_load_n(&sink->pending[signo], __ATOMIC_RELAXED)) continue;
        unsigned count = __atomic_exchange_n(&sink->pending[signo], 0, __ATOMIC_ACQ_REL);
        for (; count > 0 && sink->wanted[signo]; count--) deliver(loop, signo);
    }
}
