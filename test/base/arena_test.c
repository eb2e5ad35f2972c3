#include "test/support/test.h"

#include "base/arena.h"
#include "test/support/memory.h"

#include <errno.h>
#include <string.h>

static struct memory memory;
static gyre__arena arena;

static int setup(void **state)
{
    (void)state;
    memory_open(&memory);
    gyre__arena_init(&arena, &memory.alloc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gyre__arena_free(&arena);
    memory_close(&memory);
    return 0;
}

static void assert_holds_nothing(void)
{
    assert_null(arena.chunks);
    assert_int_equal(arena.held, 0);
    assert_int_equal(memory.live_blocks, 0);
}

static void arena_allocates_nothing_before_the_first_piece(void **state)
{
    (void)state;
    assert_int_equal(memory.calls, 0);
    gyre__arena_reset(&arena);
    gyre__arena_free(&arena);
    assert_holds_nothing();
}

// Sizes around the alignment, the chunks and the largest step, each many times over.
static void arena_pieces_are_aligned_keep_their_place_and_do_not_overlap(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,    15,   16,   17,   0,    33,    100,   992,   1007,  1008,
                                   1009, 1024, 2033, 5000, 4096, 65519, 65520, 65521, 70000, 3};
    enum { KINDS = sizeof sizes / sizeof sizes[0], PIECES = 10 * KINDS };
    unsigned char *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = gyre__arena_alloc(&arena, sizes[i % KINDS]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, sizes[i % KINDS]);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t at = 0; at < sizes[i % KINDS]; at++) {
            assert_int_equal(pieces[i][at], (unsigned char)i);
        }
    }
    assert_int_equal(arena.held, memory.live_bytes);
}

static void arena_piece_of_nothing_has_its_own_address(void **state)
{
    (void)state;
    char *first = gyre__arena_alloc(&arena, 0);
    char *second = gyre__arena_alloc(&arena, 0);
    char *third = gyre__arena_alloc(&arena, 1);
    assert_non_null(first);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(second, third);
}

static void arena_small_pieces_share_few_chunks(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) assert_non_null(gyre__arena_alloc(&arena, 16));
    assert_true(memory.calls <= 10); // 1, 2, 4, … 64 KiB, then steps of 64 KiB
    assert_true(memory.live_bytes <= 2 * 10000 * 16 + 64 * 1024);
}

static void arena_chunks_stop_doubling_at_64_kib(void **state)
{
    (void)state;
    size_t largest = 0;
    for (int i = 0; i < 100000; i++) {
        size_t before = memory.live_bytes;
        assert_non_null(gyre__arena_alloc(&arena, 16));
        if (memory.live_bytes - before > largest) largest = memory.live_bytes - before;
    }
    assert_int_equal(largest, 64 * 1024);
}

static void arena_large_piece_leaves_the_room_of_the_chunk(void **state)
{
    (void)state;
    char *first = gyre__arena_alloc(&arena, 16);
    char *large = gyre__arena_alloc(&arena, 1000000);
    char *second = gyre__arena_alloc(&arena, 16);
    memset(large, 'x', 1000000);
    assert_ptr_equal(second, first + 16);
    assert_int_equal(memory.live_blocks, 2);
    assert_true(memory.live_bytes < 1000000 + 2048);
}

static void arena_large_first_piece_does_not_swell_the_next_chunk(void **state)
{
    (void)state;
    assert_non_null(gyre__arena_alloc(&arena, 1000000));
    assert_non_null(gyre__arena_alloc(&arena, 16));
    assert_true(memory.live_bytes < 1000000 + 64 * 1024 + 64);
}

static void arena_free_gives_everything_back_and_leaves_it_usable(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) assert_non_null(gyre__arena_alloc(&arena, i * 50));
    gyre__arena_free(&arena);
    assert_holds_nothing();
    gyre__arena_free(&arena);
    assert_non_null(gyre__arena_alloc(&arena, 10));
}

static void arena_reset_keeps_the_largest_chunk_only(void **state)
{
    (void)state;
    assert_non_null(gyre__arena_alloc(&arena, 16));
    char *large = gyre__arena_alloc(&arena, 30000); // behind the first chunk
    assert_non_null(gyre__arena_alloc(&arena, 1500));
    assert_int_equal(memory.live_blocks, 3);
    gyre__arena_reset(&arena);
    assert_int_equal(memory.live_blocks, 1);
    assert_int_equal(arena.held, memory.live_bytes);
    assert_true(arena.held >= 30000);

    unsigned long calls = memory.calls;
    assert_ptr_equal(gyre__arena_alloc(&arena, 30000), large);
    assert_int_equal(memory.calls, calls);
    assert_non_null(gyre__arena_alloc(&arena, 1000)); // does not fit any more
    assert_int_equal(memory.calls, calls + 1);
}

