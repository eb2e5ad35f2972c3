// Coroutines: plain C that may wait at any depth, each on a stack of its own.
//
// gyre_spawn starts one and returns a future of what it gives. Inside, gyre_await waits for any
// future of the same loop while the loop goes on with others; between waits a coroutine is alone on
// its thread. Calls that block in the kernel (read(2) on a blocking descriptor) still block the
// loop: there is no hidden magic.
//
// Cancelling a coroutine is sticky: the wait it is in, and every later one, fails with
// GYRE_ECANCELED, and every function that returns a future gives one that failed so, until the body
// has returned. gyre_shield lets clean-up wait; gyre_defer runs clean-up in any case.
#ifndef GYRE_CORO_CORO_H
#define GYRE_CORO_CORO_H

#include "future/future.h"

GYRE_EXTERN_C_BEGIN

typedef struct gyre_coro gyre_coro;
typedef struct gyre_generator gyre_generator;

// A coroutine's body. Returns 0, or an error that its future fails with; the value of a success is
// what was last handed to gyre_give (all bytes zero when nothing was).
typedef int gyre_coro_fn(gyre_coro *self, void *arg);

// A body with its name and the place that starts it; private.
typedef struct gyre__body {
    const char *name;
    const char *where;
    gyre_coro_fn *fn;
    void *arg;
} gyre__body;

static inline gyre__body gyre__body_of(const char *name, const char *where, gyre_coro_fn *fn,
                                       void *arg)
{
    gyre__body body = {name, where, fn, arg};
    return body;
}

#define GYRE__TEXT_OF(x) #x
#define GYRE__TEXT(x)    GYRE__TEXT_OF(x)
#define GYRE__HERE       __FILE__ ":" GYRE__TEXT(__LINE__)

// ---- Starting ------------------------------------------------------------------------------

typedef struct gyre_spawn_opts {
    const char *name; // for reports; must outlive the coroutine; default: the function's text
    bool lazy;        // begin as a task of its own; default: run now, up to the first wait
    bool fpenv; // keep the floating-point control words apart (rounding mode); default: shared
    bool unguarded_ok; // where no more guard pages can be had, run without; default: GYRE_ENOGUARD
    size_t stack;      // bytes of address space, up to 1 GiB; default and least: 256 KiB
    void (*drop)(void *value); // frees a value that nobody took; default: nothing to free
} gyre_spawn_opts;

// name_future gyre_spawn(name, gyre_loop *loop, gyre_coro_fn *fn, void *arg)
//
// Starts a coroutine at once: it runs to its first wait before this returns (Tornado's @coroutine).
// gyre_spawn_with takes options beside it; .lazy starts it later (a native coroutine).
// Ownership: the caller consumes the future; `arg` must live as long as the body uses it.
// Errors, in the future: what the body returns; -ENOMEM, GYRE_ENOGUARD, GYRE_ECLOSED (the loop is
// closing), -EINVAL (an option), GYRE_ECANCELED (the caller is cancelled: nothing began).
// Blocks: until the first wait of the body. Thread: the loop's.
#define gyre_spawn(name, loop, fn, arg) gyre_spawn_with(name, loop, fn, arg, NULL)

