// What is asked of the operating system (Linux: proc(5), sched_setaffinity(2)).
#ifndef BENCH_FETCH_MACHINE_H
#define BENCH_FETCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct machine {
    char cpu[128];
    char kernel[128];
    char compiler[128];
    char gyre[128];  // with what it was built of
    char commit[64]; // "" when it is not known
    char date[32];
    int cpus;       // that this process may use
    int client_cpu; // where the styles run
    int origin_cpu; // where the origin runs; the same one when there is no other
    char pinning[128];
};

void machine_look(struct machine *machine);
// Binds the calling process to one core; false when the system refuses.
bool machine_pin(int cpu);
// CPU time of a process in seconds, NAN when it is not there.
double machine_cpu_s(pid_t pid);
// Seconds that a core has worked since the machine started, for whomever; NAN when it is not known.
double machine_core_s(int cpu);
// A field of /proc/self/status in KiB: "VmRSS:", "VmHWM:".
long machine_status_kib(const char *field);
// Open sockets of this process.
long machine_sockets(void);
// Raises the limit of open descriptors as far as it goes.
void machine_raise_descriptors(void);
// The path of a file beside this program.
void machine_beside(char *path, size_t size, const char *name);

#endif
