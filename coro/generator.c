// Generators: coroutines that hand out one value after another.
//
// Design notes. Between two values the body is suspended in gyre_generator_yield and nothing will
// wake it but the next call, which resumes it directly. When the body waits for something else it
// is parked like any coroutine; the caller then parks too and is woken by the next yield, or by the
// end; what it is to return lies in its own frame, so that it does not matter whether the generator
// is still there when it goes on. The generator outlives its body, so that calls after the end are
// answered.

#include "coro/impl.h"

enum state { FRESH, YIELDED, RUNNING, WAITING, ENDED };

struct gyre_generator {
    gyre_loop *loop;
    gyre_coro *coro; // NULL once it has ended
    enum state state;
    void *in;            // of the next call
    void *value;         // of the last yield
    bool ready;          // the value has not been handed out: its caller could not wait
    int err;             // of the end, until it has been told; then GYRE_EEND
    struct call *caller; // parked in gyre_generator_next; or NULL
    bool closing;        // the owner is gone; the end frees it
    gyre__node link;     // among the loop's generators
};

// A coroutine that waits for the body to yield or end.
struct call {
    gyre__wait wait;
    gyre_generator *generator;
    void **value; // of gyre_generator_next
};

// What gyre_generator_next returns now that the body has yielded or ended.
static int hand_over(gyre_generator *generator, void **value)
{
    if (generator->state == ENDED) {
        int err = generator->err;
        generator->err = GYRE_EEND;
        return err;
    }
    generator->ready = false;
    *value = generator->value;
    return 0;
}

// ---- The body's side ------------------------------------------------------------------------

static void tell_caller(gyre_generator *generator)
{
    struct call *call = generator->caller;
    if (!call) return;
    generator->caller = NULL;
    gyre__wake(&call->wait, hand_over(generator, call->value));
}

void gyre__generator_parked(gyre_generator *generator)
{
    if (generator) generator->state = WAITING;
}

void gyre__generator_resumed(gyre_generator *generator)
{
    if (generator) generator->state = RUNNING;
}

static void free_generator(gyre_generator *generator)
{
    gyre__list_remove(&generator->link);
    gyre__free(gyre__loop_allocator(generator->loop), generator);
}

void gyre__generator_ended(gyre_generator *generator, int err)
{
    generator->coro = NULL;
    generator->state = ENDED;
    generator->err = err ? err : GYRE_EEND;
    if (generator->closing)
        free_generator(generator);
    else
        tell_caller(generator);
}

int gyre_generator_yield(gyre_coro *self, void *value, void **in)
{
    gyre_generator *generator = self->generator;
    if (!generator)
        return gyre__fail(self->loop, -EPERM,
                          "gyre_generator_yield in a coroutine "
                          "that is not a generator");
    if (self->strand.refuses || generator->closing) return GYRE_ECANCELED;
    generator->value = value;
    generator->ready = true;
    generator->state = YIELDED;
    tell_caller(generator);
    gyre__coro_leave(self, 0);
    generator->state = RUNNING;
    if (self->strand.refuses || generator->closing) return GYRE_ECANCELED;
    if (in) *in = generator->in;
    return 0;
}

// ---- The caller's side ----------------------------------------------------------------------

static void cancel_call(gyre__wait *wait)
{
    GYRE_CONTAINER_OF(wait, struct call, wait)->generator->caller = NULL;
    gyre__wake(wait, GYRE_ECANCELED);
}

static int wait_for_body(gyre_generator *generator, void **value)
{
    struct call call = {.wait.cancel = cancel_call, .generator = generator, .value = value};
    gyre_loop *loop = generator->loop;
    if (gyre__loop_here() != loop || !gyre__coro_here(loop))
        return gyre__fail(loop, -EPERM,
                          "gyre_generator_next: the body waits, and its caller cannot");
    if (gyre__loop_refuses(loop)) return GYRE_ECANCELED; // by what the body did
    generator->caller = &call;
    return gyre__park(loop, &call.wait);
}

// Inline, for a `ret` behind the switch would mispredict: see switch_x86_64.S.
static inline int resume_body(gyre_generator *generator, void *in)
{
    gyre_loop *loop = generator->loop;
    bool outside = gyre__loop_here() != loop;
    int err = outside ? gyre__loop_enter(loop) : 0;
    if (err) return err;
    if (outside) gyre__loop_blame(loop, generator->coro->body.name);
    generator->in = in;
    generator->state = RUNNING;
    gyre__coro_resume(generator->coro, 0);
    if (outside) gyre__loop_leave(loop);
    return 0;
}

int gyre_generator_next(gyre_generator *generator, void *in, void **value)
{
    if (generator->caller || generator->state == RUNNING) return GYRE_EBUSY;
    if (gyre__loop_refuses(generator->loop)) return GYRE_ECANCELED;
    bool at_rest = generator->state == FRESH || generator->state == YIELDED;
    int err = 0;
    if (at_rest && !generator->ready) err = resume_body(generator, in);
    if (err) return err;
    return generator->state == WAITING ? wait_for_body(generator, value)
                                       : hand_over(generator, value);
}

// ---- Life ----------------------------------------------------------------------------------

int gyre__generator_open(gyre_generator **out, gyre_loop *loop, gyre__body body,
                         const gyre_spawn_opts *opts)
{
    if (gyre__loop_refuses(loop)) return GYRE_ECANCELED;
    gyre__coros *coros = gyre__coros_of(loop);
    if (!coros) return -ENOMEM;
    gyre_generator *generator = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *generator);
    if (!generator) return -ENOMEM;
    int err = gyre__coro_make(loop, body, opts, USER_STACK, &generator->coro);
    if (err) {
        gyre__free(gyre__loop_allocator(loop), generator);
        return err;
    }
    generator->loop = loop;
    generator->coro->generator = generator;
    gyre__list_append(&coros->generators, &generator->link);
    *out = generator;
    return 0;
}

void gyre_generator_close(gyre_generator *generator)
{
    if (!generator) return;
    gyre_coro *coro = generator->coro;
    bool at_yield = generator->state == YIELDED;
    if (generator->state == FRESH) gyre__coro_unmake(coro);
    if (generator->state == FRESH || generator->state == ENDED) {
        free_generator(generator);
        return;
    }
    if (generator->caller) gyre__wake(&generator->caller->wait, GYRE_ECLOSED);
    generator->caller = NULL;
    generator->closing = true;
    gyre__coro_cancel(coro);
    if (at_yield) resume_body(generator, NULL);
}

void gyre__generators_free(gyre__coros *coros)
{
    while (!gyre__list_is_empty(&coros->generators))
        free_generator(GYRE_CONTAINER_OF(coros->generators.next, gyre_generator, link));
}
