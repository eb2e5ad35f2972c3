// The future's own struct and the floor's state on a loop; private to future/.
#ifndef GYRE_FUTURE_IMPL_H
#define GYRE_FUTURE_IMPL_H

#include "future/future_int.h"

#include <errno.h>

struct gyre_future {
    gyre__node link; // among the loop's futures; its next is the free list's while unused
    gyre_loop *loop; // NULL: the future of "no memory"
    const gyre_future_type *type;
    const gyre__future_ops *ops; // or NULL
    gyre_task *waiter;           // queued when it settles; NULL while nobody waits
    gyre_task task;              // of gyre_then
    void (*then)(void);
    void *then_arg;
    char *why;        // details of a failure; or NULL
    const char *name; // what was begun, and where; or NULL
    const char *where;
    int err;                   // once settled
    unsigned references;       // the consumers'; the producer holds none
    unsigned char state;       // gyre_state
    bool taken;                // the value has moved out
    bool detached;             // somebody wants it to run on, whoever else lets go
    bool seen;                 // the error has been read, or was never to be
    bool pooled;               // of the size that the loop keeps
    _Alignas(16) char value[]; // type->size bytes, then the producer's op
};

// What the floor hangs on a loop.
typedef struct gyre__futures {
    gyre__node live; // every future of the loop
    gyre_future *free;
    unsigned free_count;
    gyre_unhandled_fn *unhandled;
    void *unhandled_arg;
} gyre__futures;

// The floor's state, made on first use; NULL when there is no memory.
gyre__futures *gyre__futures_of(gyre_loop *loop);

static inline bool gyre__is_settled(const gyre_future *future)
{
    return future->state >= GYRE_DONE;
}

// What a consumer of a settled future gets: 0, its error, or GYRE_ETAKEN.
static inline int gyre__future_result(const gyre_future *future)
{
    return future->err ? future->err : future->taken ? GYRE_ETAKEN : 0;
}

// Frees a value as its producer said.
void gyre__future_drop(gyre_future *future, void *value);

// Frees a settled future without references.
void gyre__future_maybe_free(gyre_future *future);

// A copy of the details; NULL when there are none.
char *gyre__future_copy_why(const gyre_future *future);

// Tells the handler of unread failures.
void gyre__future_unhandled(gyre_future *future);

#endif
