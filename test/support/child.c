// See child.h. Sleeping in small steps is all right here: a program that starts tells nobody when.
#include "test/support/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/real.h"
#include "test/support/test.h"

enum { START_MS = 10000, TERM_MS = 2000, STEP_MS = 5 };

static child *running;
static pid_t owner; // the process whose children they are: a fork of it kills nobody at its exit

static bool find_program(const char *program, char path[static 512])
{
    const char *in = getenv("PATH");
    char all[4096];
    snprintf(all, sizeof all, "%s:/usr/sbin:/usr/local/sbin", in ? in : "/usr/bin:/bin");
    if (strchr(program, '/'))
        return snprintf(path, 512, "%s", program) < 512 && !access(path, X_OK);
    char *rest = all;
    for (char *directory; (directory = strsep(&rest, ":"));)
        if (*directory && snprintf(path, 512, "%s/%s", directory, program) < 512 &&
            !access(path, X_OK))
            return true;
    return false;
}

bool child_is_installed(const char *program)
{
    char path[512];
    return find_program(program, path);
}

static void kill_all(void)
{
    if (getpid() != owner) return;
    for (child *c = running; c; c = c->next)
        if (c->pid > 0) kill(-c->pid, SIGKILL);
}

// In the new process: only calls that are safe between fork and exec in a threaded program.
static void become(const char *path, const char *const argv[], int output, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126); // it died before prctl
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(output, 1);
    dup2(output, 2);
    execv(path, (char *const *)(uintptr_t)argv);
    _exit(127);
}

void child_start(child *c, const char *const argv[])
{
    char path[512];
    if (!find_program(argv[0], path)) {
        char reason[128];
        snprintf(reason, sizeof reason, "%s is not installed", argv[0]);
        SKIP(reason);
    }
    if (!owner) atexit(kill_all);
    owner = getpid();
    *c = (child){.next = running, .name = argv[0], .output = memfd_create("output", MFD_CLOEXEC)};
    c->pid = fork();
    if (!c->pid) become(path, argv, c->output, owner);
    if (c->pid < 0) fail_msg("fork for %s: %s", c->name, strerror(errno));
    setpgid(c->pid, c->pid); // here too, so that it is true before the next line in both processes
    running = c;
}

static void unlink_child(child *c)
{
    for (child **at = &running; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    real_close(c->output);
    c->pid = 0;
}

static void print_output(const child *c)
{
    char text[2048];
    ssize_t len = pread(c->output, text, sizeof text - 1, 0);
    if (len > 0) print_error("%s: %.*s\n", c->name, (int)len, text);
}

// Reaps the child if it ends within `ms`, after killing what is left of its group: until it is
// reaped, nobody else can have the number of the group.
static bool reap(child *c, int ms, int *status)
{
    for (int waited = 0;; waited += STEP_MS) {
        siginfo_t ended = {0};
        int err = waitid(P_PID, (id_t)c->pid, &ended, WEXITED | WNOHANG | WNOWAIT);
        if (err || ended.si_pid == c->pid) {
            kill(-c->pid, SIGKILL);
            waitpid(c->pid, status, 0);
            return true;
        }
        if (waited >= ms) return false;
        usleep(STEP_MS * 1000);
    }
}

int child_stop(child *c)
{
    int status = 0;
    if (c->pid <= 0) return status;
    kill(c->pid, SIGTERM);
    kill(c->pid, SIGCONT); // a stopped one would not see the other
    if (!reap(c, TERM_MS, &status)) {
        kill(-c->pid, SIGKILL);
        reap(c, START_MS, &status);
    }
    unlink_child(c);
    return status;
}

int child_join(child *c, int ms)
{
    int status = 0;
    if (!reap(c, ms, &status)) {
        print_output(c);
        const char *name = c->name;
        child_stop(c);
        fail_msg("%s did not end within %d ms", name, ms);
    }
    unlink_child(c);
    return status;
}

// Says whether a line of one of the kernel's socket tables ends the search.
static bool table_has(const char *path, bool (*matches)(const char *line, const void *arg),
                      const void *arg)
{
    FILE *table = fopen(path, "re");
    if (!table) return false;
    char line[512];
    bool found = false;
    while (!found && fgets(line, sizeof line, table)) found = matches(line, arg);
    fclose(table);
    return found;
}

// "  0: 0100007F:1F90 00000000:0000 0A …": slot, local, remote, state; 0A = TCP_LISTEN.
static bool is_local_port(const char *line, uint16_t port, unsigned state)
{
    const char *colon[3]; // behind the slot, the local address, the remote address
    for (int i = 0; i < 3; i++) {
        colon[i] = strchr(i ? colon[i - 1] + 1 : line, ':');
        if (!colon[i]) return false; // the line of headings
    }
    char *rest;
    strtoul(colon[2] + 1, &rest, 16);
    unsigned long local = strtoul(colon[1] + 1, NULL, 16), is = strtoul(rest, NULL, 16);
    return local == port && (!state || is == state);
}

static bool listens_tcp(const char *line, const void *port)
{
    return is_local_port(line, *(const uint16_t *)port, 0x0a);
}

static bool bound_udp(const char *line, const void *port)
{
    return is_local_port(line, *(const uint16_t *)port, 0);
}

// "ffff…: 00000002 00000000 00010000 0001 01 12345 /path": the fourth word is 10000 = it accepts.
static bool listens_unix(const char *line, const void *path)
{
    const char *found = strstr(line, path);
    return found && found[strlen(path)] == '\n' && strstr(line, " 00010000 0001 ");
}

static bool tcp_is_there(const void *port)
{
    return table_has("/proc/net/tcp", listens_tcp, port) ||
           table_has("/proc/net/tcp6", listens_tcp, port);
}

static bool udp_is_there(const void *port)
{
    return table_has("/proc/net/udp", bound_udp, port) ||
           table_has("/proc/net/udp6", bound_udp, port);
}

static bool unix_is_there(const void *path)
{
    return table_has("/proc/net/unix", listens_unix, path);
}

static void wait_for(child *c, bool (*is_there)(const void *arg), const void *arg)
{
    int status = 0;
    for (int waited = 0; !is_there(arg); waited += STEP_MS) {
        const char *name = c->name;
        if (reap(c, 0, &status)) {
            print_output(c);
            unlink_child(c);
            fail_msg("%s ended with wait status %#x before it listened", name, (unsigned)status);
        }
        if (waited >= START_MS) {
            print_output(c);
            child_stop(c);
            fail_msg("%s does not listen after %d ms", name, START_MS);
        }
        usleep(STEP_MS * 1000);
    }
}

void child_wait_port(child *c, uint16_t port)
{
    wait_for(c, tcp_is_there, &port);
}

void child_wait_udp(child *c, uint16_t port)
{
    wait_for(c, udp_is_there, &port);
}

void child_wait_unix(child *c, const char *path)
{
    wait_for(c, unix_is_there, path);
}
