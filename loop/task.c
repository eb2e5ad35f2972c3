// Tasks: what runs after the callback that caused it.
//
// Design notes. One queue, first in, first out; a task queued by a task runs in the same turn, so a
// whole chain of continuations costs no second poll. The budget keeps such chains from starving the
// poller: what is left over stays queued in its order and the next poll does not wait. The clock is
// read after the first, second, fourth, … task and then after every 32nd, so a few long ones are
// noticed at once and many short ones do not pay for it.

#include "loop/impl.h"

enum { BUDGET = 1024, TASKS_PER_CLOCK = 32, LAST_ROUNDS = 1000 };
static const gyre_duration budget_time = GYRE_MS(1);

static bool is_posted(const gyre_task *task)
{
    return __atomic_load_n(&task->posted, __ATOMIC_RELAXED) != 0;
}

// While a task is in the mailbox its link is the mailbox's, not a list's.
void gyre_soon(gyre_loop *loop, gyre_task *task)
{
    CHECK_THREAD(loop, "gyre_soon");
    if (is_posted(task) || gyre__node_is_linked(&task->link)) return;
    gyre__list_append(&loop->tasks, &task->link);
}

void gyre_task_stop(gyre_task *task)
{
    if (!is_posted(task) && gyre__node_is_linked(&task->link)) gyre__list_remove(&task->link);
}

static void run(gyre_loop *loop, gyre__node *node)
{
    gyre_task *task = GYRE_CONTAINER_OF(node, gyre_task, link);
    gyre_task_fn *fn = task->fn;
    fn(loop, task);
    if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
}

static bool is_time_to_look(int ran)
{
    return ran % TASKS_PER_CLOCK == 0 || (ran < TASKS_PER_CLOCK && (ran & (ran - 1)) == 0);
}

void gyre__tasks_run(gyre_loop *loop)
{
    gyre_time began = loop->now;
    for (int ran = 1; ran <= BUDGET; ran++) {
        gyre__node *node = gyre__list_pop(&loop->tasks);
        if (!node) return;
        run(loop, node);
        if (!is_time_to_look(ran)) continue;
        gyre__clock_update(loop);
        if (loop->now - began >= budget_time) return;
    }
}

// A round is what was queued when it began. Chains of clean-up end after a few; a task that queues
// itself for ever is left behind.
void gyre__tasks_finish(gyre_loop *loop)
{
    for (int round = 0; round < LAST_ROUNDS && !gyre__list_is_empty(&loop->tasks); round++) {
        gyre__node tasks;
        gyre__list_init(&tasks);
        gyre__list_splice(&tasks, &loop->tasks);
        for (gyre__node *node; (node = gyre__list_pop(&tasks));) run(loop, node);
    }
    while (gyre__list_pop(&loop->tasks)) continue;
}
