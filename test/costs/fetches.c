// Fetches one URL many times over kept connections, in one style, and counts what it costs.
//
//     fetches callback|coroutine URL COUNT CONCURRENCY
//
// Prints what happened between the 1,000th fetch and the last: calls of the allocator and of mmap
// by anybody in the process, and the resident memory at both ends. These functions are defined here
// and so stand in for those of the C library.

#include <gyre.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST = 1000 };

// ---- Interposed ------------------------------------------------------------------------------

static long allocations;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

void free(void *old)
{
    allocations++;
    __libc_free(old);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    allocations++;
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    allocations++;
    return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}

// Resident memory in KiB, by system calls alone. What statm says is not exact on many processors.
static long resident(void)
{
    char text[1024];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len <= 0) exit(1);
    text[len] = '\0';
    const char *found = strstr(text, "\nRss:");
    return found ? strtol(found + 5, NULL, 10) : -1;
}

// ---- Fetching --------------------------------------------------------------------------------

static struct app {
    gyre_loop *loop;
    gyre_client *client;
    const char *url;
    long count, begun, ended, failed;
    long allocations_first, allocations_last, resident_first;
} app;

static void count_one(int err, gyre_response *response)
{
    if (err || response->status != 200) app.failed++;
    gyre_response_free(response);
    app.ended++;
    if (app.ended == FIRST) {
        app.resident_first = resident();
        app.allocations_first = allocations;
    }
    if (app.ended == app.count) {
        app.allocations_last = allocations;
        gyre_loop_stop(app.loop);
    }
}

static void begin(void);

static void on_response(void *arg, int err, gyre_response **response)
{
    (void)arg;
    count_one(err, err ? NULL : *response);
    begin();
}

static void begin(void)
{
    if (app.begun == app.count) return;
    app.begun++;
    gyre_then(gyre_fetch(app.client, app.url, NULL), on_response, NULL);
}

static int work(gyre_coro *self, void *arg)
{
    (void)self;
    (void)arg;
    while (app.begun < app.count) {
        app.begun++;
        gyre_response *response = NULL;
        int err = gyre_await(gyre_fetch(app.client, app.url, NULL), &response);
        count_one(err, response);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    int concurrency = (int)strtol(argv[4], NULL, 10);
    app.url = argv[2];
    app.count = strtol(argv[3], NULL, 10);
    gyre_client_opts opts = {.max_requests = concurrency, .max_per_origin = concurrency};
    if (gyre_loop_open(&app.loop, NULL) || gyre_client_open(&app.client, app.loop, &opts)) return 1;
    for (int i = 0; i < concurrency; i++) {
        if (strcmp(argv[1], "coroutine") == 0)
            gyre_detach(gyre_spawn(gyre_void, app.loop, work, NULL));
        else
            begin();
    }
    int err = gyre_loop_run(app.loop);
    long last = resident();
    printf(
        "%ld fetches, %ld failed, %ld allocations after %ld, %ld KiB at first, %ld KiB at last\n",
        app.ended, app.failed, app.allocations_last - app.allocations_first, app.allocations_first,
        app.resident_first, last);
    gyre_loop_close(app.loop);
    return err || app.failed ? 1 : 0;
}
