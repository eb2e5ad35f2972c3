// The main of a test program.
//
// Each test runs as a group of one, so that what belongs to the process (here: descriptors) is
// compared around its setup, body and teardown. cmocka catches the fatal signals; the body gets
// back what was there before, so that a sanitizer or a debugger shows where it crashed.
#include "test/support/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FD_MAX = 65536, EXIT_SKIPPED = 77, EXIT_USAGE = 2 };

// A link to /proc/self/fd on Linux.
static const char fd_dir[] = "/dev/fd";

typedef struct descriptors {
    bool open[FD_MAX];
} descriptors;

static descriptors before, after;
static int skipped_count;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
enum { FATAL_COUNT = sizeof fatal / sizeof fatal[0] };
static struct sigaction dispositions[FATAL_COUNT]; // before cmocka took the signals
static const struct CMUnitTest *running;

void test_note_skip(const char *reason)
{
    skipped_count++;
    printf("skipped: %s\n", reason);
    fflush(stdout);
}

static void descriptors_read(descriptors *set)
{
    memset(set, 0, sizeof *set);
    DIR *dir = opendir(fd_dir);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        long fd = strtol(entry->d_name, NULL, 10);
        if (fd >= 0 && fd < FD_MAX && fd != dirfd(dir)) set->open[fd] = true;
    }
    closedir(dir);
}

static void descriptor_print(int fd)
{
    char path[64], target[256];
    snprintf(path, sizeof path, "%s/%d", fd_dir, fd);
    ssize_t len = readlink(path, target, sizeof target - 1);
    target[len > 0 ? len : 0] = '\0';
    printf("descriptor leaked: %d -> %s\n", fd, target);
}

// Prints what differs and returns how many descriptors do.
static int descriptors_compare(void)
{
    int differing = 0;
    for (int fd = 0; fd < FD_MAX; fd++) {
        if (before.open[fd] == after.open[fd]) continue;
        differing++;
        if (after.open[fd])
            descriptor_print(fd);
        else
            printf("descriptor closed that was open before the test: %d\n", fd);
    }
    return differing;
}

static void body(void **state)
{
    for (size_t i = 0; i < FATAL_COUNT; i++) sigaction(fatal[i], &dispositions[i], NULL);
    running->test_func(state);
}

static int run_one(const struct CMUnitTest *test)
{
    struct CMUnitTest group[] = {*test};
    group[0].test_func = body;
    running = test;
    for (size_t i = 0; i < FATAL_COUNT; i++) sigaction(fatal[i], NULL, &dispositions[i]);
    descriptors_read(&before);
    int failed = _cmocka_run_group_tests(test->name, group, 1, NULL, NULL);
    descriptors_read(&after);
    int differing = descriptors_compare();
    fflush(stdout);
    return failed || differing;
}

int test_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    const char *wanted = argc > 1 ? argv[1] : NULL;
    if (wanted && strcmp(wanted, "--list") == 0) {
        for (size_t i = 0; i < count; i++) printf("%s\n", tests[i].name);
        return 0;
    }
    int ran = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted && strcmp(wanted, tests[i].name) != 0) continue;
        ran++;
        failed += run_one(&tests[i]);
    }
    if (ran == 0) {
        fprintf(stderr, "%s: no test named %s\n", argv[0], wanted ? wanted : "anything");
        return EXIT_USAGE;
    }
    if (failed) return EXIT_FAILURE;
    return skipped_count == ran ? EXIT_SKIPPED : EXIT_SUCCESS;
}
