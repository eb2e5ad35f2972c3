#include "test/support/test.h"

#include "base/alloc.h"
#include "test/support/memory.h"

#include <errno.h>
#include <string.h>
#include <wchar.h>

static struct memory memory;
static const gyre_allocator unused = {NULL, NULL}; // calling it crashes

static int setup(void **state)
{
    *state = &memory.alloc;
    memory_open(&memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_close(&memory);
    return 0;
}

static void alloc_default_resizes_and_frees(void **state)
{
    (void)state;
    const gyre_allocator *alloc = &gyre__allocator_default;
    char *block = gyre__alloc(alloc, 4);
    assert_non_null(block);
    memcpy(block, "abc", 4);
    block = gyre__realloc_array(alloc, block, 1000, 10);
    assert_non_null(block);
    assert_string_equal(block, "abc");
    assert_null(alloc->resize(alloc->ctx, block, 0)); // the leak check of the run sees the rest
}

static void alloc_zero_clears(void **state)
{
    unsigned char *block = gyre__alloc_zero(*state, 100);
    assert_non_null(block);
    assert_int_equal(memory.live_bytes, 100);
    for (size_t i = 0; i < 100; i++) assert_int_equal(block[i], 0);
    gyre__free(*state, block);
}

static void alloc_free_of_null_does_not_reach_the_hook(void **state)
{
    (void)state;
    gyre__free(&unused, NULL);
}

static void alloc_realloc_array_multiplies_and_keeps_the_bytes(void **state)
{
    char *block = gyre__realloc_array(*state, NULL, 3, 5);
    assert_int_equal(memory.live_bytes, 15);
    memcpy(block, "0123456789abcd", 15);
    block = gyre__realloc_array(*state, block, 8, 16);
    assert_int_equal(memory.live_bytes, 128);
    assert_string_equal(block, "0123456789abcd");
    gyre__free(*state, block);
}

static void alloc_realloc_array_refuses_an_overflow(void **state)
{
    char *block = gyre__alloc(*state, 8);
    memcpy(block, "keep me", 8);
    // The products wrap around to 0 and to small numbers.
    assert_null(gyre__realloc_array(*state, block, SIZE_MAX / 2 + 1, 2));
    assert_null(gyre__realloc_array(*state, block, SIZE_MAX / 2 + 2, 2));
    assert_null(gyre__realloc_array(*state, block, 3, SIZE_MAX / 3 + 2));
    assert_null(gyre__realloc_array(*state, block, SIZE_MAX, SIZE_MAX));
    assert_int_equal(memory.calls, 1);
    assert_string_equal(block, "keep me");
    gyre__free(*state, block);
}

static void alloc_realloc_array_of_nothing_frees_nothing(void **state)
{
    char *block = gyre__alloc(*state, 8);
    memcpy(block, "keep me", 8);
    assert_null(gyre__realloc_array(*state, block, 0, 8));
    assert_null(gyre__realloc_array(*state, block, 8, 0));
    assert_int_equal(memory.live_blocks, 1);
    assert_string_equal(block, "keep me");
    gyre__free(*state, block);
}

static void alloc_realloc_array_that_fails_keeps_the_block(void **state)
{
    char *block = gyre__alloc(*state, 8);
    memcpy(block, "keep me", 8);
    memory_fail_nth(&memory, 1);
    assert_null(gyre__realloc_array(*state, block, 2, 8));
    assert_string_equal(block, "keep me");
    gyre__free(*state, block);
}

static void alloc_copy_text_ends_with_a_zero(void **state)
{
    char *copy = gyre__copy_text(*state, (gyre_view){"abcdef", 3});
    assert_string_equal(copy, "abc");
    assert_int_equal(memory.live_bytes, 4);
    gyre__free(*state, copy);
}

static void alloc_copy_text_keeps_inner_zeros(void **state)
{
    char *copy = gyre__copy_text(*state, GYRE_VIEW("a\0b"));
    assert_memory_equal(copy, "a\0b", 4);
    gyre__free(*state, copy);
}

static void alloc_copy_text_of_the_empty_view_is_empty(void **state)
{
    char *copy = gyre__copy_text(*state, (gyre_view){NULL, 0});
    assert_string_equal(copy, "");
    gyre__free(*state, copy);
}

static void alloc_copy_text_refuses_a_length_without_room_for_the_zero(void **state)
{
    (void)state;
    assert_null(gyre__copy_text(&unused, (gyre_view){"", SIZE_MAX}));
}

static void alloc_format_makes_text_of_any_length(void **state)
{
    char *text = gyre__format(*state, "%s:%d%%", "host", 81);
    assert_string_equal(text, "host:81%");
    assert_int_equal(memory.live_bytes, 9);
    gyre__free(*state, text);

    text = gyre__format(*state, "%s", "");
    assert_string_equal(text, "");
    gyre__free(*state, text);

    text = gyre__format(*state, "%5000d|%.*s", 7, GYRE_FMT(GYRE_VIEW("end")));
    assert_int_equal(strlen(text), 5004);
    assert_string_equal(text + 4999, "7|end");
    gyre__free(*state, text);
}

// As for a text beyond INT_MAX, which takes seconds to count.
static void alloc_format_that_cannot_be_made_is_null(void **state)
{
    (void)state;
    assert_null(gyre__format(&unused, "%lc", (wint_t)0x20ac)); // not in the locale "C"
}

static int use_everything(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    char *a = gyre__alloc(alloc, 10);
    char *b = gyre__alloc_zero(alloc, 10);
    char *c = gyre__copy_text(alloc, GYRE_VIEW("abc"));
    char *d = gyre__format(alloc, "%d", 1);
    char *e = gyre__realloc_array(alloc, NULL, 2, 2);
    char *larger = e ? gyre__realloc_array(alloc, e, 4, 4) : NULL;
    int err = a && b && c && d && larger ? 0 : -ENOMEM;
    char *blocks[] = {a, b, c, d, larger ? larger : e};
    for (size_t i = 0; i < 5; i++) gyre__free(alloc, blocks[i]);
    return err;
}

static void alloc_survives_every_failing_allocation(void **state)
{
    (void)state;
    MEMORY_TORTURE(use_everything, NULL);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TESTS(cmocka_unit_test(alloc_default_resizes_and_frees), WITH_MEMORY(alloc_zero_clears),
      cmocka_unit_test(alloc_free_of_null_does_not_reach_the_hook),
      WITH_MEMORY(alloc_realloc_array_multiplies_and_keeps_the_bytes),
      WITH_MEMORY(alloc_realloc_array_refuses_an_overflow),
      WITH_MEMORY(alloc_realloc_array_of_nothing_frees_nothing),
      WITH_MEMORY(alloc_realloc_array_that_fails_keeps_the_block),
      WITH_MEMORY(alloc_copy_text_ends_with_a_zero), WITH_MEMORY(alloc_copy_text_keeps_inner_zeros),
      WITH_MEMORY(alloc_copy_text_of_the_empty_view_is_empty),
      WITH_MEMORY(alloc_copy_text_refuses_a_length_without_room_for_the_zero),
      WITH_MEMORY(alloc_format_makes_text_of_any_length),
      WITH_MEMORY(alloc_format_that_cannot_be_made_is_null),
      cmocka_unit_test(alloc_survives_every_failing_allocation))
