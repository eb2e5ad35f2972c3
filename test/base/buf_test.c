#include "test/support/test.h"

#include "base/buf.h"
#include "base/error.h"
#include "test/support/memory.h"

#include <errno.h>
#include <string.h>
#include <wchar.h>

static struct memory memory;
static gyre__buf buf;

static int setup(void **state)
{
    (void)state;
    memory_open(&memory);
    gyre__buf_init(&buf, &memory.alloc, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gyre__buf_release(&buf);
    memory_close(&memory);
    return 0;
}

static void assert_holds(gyre_view bytes)
{
    gyre_view view = gyre__buf_view(&buf);
    assert_int_equal(gyre__buf_len(&buf), bytes.len);
    assert_int_equal(view.len, bytes.len);
    if (bytes.len) assert_memory_equal(view.ptr, bytes.ptr, bytes.len);
}

static int append_filled(size_t len, char byte)
{
    char bytes[5000];
    assert_true(len <= sizeof bytes);
    memset(bytes, byte, len);
    return gyre__buf_append(&buf, (gyre_view){bytes, len});
}

static void buf_begins_empty_without_a_block(void **state)
{
    (void)state;
    assert_int_equal(gyre__buf_len(&buf), 0);
    assert_null(gyre__buf_view(&buf).ptr);
    assert_int_equal(memory.calls, 0);
}

static void buf_appending_nothing_allocates_nothing(void **state)
{
    (void)state;
    char *room = (char *)&room;
    assert_int_equal(gyre__buf_append(&buf, (gyre_view){NULL, 0}), 0);
    assert_int_equal(gyre__buf_printf(&buf, "%s", ""), 0);
    assert_int_equal(gyre__buf_reserve(&buf, 0, &room), 0);
    assert_null(room);
    assert_int_equal(memory.calls, 0);
}

static void buf_gives_back_what_was_appended(void **state)
{
    (void)state;
    assert_int_equal(gyre__buf_append(&buf, GYRE_VIEW("o\0ne")), 0);
    assert_int_equal(gyre__buf_append(&buf, GYRE_VIEW("two")), 0);
    assert_holds(GYRE_VIEW("o\0netwo"));
    gyre__buf_consume(&buf, 1);
    assert_holds(GYRE_VIEW("\0netwo"));
    gyre__buf_consume(&buf, 0);
    assert_holds(GYRE_VIEW("\0netwo"));
    gyre__buf_consume(&buf, 6);
    assert_holds(GYRE_VIEW(""));
    assert_int_equal(memory.live_blocks, 1);
}

static void buf_that_ran_empty_starts_at_the_front_of_its_block(void **state)
{
    (void)state;
    assert_int_equal(append_filled(60, 'x'), 0);
    const char *front = gyre__buf_view(&buf).ptr;
    gyre__buf_consume(&buf, 60);
    assert_int_equal(append_filled(4, 'y'), 0); // would fit behind the others, too
    assert_ptr_equal(gyre__buf_view(&buf).ptr, front);
    assert_int_equal(append_filled(60, 'y'), 0);
    assert_int_equal(memory.calls, 1);
}

static void buf_release_gives_the_block_back_and_leaves_it_usable(void **state)
{
    (void)state;
    assert_int_equal(append_filled(100, 'x'), 0);
    gyre__buf_release(&buf);
    assert_int_equal(memory.live_blocks, 0);
    assert_holds(GYRE_VIEW(""));
    gyre__buf_release(&buf);
    assert_int_equal(append_filled(1000, 'x'), 0); // the maximum is as before
    assert_int_equal(append_filled(1, 'x'), GYRE_ELIMIT);
}

static void buf_reserve_hands_out_room_that_commit_counts(void **state)
{
    (void)state;
    assert_int_equal(gyre__buf_append(&buf, GYRE_VIEW("head ")), 0);
    char *room = NULL;
    assert_int_equal(gyre__buf_reserve(&buf, 300, &room), 0);
    memset(room, 'r', 300); // the address sanitizer sees when it is not there
    assert_holds(GYRE_VIEW("head "));
    gyre__buf_commit(&buf, 3);
    assert_holds(GYRE_VIEW("head rrr"));
    gyre__buf_commit(&buf, 0);
    assert_holds(GYRE_VIEW("head rrr"));
}

static void buf_grows_in_powers_of_two_up_to_its_maximum(void **state)
{
    (void)state;
    static const struct {
        size_t append, cap;
    } steps[] = {{1, 64}, {63, 64}, {1, 128}, {200, 512}, {500, 1000}, {235, 1000}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(append_filled(steps[i].append, 'x'), 0);
        assert_int_equal(buf.cap, steps[i].cap);
        assert_int_equal(memory.live_bytes, steps[i].cap);
    }
    assert_int_equal(gyre__buf_len(&buf), 1000);
}

static void buf_takes_its_maximum_and_not_one_byte_more(void **state)
{
    (void)state;
    static const size_t maxima[] = {0, 1, 3, 63, 64, 65, 100, 128, 1000};
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        size_t max = maxima[i];
        gyre__buf_release(&buf);
        gyre__buf_init(&buf, &memory.alloc, max);
        assert_int_equal(append_filled(max + 1, 'x'), GYRE_ELIMIT);
        assert_int_equal(append_filled(max, 'x'), 0);
        gyre__buf before = buf;
        char *room = (char *)&room;
        assert_int_equal(append_filled(1, 'x'), GYRE_ELIMIT);
        assert_int_equal(gyre__buf_printf(&buf, "x"), GYRE_ELIMIT);
        assert_int_equal(gyre__buf_reserve(&buf, 1, &room), GYRE_ELIMIT);
        assert_int_equal(gyre__buf_reserve(&buf, SIZE_MAX, &room), GYRE_ELIMIT);
        assert_ptr_equal(room, &room);
        assert_memory_equal(&buf, &before, sizeof buf);
        assert_int_equal(gyre__buf_reserve(&buf, 0, &room), 0);
        assert_true(memory.live_bytes <= max);
    }
}

