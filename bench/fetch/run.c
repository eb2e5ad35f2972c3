// Processes.
//
// Design notes. A worker is this program again (--once); its result comes through a pipe, whose end
// also tells that it has ended, so that the harness sleeps until then and takes no time from what
// is measured. A result is smaller than a pipe, so a worker never waits for its reader. Every wait
// has a deadline. Children get SIGKILL from the kernel when the harness dies.

#include "bench/fetch/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// A run may take this much longer than what it measures: connecting, warming up, a stalled answer.
enum { GRACE_MS = 25000, ORIGIN_MS = 5000 };

_Static_assert(sizeof(struct sample) < 65536, "a result must fit in a pipe");

// ---- Signals --------------------------------------------------------------------------------

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
    interrupted = signo;
}

// They are let in only while the harness waits, so that none is lost between a look and a wait.
void run_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool run_was_interrupted(void)
{
    sigset_t pending;
    sigpending(&pending);
    return interrupted || sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

// ---- Children -------------------------------------------------------------------------------

struct child {
    pid_t pid;
    int from; // its pipe
};

// In the child: `out` is its end of the pipe, which becomes descriptor `as`.
static void become(char **argv, int out, int as, int cpu)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpu >= 0) machine_pin(cpu);
    if (out == as)
        fcntl(out, F_SETFD, 0);
    else
        dup2(out, as);
    execv(argv[0], argv);
    fprintf(stderr, "fetch: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static bool start(struct child *child, char **argv, int as, int cpu)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    child->pid = fork();
    if (child->pid == 0) become(argv, ends[1], as, cpu);
    close(ends[1]);
    child->from = ends[0];
    if (child->pid > 0) return true;
    close(ends[0]);
    return false;
}

// Ends a child that has not ended by itself; its status.
static int reap(struct child *child, int signo)
{
    int status = -1;
    if (signo) kill(child->pid, signo);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) continue;
    close(child->from);
    return status;
}

static long left_ms(gyre_time deadline)
{
    gyre_duration left = deadline - gyre_now_exact();
    return left > 0 ? (long)(left / 1000000) + 1 : 0;
}

// Reads until the end of the pipe, `size` bytes, or a newline where `line` is set. What came; -1
// when the deadline passed or a signal came first.
static ssize_t receive(int fd, char *to, size_t size, gyre_time deadline, bool line)
{
    sigset_t none;
    sigemptyset(&none);
    size_t len = 0;
    while (len < size && !(line && len > 0 && to[len - 1] == '\n')) {
        long ms = left_ms(deadline);
        struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
        struct pollfd poll = {.fd = fd, .events = POLLIN};
        if (ms == 0 || interrupted) return -1;
        if (ppoll(&poll, 1, &limit, &none) <= 0) continue;
        ssize_t got = read(fd, to + len, size - len);
        if (got <= 0) break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

// ---- The origin -----------------------------------------------------------------------------

bool origin_start(struct origin *origin, const struct machine *machine)
{
    char path[4200];
    char line[128];
    char *argv[] = {path, NULL};
    struct child child;
    machine_beside(path, sizeof path, "origin");
    origin->pid = 0;
    if (!start(&child, argv, STDOUT_FILENO, machine->origin_cpu)) return false;
    gyre_time deadline = gyre_now_exact() + GYRE_MS(ORIGIN_MS);
    ssize_t len = receive(child.from, line, sizeof line - 1, deadline, true);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "listening on ", 13) != 0) {
        if (!interrupted) fprintf(stderr, "fetch: %s did not start\n", path);
        reap(&child, SIGKILL);
        return false;
    }
    snprintf(origin->base, sizeof origin->base, "http://%s", line + 13);
    origin->pid = child.pid;
    close(child.from);
    return true;
}

void origin_stop(struct origin *origin)
{
    if (origin->pid == 0) return;
    kill(origin->pid, SIGTERM);
    // Nobody is served any more: a second is plenty.
    for (int i = 0; i < 100 && waitpid(origin->pid, NULL, WNOHANG) == 0; i++) usleep(10000);
    kill(origin->pid, SIGKILL);
    waitpid(origin->pid, NULL, 0);
    origin->pid = 0;
}

