// Coroutines: making, running, ending.
//
// Design notes. A coroutine runs only when somebody resumes it: the spawner once (eager start),
// then always its own task, which whatever it waits for queues. It goes back to whoever resumed it
// when it parks, yields or ends. The loop's strand points at the coroutine while it runs, so the
// floors below know who is asking without knowing of stacks.
//
// Resuming and leaving end in the switch itself; what must be done around it is done before, so in
// plain builds both are tail calls. An ending coroutine settles its future, which may call its
// owner's functions (drop, gyre_on_unhandled), and only then gives its parts and its stack back and
// leaves it for good: nobody can take the stack before the switch, because there is one thread.

#include "coro/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- The switch ----------------------------------------------------------------------------

intptr_t gyre__coro_resume(gyre_coro *coro, intptr_t value)
{
    coro->caller = gyre__loop_set_strand(coro->loop, &coro->strand);
    coro->started = true;
    coro->parked = false;
    gyre__fiber *here = &coro->caller_fiber;
    gyre__fiber *there = &coro->stack->fiber;
    gyre__before_switch(here, there, false);
    intptr_t result = coro->fpenv ? gyre__switch_fpenv(&coro->caller_sp, coro->sp, value)
                                  : gyre__switch(&coro->caller_sp, coro->sp, value);
    gyre__after_switch(here, there);
    return result;
}

static intptr_t go_back(gyre_coro *coro, intptr_t value, bool for_good)
{
    gyre__loop_set_strand(coro->loop, coro->caller);
    gyre__fiber *here = &coro->stack->fiber;
    gyre__fiber *there = &coro->caller_fiber;
    gyre__before_switch(here, there, for_good);
    intptr_t result = coro->fpenv ? gyre__switch_fpenv(&coro->sp, coro->caller_sp, value)
                                  : gyre__switch(&coro->sp, coro->caller_sp, value);
    gyre__after_switch(here, there);
    return result;
}

intptr_t gyre__coro_leave(gyre_coro *coro, intptr_t value)
{
    if (!coro->stack->guarded) gyre__stack_check(coro->loop, coro->stack, coro->body.name);
    return go_back(coro, value, false);
}

// ---- The end -------------------------------------------------------------------------------

static void release_parts(gyre_coro *coro)
{
    const gyre_allocator *alloc = gyre__loop_allocator(coro->loop);
    gyre_timer_stop(&coro->shield_timer);
    gyre_task_stop(&coro->task);
    if (coro->defers != coro->inline_defers) gyre__free(alloc, coro->defers);
    gyre__free(alloc, coro->strand.why);
    gyre__list_remove(&coro->link);
    gyre__stack_give(coro->loop, coro->stack);
}

// The operation of a coroutine's future.
struct execution {
    gyre_coro *coro; // NULL before it is made and once it has ended
    void (*drop)(void *value);
};

// The details of the error that the body passes on become the future's.
static char *take_why(gyre_coro *coro, int err)
{
    if (err == 0 || err == GYRE_ECANCELED || err != coro->strand.why_err) return NULL;
    char *why = coro->strand.why;
    coro->strand.why = NULL;
    return why;
}

static void settle(gyre_coro *coro, int err)
{
    struct execution *execution = gyre__future_op(coro->future);
    bool drops = err && coro->given && execution->drop; // the body failed after it gave a value
    if (drops) execution->drop(gyre__future_value(coro->future));
    execution->coro = NULL; // not before: the drop may cancel
    gyre__future_settle(coro->future, err, take_why(coro, err), NULL);
}

static _Noreturn void end(gyre_coro *coro, int err)
{
    gyre__coro_run_defers(coro);
    if (!coro->stack->guarded) gyre__stack_check(coro->loop, coro->stack, coro->body.name);
    if (coro->canceled) err = GYRE_ECANCELED;
    if (coro->future)
        settle(coro, err);
    else
        gyre__generator_ended(coro->generator, err);
    release_parts(coro);
    go_back(coro, GYRE_EEND, true);
    abort(); // an ended coroutine was resumed
}

static void run_body(void *arg)
{
    gyre_coro *coro = arg;
    gyre__after_switch(&coro->stack->fiber, &coro->caller_fiber);
    int err = coro->body.fn(coro, coro->body.arg);
    end(coro, err > 0 ? -EINVAL : err);
}

