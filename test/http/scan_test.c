// The scans by sixteens against the scans by table.
// once

#include "http/scan_int.h"
#include "test/http/split.h"

typedef const char *scan_fn(const char *at, const char *end);

// What the library was compiled with; where that is the table itself, nothing is compared.
static const struct scan_pair {
    scan_fn *table, *chosen;
    const char *common; // bytes that do not stop it
} pairs[] = {
    {gyre__scan_token_table, gyre__scan_token, "abcXYZ019-_~!#$%&'*+.^`|"},
    {gyre__scan_value_table, gyre__scan_value, "abc XYZ\t:\"\x80\xff"},
    {gyre__scan_target_table, gyre__scan_target, "/abc?XYZ=%20&~"},
};

static void scan_compare(const struct scan_pair *pair, gyre_view text)
{
    const char *end = text.ptr + text.len;
    const char *want = pair->table(text.ptr, end), *got = pair->chosen(text.ptr, end);
    if (got != want) fail_msg("%s: %td, not %td", printable(text), got - text.ptr, want - text.ptr);
}

static void scan_forms_agree_on_every_byte_at_every_place(void **state)
{
    (void)state;
    struct guard guard = guard_open(64);
    for (size_t i = 0; i < 3; i++) {
        size_t kinds = strlen(pairs[i].common);
        for (size_t len = 1; len <= 50; len++) {
            char text[64];
            for (size_t k = 0; k < len; k++) text[k] = pairs[i].common[k % kinds];
            for (size_t place = 0; place < len; place += len < 20 ? 1 : 7) {
                char kept = text[place];
                for (int byte = 0; byte < 256; byte++) {
                    text[place] = (char)byte;
                    scan_compare(&pairs[i], guard_put(&guard, (gyre_view){text, len}));
                }
                text[place] = kept;
            }
        }
    }
    guard_close(&guard);
}

static void scan_forms_agree_on_random_bytes(void **state)
{
    (void)state;
    struct guard guard = guard_open(200);
    uint64_t seed = 4;
    for (int round = 0; round < 100000; round++) {
        const struct scan_pair *pair = &pairs[round % 3];
        size_t kinds = strlen(pair->common);
        char text[200];
        size_t len = random_next(&seed) % sizeof text;
        uint32_t odds = 1 + random_next(&seed) % 100; // one byte in so many is any byte
        for (size_t i = 0; i < len; i++)
            text[i] = random_next(&seed) % odds ? pair->common[random_next(&seed) % kinds]
                                                : (char)random_next(&seed);
        scan_compare(pair, guard_put(&guard, (gyre_view){text, len}));
    }
    guard_close(&guard);
}

static void scan_stops_at_the_end_of_what_is_given(void **state)
{
    (void)state;
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < 3; i++)
        for (size_t len = 0; len < sizeof text; len++)
            assert_ptr_equal(pairs[i].chosen(text, text + len), text + len);
}

static void scan_classes_follow_their_grammars(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        bool digit = i >= '0' && i <= '9';
        bool letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
        bool hex = digit || (i >= 'a' && i <= 'f') || (i >= 'A' && i <= 'F');
        bool named = i && strchr("-_.", i);
        bool user = i && strchr("-._~!$&'()*+,;=:%", i);
        assert_int_equal(gyre__byte_is(byte, GYRE__BYTE_DIGIT), digit);
        assert_int_equal(gyre__byte_is(byte, GYRE__BYTE_HEX), hex);
        assert_int_equal(gyre__byte_is(byte, GYRE__BYTE_HOST), digit || letter || named);
        assert_int_equal(gyre__byte_is(byte, GYRE__BYTE_USERINFO), digit || letter || user);
        assert_int_equal(gyre__hex_value(byte) < 16, hex);
    }
    assert_int_equal(gyre__hex_value('9'), 9);
    assert_int_equal(gyre__hex_value('a'), 10);
    assert_int_equal(gyre__hex_value('F'), 15);
}

TESTS(cmocka_unit_test(scan_forms_agree_on_every_byte_at_every_place),
      cmocka_unit_test(scan_forms_agree_on_random_bytes),
      cmocka_unit_test(scan_stops_at_the_end_of_what_is_given),
      cmocka_unit_test(scan_classes_follow_their_grammars))
