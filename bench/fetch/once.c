// A worker: one style, one run, in a fresh process.

#include "bench/fetch/once.h"

#include "bench/fetch/job.h"
#include "bench/fetch/machine.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// ---- Setting up -----------------------------------------------------------------------------

static int prepare(struct job *job, const struct options *options, struct sample *sample)
{
    static const gyre_field close_field = {{"Connection", 10}, {"close", 5}};
    job->style = style_find(options->style);
    if (!job->style) return -EINVAL;
    job->urls = options->urls;
    job->url_count = options->url_count;
    job->concurrency = job->style->one_at_a_time ? 1 : (int)options->concurrency;
    job->limit = options->requests;
    job->duration = (gyre_duration)((options->seconds > 0 ? options->seconds : 1) * 1e9);
    job->rate = options->rate;
    job->fetch.timeout = GYRE_SECONDS(10);
    job->latency = &sample->latency;
    job->close_each = strcmp(options->mode, "close") == 0;
    if (job->close_each) {
        job->fetch.fields = &close_field;
        job->fetch.field_count = 1;
    }
    job->slots = calloc((size_t)job->concurrency, sizeof *job->slots);
    job->expected = malloc(job->url_count * sizeof *job->expected);
    if (!job->slots || !job->expected) return -ENOMEM;
    for (size_t i = 0; i < job->url_count; i++) job->expected[i] = -1;
    for (int i = 0; i < job->concurrency; i++) job->slots[i].job = job;
    return 0;
}

static void take_counts(const struct job *job, struct sample *sample)
{
    gyre_time last = job->began;
    for (int i = 0; i < job->concurrency; i++) {
        const struct slot *slot = &job->slots[i];
        sample->requests += slot->done;
        sample->bytes += slot->bytes;
        sample->connections += slot->connections;
        if (slot->now > last) last = slot->now;
    }
    sample->seconds = (double)(last - job->began) / 1e9;
    sample->errors = job->errors;
    sample->unsent = job->unsent;
    memcpy(sample->message, job->message, sizeof sample->message);
}

// ---- Measuring ------------------------------------------------------------------------------

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

// What the two cores have worked, for whomever.
static double cores_s(const struct options *options)
{
    if (options->cpu < 0 || options->origin_cpu < 0) return NAN;
    return machine_core_s((int)options->cpu) + machine_core_s((int)options->origin_cpu);
}

static void measure(struct job *job, const struct options *options, struct sample *sample,
                    void (*load)(struct job *job))
{
    struct rusage before, after;
    pid_t origin = (pid_t)options->origin_pid;
    double origin_before = origin ? machine_cpu_s(origin) : NAN;
    double cores_before = cores_s(options);
    getrusage(RUSAGE_SELF, &before);
    load(job);
    getrusage(RUSAGE_SELF, &after);
    sample->origin_s = origin ? machine_cpu_s(origin) - origin_before : NAN;
    sample->user_s = seconds_of(after.ru_utime) - seconds_of(before.ru_utime);
    sample->sys_s = seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
    sample->foreign_s =
        cores_s(options) - cores_before - sample->origin_s - sample->user_s - sample->sys_s;
}

// Memory that idle connections hold: all of them have served one request. One connection was there
// before the first look, so that what every process needs once is not counted.
static void measure_idle(struct job *job, const struct options *options, struct sample *sample)
{
    int concurrency = job->concurrency;
    job->concurrency = 1;
    job_warm_up(job);
    long sockets = machine_sockets();
    long rss = machine_status_kib("VmRSS:");
    job->concurrency = concurrency;
    measure(job, options, sample, job_run_each);
    sample->warm_up = 1;
    gyre_loop *loop = job->slots[0].loop;
    if (loop && gyre_run(gyre_sleep(loop, GYRE_MS(200))) != 0) job->errors++;
    sample->idle_connections = machine_sockets() - sockets;
    long growth = machine_status_kib("VmRSS:") - rss;
    if (sample->idle_connections > 0)
        sample->bytes_per_connection = (double)growth * 1024 / (double)sample->idle_connections;
}