static void buf_moves_to_the_front_rather_than_growing(void **state)
{
    (void)state;
    assert_int_equal(append_filled(50, 'x'), 0);
    assert_int_equal(append_filled(10, 'a'), 0);
    gyre__buf_consume(&buf, 50);
    assert_int_equal(append_filled(54, 'b'), 0);
    assert_int_equal(buf.cap, 64);
    assert_int_equal(memory.calls, 1);
    assert_memory_equal(gyre__buf_view(&buf).ptr, "aaaaaaaaaabbbb", 14);
}

static void buf_grows_without_its_consumed_bytes(void **state)
{
    (void)state;
    assert_int_equal(append_filled(59, 'x'), 0);
    assert_int_equal(append_filled(1, 'a'), 0);
    gyre__buf_consume(&buf, 59);
    assert_int_equal(append_filled(127, 'b'), 0);
    assert_int_equal(buf.cap, 128);
    assert_int_equal(buf.start, 0);
    assert_memory_equal(gyre__buf_view(&buf).ptr, "abb", 3);
}

// Bytes that a call copied within the buffer, told from where they lie before and after.
static size_t copied(const gyre__buf *before)
{
    bool moved = before->block != buf.block || before->start != buf.start;
    return moved ? before->end - before->start : 0;
}

// `through` bytes pass in portions of `portion` through a buffer that always holds about `level`.
static size_t copies_of(size_t level, size_t max, size_t portion, size_t through)
{
    static const char bytes[64];
    gyre__buf_release(&buf);
    gyre__buf_init(&buf, &memory.alloc, max);
    size_t sum = 0;
    for (size_t done = 0; done < through; done += portion) {
        while (gyre__buf_len(&buf) + portion <= level) {
            gyre__buf before = buf;
            assert_int_equal(gyre__buf_append(&buf, (gyre_view){bytes, portion}), 0);
            sum += copied(&before);
        }
        gyre__buf_consume(&buf, portion);
        assert_true(buf.cap <= max + max / 4);
    }
    return sum;
}

// A buffer that is kept nearly full and consumed slowly is where moving costs most.
static void buf_copies_few_bytes_however_slowly_it_is_consumed(void **state)
{
    (void)state;
    static const size_t levels[] = {1, 2, 5, 60, 64, 65, 500, 767, 768, 800, 999, 1000};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        size_t level = levels[i];
        for (size_t portion = 1; portion <= level && portion <= 64; portion += 9) {
            size_t through = 100000;
            assert_true(copies_of(level, 1000, portion, through) <= 4 * through + 4 * 1000);
            assert_true(copies_of(level, level, portion, through) <= 4 * through + 4 * 1000);
        }
    }
}

static void buf_printf_appends_formatted_text(void **state)
{
    (void)state;
    assert_int_equal(gyre__buf_printf(&buf, "%s %d\r\n", "GET", 42), 0);
    assert_int_equal(gyre__buf_printf(&buf, "%.*s", GYRE_FMT(GYRE_VIEW("end"))), 0);
    assert_holds(GYRE_VIEW("GET 42\r\nend"));
}

