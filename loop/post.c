// The mailbox: tasks from other threads, and the only atomics of a turn.
//
// Design notes. `head` is a stack of posted tasks, or one of three marks. A post is one successful
// compare-and-swap. Before it polls, the loop swaps an empty mailbox to ASLEEP; only the poster
// that replaces this mark writes the wake-up, so a burst of posts costs one system call. CLOSED is
// final. The mailbox is counted apart from the loop: a promise or a channel that outlives the loop
// still finds it and reads CLOSED. `wakers` counts posters between the mark and the wake-up;
// closing waits for them, so none of them writes to a descriptor that has become somebody else's.
//
// A task claims itself by `posted` before it is pushed and is released before it runs: it may post
// itself again, and two threads cannot push it twice.

#include "loop/impl.h"

#include <errno.h>
#include <sched.h>

struct gyre__mailbox {
    gyre_task *head; // atomic; linked by link.next
    int references;  // atomic
    int wakers;      // atomic
    int wake_fd;
    uint64_t process; // as the loop's: a forked child must not wake its parent
    const gyre__backend *backend;
    gyre_allocator alloc;
};

// The marks: addresses that no posted task has.
static const gyre_task marks[2];
#define ASLEEP ((gyre_task *)(uintptr_t)&marks[0])
#define CLOSED ((gyre_task *)(uintptr_t)&marks[1])

static bool is_mark(const gyre_task *task)
{
    return task == NULL || task == ASLEEP || task == CLOSED;
}

// ---- Life ----------------------------------------------------------------------------------

int gyre__mailbox_open(gyre__mailbox **out, gyre_loop *loop, int wake_fd)
{
    gyre__mailbox *mailbox = gyre__alloc_zero(&loop->alloc, sizeof *mailbox);
    if (!mailbox) return -ENOMEM;
    mailbox->references = 1;
    mailbox->wake_fd = wake_fd;
    mailbox->process = loop->process;
    mailbox->backend = loop->backend;
    mailbox->alloc = loop->alloc;
    *out = mailbox;
    return 0;
}

gyre__mailbox *gyre__mailbox_retain(gyre__mailbox *mailbox)
{
    __atomic_add_fetch(&mailbox->references, 1, __ATOMIC_RELAXED);
    return mailbox;
}

void gyre__mailbox_release(gyre__mailbox *mailbox)
{
    if (!mailbox || __atomic_sub_fetch(&mailbox->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    gyre_allocator alloc = mailbox->alloc;
    gyre__free(&alloc, mailbox);
}

// ---- Posting: any thread --------------------------------------------------------------------

void gyre__mailbox_wake(gyre__mailbox *mailbox)
{
    mailbox->backend->wake(mailbox->wake_fd);
}

static gyre_task *chain_of(gyre_task *head)
{
    return is_mark(head) ? NULL : head;
}

// Replaces the asleep mark and wakes the loop. False when the mark was gone.
static bool push_and_wake(gyre__mailbox *mailbox, gyre_task *task)
{
    gyre_task *expected = ASLEEP;
    task->link.next = NULL;
    __atomic_add_fetch(&mailbox->wakers, 1, __ATOMIC_ACQ_REL);
    bool pushed = __atomic_compare_exchange_n(&mailbox->head, &expected, task, false,
                                              __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (pushed) gyre__mailbox_wake(mailbox);
    __atomic_sub_fetch(&mailbox->wakers, 1, __ATOMIC_ACQ_REL);
    return pushed;
}

int gyre__mailbox_post(gyre__mailbox *mailbox, gyre_task *task)
{
    int idle = 0;
    if (mailbox->process != gyre__process_mark()) return GYRE_EFORKED;
    if (!__atomic_compare_exchange_n(&task->posted, &idle, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return GYRE_EBUSY;
    if (gyre__node_is_linked(&task->link)) { // queued by gyre_soon
        __atomic_store_n(&task->posted, 0, __ATOMIC_RELEASE);
        return GYRE_EBUSY;
    }
    gyre_task *head = __atomic_load_n(&mailbox->head, __ATOMIC_ACQUIRE);
    for (;;) {
        if (head == CLOSED) {
            __atomic_store_n(&task->posted, 0, __ATOMIC_RELEASE);
            return GYRE_ECLOSED;
        }
        if (head == ASLEEP) {
            if (push_and_wake(mailbox, task)) return 0;
            head = __atomic_load_n(&mailbox->head, __ATOMIC_ACQUIRE);
            continue;
        }
        task->link.next = (gyre__node *)(void *)head;
        if (__atomic_compare_exchange_n(&mailbox->head, &head, task, true, __ATOMIC_RELEASE,
                                        __ATOMIC_ACQUIRE))
            return 0;
    }
}

// The mailbox itself stays open until the floors have wound down: what they wait for comes in here.
int gyre_post(gyre_loop *loop, gyre_task *task)
{
    if (__atomic_load_n(&loop->closing, __ATOMIC_RELAXED)) return GYRE_ECLOSED;
    return gyre__mailbox_post(loop->mailbox, task);
}

// ---- Taking out: the loop's thread ----------------------------------------------------------

bool gyre__mailbox_sleep(gyre__mailbox *mailbox)
{
    gyre_task *expected = NULL;
    __atomic_compare_exchange_n(&mailbox->head, &expected, ASLEEP, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
    return is_mark(expected);
}

static gyre_task *reversed(gyre_task *head)
{
    gyre_task *first = NULL;
    while (head) {
        gyre_task *next = (gyre_task *)(void *)head->link.next;
        head->link.next = (gyre__node *)(void *)first;
        first = head;
        head = next;
    }
    return first;
}

static void run_chain(gyre_loop *loop, gyre_task *task)
{
    while (task) {
        gyre_task *next = (gyre_task *)(void *)task->link.next;
        gyre_task_fn *fn = task->fn;
        task->link.next = NULL;
        __atomic_store_n(&task->posted, 0, __ATOMIC_RELEASE);
        fn(loop, task);
        if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
        task = next;
    }
}

void gyre__mailbox_run(gyre_loop *loop)
{
    gyre__mailbox *mailbox = loop->mailbox;
    gyre_task *head = __atomic_load_n(&mailbox->head, __ATOMIC_ACQUIRE);
    if (head == NULL || head == CLOSED) return;
    head = __atomic_exchange_n(&mailbox->head, NULL, __ATOMIC_ACQ_REL);
    run_chain(loop, reversed(chain_of(head)));
}

void gyre__mailbox_close(gyre_loop *loop)
{
    gyre__mailbox *mailbox = loop->mailbox;
    gyre_task *head = __atomic_exchange_n(&mailbox->head, CLOSED, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&mailbox->wakers, __ATOMIC_ACQUIRE) > 0) sched_yield();
    run_chain(loop, reversed(chain_of(head)));
}