static int run(struct job *job, const struct options *options, struct sample *sample)
{
    int err = prepare(job, options, sample);
    bool idle = strcmp(options->mode, "idle") == 0;
    if (!err && idle && !job->style->shared) err = -ENOTSUP; // what would be counted is not theirs
    if (!err) err = job->style->open(job);
    if (err) return err;
    sample->concurrency = job->concurrency;
    sample->warm_up = job->concurrency;
    if (idle) {
        measure_idle(job, options, sample);
    } else {
        job_warm_up(job);
        if (job->errors == 0) measure(job, options, sample, job_run);
    }
    take_counts(job, sample);
    sample->rss_kib = machine_status_kib("VmHWM:");
    job->style->close(job);
    free(job->slots);
    free(job->expected);
    return 0;
}

// ---- Telling --------------------------------------------------------------------------------

static void print_number(const char *name, double value, const char *format)
{
    printf(", \"%s\": ", name);
    if (isfinite(value))
        printf(format, value);
    else
        fputs("null", stdout);
}

// The names are those that the comparison with other clients reads.
static void print_json(const struct options *options, const struct sample *sample)
{
    double n = (double)sample->requests;
    double cpu = sample->user_s + sample->sys_s;
    printf("{\"name\": \"gyre_%s\", \"n\": %ld, \"c\": %d, \"mode\": \"%s\"", options->style,
           sample->requests, sample->concurrency, options->mode);
    print_number("wall_s", sample->seconds, "%.6f");
    print_number("rps", n / sample->seconds, "%.1f");
    print_number("user_s", sample->user_s, "%.6f");
    print_number("sys_s", sample->sys_s, "%.6f");
    print_number("us_per_req", cpu * 1e6 / n, "%.3f");
    print_number("p50_us", histogram_percentile_us(&sample->latency, 0.50), "%.1f");
    print_number("p90_us", histogram_percentile_us(&sample->latency, 0.90), "%.1f");
    print_number("p99_us", histogram_percentile_us(&sample->latency, 0.99), "%.1f");
    print_number("max_us", histogram_max_us(&sample->latency), "%.1f");
    printf(", \"maxrss_kib\": %ld, \"errors\": %ld, \"bytes\": %llu, \"connections\": %ld",
           sample->rss_kib, sample->errors, sample->bytes, sample->connections);
    printf(", \"warm_up\": %ld, \"unsent\": %ld", sample->warm_up, sample->unsent);
    if (strcmp(options->mode, "idle") == 0) {
        printf(", \"idle_conns\": %ld", sample->idle_connections);
        print_number("b_per_conn", sample->bytes_per_connection, "%.0f");
    }
    puts("}");
}

static void print_text(const struct options *options, const struct sample *sample)
{
    double p50 = histogram_percentile_us(&sample->latency, 0.50);
    double p99 = histogram_percentile_us(&sample->latency, 0.99);
    printf("%s, %d at once: %ld requests in %.3f s, %.0f/s, %ld errors, %ld connections\n",
           options->style, sample->concurrency, sample->requests, sample->seconds,
           (double)sample->requests / sample->seconds, sample->errors, sample->connections);
    printf("%.2f us CPU a request, %ld KiB; %s p50 %.0f us, p99 %.0f us, longest %.0f us\n",
           (sample->user_s + sample->sys_s) * 1e6 / (double)sample->requests, sample->rss_kib,
           options->rate > 0 ? "latency" : "service time", p50, p99,
           histogram_max_us(&sample->latency));
}

// A result that could not be written has no magic, and the harness sees that.
static void hand_over(int fd, const struct sample *sample)
{
    if (write(fd, sample, sizeof *sample) != (ssize_t)sizeof *sample)
        fprintf(stderr, "fetch: result: %s\n", strerror(errno));
}

int once_main(const struct options *options)
{
    static struct sample sample;
    static struct job job;
    if (options->cpu >= 0) machine_pin((int)options->cpu);
    if (options->cacert) setenv("SSL_CERT_FILE", options->cacert, 1);
    machine_raise_descriptors();
    int err = run(&job, options, &sample);
    if (err) {
        fprintf(stderr, "fetch: style %s: %s\n", options->style,
                job.style ? gyre_strerror(err) : "no such style");
        return job.style ? 1 : 2;
    }
    sample.magic = SAMPLE_MAGIC;
    if (sample.errors > 0 && options->result < 0)
        fprintf(stderr, "fetch: %ld errors, %s\n", sample.errors, sample.message);
    if (options->result >= 0) hand_over((int)options->result, &sample);
    if (options->result < 0 && options->json) print_json(options, &sample);
    if (options->result < 0 && !options->json) print_text(options, &sample);
    return sample.errors > 0 ? 1 : 0;
}
