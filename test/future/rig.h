// A loop with counted memory, virtual time and a recorded log, and operations that count how they
// were undone. Shared by the tests of futures.
#ifndef TEST_FUTURE_RIG_H
#define TEST_FUTURE_RIG_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coro/coro.h"
#include "future/future_int.h"
#include "test/support/clock.h"
#include "test/support/memory.h"
#include "test/support/test.h"

#define UNUSED __attribute__((unused))

struct rig {
    gyre_loop *loop;
    struct memory memory;
    size_t base;    // blocks of a loop at rest
    char log[2048]; // what was logged, a line each
    int lines;
    char trace[512]; // words that the test's callbacks appended
};

static void rig_log(void *arg, gyre_log_level level, const char *where, const char *text)
{
    (void)level;
    (void)where;
    struct rig *rig = arg;
    size_t used = strlen(rig->log);
    snprintf(rig->log + used, sizeof rig->log - used, "%s\n", text);
    rig->lines++;
}

static UNUSED void trace(struct rig *rig, const char *word)
{
    size_t used = strlen(rig->trace);
    snprintf(rig->trace + used, sizeof rig->trace - used, "%s%s", used ? " " : "", word);
}

static UNUSED gyre_loop_opts rig_opts(struct rig *rig)
{
    return (gyre_loop_opts){.allocator = &rig->memory.alloc,
                            .log = rig_log,
                            .log_arg = rig,
                            .log_level = GYRE_LOG_WARN,
                            .blocked = GYRE_NONE};
}

// Blocks beyond those of a loop at rest: the live futures and what they hold.
static UNUSED size_t rig_live(struct rig *rig)
{
    gyre__loop_set_why(rig->loop, 0, NULL);
    return rig->memory.live_blocks - rig->base;
}

static UNUSED void turns(struct rig *rig)
{
    for (int i = 0; i < 5; i++) assert_int_equal(gyre_loop_turn(rig->loop, 0), 0);
}

static UNUSED void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    clock_virtual_start();
    memory_open(&rig->memory);
    gyre_loop_opts opts = rig_opts(rig);
    assert_int_equal(gyre_loop_open(&rig->loop, &opts), 0);
    gyre_release(gyre_sleep(rig->loop, 0)); // the floor's own state
    turns(rig);
    rig->base = rig->memory.live_blocks;
}

static UNUSED void rig_close(struct rig *rig)
{
    assert_int_equal(gyre_loop_close(rig->loop), 0);
    memory_close(&rig->memory);
    clock_virtual_stop();
}

// ---- Inside the loop ------------------------------------------------------------------------

struct inside {
    gyre_task task;
    void (*fn)(struct rig *rig, void *arg);
    struct rig *rig;
    void *arg;
};

static void inside_run(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    struct inside *inside = GYRE_CONTAINER_OF(task, struct inside, task);
    inside->fn(inside->rig, inside->arg);
}

// Runs `fn` in a bare callback of the loop, and what it caused.
static UNUSED void in_loop(struct rig *rig, void (*fn)(struct rig *rig, void *arg), void *arg)
{
    struct inside inside = {.task.fn = inside_run, .fn = fn, .rig = rig, .arg = arg};
    gyre_soon(rig->loop, &inside.task);
    turns(rig);
}

// ---- An operation that counts ------------------------------------------------------------------

// Its value is a pointer to itself.
struct op {
    struct rig *rig;
    gyre_pointer_promise promise;
    gyre_pointer_future future;
    int drops, cancels;
};

static void op_drop(void *value)
{
    (*(struct op **)value)->drops++;
}

static void op_cancel(void *arg)
{
    struct op *op = arg;
    op->cancels++;
    trace(op->rig, "undone");
}

static void op_describe(void *arg, char *text, size_t size)
{
    snprintf(text, size, "operation %d", ((struct op *)arg)->cancels);
}

static const gyre_future_ops op_ops = {
    .drop = op_drop, .cancel = op_cancel, .describe = op_describe};

static UNUSED gyre_pointer_future op_begin(struct rig *rig, struct op *op)
{
    *op = (struct op){.rig = rig};
    op->promise = gyre_promise_new(gyre_pointer, rig->loop, &op->future, &op_ops, op);
    return op->future;
}

static UNUSED bool op_resolve(struct op *op)
{
    void *value = op;
    bool won = gyre_promise_resolve(op->promise, &value);
    gyre_promise_release(op->promise);
    return won;
}

static UNUSED bool op_reject(struct op *op, int err, const char *why)
{
    bool won = gyre_promise_reject(op->promise, err, why);
    gyre_promise_release(op->promise);
    return won;
}

// An operation that is done already, and one that has failed.
static UNUSED gyre_pointer_future op_done(struct rig *rig, struct op *op)
{
    op_begin(rig, op);
    op_resolve(op);
    turns(rig);
    return op->future;
}

static UNUSED gyre_pointer_future op_failed(struct rig *rig, struct op *op, int err)
{
    op_begin(rig, op);
    op_reject(op, err, "details");
    turns(rig);
    return op->future;
}

// ---- A callback that records -------------------------------------------------------------------

struct seen {
    struct rig *rig;
    const char *name; // for the trace; or NULL
    int calls, err;
    void *value; // that came, or NULL
    char why[128];
};

static UNUSED void on_pointer(void *arg, int err, void **value)
{
    struct seen *seen = arg;
    seen->calls++;
    seen->err = err;
    seen->value = value ? *value : NULL;
    snprintf(seen->why, sizeof seen->why, "%s", gyre_why_last(seen->rig->loop));
    if (seen->name) trace(seen->rig, seen->name);
}

static UNUSED void on_void(void *arg, int err, gyre_nothing *value)
{
    struct seen *seen = arg;
    seen->calls++;
    seen->err = err;
    seen->value = value;
    snprintf(seen->why, sizeof seen->why, "%s", gyre_why_last(seen->rig->loop));
    if (seen->name) trace(seen->rig, seen->name);
}

#endif
