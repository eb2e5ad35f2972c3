#include "bench/fetch/machine.h"

#include <dirent.h>
#include <gyre.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

// ---- Facts for the report -------------------------------------------------------------------

static void look_at_cpu(struct machine *machine)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(machine->cpu, sizeof machine->cpu, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(machine->cpu, sizeof machine->cpu, "%.100s", colon + 2);
        machine->cpu[strcspn(machine->cpu, "\n")] = '\0';
        break;
    }
    if (file) fclose(file);
}

static void first_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, size, file)) *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file) fclose(file);
}

// `make bench` runs in the root of the tree.
static void look_at_commit(struct machine *machine)
{
    char path[256];
    char head[192];
    first_line(".git/HEAD", head, sizeof head);
    snprintf(path, sizeof path, ".git/%s", head + 5);
    if (strncmp(head, "ref: ", 5) == 0) first_line(path, head, sizeof head);
    snprintf(machine->commit, sizeof machine->commit, "%.12s", head);
}

static void choose_cores(struct machine *machine)
{
    cpu_set_t allowed;
    machine->client_cpu = machine->origin_cpu = -1;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (!CPU_ISSET((size_t)cpu, &allowed)) continue;
            machine->cpus++;
            if (machine->client_cpu < 0)
                machine->client_cpu = cpu;
            else if (machine->origin_cpu < 0)
                machine->origin_cpu = cpu;
        }
    if (machine->origin_cpu < 0) machine->origin_cpu = machine->client_cpu;
    if (machine->client_cpu < 0)
        snprintf(machine->pinning, sizeof machine->pinning, "none: the system refuses it");
    else
        snprintf(machine->pinning, sizeof machine->pinning,
                 "every style on cpu %d, origin on cpu %d%s", machine->client_cpu,
                 machine->origin_cpu,
                 machine->cpus < 2 ? " (there is no other: they compete)" : "");
}

void machine_look(struct machine *machine)
{
    struct utsname name;
    time_t now = time(NULL);
    struct tm utc;
    memset(machine, 0, sizeof *machine);
    look_at_cpu(machine);
    look_at_commit(machine);
    choose_cores(machine);
    if (uname(&name) == 0)
        snprintf(machine->kernel, sizeof machine->kernel, "%.30s %.60s %.20s", name.sysname,
                 name.release, name.machine);
    snprintf(machine->compiler, sizeof machine->compiler, "%.100s", __VERSION__);
    snprintf(machine->gyre, sizeof machine->gyre, "%s", gyre_version());
    strftime(machine->date, sizeof machine->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

// ---- Processes ------------------------------------------------------------------------------

bool machine_pin(int cpu)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET((unsigned)cpu, &only);
    return sched_setaffinity(0, sizeof only, &only) == 0;
}

// The n-th number (from 0) of a line; 0 when there are fewer.
static unsigned long long number_at(const char *line, int n)
{
    unsigned long long number = 0;
    char *end;
    for (int i = 0; i <= n; i++) {
        number = strtoull(line, &end, 10);
        if (end == line) return 0;
        line = end;
    }
    return number;
}

// The process's own time to the nanosecond, where the kernel keeps it.
static double schedstat_s(pid_t pid)
{
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
    first_line(path, line, sizeof line);
    unsigned long long ns = number_at(line, 0);
    return ns > 0 ? (double)ns / 1e9 : NAN;
}

static double stat_s(pid_t pid)
{
    char path[64];
    char line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    first_line(path, line, sizeof line);
    // The name may hold anything; behind it come a letter and numbers, utime and stime 11th and
    // 12th.
    const char *paren = strrchr(line, ')');
    if (!paren || strlen(paren) < 4) return NAN;
    unsigned long long ticks = number_at(paren + 3, 10) + number_at(paren + 3, 11);
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double machine_cpu_s(pid_t pid)
{
    double seconds = schedstat_s(pid);
    return isnan(seconds) ? stat_s(pid) : seconds;
}

// user, nice, system, irq, softirq and steal; idle and iowait, in their middle, are no work.
static double busy_s(const char *numbers)
{
    unsigned long long ticks = 0;
    for (int i = 0; i < 8; i++)
        if (i != 3 && i != 4) ticks += number_at(numbers, i);
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double machine_core_s(int cpu)
{
    char line[512];
    char name[16];
    double busy = NAN;
    FILE *file = fopen("/proc/stat", "r");
    snprintf(name, sizeof name, "cpu%d ", cpu);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) busy = busy_s(line + strlen(name));
    if (file) fclose(file);
    return busy;
}

long machine_status_kib(const char *field)
{
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field), NULL, 10);
    if (file) fclose(file);
    return value;
}

long machine_sockets(void)
{
    long count = 0;
    DIR *fds = opendir("/proc/self/fd");
    for (struct dirent *entry; fds && (entry = readdir(fds));) {
        char target[64];
        ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof target);
        if (len > 7 && memcmp(target, "socket:", 7) == 0) count++;
    }
    if (fds) closedir(fds);
    return count;
}

void machine_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void machine_beside(char *path, size_t size, const char *name)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    snprintf(path, size, "%s/%s", slash ? self : ".", name);
}
