// What the loop costs: a turn, a task, a post, a timer, an event. One line each, in nanoseconds for
// one operation: the median and the lowest of ROUNDS rounds.
//
//     build/bench/loop [ROUNDS]        5 unless said
//
// The loop runs on processor 1, the posting thread on processor 0 where there are two. Compare only
// figures of one sitting on one machine.

#include <gyre.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TURNS = 2000000,
    BATCH = 1000,
    TASKS = 20000000,
    MILLION = 1000000,
    PAIRS = 1000,
    ACTIVE = 100,
    EVENTS = 1000000,
    REGISTRATIONS = 200,
    ROUNDS_MOST = 100
};

static gyre_loop *loop;
static int rounds = 5;
static unsigned long count;

static void fail(const char *what, int err)
{
    fprintf(stderr, "loop: %s: %s\n", what, gyre_strerror(err));
    exit(1);
}

static void run(void)
{
    int err = gyre_loop_run(loop);
    if (err) fail("run", err);
}

// ---- Rounds ------------------------------------------------------------------------------------

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_costs(const char *name, double *costs)
{
    qsort(costs, (size_t)rounds, sizeof *costs, ascending);
    printf("%-44s %9.2f ns  (lowest %.2f)\n", name, costs[rounds / 2], costs[0]);
    fflush(stdout);
}

// Runs `fn` once to warm up and then `rounds` times; `fn` gives nanoseconds for one operation.
static void measure(const char *name, double (*fn)(void))
{
    double costs[ROUNDS_MOST];
    fn();
    for (int i = 0; i < rounds; i++) costs[i] = fn();
    print_costs(name, costs);
}

static double since(gyre_time began, double operations)
{
    return (double)(gyre_now_exact() - began) / operations;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    // A machine with one processor runs both on it.
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

// xorshift64*: the same delays in every round.
static uint64_t state;

static uint64_t draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

// ---- A: turns and tasks ------------------------------------------------------------------------

static void on_turn_timer(gyre_loop *l, gyre_timer *timer)
{
    if (++count == TURNS)
        gyre_loop_stop(l);
    else
        gyre_timer_start(l, timer, 0, on_turn_timer);
}

static double turn_by_timer(void)
{
    gyre_timer timer = {0};
    count = 0;
    gyre_timer_start(loop, &timer, 0, on_turn_timer);
    gyre_time began = gyre_now_exact();
    run();
    return since(began, TURNS);
}

static void on_turn_post(gyre_loop *l, gyre_task *task)
{
    if (++count == TURNS)
        gyre_loop_stop(l);
    else if (gyre_post(l, task))
        abort();
}

static double turn_by_post(void)
{
    gyre_task task = {.fn = on_turn_post};
    count = 0;
    if (gyre_post(loop, &task)) abort();
    gyre_time began = gyre_now_exact();
    run();
    return since(began, TURNS);
}

static gyre_task batch[BATCH];

static void on_batch(gyre_loop *l, gyre_task *task)
{
    (void)task;
    if (++count % BATCH) return;
    if (count == TASKS) {
        gyre_loop_stop(l);
        return;
    }
    for (int i = 0; i < BATCH; i++) gyre_soon(l, &batch[i]);
}

static double task_queued_and_run(void)
{
    count = 0;
    for (int i = 0; i < BATCH; i++) {
        batch[i].fn = on_batch;
        gyre_soon(loop, &batch[i]);
    }
    gyre_time began = gyre_now_exact();
    run();
    return since(began, TASKS);
}

// ---- B: a million timers -----------------------------------------------------------------------

static gyre_timer *timers;
static double starting[ROUNDS_MOST], stopping[ROUNDS_MOST], firing[ROUNDS_MOST];
static int round_now;

static void on_timer(gyre_loop *l, gyre_timer *timer)
{
    (void)timer;
    if (++count == MILLION) gyre_loop_stop(l);
}

static void start_all(gyre_loop *l, unsigned most_ms)
{
    state = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < MILLION; i++)
        gyre_timer_start(l, &timers[i], GYRE_MS(1 + draw() % most_ms), on_timer);
}

// In a callback, as programs do it.
static void start_and_stop(gyre_loop *l, gyre_task *task)
{
    (void)task;
    gyre_time began = gyre_now_exact();
    start_all(l, 10000);
    starting[round_now] = since(began, MILLION);
    began = gyre_now_exact();
    for (int i = 0; i < MILLION; i++) gyre_timer_stop(&timers[i]);
    stopping[round_now] = since(began, MILLION);
    start_all(l, 1000);
    gyre_loop_stop(l);
}

