// Combining futures: all, any, with a deadline.
//
// Design notes. A combinator is a future whose operation holds references to others and waits for
// each with a task of its own. When one of these decides the result, whatever is left is released,
// which cancels what is under way. That calls functions of the user, who may let go of the
// combinator in them: so it holds a reference to itself meanwhile. A value that is passed on was
// the inner future's: the inner one is kept until the outer is gone, because only it knows how such
// a value is dropped.

#include "future/impl.h"

#include <stdio.h>

struct part {
    gyre_task task;
    gyre_future *future;
    struct set *set;
};

// The operation of gyre_all and gyre_any.
struct set {
    gyre_future *self;
    struct part *parts;
    size_t count, left; // left: parts not yet settled
    void *out;          // of gyre_all; or NULL
    size_t *index;      // of gyre_any; or NULL
    gyre_future *kept;  // the one that the result comes from
    bool quiet;         // of gyre_any: nobody hears of the errors of losers
};

// ---- Parts ---------------------------------------------------------------------------------

static void let_go(struct part *part)
{
    gyre_future *future = part->future;
    if (!future) return;
    part->future = NULL;
    gyre__future_unwait(future, &part->task);
    gyre_task_stop(&part->task);
    if (part->set->quiet) gyre__future_forgive(future);
    gyre__future_release(future);
}

static void let_go_of_all(struct set *set)
{
    for (size_t i = 0; set->parts && i < set->count; i++) let_go(&set->parts[i]);
}

static void destroy_set(void *op)
{
    struct set *set = op;
    if (!set->self) return;
    let_go_of_all(set);
    gyre__free(gyre__loop_allocator(gyre__future_loop(set->self)), set->parts);
    gyre__future_release(set->kept);
}

static void cancel_set(gyre_future *future, void *op)
{
    let_go_of_all(op);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void describe_set(void *op, char *text, size_t size)
{
    struct set *set = op;
    snprintf(text, size, "waits for %zu of %zu futures", set->left, set->count);
}

// These were not looked at yet: one may be of a loop that another thread runs.
static void release_array(gyre_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gyre_future *future = futures[i];
        if (future && future->loop && gyre__loop_may_run(future->loop) == GYRE_ELOOP)
            gyre__future_release_elsewhere(future);
        else
            gyre__future_release(future);
    }
}

// Begins to wait for every part. A null future counts as one that failed. From the first wait on
// all references are the set's.
static int begin(struct set *set, gyre_future **futures, size_t count, gyre_task_fn *on_part)
{
    gyre_loop *loop = gyre__future_loop(set->self);
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    if (count > SIZE_MAX / sizeof *set->parts) return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!futures[i]) return -EINVAL;
        if (!futures[i]->loop) return futures[i]->err;
        if (futures[i]->loop != loop) return GYRE_ELOOP;
        if (futures[i]->waiter) return GYRE_EBUSY;
    }
    set->parts = gyre__alloc_zero(alloc, count * sizeof *set->parts);
    if (!set->parts) return -ENOMEM;
    set->count = set->left = count;
    for (size_t i = 0; i < count; i++)
        set->parts[i] = (struct part){.task.fn = on_part, .future = futures[i], .set = set};
    for (size_t i = 0; i < count; i++) {
        int err = gyre__future_wait(futures[i], &set->parts[i].task);
        if (err) return err; // the same future twice: it is busy with itself
    }
    return 0;
}

// ---- all -----------------------------------------------------------------------------------

// Settles first: dropping a value calls the user, who may cancel, and that must change nothing.
static void finish(struct set *set)
{
    gyre__future_settle(set->self, 0, NULL, NULL);
    char *slot = set->out;
    for (size_t i = 0; i < set->count; i++) {
        gyre_future *future = set->parts[i].future;
        size_t size = future->type->size;
        set->parts[i].future = NULL;
        gyre__future_unwait(future, &set->parts[i].task);
        gyre__future_take(future, slot);
        if (slot) slot += size;
    }
}

static int first_taken(const struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->parts[i].future->taken) return GYRE_ETAKEN;
    return 0;
}

static void fail(struct set *set, int err)
{
    char *why = NULL;
    if (set->kept) {
        gyre__future_forgive(set->kept);
        why = gyre__future_copy_why(set->kept);
    }
    let_go_of_all(set);
    gyre__future_settle(set->self, err, why, NULL);
}

static void on_part_of_all(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    struct part *part = GYRE_CONTAINER_OF(task, struct part, task);
    struct set *set = part->set;
    if (part->future->err && !set->kept) set->kept = gyre__future_retain(part->future);
    if (--set->left > 0) return;
    gyre_future *self = gyre__future_retain(set->self);
    int err = set->kept ? set->kept->err : first_taken(set);
    if (err)
        fail(set, err);
    else
        finish(set);
    gyre__future_release(self);
}

static const gyre__future_ops all_ops = {
    .cancel = cancel_set, .describe = describe_set, .destroy = destroy_set};

// A combinator that could not begin: every reference is consumed, and the error is its result.
static void fail_set(gyre_future *self, struct set *set, gyre_future **futures, int err)
{
    if (set->parts)
        let_go_of_all(set);
    else
        release_array(futures, set->count);
    gyre__future_settle(self, err, NULL, NULL);
}