static void run_stop(void *arg)
{
    gyre_coro *coro = arg;
    gyre__after_switch(&coro->stack->fiber, &coro->caller_fiber);
    end(coro, GYRE_ECANCELED);
}

// ---- Making --------------------------------------------------------------------------------

static void on_task(gyre_loop *loop, gyre_task *task)
{
    gyre_coro *coro = GYRE_CONTAINER_OF(task, gyre_coro, task);
    gyre__loop_blame(loop, coro->body.name);
    if (coro->future) gyre__future_set_state(coro->future, GYRE_RUNNING);
    gyre__coro_resume(coro, 0);
}

// The struct lies at the stack's top; what is left below it, aligned, is the stack proper.
static gyre_coro *place_on_stack(gyre__stack *stack)
{
    uintptr_t at = ((uintptr_t)stack->top - sizeof(gyre_coro)) & ~(uintptr_t)63;
    return (gyre_coro *)at;
}

static void *prepare(gyre_coro *coro, void *top, gyre__entry_fn *entry)
{
    return coro->fpenv ? gyre__switch_prepare_fpenv(coro->stack->bottom, top, entry, coro)
                       : gyre__switch_prepare(coro->stack->bottom, top, entry, coro);
}

int gyre__coro_make(gyre_loop *loop, gyre__body body, const gyre_spawn_opts *opts, size_t size,
                    gyre_coro **out)
{
    static const gyre_spawn_opts defaults;
    if (!opts) opts = &defaults;
    if (gyre__loop_is_closing(loop)) return GYRE_ECLOSED;
    gyre__coros *coros = gyre__coros_of(loop);
    if (!coros) return -ENOMEM;
    gyre__stack *stack;
    int err =
        gyre__stack_take(loop, opts->stack > size ? opts->stack : size, opts->unguarded_ok, &stack);
    if (err) return err;
    gyre_coro *coro = place_on_stack(stack);
    memset(coro, 0, sizeof *coro);
    coro->strand.is_coro = true;
    coro->loop = loop;
    coro->stack = stack;
    coro->body = body;
    if (opts->name) coro->body.name = opts->name;
    coro->fpenv = opts->fpenv;
    coro->task.fn = on_task;
    coro->defers = coro->inline_defers;
    coro->defer_space = INLINE_DEFERS;
    coro->sp = prepare(coro, coro, run_body);
    gyre__list_append(&coros->live, &coro->link);
    *out = coro;
    return 0;
}

void gyre__coro_unmake(gyre_coro *coro)
{
    release_parts(coro);
}

// ---- Cancel and stop ------------------------------------------------------------------------

void gyre__coro_cancel(gyre_coro *coro)
{
    coro->canceled = true;
    if (coro->strand.refuses || gyre__coro_is_shielded(coro)) return; // done, or not yet
    coro->strand.refuses = true;
    gyre__wait *wait = coro->wait;
    if (wait) wait->cancel(wait);
}

void gyre__coro_stop(gyre_coro *coro)
{
    coro->stopping = true;
    coro->strand.refuses = true;
    coro->canceled = true;
    if (coro->wait) coro->wait->cancel(coro->wait);
    gyre_task_stop(&coro->task);
    // Clear of the red zone of the frame that is dropped.
    char *below = (char *)(((uintptr_t)coro->sp - 256) & ~(uintptr_t)15);
    gyre__renew_stack(coro->stack->bottom, (size_t)(below - coro->stack->bottom));
    coro->sp = prepare(coro, below, run_stop);
    gyre__coro_resume(coro, 0);
}

bool gyre_coro_is_canceled(const gyre_coro *self)
{
    return self->canceled;
}

// ---- spawn ---------------------------------------------------------------------------------

