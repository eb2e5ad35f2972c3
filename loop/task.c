// Tasks: what runs after the callback that caused it.
//
// Design notes. One queue, first in, first out; a task queued by a task runs in the same turn, so a
// whole chain of continuations costs no second poll. The budget keeps such chains from starving the
// poller: what is left over stays queued in its order and the next poll does not wait.

#include "loop/impl.h"

enum { BUDGET = 1024, TASKS_PER_CLOCK = 32 };
static const gyre_duration budget_time = GYRE_MS(1);

void gyre_soon(gyre_loop *loop, gyre_task *task)
{
    if (gyre__node_is_linked(&task->link)) return;
    gyre__list_append(&loop->tasks, &task->link);
}

void gyre_task_stop(gyre_task *task)
{
    if (gyre__node_is_linked(&task->link)) gyre__list_remove(&task->link);
}

void gyre__tasks_run(gyre_loop *loop)
{
    gyre_time began = loop->now;
    for (int ran = 1; ran <= BUDGET; ran++) {
        gyre__node *node = gyre__list_pop(&loop->tasks);
        if (!node) return;
        gyre_task *task = GYRE_CONTAINER_OF(node, gyre_task, link);
        gyre_task_fn *fn = task->fn;
        fn(loop, task);
        if (loop->opts.blocked) gyre__stall_check(loop, (void (*)(void))fn);
        if (ran % TASKS_PER_CLOCK == 0) {
            gyre__clock_update(loop);
            if (loop->now - began >= budget_time) return;
        }
    }
}
