// Producing futures inside the library.
//
// A producer of any floor looks like this:
//
//     gyre_size_future gyre_something(…)
//     {
//         gyre_future *f = gyre__future_open(loop, &gyre_size_type, &ops, sizeof(some_op));
//         if (gyre__future_is_pending(f)) {
//             some_op *op = gyre__future_op(f);
//             …begin, and later, exactly once: gyre__future_settle(f, err, why, &value);
//         }
//         return GYRE__MAKE(gyre_size_future, f);
//     }
//
// gyre__future_open gives a settled future when nothing may begin: the strand is cancelled
// (GYRE_ECANCELED), a bare callback asks while the loop closes (GYRE_ECLOSED), or there is no
// memory (-ENOMEM).
#ifndef GYRE_FUTURE_FUTURE_INT_H
#define GYRE_FUTURE_FUTURE_INT_H

#include "future/future.h"
#include "loop/loop_int.h"

// How the library's own operations are undone; every member but cancel may be NULL.
typedef struct gyre__future_ops {
    // Frees a value that nobody took.
    void (*drop)(void *value, void *op);
    // Undoes the operation and settles its future with GYRE_ECANCELED before it returns. Coroutines
    // and executor jobs may settle later. NULL: the future is just settled.
    void (*cancel)(gyre_future *future, void *op);
    // Writes what the operation waits for.
    void (*describe)(void *op, char *text, size_t size);
    // Frees what `op` holds, with the future's memory.
    void (*destroy)(void *op);
} gyre__future_ops;

// A future with one reference, the consumer's, pending; with `op_size` cleared bytes of the
// producer's own beside it, which live as long as the future. Until it is settled the future stays,
// even when its last reference is gone. Never NULL; may be settled already (see above).
gyre_future *gyre__future_open(gyre_loop *loop, const gyre_future_type *type,
                               const gyre__future_ops *ops, size_t op_size);

// The same, whatever the strand: for what must begin although it is cancelled.
gyre_future *gyre__future_open_always(gyre_loop *loop, const gyre_future_type *type,
                                      const gyre__future_ops *ops, size_t op_size);

// A future that has failed from the start. `why` is of the loop's allocator, or NULL; it is taken.
gyre_future *gyre__future_failed(gyre_loop *loop, const gyre_future_type *type, int err, char *why);

bool gyre__future_is_pending(const gyre_future *future);
void *gyre__future_op(gyre_future *future);
gyre_loop *gyre__future_loop(const gyre_future *future);

// Settles a pending future: err 0 with *value (copied; NULL: the bytes at gyre__future_value, zero
// unless written), or an error with `why` (of the loop's allocator, or NULL; taken in any case).
// False, and nothing is changed but `why` freed, when it was settled before: a value then stays the
// caller's. Continuations run later, as tasks. The future may be gone when this returns.
bool gyre__future_settle(gyre_future *future, int err, char *why, const void *value);

// The size of the value.
size_t gyre__future_size(const gyre_future *future);

// Drops a reference to a future whose loop runs on another thread: there, later.
void gyre__future_release_elsewhere(gyre_future *future);

// Where the value lies, for producers that write it in place.
void *gyre__future_value(gyre_future *future);

// Names the place that a failure nobody read is reported with; static text.
void gyre__future_set_created(gyre_future *future, const char *name, const char *where);

// Counts the error as read: gyre_on_unhandled is not told.
void gyre__future_forgive(gyre_future *future);

// Sets what gyre__future_state reports while it is pending (coroutines).
void gyre__future_set_state(gyre_future *future, gyre_state state);

// ---- Waiting: for combinators and the coroutine floor ---------------------------------------

// Asks for `task` to be queued once the future is settled. 0, or GYRE_EBUSY when somebody waits, or
// an error that ends the wait at once. A settled future queues the task now.
int gyre__future_wait(gyre_future *future, gyre_task *task);

// Takes the wait back (the task may be queued already; it is not unqueued).
void gyre__future_unwait(gyre_future *future, const gyre_task *task);

// Takes the value of a settled future into *out (NULL: drops it), or gives its error, and makes its
// details the running strand's. Consumes the reference.
int gyre__future_take(gyre_future *future, void *out);

// Says whether nobody else wants the result: no other reference, and none was detached.
bool gyre__future_is_sole(const gyre_future *future);

// What the future waits for, as text; "" when it does not tell.
void gyre__future_describe(gyre_future *future, char *text, size_t size);

// Gives an error that is the caller's own mistake: keeps `why` for gyre_why_last and returns err.
int gyre__fail(gyre_loop *loop, int err, const char *why);

#endif
