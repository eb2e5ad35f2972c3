// Guards: a coroutine that overruns its stack dies there, whatever the kernel offers.
#include "test/coro/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- Dying ---------------------------------------------------------------------------------

// Runs `fn` in a child process; its wait status, and what it wrote to stderr.
static int status_of_child(void (*fn)(void), char *output, size_t size)
{
    int ends[2];
    assert_int_equal(pipe2(ends, 0), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int signo = 1; signo < 32; signo++) signal(signo, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; len < size - 1 && (n = read(ends[0], output + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    output[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static gyre_coro *coro;

static int stay(gyre_coro *self, void *arg)
{
    (void)arg;
    coro = self;
    return nap(GYRE_FOREVER);
}

// The struct lies at the top of the slot; slots are aligned to their size.
static char *slot_of(const gyre_coro *self)
{
    return (char *)((uintptr_t)self & ~(uintptr_t)((256 << 10) - 1));
}

static void open_own_loop(void)
{
    gyre_loop_opts opts = {.log_level = GYRE_LOG_WARN};
    if (gyre_loop_open(&loop, &opts)) _exit(9);
}

static gyre_spawn_opts spawn_opts;

static void spawn_and_touch(ptrdiff_t at)
{
    open_own_loop();
    gyre_void_future future = gyre_spawn_with(gyre_void, loop, stay, NULL, &spawn_opts);
    if (gyre_future_state(future) != GYRE_SUSPENDED) _exit(8);
    *(volatile char *)(slot_of(coro) + sysconf(_SC_PAGESIZE) + at) = 1;
}

static void touch_the_lowest_byte(void)
{
    spawn_and_touch(0);
}

static void touch_one_below(void)
{
    spawn_and_touch(-1);
}

static void check_guard(void)
{
    char output[8192];
    assert_int_equal(status_of_child(touch_the_lowest_byte, output, sizeof output), 0);
    int status = status_of_child(touch_one_below, output, sizeof output);
    // A sanitizer reports the signal and exits.
    if (strstr(output, "SEGV on unknown address")) return;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void guard_by_advice_kills_one_byte_below(void **state)
{
    (void)state;
    check_guard();
}

static void guard_by_mapping_kills_one_byte_below(void **state)
{
    (void)state;
    fault_fail_from(FAULT_MADVISE, 1, EINVAL);
    check_guard();
    fault_reset();
}

static int recurse(int depth)
{
    volatile char page[2048];
    page[0] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + page[0];
}

static int recurse_for_ever(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return recurse(1 << 20) & 0;
}

static void overflow_by_recursion(void)
{
    open_own_loop();
    gyre_release(gyre_spawn_with(gyre_void, loop, recurse_for_ever, NULL, &spawn_opts));
}

static void guard_stops_a_deep_recursion(void **state)
{
    (void)state;
    char output[8192];
    int status = status_of_child(overflow_by_recursion, output, sizeof output);
    assert_true(strstr(output, "stack-overflow") || strstr(output, "SEGV on unknown address") ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}

// ---- Without guards -------------------------------------------------------------------------

static void forbid_guards(void)
{
    fault_fail_from(FAULT_MADVISE, 1, EINVAL);
    fault_fail_from(FAULT_MPROTECT, 1, ENOMEM);
}

static void guard_that_cannot_be_had_is_an_error_unless_allowed(void **state)
{
    (void)state;
    forbid_guards();
    gyre_generator *generator;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, stay, NULL)), GYRE_ENOGUARD);
    assert_int_equal(gyre_generator_open(&generator, loop, stay, NULL, NULL), GYRE_ENOGUARD);
    gyre_spawn_opts opts = {.unguarded_ok = true};
    for (int i = 0; i < 3; i++) gyre_detach(gyre_spawn_with(gyre_void, loop, stay, NULL, &opts));
    assert_string_equal(logged, "stacks without guard pages from here on\n"); // once
    fault_reset();
    close_loop();
}

static int end_at_once(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

// A free stack without a guard hid the guarded ones behind it.
static void guard_is_found_behind_a_free_stack_without_one(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.unguarded_ok = true};
    gyre_void_future first = gyre_spawn(gyre_void, loop, stay, NULL); // guarded
    forbid_guards();
    gyre_void_future second = gyre_spawn_with(gyre_void, loop, stay, NULL, &opts);
    gyre_release(first);
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    gyre_release(second);
    assert_int_equal(gyre_loop_turn(loop, 0), 0);
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, end_at_once, NULL)), 0);
    fault_reset();
}

static void guards_by_mapping_stop_at_half_of_the_mappings(void **state)
{
    (void)state;
#if defined(GYRE__TSAN)
    SKIP("ThreadSanitizer has no room for so many coroutines");
#endif
    long most = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    char text[32] = "";
    if (file && fgets(text, sizeof text, file)) most = strtol(text, NULL, 10);
    if (file) fclose(file);
    if (most <= 0 || most > 200000) SKIP("vm.max_map_count cannot be read, or is large");
    fault_fail_from(FAULT_MADVISE, 1, EINVAL);
    fault_fail_from(FAULT_MPROTECT, (unsigned long)most, ENOMEM);
    long guarded = 0;
    int err = 0;
    while (!err && guarded <= most) {
        gyre_void_future future = gyre_spawn(gyre_void, loop, stay, NULL);
        err = gyre_future_error(future);
        if (!err) guarded++;
        gyre_detach(future);
    }
    assert_int_equal(err, GYRE_ENOGUARD);
    assert_int_equal(guarded, most / 4); // two mappings each
    fault_reset();
}

// ---- Canaries ------------------------------------------------------------------------------

static int overrun(gyre_coro *self, void *arg)
{
    // The lowest byte of the stack, where there is no guard below.
    *(volatile char *)(slot_of(self) + sysconf(_SC_PAGESIZE)) ^= 1;
    return arg ? 0 : nap(0);
}

static void overrun_and_wait(void)
{
    open_own_loop();
    forbid_guards();
    spawn_opts.unguarded_ok = true;
    gyre_release(gyre_spawn_with(gyre_void, loop, overrun, NULL, &spawn_opts));
}

static void overrun_and_return(void)
{
    open_own_loop();
    forbid_guards();
    spawn_opts.unguarded_ok = true;
    gyre_release(gyre_spawn_with(gyre_void, loop, overrun, "", &spawn_opts));
}

static void canary_finds_an_overrun(void **state)
{
    (void)state;
    char output[8192];
    int status = status_of_child(overrun_and_wait, output, sizeof output);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(output, "stack overflow in overrun: "));
    status = status_of_child(overrun_and_return, output, sizeof output);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(output, "stack overflow in overrun: "));
}

TESTS(TEST(guard_by_advice_kills_one_byte_below), TEST(guard_by_mapping_kills_one_byte_below),
      TEST(guard_stops_a_deep_recursion), TEST(guard_that_cannot_be_had_is_an_error_unless_allowed),
      TEST(guard_is_found_behind_a_free_stack_without_one),
      TEST(guards_by_mapping_stop_at_half_of_the_mappings), TEST(canary_finds_an_overrun))