// name_future gyre_spawn_with(name, loop, fn, arg, const gyre_spawn_opts *opts): see gyre_spawn.
// Blocks: until the first wait of the body; with .lazy never. Thread: the loop's.
#define gyre_spawn_with(name, loop, fn, arg, opts) \
    GYRE__MAKE(name##_future, \
               gyre__spawn(loop, &name##_type, gyre__body_of(#fn, GYRE__HERE, fn, arg), opts))

// Opens a loop, runs one coroutine to its end and closes the loop: the body of a small main().
// Returns 0, or 1 when it failed; the failure is logged.
// Blocks: until the coroutine has ended. Thread: any that runs no loop.
int gyre_main(gyre_coro_fn *fn, void *arg);

// ---- Waiting -------------------------------------------------------------------------------

// int gyre_await(F future [, T *out])
//
// Waits, in a coroutine, until the operation is done, and gives its value and error. A future that
// is done costs no switch. Callable at any depth of calls below the coroutine's body.
// Ownership: consumes the reference; the value moves to *out.
// Errors: the operation's; GYRE_ECANCELED once this coroutine is cancelled; -EPERM outside a
// coroutine; GYRE_ELOOP for a future of another loop; -EDEADLK for its own; -EINVAL for a null
// future; GYRE_EBUSY when somebody else waits; GYRE_ETAKEN; GYRE_EFORKED.
// Blocks: the coroutine, until the operation is done; never the loop. Thread: the loop's.
#define gyre_await(...) GYRE__PICK(__VA_ARGS__, gyre__await_out, gyre__await_only, 0)(__VA_ARGS__)

// int gyre_await_for(F future, gyre_duration limit [, T *out])
//
// As gyre_await, for at most `limit` (0: only look; GYRE_FOREVER). When it passes, the reference is
// released, which cancels the operation if it was the last, and the result is GYRE_ETIMEDOUT: to
// keep the operation, retain it first.
// Blocks: the coroutine, at most `limit`. Thread: the loop's.
#define gyre_await_for(...) \
    GYRE__PICK3(__VA_ARGS__, gyre__await_for_out, gyre__await_for_only, 0, 0)(__VA_ARGS__)

// ---- Inside a coroutine ---------------------------------------------------------------------

// The loop of a coroutine.
// Blocks: never. Thread: the loop's.
gyre_loop *gyre_coro_loop(const gyre_coro *self);

// The coroutine that runs now on this thread, or NULL in a bare callback and outside any loop.
// Blocks: never. Thread: any.
gyre_coro *gyre_coro_self(void);

// int gyre_give(gyre_coro *self, T *value)
//
// Sets the value of the coroutine's future, from any depth (Tornado's gen.Return, without leaving
// the body). A later call replaces an earlier value, which is then the caller's to free.
// Errors: -EINVAL when the size is not that of the future's type.
// Blocks: never. Thread: the loop's.
#define gyre_give(self, value) gyre__coro_give(self, value, sizeof *(value))

// Calls `fn(arg)` when the coroutine ends: at return, cancel and stop, last in, first out, on its
// own stack. `fn` must not wait (waits fail).
// Errors: -ENOMEM; `fn` was not kept then.
// Blocks: never. Thread: the coroutine's own.
int gyre_defer(gyre_coro *self, void (*fn)(void *arg), void *arg) GYRE_MUST_USE;

// Lets a cancelled coroutine wait, to clean up: until gyre_unshield, at most `limit` from now on. A
// cancel that arrives meanwhile takes effect at the end. Shields nest (eight deep), an inner one
// never outlasts the outer; they are not inherited by coroutines spawned inside.
// Errors: -EINVAL for a limit of 0 or below, GYRE_EBUSY when nested too deep.
// Blocks: never. Thread: the coroutine's own.
int gyre_shield(gyre_coro *self, gyre_duration limit) GYRE_MUST_USE;

// Ends the innermost shield; without one it does nothing.
// Blocks: never. Thread: the coroutine's own.
void gyre_unshield(gyre_coro *self);

// Says whether this coroutine has been cancelled (a shield does not hide it).
// Blocks: never. Thread: the loop's.
bool gyre_coro_is_canceled(const gyre_coro *self);

// ---- Generators ----------------------------------------------------------------------------

// int gyre_generator_open(gyre_generator **out, gyre_loop *loop, gyre_coro_fn *fn, void *arg,
//                         const gyre_spawn_opts *opts)
//
// Makes a generator: a coroutine that hands out one value after another. Nothing of its body runs
// before the first gyre_generator_next.
// Ownership: the caller closes it, before its loop: one that is left goes with the loop. `opts`
// NULL: all defaults; .lazy means nothing here.
// Errors: -ENOMEM, GYRE_ENOGUARD, GYRE_ECLOSED, -EINVAL, GYRE_ECANCELED.
// Blocks: never. Thread: the loop's.
#define gyre_generator_open(out, loop, fn, arg, opts) \
    gyre__generator_open(out, loop, gyre__body_of(#fn, GYRE__HERE, fn, arg), opts)
int gyre__generator_open(gyre_generator **out, gyre_loop *loop, gyre__body body,
                         const gyre_spawn_opts *opts) GYRE_MUST_USE;

// Runs the generator to its next yield: `in` becomes what gyre_generator_yield gives it (on the
// first call it is ignored), and *value what it hands out. When the body waits for something else,
// the calling coroutine waits with it.
// Errors: GYRE_EEND when the body has returned 0, and ever after; the body's error, once; -EPERM
// when the body waits and the caller is no coroutine (call again later); GYRE_EBUSY from inside
// itself or while another caller waits; GYRE_ECLOSED when it is closed meanwhile; GYRE_ECANCELED.
// Blocks: the coroutine, while the body waits; never the loop. Thread: the loop's.
int gyre_generator_next(gyre_generator *generator, void *in, void **value) GYRE_MUST_USE;

// In the body of a generator: hands out `value` and stops until the next gyre_generator_next, whose
// `in` it gives in *in (which may be NULL).
// Errors: GYRE_ECANCELED when the generator is being closed: return. -EPERM in another coroutine.
// Blocks: until the next call. Thread: the loop's.
int gyre_generator_yield(gyre_coro *self, void *value, void **in) GYRE_MUST_USE;

// Ends a generator: a body that has not returned sees GYRE_ECANCELED at its yield or wait. NULL is
// fine. Memory goes once the body has returned.
// Blocks: until the body returns or waits. Thread: the loop's; not from inside it.
void gyre_generator_close(gyre_generator *generator);

// ---- What the macros are made of: private ---------------------------------------------------

gyre_future *gyre__spawn(gyre_loop *loop, const gyre_future_type *type, gyre__body body,
                         const gyre_spawn_opts *opts);
int gyre__future_await(gyre_future *future, void *out) GYRE_MUST_USE;
int gyre__future_await_for(gyre_future *future, gyre_duration limit, void *out) GYRE_MUST_USE;
int gyre__coro_give(gyre_coro *self, const void *value, size_t size);

GYRE_EXTERN_C_END

#define GYRE__PICK3(_1, _2, _3, name, ...) name
#define gyre__await_only(future)           gyre__future_await((future).untyped, NULL)
#define gyre__await_out(future, out) \
    gyre__future_await((future).untyped, GYRE__SAME(out, (future).value))
#define gyre__await_for_only(future, limit) gyre__future_await_for((future).untyped, limit, NULL)
#define gyre__await_for_out(future, limit, out) \
    gyre__future_await_for((future).untyped, limit, GYRE__SAME(out, (future).value))

#endif
