// The limits of the chunked decoder, and the encoder's chunk heads.
// once

#include <inttypes.h>
#include <stdio.h>

#include "test/http/chunked.h"

static int result_with(gyre__chunked_limits limits, const char *text)
{
    const gyre__chunked decoder = {.limits = limits};
    return chunked_at_every_cut(&decoder, gyre_view_of(text), NULL, NULL);
}

static void chunked_line_of_the_longest_length_is_accepted_and_one_byte_more_is_not(void **state)
{
    (void)state;
    gyre__chunked_limits limits = chunked_limits;
    const char *const texts[] = {"0005\r\nhello\r\n0005\r\nhello\r\n0\r\n\r\n",
                                 "5;ab\r\nhello\r\n0\r\n\r\n", "0;a=\r\n\r\n", "0;a=b;c\r\n\r\n",
                                 "0;a=\"b\"\r\n\r\n"};
    const uint32_t lengths[] = {4, 4, 4, 7, 7};
    const int results[] = {GYRE__CHUNK_END, GYRE__CHUNK_END, GYRE_ECHUNK, GYRE__CHUNK_END,
                           GYRE__CHUNK_END};
    for (size_t i = 0; i < 5; i++) {
        for (limits.line_max = 0; limits.line_max < lengths[i]; limits.line_max++)
            assert_int_equal(result_with(limits, texts[i]), GYRE_ECHUNK);
        assert_int_equal(result_with(limits, texts[i]), results[i]);
    }
}

static void chunked_extensions_are_limited_in_sum(void **state)
{
    (void)state;
    gyre__chunked_limits limits = chunked_limits;
    const char text[] = "1;ab\r\nx\r\n1;a=b\r\ny\r\n0;a=\"b\"\r\n\r\n"; // 3 + 4 + 6
    for (limits.ext_max = 0; limits.ext_max < 13; limits.ext_max++)
        assert_int_equal(result_with(limits, text), GYRE_ECHUNK);
    assert_int_equal(result_with(limits, text), GYRE__CHUNK_END);
    limits.ext_max = 0;
    assert_int_equal(result_with(limits, "1\r\nx\r\n0\r\n\r\n"), GYRE__CHUNK_END);
}

static void chunked_trailer_section_is_limited_in_bytes_and_lines(void **state)
{
    (void)state;
    gyre__chunked_limits limits = chunked_limits;
    const char text[] = "0\r\na: b\r\nc: d\r\n\r\n";
    for (limits.trailer_max = 1; limits.trailer_max < 14; limits.trailer_max++)
        assert_int_equal(result_with(limits, text), GYRE_EHEADSIZE);
    assert_int_equal(result_with(limits, text), GYRE__CHUNK_END);
    limits.field_max = 2;
    assert_int_equal(result_with(limits, text), GYRE__CHUNK_END);
    limits.field_max = 1;
    assert_int_equal(result_with(limits, text), GYRE_EHEADSIZE);
    limits.field_max = 0;
    assert_int_equal(result_with(limits, text), GYRE_EHEADSIZE);
    limits = chunked_limits;
    limits.trailer_max = 2;
    assert_int_equal(result_with(limits, "0\r\n\r\nmore"), GYRE__CHUNK_END);
}

// An endless line, whatever it is made of, ends in an error after as many bytes as are allowed.
static void chunked_endless_parts_end_in_errors(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *repeat;
        int err;
    } rows[] = {{"", "0", GYRE_ECHUNK},
                {"5;", "a", GYRE_ECHUNK},
                {"5;a=\"", "b", GYRE_ECHUNK},
                {"", "1;abcdefg\r\nx\r\n", GYRE_ECHUNK},
                {"0\r\n", "a: b\r\n", GYRE_EHEADSIZE},
                {"0\r\n", "a", GYRE_EHEADSIZE},
                {"0\r\na:", " ", GYRE_EHEADSIZE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gyre__chunked decoder = {.limits = chunked_limits};
        static char text[65536];
        size_t len = 0;
        gyre_view piece = gyre_view_of(rows[i].begin);
        for (; len + piece.len <= sizeof text; piece = gyre_view_of(rows[i].repeat)) {
            if (piece.len > 0) memcpy(text + len, piece.ptr, piece.len);
            len += piece.len;
        }
        int step = GYRE__CHUNK_DATA;
        for (size_t used = 0; step == GYRE__CHUNK_DATA;) {
            gyre__chunk_piece out;
            step = gyre__chunked_decode(&decoder, (gyre_view){text + used, len - used}, &out);
            if (step == GYRE__CHUNK_DATA) used += out.used;
        }
        if (step != rows[i].err) fail_msg("%s%s...: %d", rows[i].begin, rows[i].repeat, step);
    }
}

static void chunked_heads_are_written_in_hexadecimal(void **state)
{
    (void)state;
    uint64_t sizes[] = {1,   9,          10,          15,         16,        255,
                        256, 0xabcdef12, 0x123456789, 1ull << 60, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char got[GYRE__CHUNK_HEAD_MAX], want[32];
        snprintf(want, sizeof want, "%" PRIx64 "\r\n", sizes[i]);
        assert_view((gyre_view){got, gyre__chunk_head(got, sizes[i])}, want);
    }
}

static void chunked_encoded_body_is_decoded_again(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 30; round++) {
        char body[600], text[1400];
        size_t len = 0, total = 0;
        for (uint32_t chunks = random_next(&seed) % 5; chunks > 0; chunks--) {
            size_t size = 1 + random_next(&seed) % 100;
            len += gyre__chunk_head(text + len, size);
            for (size_t i = 0; i < size; i++)
                text[len++] = body[total++] = (char)random_next(&seed);
            memcpy(text + len, "\r\n", 2);
            len += 2;
        }
        memcpy(text + len, GYRE__CHUNKED_LAST, sizeof GYRE__CHUNKED_LAST - 1);
        len += sizeof GYRE__CHUNKED_LAST - 1;
        const gyre__chunked decoder = {.limits = chunked_limits};
        gyre_view got;
        size_t used;
        int step = chunked_at_every_cut(&decoder, (gyre_view){text, len}, &got, &used);
        assert_int_equal(step, GYRE__CHUNK_END);
        assert_int_equal(used, len);
        assert_true(gyre_view_equal(got, (gyre_view){body, total}));
    }
}

TESTS(cmocka_unit_test(chunked_line_of_the_longest_length_is_accepted_and_one_byte_more_is_not),
      cmocka_unit_test(chunked_extensions_are_limited_in_sum),
      cmocka_unit_test(chunked_trailer_section_is_limited_in_bytes_and_lines),
      cmocka_unit_test(chunked_endless_parts_end_in_errors),
      cmocka_unit_test(chunked_heads_are_written_in_hexadecimal),
      cmocka_unit_test(chunked_encoded_body_is_decoded_again))
