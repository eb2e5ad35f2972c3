// Runs a test that is to fail, abort or skip, in a process of its own.
#ifndef TEST_SUPPORT_TESTS_OUTCOME_H
#define TEST_SUPPORT_TESTS_OUTCOME_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/test.h"

struct outcome {
    int status; // as waitpid(2) tells
    char output[4096];
};

// `body` becomes the only test of a group; the exit status is the number of failed tests.
static inline struct outcome outcome_of(void (*body)(void **state))
{
    struct outcome outcome = {0};
    int output = memfd_create("outcome", 0);
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        dup2(output, 1);
        dup2(output, 2);
        const struct CMUnitTest tests[] = {{"inner", body, NULL, NULL, NULL}};
        int failed = cmocka_run_group_tests_name("inner", tests, NULL, NULL);
        fflush(NULL);
        _exit(failed);
    }
    waitpid(pid, &outcome.status, 0);
    ssize_t len = pread(output, outcome.output, sizeof outcome.output - 1, 0);
    if (len < 0) fail_msg("cannot read the output of the inner test");
    close(output);
    return outcome;
}

// Checks that the test failed with a message that contains `text`.
static inline void assert_fails_with(void (*body)(void **state), const char *text)
{
    struct outcome outcome = outcome_of(body);
    if (!WIFEXITED(outcome.status) || WEXITSTATUS(outcome.status) != 1 ||
        !strstr(outcome.output, text))
        fail_msg("wanted a failure with \"%s\"; status %#x, output: %s", text,
                 (unsigned)outcome.status, outcome.output);
}

// Checks that the test ended the process with abort(3), after a message that contains `text`.
// A sanitizer that handles the signal exits instead.
static inline void assert_aborts_with(void (*body)(void **state), const char *text)
{
    struct outcome outcome = outcome_of(body);
    bool aborted = WIFSIGNALED(outcome.status)
                       ? WTERMSIG(outcome.status) == SIGABRT
                       : strstr(outcome.output, "ABRT") && WEXITSTATUS(outcome.status) != 0;
    if (!aborted || !strstr(outcome.output, text))
        fail_msg("wanted an abort with \"%s\"; status %#x, output: %s", text,
                 (unsigned)outcome.status, outcome.output);
}

#endif
