// What every test program includes: cmocka, and the main that the runner expects.
#ifndef GYRE_TEST_SUPPORT_TEST_H
#define GYRE_TEST_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Defines main. Without arguments it runs every test of the program, with NAME that one; --list
// prints the names. A test that leaves a descriptor open, or closes one that is not its own, fails.
// Exit status: 0 all passed, 77 all skipped, 1 something failed, 2 bad usage.
#define TESTS(...) \
    int main(int argc, char **argv) \
    { \
        static const struct CMUnitTest tests[] = {__VA_ARGS__}; \
        return test_main(argc, argv, tests, sizeof tests / sizeof tests[0]); \
    }

// Ends the running test as skipped. The runner prints the reason.
#define SKIP(reason) \
    do { \
        test_note_skip(reason); \
        skip(); \
    } while (0)

int test_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count);
void test_note_skip(const char *reason);

#endif