long origin_count(const struct origin *origin)
{
    char url[160];
    long count = -1;
    gyre_loop *loop;
    gyre_response *response;
    if (origin->pid == 0 || gyre_loop_open(&loop, NULL) != 0) return -1;
    snprintf(url, sizeof url, "%s/count", origin->base);
    gyre_response_future fetch = gyre_with_timeout(gyre_get(loop, url), GYRE_MS(ORIGIN_MS));
    if (gyre_run(fetch, &response) == 0) {
        char text[256];
        snprintf(text, sizeof text, "%.*s", GYRE_FMT(response->body));
        const char *found = strstr(text, "\"requests\":");
        if (found) count = strtol(found + 11, NULL, 10);
        gyre_response_free(response);
    }
    gyre_loop_close(loop);
    return count;
}

// ---- A run ----------------------------------------------------------------------------------

static void url_of(const struct row *row, const struct origin *origin, char *url, size_t size)
{
    if (row->delay_ms > 0)
        snprintf(url, size, "%s/delay?ms=%.0f", origin->base, row->delay_ms);
    else
        snprintf(url, size, "%s/hello", origin->base);
}

// The command line of a worker; its texts live in `room`.
struct command {
    char *argv[32];
    char room[24][64];
    char path[4200];
    char url[256];
};

static void number(struct command *command, size_t *n, const char *name, double value)
{
    snprintf(command->room[*n], sizeof *command->room, "%.17g", value);
    command->argv[*n] = (char *)(uintptr_t)name;
    command->argv[*n + 1] = command->room[*n];
    *n += 2;
}

static void text(struct command *command, size_t *n, const char *name, const char *value)
{
    command->argv[(*n)++] = (char *)(uintptr_t)name;
    command->argv[(*n)++] = (char *)(uintptr_t)value;
}

enum { RESULT_FD = 3 };

static void make_command(struct command *command, const struct row *row,
                         const struct setting *setting)
{
    size_t n = 0;
    ssize_t len = readlink("/proc/self/exe", command->path, sizeof command->path - 1);
    command->path[len > 0 ? len : 0] = '\0';
    text(command, &n, command->path, "--once");
    text(command, &n, "--style", row->style->name);
    if (setting->origin->pid != 0) {
        url_of(row, setting->origin, command->url, sizeof command->url);
        text(command, &n, "--url", command->url);
    } else if (setting->options->urls_file) {
        text(command, &n, "--urls", setting->options->urls_file);
    } else {
        text(command, &n, "--url", setting->options->url);
    }
    if (setting->options->cacert) text(command, &n, "--cacert", setting->options->cacert);
    number(command, &n, "--concurrency", row->concurrency);
    number(command, &n, "--seconds", setting->seconds);
    if (row->rate > 0) number(command, &n, "--rate", row->rate);
    if (setting->machine->client_cpu >= 0)
        number(command, &n, "--cpu", setting->machine->client_cpu);
    if (setting->origin->pid != 0) {
        number(command, &n, "--origin-pid", (double)setting->origin->pid);
        if (setting->machine->cpus > 1)
            number(command, &n, "--origin-cpu", setting->machine->origin_cpu);
    }
    number(command, &n, "--result", RESULT_FD);
    command->argv[n] = NULL;
}

static void explain(struct row *row, int status, bool late)
{
    char why[128];
    if (late)
        snprintf(why, sizeof why, "the run did not end and was killed");
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the run died of signal %d", WTERMSIG(status));
    else
        snprintf(why, sizeof why, "the run ended with status %d and no result",
                 WEXITSTATUS(status));
    row_fail(row, why);
}

void run_row(struct row *row, const struct setting *setting)
{
    static struct command command;
    static struct sample sample;
    struct child child;
    make_command(&command, row, setting);
    if (!start(&child, command.argv, RESULT_FD, -1)) {
        row_fail(row, strerror(errno));
        return;
    }
    gyre_duration patience = (gyre_duration)(3 * setting->seconds * 1e9) + GYRE_MS(GRACE_MS);
    sample.magic = 0;
    ssize_t len =
        receive(child.from, (char *)&sample, sizeof sample, gyre_now_exact() + patience, false);
    bool whole = len == (ssize_t)sizeof sample && sample.magic == SAMPLE_MAGIC;
    int status = reap(&child, len < 0 || whole ? SIGKILL : 0);
    if (interrupted) return;
    if (whole)
        row_add(row, &sample);
    else
        explain(row, status, len < 0);
}
