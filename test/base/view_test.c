#include "test/support/test.h"

#include "base/base.h"

static gyre_view bytes(const char *ptr, size_t len)
{
    return (gyre_view){ptr, len};
}

static void view_of_counts_up_to_the_zero(void **state)
{
    (void)state;
    const char *text = "gyre";
    gyre_view view = gyre_view_of(text);
    assert_ptr_equal(view.ptr, text);
    assert_int_equal(view.len, 4);
    assert_int_equal(gyre_view_of("").len, 0);
    assert_int_equal(gyre_view_of("a\0b").len, 1);
}

static void view_of_null_is_the_empty_view(void **state)
{
    (void)state;
    gyre_view view = gyre_view_of(NULL);
    assert_null(view.ptr);
    assert_int_equal(view.len, 0);
}

static void view_literal_keeps_inner_zeros(void **state)
{
    (void)state;
    assert_int_equal(GYRE_VIEW("a\0b").len, 3);
    assert_memory_equal(GYRE_VIEW("a\0b").ptr, "a\0b", 3);
    assert_int_equal(GYRE_VIEW("").len, 0);
}

static void view_equal_compares_bytes(void **state)
{
    (void)state;
    assert_true(gyre_view_equal(GYRE_VIEW("abc"), gyre_view_of("abc")));
    assert_false(gyre_view_equal(GYRE_VIEW("abc"), GYRE_VIEW("abd")));
    assert_false(gyre_view_equal(GYRE_VIEW("abc"), GYRE_VIEW("xbc")));
    assert_false(gyre_view_equal(GYRE_VIEW("abc"), GYRE_VIEW("ABC")));
    assert_false(gyre_view_equal(GYRE_VIEW("abc"), GYRE_VIEW("ab")));
    assert_false(gyre_view_equal(GYRE_VIEW("ab"), GYRE_VIEW("abc")));
}

static void view_equal_looks_behind_a_zero_byte(void **state)
{
    (void)state;
    assert_true(gyre_view_equal(GYRE_VIEW("a\0b"), GYRE_VIEW("a\0b")));
    assert_false(gyre_view_equal(GYRE_VIEW("a\0b"), GYRE_VIEW("a\0c")));
    assert_false(gyre_view_equal_nocase(GYRE_VIEW("a\0b"), GYRE_VIEW("a\0c")));
    assert_true(gyre_view_equal_nocase(GYRE_VIEW("a\0b"), GYRE_VIEW("A\0B")));
}

static void view_empty_ones_are_equal_whatever_their_pointer(void **state)
{
    (void)state;
    assert_true(gyre_view_equal(bytes(NULL, 0), bytes(NULL, 0)));
    assert_true(gyre_view_equal(bytes(NULL, 0), GYRE_VIEW("")));
    assert_true(gyre_view_equal(bytes("x", 0), bytes("y", 0)));
    assert_true(gyre_view_equal_nocase(bytes(NULL, 0), GYRE_VIEW("")));
    assert_false(gyre_view_equal(bytes(NULL, 0), GYRE_VIEW("x")));
    assert_false(gyre_view_equal_nocase(GYRE_VIEW("x"), bytes(NULL, 0)));
}

static void view_equal_reads_nothing_behind_the_end(void **state)
{
    (void)state;
    assert_true(gyre_view_equal(bytes("abcX", 3), bytes("abcY", 3)));
    assert_true(gyre_view_equal_nocase(bytes("abcX", 3), bytes("ABCY", 3)));
}

// Every pair of bytes, against a rule that is written out: 26 pairs and nothing else.
static void view_equal_nocase_folds_ascii_letters_only(void **state)
{
    (void)state;
    const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char lower[] = "abcdefghijklmnopqrstuvwxyz";
    bool fold[256][256] = {{false}};
    for (int i = 0; i < 26; i++) {
        fold[(unsigned char)upper[i]][(unsigned char)lower[i]] = true;
        fold[(unsigned char)lower[i]][(unsigned char)upper[i]] = true;
    }
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char x = (char)a, y = (char)b;
            bool equal = gyre_view_equal_nocase(bytes(&x, 1), bytes(&y, 1));
            assert_int_equal(equal, a == b || fold[a][b]);
        }
    }
}

static void view_equal_nocase_compares_every_byte(void **state)
{
    (void)state;
    assert_true(gyre_view_equal_nocase(GYRE_VIEW("Content-LENGTH"), GYRE_VIEW("content-length")));
    assert_false(gyre_view_equal_nocase(GYRE_VIEW("Content-Lengt"), GYRE_VIEW("content-length")));
    assert_false(gyre_view_equal_nocase(GYRE_VIEW("Content-Lengtx"), GYRE_VIEW("content-length")));
    assert_false(gyre_view_equal_nocase(GYRE_VIEW("xontent-length"), GYRE_VIEW("content-length")));
}

static void durations_are_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(GYRE_NS(7), 7);
    assert_int_equal(GYRE_US(2), 2000);
    assert_int_equal(GYRE_MS(250), 250000000);
    assert_true(GYRE_SECONDS(100000) == INT64_C(100000000000000));
    assert_true(GYRE_MS(1 + 1) == 2 * GYRE_MS(1));
}

static void container_of_finds_the_owner(void **state)
{
    (void)state;
    struct owner {
        char first;
        long leaf;
    } owner;
    assert_ptr_equal(GYRE_CONTAINER_OF(&owner.leaf, struct owner, leaf), &owner);
}

TESTS(cmocka_unit_test(view_of_counts_up_to_the_zero),
      cmocka_unit_test(view_of_null_is_the_empty_view),
      cmocka_unit_test(view_literal_keeps_inner_zeros), cmocka_unit_test(view_equal_compares_bytes),
      cmocka_unit_test(view_equal_looks_behind_a_zero_byte),
      cmocka_unit_test(view_empty_ones_are_equal_whatever_their_pointer),
      cmocka_unit_test(view_equal_reads_nothing_behind_the_end),
      cmocka_unit_test(view_equal_nocase_folds_ascii_letters_only),
      cmocka_unit_test(view_equal_nocase_compares_every_byte),
      cmocka_unit_test(durations_are_nanoseconds), cmocka_unit_test(container_of_finds_the_owner))
