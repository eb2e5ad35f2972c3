// Handing out requests and checking answers.
//
// Design notes. In the threads style every slot has a thread, so what slots share is atomic; what
// is hot is counted per slot. A closed loop begins a request when the slot's last one ended. A
// schedule (rate) fixes when each request is due before the run begins, and latencies count from
// then, however late it could be sent: a server that stalls is not spared the requests that it held
// up. A schedule that a style cannot keep is cut after twice its length; what was due and not sent
// by then enters the latencies with the time it had waited, and nothing else.

#include "bench/fetch/job.h"

#include <stdio.h>
#include <string.h>

// A run with more errors than this says nothing any more.
enum { MOST_ERRORS = 100 };

// ---- What to fetch next ---------------------------------------------------------------------

static void begin(struct slot *slot, long number, gyre_time start)
{
    slot->url_index = (size_t)number % slot->job->url_count;
    slot->url = slot->job->urls[slot->url_index];
    slot->start = start;
}

static bool next_of_each(struct slot *slot)
{
    if (slot->asked) return false;
    slot->asked = true;
    slot->wait = 0;
    begin(slot, slot - slot->job->slots, slot->now);
    return true;
}

static bool next_free(struct slot *slot)
{
    struct job *job = slot->job;
    long number = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
    if (job->limit ? number >= job->limit : slot->now >= job->end) return false;
    slot->wait = 0;
    begin(slot, number, slot->now);
    return true;
}

static bool next_due(struct slot *slot)
{
    struct job *job = slot->job;
    for (;;) {
        long number = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
        gyre_time due = job->began + (gyre_time)((double)number * 1e9 / job->rate);
        if (job->limit ? number >= job->limit : due >= job->end) return false;
        if (slot->now <= job->cut) {
            gyre_time now = slot->loop ? gyre_now(slot->loop) : slot->now;
            slot->wait = due > slot->now ? due - now : 0;
            begin(slot, number, due);
            return true;
        }
        __atomic_fetch_add(&job->unsent, 1, __ATOMIC_RELAXED);
        histogram_record(job->latency, slot->now - due);
    }
}

bool slot_next(struct slot *slot)
{
    struct job *job = slot->job;
    if (slot->now == 0) slot->now = gyre_now_exact();
    if (job->once_each) return next_of_each(slot);
    if (__atomic_load_n(&job->errors, __ATOMIC_RELAXED) >= MOST_ERRORS) return false;
    return job->rate > 0 ? next_due(slot) : next_free(slot);
}

// ---- What came ------------------------------------------------------------------------------

static void fail(struct slot *slot, const char *what, const char *details)
{
    struct job *job = slot->job;
    if (__atomic_fetch_add(&job->errors, 1, __ATOMIC_RELAXED) == 0)
        snprintf(job->message, sizeof job->message, "%s: %s%s%s", slot->url, what,
                 *details ? ": " : "", details);
}

// Every body of a URL has the length of the first one.
static bool is_expected_length(struct slot *slot, int64_t len)
{
    int64_t expected = -1;
    return __atomic_compare_exchange_n(&slot->job->expected[slot->url_index], &expected, len, false,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
           expected == len;
}

static void check(struct slot *slot, int status, int64_t len)
{
    struct job *job = slot->job;
    char text[80];
    slot->now = gyre_now_exact();
    if (status < 200 || status > 299) {
        snprintf(text, sizeof text, "status %d", status);
        fail(slot, text, "");
    } else if (!is_expected_length(slot, len)) {
        snprintf(text, sizeof text, "a body of %lld bytes, before it was %lld", (long long)len,
                 (long long)job->expected[slot->url_index]);
        fail(slot, text, "");
    } else if (!job->warming) {
        histogram_record(job->latency, slot->now - slot->start);
        slot->done++;
        slot->bytes += (uint64_t)len;
    }
}

void slot_done(struct slot *slot, int err, gyre_response *response)
{
    if (err) {
        slot->now = gyre_now_exact();
        fail(slot, gyre_errname(err), gyre_why_last(slot->loop));
        return;
    }
    if (!response->reused) slot->connections++;
    check(slot, response->status, (int64_t)response->body.len);
    gyre_response_free(response);
}

void slot_done_plain(struct slot *slot, int status, int64_t body_len, const char *error)
{
    if (!error) {
        check(slot, status, body_len);
        return;
    }
    slot->now = gyre_now_exact();
    fail(slot, error, "");
}

// ---- A run ----------------------------------------------------------------------------------

static void start(struct job *job)
{
    for (int i = 0; i < job->concurrency; i++) {
        job->slots[i].asked = false;
        job->slots[i].now = 0;
    }
    job->next = 0;
    job->began = gyre_now_exact();
    gyre_duration length = job->duration;
    if (job->rate > 0 && job->limit > 0)
        length = (gyre_duration)((double)job->limit * 1e9 / job->rate);
    job->end = job->began + length;
    job->cut = job->end + length;
}

void job_run(struct job *job)
{
    start(job);
    job->style->run(job);
}

void job_run_each(struct job *job)
{
    job->once_each = true;
    job_run(job);
    job->once_each = false;
}

void job_warm_up(struct job *job)
{
    job->warming = true;
    job_run_each(job);
    job->warming = false;
}

int slot_open(struct slot *slot, int requests)
{
    // Connections must not end by themselves: between two requests of a slow schedule, say.
    gyre_client_opts opts = {.max_requests = requests,
                             .max_per_origin = requests,
                             .idle = GYRE_SECONDS(600),
                             .user_agent = USER_AGENT};
    int err = gyre_loop_open(&slot->loop, NULL);
    if (err) return err;
    err = gyre_client_open(&slot->client, slot->loop, &opts);
    if (err) gyre_loop_close(slot->loop);
    return err;
}

void slot_close(struct slot *slot)
{
    gyre_client_close(slot->client);
    gyre_loop_close(slot->loop);
}