// On both sides of the text that fits on the stack, and up to the last byte of the maximum.
static void buf_printf_takes_text_of_any_length_up_to_the_maximum(void **state)
{
    (void)state;
    char expected[1001];
    memset(expected, ' ', sizeof expected);
    for (int len = 1; len <= 1001; len++) {
        gyre__buf_release(&buf);
        int err = gyre__buf_printf(&buf, "%*c", len, '!');
        assert_int_equal(err, len <= 1000 ? 0 : GYRE_ELIMIT);
        if (err) break;
        expected[len - 1] = '!';
        assert_holds((gyre_view){expected, (size_t)len});
        expected[len - 1] = ' ';
        assert_int_equal(memory.live_blocks, 1);
    }
    assert_int_equal(gyre__buf_len(&buf), 0);
    assert_int_equal(memory.live_blocks, 0);
}

// As for a text beyond INT_MAX, which takes seconds to count.
static void buf_printf_of_what_cannot_be_made_is_no_memory(void **state)
{
    (void)state;
    assert_int_equal(gyre__buf_printf(&buf, "%lc", (wint_t)0x20ac), -ENOMEM); // not in locale "C"
    assert_int_equal(memory.calls, 0);
}

static void buf_without_a_limit_does_not_overflow(void **state)
{
    (void)state;
    gyre__buf_init(&buf, &memory.alloc, SIZE_MAX);
    assert_int_equal(gyre__buf_append(&buf, GYRE_VIEW("abc")), 0);
    gyre__buf before = buf;
    char *room;
    static const size_t wants[] = {SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 2 + 2, SIZE_MAX / 2 - 2};
    memory_fail_from(&memory, 1); // nobody has that much
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        assert_int_equal(gyre__buf_reserve(&buf, wants[i], &room), -ENOMEM);
    }
    assert_int_equal(gyre__buf_reserve(&buf, SIZE_MAX - 2, &room), GYRE_ELIMIT);
    assert_memory_equal(&buf, &before, sizeof buf);
    assert_holds(GYRE_VIEW("abc"));
}

static void buf_failure_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(append_filled(64, 'a'), 0);
    for (size_t consumed = 0; consumed < 2; consumed++) { // growing in place, and into a new block
        gyre__buf_consume(&buf, consumed);
        gyre__buf before = buf;
        char *room = (char *)&room;
        memory_fail_from(&memory, 1);
        assert_int_equal(append_filled(100, 'b'), -ENOMEM);
        assert_int_equal(gyre__buf_reserve(&buf, 100, &room), -ENOMEM);
        assert_int_equal(gyre__buf_printf(&buf, "%100d", 1), -ENOMEM);
        assert_int_equal(gyre__buf_printf(&buf, "%300d", 1), -ENOMEM);
        memory_fail_nth(&memory, 2); // the text is made, its room is not
        assert_int_equal(gyre__buf_printf(&buf, "%300d", 1), -ENOMEM);
        assert_ptr_equal(room, &room);
        assert_memory_equal(&buf, &before, sizeof buf);
        assert_int_equal(memory.live_blocks, 1);
        assert_memory_equal(gyre__buf_view(&buf).ptr, "a", 1);
    }
}

static int use_everything(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    gyre__buf own;
    gyre__buf_init(&own, alloc, 4000);
    char *room;
    int err = gyre__buf_append(&own, GYRE_VIEW("0123456789"));
    for (int i = 0; i < 5 && !err; i++) {
        err = gyre__buf_printf(&own, "%*d", i * 100, i);
        if (!err) err = gyre__buf_reserve(&own, 300, &room);
        if (!err) gyre__buf_commit(&own, 200);
        gyre__buf_consume(&own, gyre__buf_len(&own) / 10);
    }
    gyre__buf_release(&own);
    return err;
}

static void buf_survives_every_failing_allocation(void **state)
{
    (void)state;
    MEMORY_TORTURE(use_everything, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TESTS(TEST(buf_begins_empty_without_a_block), TEST(buf_appending_nothing_allocates_nothing),
      TEST(buf_gives_back_what_was_appended),
      TEST(buf_that_ran_empty_starts_at_the_front_of_its_block),
      TEST(buf_release_gives_the_block_back_and_leaves_it_usable),
      TEST(buf_reserve_hands_out_room_that_commit_counts),
      TEST(buf_grows_in_powers_of_two_up_to_its_maximum),
      TEST(buf_takes_its_maximum_and_not_one_byte_more),
      TEST(buf_moves_to_the_front_rather_than_growing), TEST(buf_grows_without_its_consumed_bytes),
      TEST(buf_copies_few_bytes_however_slowly_it_is_consumed),
      TEST(buf_printf_appends_formatted_text),
      TEST(buf_printf_takes_text_of_any_length_up_to_the_maximum),
      TEST(buf_printf_of_what_cannot_be_made_is_no_memory),
      TEST(buf_without_a_limit_does_not_overflow), TEST(buf_failure_changes_nothing),
      TEST(buf_survives_every_failing_allocation))