static void arena_reset_again_and_again_allocates_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++) assert_non_null(gyre__arena_alloc(&arena, 40));
        gyre__arena_reset(&arena);
    }
    assert_int_equal(memory.calls, 1);
}

static void arena_copy_ends_with_a_zero_that_is_not_counted(void **state)
{
    (void)state;
    gyre_view copy = gyre__arena_copy(&arena, (gyre_view){"abcdef", 3});
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ptr, "abc");
    copy = gyre__arena_copy(&arena, GYRE_VIEW("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    // 16 bytes fill their piece, so the zero needs the next one.
    copy = gyre__arena_copy(&arena, GYRE_VIEW("0123456789abcdef"));
    gyre_view next = gyre__arena_copy(&arena, GYRE_VIEW("next"));
    assert_string_equal(copy.ptr, "0123456789abcdef");
    assert_string_equal(next.ptr, "next");
}

static void arena_copy_of_an_empty_view_never_fails(void **state)
{
    (void)state;
    memory_fail_from(&memory, 1);
    gyre_view copy = gyre__arena_copy(&arena, (gyre_view){NULL, 0});
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.ptr, "");
}

static void arena_sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    assert_non_null(gyre__arena_alloc(&arena, 1));
    unsigned long calls = memory.calls;
    for (size_t less = 0; less < 32; less++) {
        assert_null(gyre__arena_alloc(&arena, SIZE_MAX - less));
    }
    gyre_view copy = gyre__arena_copy(&arena, (gyre_view){"", SIZE_MAX});
    assert_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    assert_int_equal(memory.calls, calls); // not even asked for
}

static void arena_failure_changes_nothing(void **state)
{
    (void)state;
    char *first = gyre__arena_alloc(&arena, 16);
    gyre__arena before = arena;
    memory_fail_from(&memory, 1);
    assert_null(gyre__arena_alloc(&arena, 2000));    // a chunk
    assert_null(gyre__arena_alloc(&arena, 1000000)); // one of its own
    char text[1100] = "";
    gyre_view copy = gyre__arena_copy(&arena, (gyre_view){text, sizeof text});
    assert_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    assert_memory_equal(&arena, &before, sizeof arena);
    assert_ptr_equal(gyre__arena_alloc(&arena, 16), first + 16);
}

static int build(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    gyre__arena own;
    gyre__arena_init(&own, alloc);
    int err = 0;
    for (size_t i = 0; i < 40 && !err; i++) {
        char *piece = gyre__arena_alloc(&own, i * i * 10);
        if (piece) memset(piece, 1, i * i * 10);
        gyre_view copy = gyre__arena_copy(&own, GYRE_VIEW("some text"));
        if (!piece || !copy.ptr) err = -ENOMEM;
        if (i == 30) gyre__arena_reset(&own);
    }
    gyre__arena_free(&own);
    return err;
}

static void arena_survives_every_failing_allocation(void **state)
{
    (void)state;
    MEMORY_TORTURE(build, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TESTS(TEST(arena_allocates_nothing_before_the_first_piece),
      TEST(arena_pieces_are_aligned_keep_their_place_and_do_not_overlap),
      TEST(arena_piece_of_nothing_has_its_own_address), TEST(arena_small_pieces_share_few_chunks),
      TEST(arena_chunks_stop_doubling_at_64_kib),
      TEST(arena_large_piece_leaves_the_room_of_the_chunk),
      TEST(arena_large_first_piece_does_not_swell_the_next_chunk),
      TEST(arena_free_gives_everything_back_and_leaves_it_usable),
      TEST(arena_reset_keeps_the_largest_chunk_only),
      TEST(arena_reset_again_and_again_allocates_nothing),
      TEST(arena_copy_ends_with_a_zero_that_is_not_counted),
      TEST(arena_copy_of_an_empty_view_never_fails), TEST(arena_sizes_that_overflow_are_refused),
      TEST(arena_failure_changes_nothing), TEST(arena_survives_every_failing_allocation))