static void cancel_execution(gyre_future *future, void *op)
{
    struct execution *execution = op;
    if (execution->coro->started) {
        gyre__coro_cancel(execution->coro);
        return;
    }
    gyre__coro_unmake(execution->coro);
    execution->coro = NULL;
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void drop_result(void *value, void *op)
{
    void (*drop)(void *value) = ((struct execution *)op)->drop;
    if (drop) drop(value);
}

static void describe_execution(void *op, char *text, size_t size)
{
    const gyre_coro *coro = ((struct execution *)op)->coro;
    gyre__wait *wait = coro ? coro->wait : NULL;
    if (wait && wait->describe) wait->describe(wait, text, size);
}

static const gyre__future_ops execution_ops = {
    .drop = drop_result, .cancel = cancel_execution, .describe = describe_execution};

// Runs a new coroutine up to its first wait, also when the loop is not running yet.
static int run_now(gyre_coro *coro)
{
    gyre_loop *loop = coro->loop;
    bool outside = gyre__loop_here() != loop;
    int err = outside ? gyre__loop_enter(loop) : 0;
    if (err) return err;
    gyre__loop_blame(loop, coro->body.name);
    gyre__future_set_state(coro->future, GYRE_RUNNING);
    gyre__coro_resume(coro, 0);
    if (outside) gyre__loop_leave(loop);
    return 0;
}

static int start(gyre_future *future, gyre__body body, const gyre_spawn_opts *opts, size_t size)
{
    gyre_coro *coro;
    int err = gyre__coro_make(gyre__future_loop(future), body, opts, size, &coro);
    if (err) return err;
    coro->future = future;
    struct execution *execution = gyre__future_op(future);
    execution->coro = coro;
    execution->drop = opts ? opts->drop : NULL;
    if (opts && opts->lazy) {
        gyre_soon(coro->loop, &coro->task);
        return 0;
    }
    err = run_now(coro);
    if (!err) return 0;
    gyre__coro_unmake(coro);
    execution->coro = NULL;
    return err;
}

static gyre_future *spawn(gyre_loop *loop, const gyre_future_type *type, gyre__body body,
                          const gyre_spawn_opts *opts, size_t size)
{
    gyre_future *future = gyre__future_open(loop, type, &execution_ops, sizeof(struct execution));
    if (!gyre__future_is_pending(future)) return future;
    gyre__future_set_created(future, body.name, body.where);
    int err = start(future, body, opts, size);
    if (err) gyre__future_settle(future, err, NULL, NULL);
    return future;
}

gyre_future *gyre__spawn(gyre_loop *loop, const gyre_future_type *type, gyre__body body,
                         const gyre_spawn_opts *opts)
{
    return spawn(loop, type, body, opts, USER_STACK);
}

gyre_future *gyre__spawn_small(gyre_loop *loop, const gyre_future_type *type, gyre__body body,
                               const gyre_spawn_opts *opts)
{
    return spawn(loop, type, body, opts, SMALL_STACK);
}

// ---- Inside --------------------------------------------------------------------------------

gyre_coro *gyre__coro_here(const gyre_loop *loop)
{
    gyre__strand *strand = gyre__loop_strand(loop);
    return strand->is_coro ? GYRE_CONTAINER_OF(strand, gyre_coro, strand) : NULL;
}

gyre_coro *gyre_coro_self(void)
{
    gyre_loop *loop = gyre__loop_here();
    return loop ? gyre__coro_here(loop) : NULL;
}

gyre_loop *gyre_coro_loop(const gyre_coro *self)
{
    return self->loop;
}

int gyre__coro_give(gyre_coro *self, const void *value, size_t size)
{
    if (!self->future || gyre__future_size(self->future) != size)
        return gyre__fail(self->loop, -EINVAL,
                          "gyre_give: the value is not of the type the coroutine was spawned with");
    memcpy(gyre__future_value(self->future), value, size);
    self->given = true;
    return 0;
}

// ---- gyre_main -----------------------------------------------------------------------------

int gyre_main(gyre_coro_fn *fn, void *arg)
{
    gyre_loop *loop;
    int err = gyre_loop_open(&loop, NULL);
    if (err) {
        fprintf(stderr, "gyre: error: main: no loop: %s\n", gyre_strerror(err));
        return 1;
    }
    err = gyre_run(gyre_spawn(gyre_void, loop, fn, arg));
    if (err) {
        const char *why = gyre_why_last(loop);
        gyre__log(loop, GYRE_LOG_ERROR, "main", "%s%s%s", gyre_strerror(err), *why ? ": " : "",
                  why);
    }
    gyre_loop_close(loop);
    return err ? 1 : 0;
}