static void measure_timers(void)
{
    timers = calloc(MILLION, sizeof *timers);
    if (!timers) abort();
    memset(timers, 1, MILLION * sizeof *timers); // pages present before the clock starts
    memset(timers, 0, MILLION * sizeof *timers);
    for (int i = -1; i < rounds; i++) {
        gyre_task task = {.fn = start_and_stop};
        round_now = i < 0 ? 0 : i;
        gyre_soon(loop, &task);
        run();
        usleep(1020000);
        count = 0;
        gyre_time began = gyre_now_exact();
        run();
        firing[round_now] = since(began, MILLION);
    }
    free(timers);
    print_costs("B   timer started, of a million", starting);
    print_costs("B   timer stopped", stopping);
    print_costs("B   timer fired", firing);
}

// ---- C: posts from another thread --------------------------------------------------------------

static gyre_task *posts;
static double sender_cost;

static void on_post(gyre_loop *l, gyre_task *task)
{
    (void)task;
    if (++count == MILLION) gyre_loop_stop(l);
}

static void *send_posts(void *arg)
{
    pin(0);
    gyre_time began = gyre_now_exact();
    for (int i = 0; i < MILLION; i++)
        if (gyre_post(arg, &posts[i])) abort();
    sender_cost = since(began, MILLION);
    return NULL;
}

static double post_from_another_thread(void)
{
    pthread_t thread;
    count = 0;
    for (int i = 0; i < MILLION; i++) posts[i].fn = on_post;
    if (pthread_create(&thread, NULL, send_posts, loop)) abort();
    run();
    pthread_join(thread, NULL);
    return sender_cost;
}

// ---- D: descriptors ----------------------------------------------------------------------------

static struct end {
    gyre_watch watch;
    int fds[2];
} ends[PAIRS];

static void on_readable(gyre_loop *l, gyre_watch *watch, unsigned events)
{
    (void)events;
    struct end *end = GYRE_CONTAINER_OF(watch, struct end, watch);
    struct end *next = &ends[(end - ends + 1) % PAIRS];
    char bytes[64];
    ssize_t n = read(watch->fd, bytes, sizeof bytes);
    if (n <= 0) return;
    count += (unsigned long)n;
    if (count + ACTIVE <= EVENTS && write(next->fds[1], bytes, (size_t)n) != n) abort();
    if (count >= EVENTS) gyre_loop_stop(l);
}

static void watch_all(void)
{
    for (int i = 0; i < PAIRS; i++) {
        int err =
            gyre_watch_start(loop, &ends[i].watch, ends[i].fds[0], GYRE_READABLE, on_readable);
        if (err) fail("watch", err);
    }
}

static void stop_all(void)
{
    for (int i = 0; i < PAIRS; i++) gyre_watch_stop(&ends[i].watch);
}

static double event_of_a_socketpair(void)
{
    watch_all();
    count = 0;
    for (int i = 0; i < ACTIVE; i++)
        if (write(ends[i * (PAIRS / ACTIVE)].fds[1], "x", 1) != 1) abort();
    gyre_time began = gyre_now_exact();
    run();
    double cost = since(began, (double)count);
    stop_all();
    return cost;
}

static double descriptor_started_and_stopped(void)
{
    gyre_time began = gyre_now_exact();
    for (int i = 0; i < REGISTRATIONS; i++) {
        watch_all();
        if (gyre_loop_turn(loop, 0)) abort();
        stop_all();
        if (gyre_loop_turn(loop, 0)) abort();
    }
    return since(began, (double)REGISTRATIONS * PAIRS);
}

static void open_ends(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    for (int i = 0; i < PAIRS; i++)
        if (socketpair(AF_UNIX, type, 0, ends[i].fds)) {
            perror("loop: socketpair");
            exit(1);
        }
}

int main(int argc, char **argv)
{
    if (argc > 1) rounds = atoi(argv[1]); // NOLINT(cert-err34-c): 0 is refused below
    if (argc > 2 || rounds < 1 || rounds > ROUNDS_MOST) {
        fprintf(stderr, "usage: loop [ROUNDS, 1 to %d]\n", ROUNDS_MOST);
        return 2;
    }
    pin(1);
    int err = gyre_loop_open(&loop, &(gyre_loop_opts){.blocked = GYRE_NONE});
    if (err) fail("open", err);
    printf("backend %s, %d rounds\n", gyre_loop_backend(loop), rounds);
    measure("A1  turn with a poll (timer of no delay)", turn_by_timer);
    measure("A1  turn with a poll (task posts itself)", turn_by_post);
    measure("A2  task queued and run, same thread", task_queued_and_run);
    measure_timers();
    posts = calloc(MILLION, sizeof *posts);
    if (!posts) abort();
    measure("C1  post from another thread, as sender sees", post_from_another_thread);
    free(posts);
    open_ends();
    measure("D1  event, 1000 socketpairs, 100 active", event_of_a_socketpair);
    measure("D2  descriptor started and stopped", descriptor_started_and_stopped);
    for (int i = 0; i < PAIRS; i++) close(ends[i].fds[0]), close(ends[i].fds[1]);
    err = gyre_loop_close(loop);
    return err ? 1 : 0;
}
