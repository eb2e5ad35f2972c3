// Futures: the result of one asynchronous operation.
//
// Every asynchronous function of the library returns a typed future. How it is consumed is the
// caller's choice: gyre_run (synchronous), gyre_then (callback), gyre_await (coroutine, coro.h), or
// kept, combined and cancelled.
//
//   consumed on every path     run, then, await, await_for, detach, release, all, any, with_timeout
//   kept                       cancel, state, error, retain (which gives a second reference)
//
// The value moves to the first consumer; a later one gets GYRE_ETAKEN. One waiter at a time: a
// second gets GYRE_EBUSY. Releasing the last reference of an operation under way cancels it.
// Continuations never run inside the call that caused them: they are tasks, first in, first out.
//
// Futures never leave the thread of their loop, and are gone with it; a gyre_promise may be settled
// from any thread, and may outlive the loop.
#ifndef GYRE_FUTURE_FUTURE_H
#define GYRE_FUTURE_FUTURE_H

#include "loop/loop.h"

#ifdef __cplusplus
#include <type_traits>
#endif

GYRE_EXTERN_C_BEGIN

typedef struct gyre_future gyre_future;
typedef struct gyre_promise gyre_promise;

// ---- Types ---------------------------------------------------------------------------------

// What the library knows of a type of future; made by GYRE_FUTURE_TYPE, private.
typedef struct gyre_future_type {
    const char *name;
    size_t size; // of the value
    void (*call)(void (*fn)(void), void *arg, int err, void *value);
} gyre_future_type;

void gyre__callback_settle(void *token, int err, const void *value);

#define GYRE__UNUSED __attribute__((unused))

