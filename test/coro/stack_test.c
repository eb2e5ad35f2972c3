// timeout 120
// Stacks: many at once, reuse, sizes, memory that goes back.
#include "test/coro/loop.h"

#include <stdlib.h>

#if defined(GYRE__TSAN)
enum { MANY = 2000 }; // as many as ThreadSanitizer has room for
#else
enum { MANY = 100000 };
#endif

static int resident_kib(void)
{
    int kib = 0;
    char line[200];
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0) kib = (int)strtol(line + 6, NULL, 10);
    fclose(file);
    return kib;
}

static int map_count(void)
{
    int lines = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    for (int byte; (byte = fgetc(file)) != EOF;) lines += byte == '\n';
    fclose(file);
    return lines;
}

static int woken;

static int wait_for_word(gyre_coro *self, void *arg)
{
    char mine[64];
    snprintf(mine, sizeof mine, "%p", arg);
    int err = nap(GYRE_SECONDS(1));
    char again[64];
    snprintf(again, sizeof again, "%p", arg);
    woken += strcmp(mine, again) == 0;
    return err ? err : gyre_coro_is_canceled(self);
}

static void stacks_of_a_hundred_thousand_suspended_coroutines(void **state)
{
    (void)state;
    woken = 0;
    int maps = map_count(), before = resident_kib();
    static char args[MANY];
    for (int i = 0; i < MANY; i++)
        gyre_detach(gyre_spawn(gyre_void, loop, wait_for_word, args + i));
    assert_true(map_count() - maps < 65530 / 2);
    int full = resident_kib();
    long each = (full - before) * 1024L / MANY;
    printf("%d suspended: %ld bytes each, %d maps\n", MANY, each, map_count() - maps);
    pass(GYRE_SECONDS(2));
    assert_int_equal(woken, MANY);
    // The burst is over: its memory is back, but for what is kept warm.
    int after = resident_kib();
    printf("resident: %d KiB before, %d KiB then, %d KiB after\n", before, full, after);
#if !defined(GYRE__ASAN) && !defined(GYRE__TSAN)
    assert_true(after - before < (full - before) / 4); // futures in malloc's hands
#endif
    assert_string_equal(logged, "");
}

static int remember_self(gyre_coro *self, void *arg)
{
    *(gyre_coro **)arg = self;
    return nap(GYRE_MS(1));
}

static void stacks_are_reused_without_a_system_call(void **state)
{
    (void)state;
    gyre_coro *first = NULL, *again = NULL;
    assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, remember_self, &first)), 0);
    unsigned long maps = fault_count(FAULT_MMAP), advice = fault_count(FAULT_MADVISE);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gyre_run(gyre_spawn(gyre_void, loop, remember_self, &again)), 0);
        assert_ptr_equal(again, first);
    }
    assert_int_equal(fault_count(FAULT_MMAP), maps);
    assert_int_equal(fault_count(FAULT_MADVISE), advice);
}

static size_t used;

static int touch(gyre_coro *self, void *arg)
{
    (void)self;
    size_t size = *(size_t *)arg;
    // A page at a time, so that a guard would be hit and not jumped over.
    char *top = __builtin_frame_address(0);
    for (size_t at = 4096; at < size; at += 4096) {
        *(volatile char *)(top - at) = 1;
        used = at;
    }
    return 0;
}

static void stacks_have_the_size_that_was_asked_for(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 256 << 10, 300 << 10, 1 << 20, 3 << 20, 40 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t least = sizes[i] < 256 << 10 ? 256 << 10 : sizes[i];
        size_t usable = least - (12 << 10); // less the guard, the stagger, the struct and a frame
        gyre_spawn_opts opts = {.stack = sizes[i]};
        assert_int_equal(gyre_run(gyre_spawn_with(gyre_void, loop, touch, &usable, &opts)), 0);
        assert_true(used + 4096 >= usable);
    }
}

static void stacks_of_the_library_are_small(void **state)
{
    (void)state;
    gyre_coro *coro = NULL;
    size_t usable = 52 << 10;
    gyre__body body = {"remember_self", "here", remember_self, &coro};
    gyre_future *a = gyre__spawn_small(loop, &gyre_void_type, body, NULL);
    gyre_coro *first = coro;
    gyre_future *b = gyre__spawn_small(loop, &gyre_void_type, body, NULL);
    ptrdiff_t apart = (char *)coro - (char *)first;
    assert_true(labs(apart) <= (64 << 10) + 4096);
    assert_int_equal(gyre__future_run(a, NULL), 0);
    assert_int_equal(gyre__future_run(b, NULL), 0);
    body.fn = touch;
    body.arg = &usable;
    assert_int_equal(gyre__future_run(gyre__spawn_small(loop, &gyre_void_type, body, NULL), NULL),
                     0);
}

static void stacks_do_not_share_their_cache_sets(void **state)
{
    (void)state;
    gyre_coro *coros[8];
    gyre_void_future futures[8];
    for (int i = 0; i < 8; i++) futures[i] = gyre_spawn(gyre_void, loop, remember_self, &coros[i]);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal((uintptr_t)coros[i] % 4096, (uintptr_t)coros[j] % 4096);
    for (int i = 0; i < 8; i++) assert_int_equal(gyre_run(futures[i]), 0);
}

static int burst_then_another(gyre_coro *self, void *arg)
{
    (void)self, (void)arg;
    gyre_generator *generators[2000];
    void *value;
    for (int i = 0; i < 2000; i++) {
        int err = gyre_generator_open(&generators[i], loop, remember_self, arg, NULL);
        if (err) return err;
        if (gyre_generator_next(generators[i], NULL, &value) != -EPERM) return -EFAULT;
    }
    for (int i = 0; i < 2000; i++) gyre_generator_close(generators[i]);
    return 0;
}

// Memory went back only when a task of a coroutine ran, and the newest stacks went first.
static void stacks_beyond_the_bound_are_cooled(void **state)
{
    (void)state;
    gyre_coro *ignored;
    unsigned long before = fault_count(FAULT_MADVISE);
    assert_int_equal(burst_then_another(NULL, &ignored), 0);
    unsigned long opened = fault_count(FAULT_MADVISE);
    pass(GYRE_MS(10));
    unsigned long closed = fault_count(FAULT_MADVISE);
    assert_true(opened - before >= 2000); // guards
    assert_true(closed - opened >= 2000 - 512);
    assert_true(closed - opened <= 2000 - 256);
    // 256 at the least are warm, in front.
    gyre_void_future futures[256];
    for (int i = 0; i < 256; i++) futures[i] = gyre_spawn(gyre_void, loop, remember_self, &ignored);
    for (int i = 0; i < 256; i++) assert_int_equal(gyre_run(futures[i]), 0);
    assert_int_equal(fault_count(FAULT_MADVISE), closed);
}

TESTS(TEST(stacks_of_a_hundred_thousand_suspended_coroutines),
      TEST(stacks_are_reused_without_a_system_call), TEST(stacks_have_the_size_that_was_asked_for),
      TEST(stacks_of_the_library_are_small), TEST(stacks_do_not_share_their_cache_sets),
      TEST(stacks_beyond_the_bound_are_cooled))
