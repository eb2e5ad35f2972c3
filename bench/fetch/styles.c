// The styles side by side: the programs of the tutorial, made to fetch again and again.
//
// Each has `requests to make` (slot_next) and `what came` (slot_done) in common; between the two
// stands how the style waits.

#include "bench/fetch/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- sync: one after the other (main01) -----------------------------------------------------

static void fetch_in_turn(struct slot *slot)
{
    while (slot_next(slot)) {
        int err = slot->wait ? gyre_run(gyre_sleep(slot->loop, slot->wait)) : 0;
        gyre_response *response = NULL;
        if (!err) err = gyre_run(gyre_fetch(slot->client, slot->url, &slot->job->fetch), &response);
        slot_done(slot, err, response);
    }
}

static void sync_run(struct job *job)
{
    fetch_in_turn(&job->slots[0]);
}

// ---- threads: each of them synchronous, on a loop of its own (main15) -----------------------

static void *thread_main(void *arg)
{
    struct slot *slot = arg;
    for (;;) {
        pthread_barrier_wait(&slot->job->gate);
        if (slot->job->over) break;
        fetch_in_turn(slot);
        pthread_barrier_wait(&slot->job->gate);
    }
    slot_close(slot);
    return NULL;
}

static void threads_run(struct job *job)
{
    pthread_barrier_wait(&job->gate); // they begin
    pthread_barrier_wait(&job->gate); // the last one has ended
}

// Threads are made before the clock starts, and joined after it has stopped.
static int threads_open(struct job *job)
{
    int err = -pthread_barrier_init(&job->gate, NULL, (unsigned)job->concurrency + 1);
    job->threads = calloc((size_t)job->concurrency, sizeof *job->threads);
    if (!err && !job->threads) err = -ENOMEM;
    for (int i = 0; !err && i < job->concurrency; i++) {
        err = slot_open(&job->slots[i], 1);
        if (!err) err = -pthread_create(&job->threads[i], NULL, thread_main, &job->slots[i]);
    }
    return err;
}

static void threads_close(struct job *job)
{
    job->over = true;
    pthread_barrier_wait(&job->gate);
    for (int i = 0; i < job->concurrency; i++) pthread_join(job->threads[i], NULL);
    free(job->threads);
}

// ---- callback (main02) ----------------------------------------------------------------------

static void callback_next(struct slot *slot);

static void on_response(void *arg, int err, gyre_response **response)
{
    slot_done(arg, err, err ? NULL : *response);
    callback_next(arg);
}

static void callback_fetch(struct slot *slot)
{
    gyre_then(gyre_fetch(slot->client, slot->url, &slot->job->fetch), on_response, slot);
}

static void callback_due(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    callback_fetch(GYRE_CONTAINER_OF(timer, struct slot, timer));
}

static void callback_next(struct slot *slot)
{
    if (!slot_next(slot)) {
        if (--slot->job->running == 0) gyre_loop_stop(slot->loop);
    } else if (slot->wait) {
        gyre_timer_start(slot->loop, &slot->timer, slot->wait, callback_due);
    } else {
        callback_fetch(slot);
    }
}

static void callback_run(struct job *job)
{
    job->running = job->concurrency;
    for (int i = 0; i < job->concurrency; i++) callback_next(&job->slots[i]);
    gyre_loop_run(job->slots[0].loop);
}

// ---- future: kept, looked at when it is done (main03) ---------------------------------------

static void future_next(struct slot *slot);

static void on_done(void *arg, int err, gyre_response **response)
{
    struct slot *slot = arg;
    if (!err && gyre_future_state(slot->future) != GYRE_DONE) err = GYRE_EUNEXPECTED;
    slot_done(slot, err, err ? NULL : *response);
    gyre_release(slot->future);
    future_next(slot);
}

static void future_fetch(struct slot *slot)
{
    slot->future = gyre_fetch(slot->client, slot->url, &slot->job->fetch);
    gyre_then(gyre_retain(slot->future), on_done, slot);
}

static void future_due(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    future_fetch(GYRE_CONTAINER_OF(timer, struct slot, timer));
}

static void future_next(struct slot *slot)
{
    if (!slot_next(slot)) {
        if (--slot->job->running == 0) gyre_loop_stop(slot->loop);
    } else if (slot->wait) {
        gyre_timer_start(slot->loop, &slot->timer, slot->wait, future_due);
    } else {
        future_fetch(slot);
    }
}

static void future_run(struct job *job)
{
    job->running = job->concurrency;
    for (int i = 0; i < job->concurrency; i++) future_next(&job->slots[i]);
    gyre_loop_run(job->slots[0].loop);
}

// ---- coroutine: reads like sync, waits like callback (main04) -------------------------------

static int coroutine(gyre_coro *self, void *arg)
{
    struct slot *slot = arg;
    while (slot_next(slot)) {
        int err = slot->wait ? gyre_await(gyre_sleep(gyre_coro_loop(self), slot->wait)) : 0;
        gyre_response *response = NULL;
        if (!err)
            err = gyre_await(gyre_fetch(slot->client, slot->url, &slot->job->fetch), &response);
        slot_done(slot, err, response);
    }
    return 0;
}

static void coroutine_run(struct job *job)
{
    gyre_loop *loop = job->slots[0].loop;
    gyre_void_future *futures = calloc((size_t)job->concurrency, sizeof *futures);
    if (!futures) {
        slot_done(&job->slots[0], -ENOMEM, NULL);
        return;
    }
    for (int i = 0; i < job->concurrency; i++)
        futures[i] = gyre_spawn(gyre_void, loop, coroutine, &job->slots[i]);
    int err = gyre_run(gyre_all(loop, futures, (size_t)job->concurrency));
    if (err) slot_done(&job->slots[0], err, NULL);
    free(futures);
}

// ---- The table ------------------------------------------------------------------------------

// One loop and one client for all slots.
static int shared_open(struct job *job)
{
    struct slot *first = &job->slots[0];
    int err = slot_open(first, job->concurrency);
    for (int i = 1; i < job->concurrency; i++) {
        job->slots[i].loop = first->loop;
        job->slots[i].client = first->client;
    }
    return err;
}

static void shared_close(struct job *job)
{
    slot_close(&job->slots[0]);
}

const struct style styles[] = {
    {"blocking", true, true, false, blocking_open, blocking_run, blocking_close},
    {"sync", true, false, true, shared_open, sync_run, shared_close},
    {"threads", false, false, false, threads_open, threads_run, threads_close},
    {"callback", false, false, true, shared_open, callback_run, shared_close},
    {"future", false, false, true, shared_open, future_run, shared_close},
    {"coroutine", false, false, true, shared_open, coroutine_run, shared_close},
    {.name = NULL},
};

const struct style *style_find(const char *name)
{
    for (const struct style *style = styles; style->name; style++)
        if (strcmp(style->name, name) == 0) return style;
    return NULL;
}