// Declares futures and promises of values of type T under a name:
//
//     GYRE_FUTURE_TYPE(answer, int);     // answer_future, answer_promise, answer_settle
//
// Both are one pointer wide; the members other than `untyped` carry types for the macros below,
// which refuse a wrong `out`, callback or value at compile time, in C and in C++. `answer_settle`
// is the callback that gyre_from_callback hands out.
#define GYRE_FUTURE_TYPE(name, T) \
    typedef void name##_callback(void *arg, int err, T *value); \
    typedef union name##_future { \
        gyre_future *untyped; \
        T *value; \
        name##_callback *callback; \
    } name##_future; \
    typedef union name##_promise { \
        gyre_promise *untyped; \
        T *value; \
    } name##_promise; \
    static inline void name##__call(void (*fn)(void), void *arg, int err, void *value) \
    { \
        ((name##_callback *)fn)(arg, err, (T *)value); \
    } \
    GYRE__UNUSED static inline void name##_settle(void *token, int err, T *value) \
    { \
        gyre__callback_settle(token, err, value); \
    } \
    static const gyre_future_type name##_type GYRE__UNUSED = {#name, sizeof(T), name##__call}

// The value of an operation that has none: gyre_run and gyre_await take it with one argument.
typedef struct gyre_nothing {
    char unused;
} gyre_nothing;

GYRE_FUTURE_TYPE(gyre_void, gyre_nothing);
GYRE_FUTURE_TYPE(gyre_int, int);
GYRE_FUTURE_TYPE(gyre_size, size_t);
GYRE_FUTURE_TYPE(gyre_view, gyre_view);
GYRE_FUTURE_TYPE(gyre_pointer, void *);

// ---- Consuming -----------------------------------------------------------------------------

// int gyre_run(F future [, T *out])
//
// Turns the future's loop until the operation is done, and gives its value and error: the
// synchronous style. Inside a coroutine of that loop it awaits instead. Without `out` the value is
// dropped.
// Ownership: consumes the reference; the value moves to *out.
// Errors: the operation's; -EINVAL for a null future; -EBUSY in a bare callback (its loop is
// running); GYRE_ELOOP when another thread runs the loop; GYRE_EBUSY, GYRE_ETAKEN, GYRE_EFORKED.
// Blocks: until the operation is done. Thread: the loop's.
#define gyre_run(...) GYRE__PICK(__VA_ARGS__, gyre__run_out, gyre__run_only, 0)(__VA_ARGS__)

// void gyre_then(F future, void (*fn)(void *arg, int err, T *value), void *arg)
//
// Calls `fn` once, as a task, when the operation is done: the callback style. On an error `value`
// is NULL; otherwise *value belongs to `fn`.
// Ownership: consumes the reference; `arg` must live until `fn` was called.
// Errors: reach `fn`: the operation's, GYRE_EBUSY when somebody else waits, GYRE_ETAKEN. Only when
// there is no memory for the future itself (-ENOMEM), or no future (-EINVAL), `fn` is called at
// once.
// Blocks: never. Thread: the loop's.
#define gyre_then(future, fn, arg) \
    gyre__future_then((future).untyped, (void (*)(void))GYRE__SAME(fn, (future).callback), arg)

// F gyre_retain(F future): gives a second reference to the same operation.
// Blocks: never. Thread: the loop's.
#define gyre_retain(future) GYRE__AS(future, gyre__future_retain((future).untyped))

// void gyre_release(F future): drops a reference; the last one cancels what is under way. A failure
// that nobody read goes to the handler of gyre_on_unhandled.
// Blocks: never. Thread: the loop's.
#define gyre_release(future) gyre__future_release((future).untyped)

// void gyre_detach(F future): drops the reference and lets the operation run to its end, whoever
// else lets go of it; a failure goes to the handler of gyre_on_unhandled (Tornado's
// spawn_callback).
// Blocks: never. Thread: the loop's.
#define gyre_detach(future) gyre__future_detach((future).untyped)

// bool gyre_cancel(F future)
//
// Cancels the operation: its socket operation, timer or queue slot is undone and the future settled
// with GYRE_ECANCELED before this returns, and no borrowed buffer is touched after that. A
// coroutine's future settles when its body has returned. False when it was settled already; then
// nothing changes.
// Ownership: keeps the reference. Blocks: never. Thread: the loop's.
#define gyre_cancel(future) gyre__future_cancel((future).untyped)

typedef enum gyre_state {
    GYRE_PENDING,   // an operation under way, or a coroutine that has not begun
    GYRE_RUNNING,   // a coroutine that runs or will go on in this turn
    GYRE_SUSPENDED, // a coroutine that waits
    GYRE_DONE,
    GYRE_FAILED,
    GYRE_CANCELED
} gyre_state;

// gyre_state gyre_future_state(F future): where the operation stands. A null future has failed.
// Blocks: never. Thread: the loop's.
#define gyre_future_state(future) gyre__future_state((future).untyped)

// int gyre_future_error(F future): the error of a settled future without consuming it, 0 while it
// is pending or when it has a value. Counts as reading: gyre_on_unhandled is not told of it.
// Blocks: never. Thread: the loop's.
#define gyre_future_error(future) gyre__future_error((future).untyped)

// The name of a state: "pending", "running", "suspended", "done", "failed", "canceled".
// Ownership: static text. Blocks: never. Thread: any.
const char *gyre_state_name(gyre_state state);

// The details of the last error that gyre_run, gyre_await or a callback received on this loop, in
// this coroutine: "connect to 127.0.0.1:81 (localhost): refused, 1 of 2 addresses tried". Never
// NULL.
// Ownership: valid until the next error there. Blocks: never. Thread: the loop's.
const char *gyre_why_last(const gyre_loop *loop);

// Told of a failure whose last reference died unread. `why` and `where` (the place of creation) may
// be "". Must not close the loop.
typedef void gyre_unhandled_fn(void *arg, int err, const char *why, const char *where);

// Replaces the handler of unread failures; NULL puts the default back, which logs one line.
// Never called for GYRE_ECANCELED, nor for the losers of gyre_any.
// Errors: -ENOMEM. Blocks: never. Thread: the loop's.
int gyre_on_unhandled(gyre_loop *loop, gyre_unhandled_fn *fn, void *arg) GYRE_MUST_USE;

// ---- Combining -----------------------------------------------------------------------------

// gyre_void_future gyre_all(gyre_loop *loop, F futures[], size_t count [, T out[]])
//
// Waits for all of the futures and gives their values in the order of the array. When one or more
// fail it fails with the first error (in time), after all have ended; the other errors go to the
// handler of gyre_on_unhandled. Cancelling it cancels all.
// Ownership: consumes every reference; borrows `out` until it settles; *out is untouched on error.
// Errors: the first one's; -ENOMEM; -EINVAL for a null future among them, GYRE_ELOOP for one of
// another loop, GYRE_EBUSY for one that somebody waits for, GYRE_ETAKEN. Nought futures are done.
// Blocks: never. Thread: the loop's.
#define gyre_all(...) GYRE__PICK4(__VA_ARGS__, gyre__all_out, gyre__all_only, 0, 0)(__VA_ARGS__)

// F gyre_any(gyre_loop *loop, F futures[], size_t count, size_t *index)
//
// Gives the first value; the others are cancelled, and no error of theirs is reported. When all
// fail it fails with the last error (in time). *index, unless NULL, says which one it was.
// Ownership: consumes every reference; borrows `index` until it settles.
// Errors: the last one's; -ENOMEM; -EINVAL for nought futures or a null one among them; GYRE_ELOOP
// and GYRE_EBUSY as gyre_all.
// Blocks: never. Thread: the loop's.
#define gyre_any(loop, futures, count, index) \
    GYRE__AS(*(futures), gyre__future_any(loop, &(futures)->untyped, count, index))

// F gyre_with_timeout(F future, gyre_duration limit)
//
// The same operation with a deadline: when it passes, the operation is cancelled and the result is
// GYRE_ETIMEDOUT. To let the operation go on, retain it first. GYRE_FOREVER sets no deadline.
// Ownership: consumes the reference and gives another. Errors: the operation's, GYRE_ETIMEDOUT,
// -ENOMEM (cancels), GYRE_EBUSY when somebody waits for it already.
// Blocks: never. Thread: the loop's.
#define gyre_with_timeout(future, limit) \
    GYRE__AS(future, gyre__future_with_timeout((future).untyped, limit))

// Done after `delay`. 0 lets everything else that is ready run once first (Tornado's moment).
// Errors: -ENOMEM. Blocks: never. Thread: the loop's.
gyre_void_future gyre_sleep(gyre_loop *loop, gyre_duration delay);

// ---- Producing -----------------------------------------------------------------------------

// How an operation of yours is undone and described. Every member may be NULL. None of them may
// close the loop.
typedef struct gyre_future_ops {
    // Frees a value that nobody took. On the loop's thread.
    void (*drop)(void *value);
    // The consumer cancelled: undo the operation. The future is settled with GYRE_ECANCELED
    // already; settling the promise later returns false. On the loop's thread.
    void (*cancel)(void *arg);
    // Writes what the operation waits for, as "reads from 10.0.0.1:80".
    void (*describe)(void *arg, char *text, size_t size);
} gyre_future_ops;

// name_promise gyre_promise_new(name, gyre_loop *loop, name_future *future,
//                               const gyre_future_ops *ops, void *arg)
//
// Makes a future of a type and its giving end. Nothing needs to wait when the promise is settled.
// Ownership: the caller consumes *future and releases the promise with gyre_promise_release. `ops`
// (NULL: none) and `arg` must outlive both.
// Errors: the promise's `.untyped` is NULL, and the future has failed with -ENOMEM, GYRE_ECANCELED
// or (in a callback while the loop closes) GYRE_ECLOSED. Settling and releasing a null promise is
// harmless.
// Blocks: never. Thread: the loop's.
#define gyre_promise_new(name, loop, future, ops, arg) \
    GYRE__MAKE(name##_promise, \
               gyre__promise_new(loop, &name##_type, \
                                 &GYRE__SAME(future, (name##_future *)0)->untyped, ops, arg))

// bool gyre_promise_resolve(name_promise promise, T *value): settles with a copy of *value. Exactly
// one of resolve, reject and cancel wins; false says that it was not this one, and the value
// remains the caller's.
// Blocks: never. Thread: any.
#define gyre_promise_resolve(promise, value_ptr) \
    gyre__promise_settle((promise).untyped, 0, NULL, GYRE__SAME(value_ptr, (promise).value))

// bool gyre_promise_reject(name_promise promise, int err, const char *why): settles with an error
// below 0 (any other is taken for -EINVAL) and a text that is copied (NULL: none). As
// gyre_promise_resolve.
// Blocks: never. Thread: any.
#define gyre_promise_reject(promise, err, why) gyre__promise_reject((promise).untyped, err, why)

// promise gyre_promise_retain(promise): a second reference, for a second thread.
// Blocks: never. Thread: any.
#define gyre_promise_retain(promise) GYRE__AS(promise, gyre__promise_retain((promise).untyped))

// void gyre_promise_release(promise): drops a reference. With the last one an unsettled promise is
// rejected with GYRE_ECLOSED: its future cannot hang for ever.
// Blocks: never. Thread: any.
#define gyre_promise_release(promise) gyre__promise_release((promise).untyped)

// name_future gyre_from_callback(name, gyre_loop *loop, void **token)
//
// Turns a callback-style function into a future (Tornado's gen.Task): hand it `name_settle` as its
// callback and *token as the callback's argument.
//
//     void *token;
//     answer_future f = gyre_from_callback(answer, loop, &token);
//     ask_somebody(question, answer_settle, token); // calls it once with (token, err, &answer)
//
// The callback may come from any thread, with err 0 or below and a value (NULL: all bytes zero). It
// must come once, also after a cancel: that frees the token. A second call is refused and logged,
// as long as the future has not been consumed. When there is no memory the token is NULL and the
// callback does nothing.
// Blocks: never. Thread: the loop's.
#define gyre_from_callback(name, loop, token) \
    GYRE__MAKE(name##_future, gyre__from_callback(loop, &name##_type, token))

// ---- What the macros are made of: private ---------------------------------------------------

int gyre__future_run(gyre_future *future, void *out) GYRE_MUST_USE;
void gyre__future_then(gyre_future *future, void (*fn)(void), void *arg);
gyre_future *gyre__future_retain(gyre_future *future);
void gyre__future_release(gyre_future *future);
void gyre__future_detach(gyre_future *future);
bool gyre__future_cancel(gyre_future *future);
gyre_state gyre__future_state(const gyre_future *future);
int gyre__future_error(gyre_future *future);
gyre_void_future gyre__future_all(gyre_loop *loop, gyre_future **futures, size_t count, void *out);
gyre_future *gyre__future_any(gyre_loop *loop, gyre_future **futures, size_t count, size_t *index);
gyre_future *gyre__future_with_timeout(gyre_future *future, gyre_duration limit);
gyre_promise *gyre__promise_new(gyre_loop *loop, const gyre_future_type *type, gyre_future **out,
                                const gyre_future_ops *ops, void *arg);
bool gyre__promise_settle(gyre_promise *promise, int err, const char *why, const void *value);
bool gyre__promise_reject(gyre_promise *promise, int err, const char *why);
gyre_promise *gyre__promise_retain(gyre_promise *promise);
void gyre__promise_release(gyre_promise *promise);
gyre_future *gyre__from_callback(gyre_loop *loop, const gyre_future_type *type, void **token);

GYRE_EXTERN_C_END

#define GYRE__PICK(_1, _2, name, ...)          name
#define GYRE__PICK4(_1, _2, _3, _4, name, ...) name
#define gyre__run_only(future)                 gyre__future_run((future).untyped, NULL)
#define gyre__run_out(future, out) \
    gyre__future_run((future).untyped, GYRE__SAME(out, (future).value))
#define gyre__all_only(loop, futures, count) \
    gyre__future_all(loop, &(futures)->untyped, count, NULL)
#define gyre__all_out(loop, futures, count, out) \
    gyre__future_all(loop, &(futures)->untyped, count, GYRE__SAME(out, (futures)->value))

// GYRE__SAME(x, y) is x, provided that its type is y's; neither is evaluated twice.
// GYRE__AS(x, pointer) is a union of x's type whose first member is the pointer.
#ifdef __cplusplus
template <class Want, class Given> constexpr Want gyre__same(Given given)
{
    static_assert(std::is_same<Want, Given>::value, "gyre: this type does not fit the future's");
    return given;
}
#define GYRE__TYPE_OF(x)          std::remove_cv<std::remove_reference<decltype(x)>::type>::type
#define GYRE__SAME(x, y)          (gyre__same<GYRE__TYPE_OF(y)>(x))
#define GYRE__AS(x, pointer)      (GYRE__TYPE_OF(x){pointer})
#define GYRE__MAKE(type, pointer) (type{pointer})
#else
#define GYRE__SAME(x, y)          _Generic((x), __typeof__(1 ? (y) : 0) : (x)) // the ?: sheds const
#define GYRE__AS(x, pointer)      ((__typeof__(x)){pointer})
#define GYRE__MAKE(type, pointer) ((type){pointer})
#endif

#endif
