// once
#include "test/support/memory.h"

#include <errno.h>
#include <string.h>

#include "test/support/tests/outcome.h"

static void *take(const gyre_allocator *alloc, void *ptr, size_t size)
{
    return alloc->resize(alloc->ctx, ptr, size);
}

static void memory_counts_live_blocks_and_bytes(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    char *a = take(&memory.alloc, NULL, 10), *b = take(&memory.alloc, NULL, 5);
    assert_int_equal(memory.live_blocks, 2);
    assert_int_equal(memory.live_bytes, 15);
    a = take(&memory.alloc, a, 30);
    assert_int_equal(memory.live_bytes, 35);
    assert_int_equal(memory.peak_bytes, 45); // while it moved, both were there
    assert_null(take(&memory.alloc, b, 0));
    assert_int_equal(memory.live_blocks, 1);
    assert_null(take(&memory.alloc, a, 0));
    assert_int_equal(memory.live_bytes, 0);
    assert_int_equal(memory.calls, 3);
    assert_int_equal(memory.failed, 0);
    memory_close(&memory);
}

static void memory_moves_a_block_that_is_resized(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    char *small = take(&memory.alloc, NULL, 4);
    memcpy(small, "abc", 4);
    char *large = take(&memory.alloc, small, 1000);
    assert_ptr_not_equal(small, large);
    assert_string_equal(large, "abc");
    assert_int_equal((unsigned char)large[999], 0xa5);
    assert_int_equal((uintptr_t)large % _Alignof(max_align_t), 0);
    char *smaller = take(&memory.alloc, large, 2);
    assert_memory_equal(smaller, "ab", 2);
    take(&memory.alloc, smaller, 0);
    memory_close(&memory);
}

static void memory_fails_the_nth_allocation(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    void *blocks[4];
    memory_fail_nth(&memory, 2);
    for (int i = 0; i < 4; i++) blocks[i] = take(&memory.alloc, NULL, 1);
    assert_non_null(blocks[0]);
    assert_null(blocks[1]);
    assert_non_null(blocks[2]);
    memory_fail_from(&memory, 2);
    void *another = take(&memory.alloc, NULL, 1);
    assert_non_null(another);
    for (int i = 0; i < 3; i++) assert_null(take(&memory.alloc, NULL, 1));
    assert_int_equal(memory.failed, 4);
    take(&memory.alloc, another, 0);
    for (int i = 0; i < 4; i++)
        if (blocks[i]) take(&memory.alloc, blocks[i], 0);
    memory_close(&memory);
}

static void memory_keeps_the_block_whose_resize_fails(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    char *block = take(&memory.alloc, NULL, 4);
    memcpy(block, "abc", 4);
    memory_fail_nth(&memory, 1);
    assert_null(take(&memory.alloc, block, 8));
    assert_string_equal(block, "abc");
    assert_null(take(&memory.alloc, block, SIZE_MAX)); // more than there is, but no overflow
    assert_int_equal(memory.live_blocks, 1);
    take(&memory.alloc, block, 0);
    memory_close(&memory);
}

// ---- What must fail a test ---------------------------------------------------------------------

static void leave_a_block(void **state)
{
    (void)state;
    static struct memory memory;
    memory_open(&memory);
    take(&memory.alloc, take(&memory.alloc, NULL, 1), 0);
    take(&memory.alloc, NULL, 77);
    memory_close(&memory);
}

static void memory_close_names_the_block_that_is_left(void **state)
{
    (void)state;
    assert_fails_with(leave_a_block, "left: allocation 2, 77 bytes");
}

static void free_elsewhere(void **state)
{
    (void)state;
    static struct memory memory, other;
    memory_open(&memory);
    memory_open(&other);
    take(&other.alloc, take(&memory.alloc, NULL, 1), 0); // not freed, so that ASan cannot object
}

static void memory_aborts_on_a_block_that_is_not_its_own(void **state)
{
    (void)state;
    assert_aborts_with(free_elsewhere, "freed already or from another allocator");
}

// ---- The torture: three allocations, with what the case below wants wrong ----------------------

enum fault { NONE, LEAKS, WRONG_ERROR, LOSES_LATER, CLEAN_FAILS };

struct scenario {
    enum fault fault;
    int runs;
};

static int scenario(const gyre_allocator *alloc, void *arg)
{
    struct scenario *s = arg;
    s->runs++;
    void *a = take(alloc, NULL, 1), *b = take(alloc, NULL, 2);
    void *c = b ? take(alloc, b, 3) : NULL;
    bool good = a && b && c;
    int err = good ? 0 : -ENOMEM;
    if (c) b = c;
    if (a) take(alloc, a, 0);
    if (b && (good || s->fault != LEAKS)) take(alloc, b, 0);
    if (!good && s->fault == WRONG_ERROR) return -EIO;
    if (!a && !b && s->fault == LOSES_LATER) return -EPIPE; // only when the second fails as well
    if (good && s->fault == CLEAN_FAILS) return -EIO;
    return err;
}

static void memory_torture_fails_each_allocation_alone_and_with_the_rest(void **state)
{
    (void)state;
    struct scenario s = {.fault = NONE};
    MEMORY_TORTURE(scenario, &s);
    assert_int_equal(s.runs, 3 * 2 + 1);
}

static void torture_leaks(void **state)
{
    (void)state;
    MEMORY_TORTURE(scenario, &(struct scenario){.fault = LEAKS});
}

static void torture_wrong_error(void **state)
{
    (void)state;
    MEMORY_TORTURE(scenario, &(struct scenario){.fault = WRONG_ERROR});
}

static void torture_loses_later(void **state)
{
    (void)state;
    MEMORY_TORTURE(scenario, &(struct scenario){.fault = LOSES_LATER});
}

static void torture_clean_fails(void **state)
{
    (void)state;
    MEMORY_TORTURE(scenario, &(struct scenario){.fault = CLEAN_FAILS});
}

static void memory_torture_notices_what_is_wrong(void **state)
{
    (void)state;
    assert_fails_with(torture_leaks, "scenario: allocation 1 failed, error -12");
    assert_fails_with(torture_wrong_error, "allocation 1 failed, but it ended with -5");
    assert_fails_with(torture_loses_later, "allocation 1 and all after it failed, but it ended");
    assert_fails_with(torture_clean_fails, "no allocation failed, yet it ended with -5");
}

TESTS(cmocka_unit_test(memory_counts_live_blocks_and_bytes),
      cmocka_unit_test(memory_moves_a_block_that_is_resized),
      cmocka_unit_test(memory_fails_the_nth_allocation),
      cmocka_unit_test(memory_keeps_the_block_whose_resize_fails),
      cmocka_unit_test(memory_close_names_the_block_that_is_left),
      cmocka_unit_test(memory_aborts_on_a_block_that_is_not_its_own),
      cmocka_unit_test(memory_torture_fails_each_allocation_alone_and_with_the_rest),
      cmocka_unit_test(memory_torture_notices_what_is_wrong))