gyre_void_future gyre__future_all(gyre_loop *loop, gyre_future **futures, size_t count, void *out)
{
    gyre_future *self = gyre__future_open(loop, &gyre_void_type, &all_ops, sizeof(struct set));
    gyre_void_future result = GYRE__MAKE(gyre_void_future, self);
    if (!gyre__future_is_pending(self)) {
        release_array(futures, count);
        return result;
    }
    struct set *set = gyre__future_op(self);
    *set = (struct set){.self = self, .count = count, .out = out};
    if (count == 0)
        gyre__future_settle(self, 0, NULL, NULL);
    else {
        int err = begin(set, futures, count, on_part_of_all);
        if (err) fail_set(self, set, futures, err);
    }
    return result;
}

// ---- any -----------------------------------------------------------------------------------

static void drop_kept_value(void *value, void *op)
{
    gyre__future_drop(((struct set *)op)->kept, value);
}

// Passes the value or the error of `from` on; `from` is kept to drop the value. When `to` was
// cancelled just before, the value stays where it was.
static void pass(gyre_future *to, gyre_future *from, int err)
{
    from->seen = true;
    if (err) {
        gyre__future_settle(to, err, gyre__future_copy_why(from), NULL);
        return;
    }
    from->taken = true;
    if (!gyre__future_settle(to, 0, NULL, from->value)) from->taken = false;
}

static void on_part_of_any(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    struct part *part = GYRE_CONTAINER_OF(task, struct part, task);
    struct set *set = part->set;
    gyre_future *future = part->future;
    int err = gyre__future_result(future);
    if (err && --set->left > 0) return;
    if (set->index) *set->index = (size_t)(part - set->parts);
    gyre_future *self = gyre__future_retain(set->self);
    set->kept = gyre__future_retain(future);
    let_go_of_all(set);
    pass(self, future, err);
    gyre__future_release(self);
}

static const gyre__future_ops any_ops = {.drop = drop_kept_value,
                                         .cancel = cancel_set,
                                         .describe = describe_set,
                                         .destroy = destroy_set};

gyre_future *gyre__future_any(gyre_loop *loop, gyre_future **futures, size_t count, size_t *index)
{
    bool typed = count > 0 && futures[0] && futures[0]->loop;
    const gyre_future_type *type = typed ? futures[0]->type : &gyre_void_type;
    gyre_future *self = gyre__future_open(loop, type, &any_ops, sizeof(struct set));
    if (!gyre__future_is_pending(self)) {
        release_array(futures, count);
        return self;
    }
    struct set *set = gyre__future_op(self);
    *set = (struct set){.self = self, .count = count, .quiet = true};
    set->index = index;
    int err = count == 0 ? -EINVAL : begin(set, futures, count, on_part_of_any);
    if (err) fail_set(self, set, futures, err);
    return self;
}

// ---- with a deadline -----------------------------------------------------------------------

struct deadline {
    gyre_future *self;
    gyre_future *inner; // kept until the outer future is gone; NULL once it was given up
    gyre_task task;
    gyre_timer timer;
};

static void drop_inner_value(void *value, void *op)
{
    gyre__future_drop(((struct deadline *)op)->inner, value);
}

static void let_go_of_inner(struct deadline *deadline)
{
    gyre_future *inner = deadline->inner;
    if (!inner) return;
    deadline->inner = NULL;
    gyre_timer_stop(&deadline->timer);
    gyre__future_unwait(inner, &deadline->task);
    gyre_task_stop(&deadline->task);
    gyre__future_release(inner);
}

static void on_inner(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    struct deadline *deadline = GYRE_CONTAINER_OF(task, struct deadline, task);
    gyre_timer_stop(&deadline->timer);
    gyre__future_unwait(deadline->inner, task);
    pass(deadline->self, deadline->inner, gyre__future_result(deadline->inner));
}

static void on_deadline(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct deadline *deadline = GYRE_CONTAINER_OF(timer, struct deadline, timer);
    if (gyre__is_settled(deadline->inner)) return; // it came in time: its task is on its way
    gyre_future *self = gyre__future_retain(deadline->self);
    let_go_of_inner(deadline);
    gyre__future_settle(self, GYRE_ETIMEDOUT, NULL, NULL);
    gyre__future_release(self);
}

static void cancel_deadline(gyre_future *future, void *op)
{
    let_go_of_inner(op);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void destroy_deadline(void *op)
{
    let_go_of_inner(op);
}

static void describe_deadline(void *op, char *text, size_t size)
{
    gyre_future *inner = ((struct deadline *)op)->inner;
    if (inner) gyre__future_describe(inner, text, size);
}

static const gyre__future_ops deadline_ops = {.drop = drop_inner_value,
                                              .cancel = cancel_deadline,
                                              .describe = describe_deadline,
                                              .destroy = destroy_deadline};

gyre_future *gyre__future_with_timeout(gyre_future *inner, gyre_duration limit)
{
    if (!inner || !inner->loop || limit == GYRE_FOREVER) return inner;
    gyre_loop *loop = inner->loop;
    gyre_future *self =
        gyre__future_open(loop, inner->type, &deadline_ops, sizeof(struct deadline));
    if (!gyre__future_is_pending(self)) {
        gyre__future_release(inner);
        return self;
    }
    struct deadline *deadline = gyre__future_op(self);
    deadline->self = self;
    deadline->task.fn = on_inner;
    int err = gyre__future_wait(inner, &deadline->task);
    if (err) {
        gyre__future_release(inner);
        gyre__future_settle(self, err, NULL, NULL);
        return self;
    }
    deadline->inner = inner;
    gyre_timer_start(loop, &deadline->timer, limit, on_deadline);
    return self;
}
