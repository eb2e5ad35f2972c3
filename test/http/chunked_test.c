// The chunked coding: each row is decoded at once, byte by byte and cut in two at every place, at
// the edge of mapped memory.
// once

#include <stdio.h>

#include "test/http/chunked.h"

typedef struct chunked_row {
    gyre_view text;
    int result;       // GYRE__CHUNK_END, GYRE__CHUNK_MORE or an error
    const char *body; // what came out by then
} chunked_row;

#define GOOD(text, body) \
    { \
        TEXT(text), GYRE__CHUNK_END, body \
    }
#define PART(text, body) \
    { \
        TEXT(text), GYRE__CHUNK_MORE, body \
    }
#define BAD(text, body, err) \
    { \
        TEXT(text), err, body \
    }

static const chunked_row sizes[] = {
    GOOD("0\r\n\r\n", ""),
    GOOD("000\r\n\r\n", ""),
    GOOD("1\r\na\r\n0\r\n\r\n", "a"),
    GOOD("5\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
    GOOD("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    GOOD("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    GOOD("00000000000000000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("1b\r\nabcdefghijklmnopqrstuvwxyz\n\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz\n"),
    GOOD("7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n", "0\r\n\r\n5\r"),
    PART("", ""),
    PART("5", ""),
    PART("5\r", ""),
    PART("5\r\n", ""),
    PART("5\r\nhel", "hel"),
    PART("5\r\nhello", "hello"),
    PART("5\r\nhello\r", "hello"),
    PART("5\r\nhello\r\n", "hello"),
    PART("5\r\nhello\r\n0", "hello"),
    PART("5\r\nhello\r\n0\r\n", "hello"),
    PART("5\r\nhello\r\n0\r\n\r", "hello"),
    PART("7fffffffffffffff\r\nabc", "abc"),
    PART("07FFFFFFFFFFFFFFF\r\nabc", "abc"),
    BAD("8000000000000000\r\n", "", GYRE_ECHUNK),
    BAD("ffffffffffffffff\r\n", "", GYRE_ECHUNK),
    BAD("10000000000000000\r\n", "", GYRE_ECHUNK),
    BAD("10000000000000005\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("ffffffffffffffffffffffffffffffff\r\n", "", GYRE_ECHUNK),
    BAD("-1\r\n", "", GYRE_ECHUNK),
    BAD("+5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("-0\r\n\r\n", "", GYRE_ECHUNK),
    BAD("0x5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5_0\r\n", "", GYRE_ECHUNK),
    BAD("g\r\n", "", GYRE_ECHUNK),
    BAD("5h\r\n", "", GYRE_ECHUNK),
    BAD("\r\n", "", GYRE_ECHUNK),
    BAD("\r\n0\r\n\r\n", "", GYRE_ECHUNK),
    BAD(" 5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("\t5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5 \r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5\t\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("0 \r\n\r\n", "", GYRE_ECHUNK),
    BAD("5 5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("\0\r\n", "", GYRE_ECHUNK),
    BAD("5\0\r\n", "", GYRE_ECHUNK),
    BAD("5,5\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5.\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("\xb2\r\n", "", GYRE_ECHUNK),
};

static const chunked_row line_ends[] = {
    BAD("5\nhello\r\n0\r\n\r\n", "", GYRE_ECHUNK),
    BAD("5\rhello\r\n0\r\n\r\n", "", GYRE_ECHUNK),
    BAD("5\r\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5\r\nhello\n0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello\r0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhelloX\n0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello\n\n0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello\rX0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello\r\r0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello!\r\n0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("5\r\nhello\r\n\r\n0\r\n\r\n", "hello", GYRE_ECHUNK),
    BAD("6\r\nhello\r\n0\r\n\r\n", "hello\r", GYRE_ECHUNK),
    BAD("4\r\nhello\r\n0\r\n\r\n", "hell", GYRE_ECHUNK),
    BAD("0\n\n", "", GYRE_ECHUNK),
    BAD("0\n\r\n", "", GYRE_ECHUNK),
    BAD("0\r\n\n", "", GYRE_EFIELD),
    BAD("0\r\n\r\r\n", "", GYRE_EFIELD),
    BAD("0\r\n\rX", "", GYRE_EFIELD),
};

static const chunked_row extensions[] = {
    GOOD("5;a\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
    GOOD("5;a=b;c;d=\"e\"\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5;a=\" b;c=d, \\\" \\\\ \xff\"\r\nhello\r\n0\r\n\r\n", "hello"),
    GOOD("5;5=5\r\nhello\r\n0\r\n\r\n", "hello"),
    PART("5;a=\"b", ""),
    PART("5;a=\"b\\", ""),
    BAD("5;\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a;\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;;a\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;=b\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a==b\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=b=c\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=;b\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5 ;a\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5; a\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a =b\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a= b\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=b \r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\t\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\rhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\0\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\x01\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\x7f\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a\xff\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\nc\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\r\nhello\r\n0\r\n\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\tc\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\0\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\\\n\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\\\r\n\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=\"b\"c\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=b\"c\"\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5;a=b,c\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5,a\r\nhello\r\n", "", GYRE_ECHUNK),
    BAD("5=a\r\nhello\r\n", "", GYRE_ECHUNK),
};

static const chunked_row trailers[] = {
    GOOD("0\r\na: b\r\n\r\n", ""),
    GOOD("1\r\nx\r\n0\r\na:\r\nb: c \r\nc: \xff\r\n\r\n", "x"),
    GOOD("0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n", ""),
    PART("0\r\na: b", ""),
    PART("0\r\na: b\r\n", ""),
    PART("0\r\na: b\r\n\r", ""),
    BAD("0\r\na: b\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\na: b\r\n\n", "", GYRE_EFIELD),
    BAD("0\r\na : b\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\n: b\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\na\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\n a: b\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\na: b\r\n c\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\na: b\0\r\n\r\n", "", GYRE_EFIELD),
    BAD("0\r\na: b\rc\r\n\r\n", "", GYRE_EFIELD),
    BAD("1\r\nx\r\n0\r\nGET / HTTP/1.1\r\n\r\n", "x", GYRE_EFIELD),
};

static void check_row(const gyre__chunked *decoder, const chunked_row *row)
{
    gyre_view body;
    size_t used;
    int result = chunked_at_every_cut(decoder, row->text, &body, &used);
    if (result != row->result)
        fail_msg("%s: %d, not %d", printable(row->text), result, row->result);
    assert_view(body, row->body);
    if (result == GYRE__CHUNK_END) assert_int_equal(used, row->text.len);
}

#define CHUNKED_TEST(name, table) \
    static void name(void **state) \
    { \
        (void)state; \
        const gyre__chunked decoder = {.limits = chunked_limits}; \
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) \
            check_row(&decoder, &table[i]); \
    }

CHUNKED_TEST(chunked_sizes_are_hexadecimal_digits_and_nothing_else, sizes)
CHUNKED_TEST(chunked_lines_end_in_crlf_only, line_ends)
CHUNKED_TEST(chunked_extensions_are_checked_and_ignored, extensions)
CHUNKED_TEST(chunked_trailers_follow_the_rules_of_fields, trailers)

static void chunked_trailer_control_bytes_are_kept_by_the_client_only(void **state)
{
    (void)state;
    static const chunked_row server = BAD("0\r\na: b\x01\r\n\r\n", "", GYRE_EFIELD);
    static const chunked_row client = GOOD("0\r\na: b\x01\r\n\r\n", "");
    static const chunked_row nul = BAD("0\r\na: b\0\r\n\r\n", "", GYRE_EFIELD);
    static const chunked_row bare_lf = BAD("0\r\na: b\n\r\n", "", GYRE_EFIELD);
    const gyre__chunked strict = {.limits = chunked_limits};
    const gyre__chunked keeps = {.limits = chunked_limits, .trailer_ctl = true};
    check_row(&strict, &server);
    check_row(&keeps, &client);
    check_row(&keeps, &nul);
    check_row(&keeps, &bare_lf);
}

static void chunked_bytes_behind_the_end_are_not_used(void **state)
{
    (void)state;
    const gyre__chunked decoder = {.limits = chunked_limits};
    size_t used;
    int step = chunked_at_every_cut(&decoder, TEXT("0\r\n\r\nGET / HTTP/1.1"), NULL, &used);
    assert_int_equal(step, GYRE__CHUNK_END);
    assert_int_equal(used, 5);
    step = chunked_at_every_cut(&decoder, TEXT("0\r\na: b\r\n\r\n\0\n"), NULL, &used);
    assert_int_equal(step, GYRE__CHUNK_END);
    assert_int_equal(used, 11);
}

static void chunked_decoder_at_its_end_stays_there(void **state)
{
    (void)state;
    gyre__chunked decoder = {.limits = chunked_limits};
    gyre__chunk_piece piece;
    gyre_view text = TEXT("0\r\n\r\n");
    assert_int_equal(gyre__chunked_decode(&decoder, text, &piece), GYRE__CHUNK_END);
    assert_int_equal(gyre__chunked_decode(&decoder, text, &piece), GYRE__CHUNK_END);
    assert_int_equal(piece.used, 0);
}

static void chunked_decoder_without_bytes_needs_more(void **state)
{
    (void)state;
    gyre__chunked decoder = {.limits = chunked_limits};
    gyre__chunk_piece piece;
    gyre_view none = {NULL, 0};
    assert_int_equal(gyre__chunked_decode(&decoder, none, &piece), GYRE__CHUNK_MORE);
    assert_int_equal(piece.used, 0);
}

TESTS(cmocka_unit_test(chunked_sizes_are_hexadecimal_digits_and_nothing_else),
      cmocka_unit_test(chunked_lines_end_in_crlf_only),
      cmocka_unit_test(chunked_extensions_are_checked_and_ignored),
      cmocka_unit_test(chunked_trailers_follow_the_rules_of_fields),
      cmocka_unit_test(chunked_trailer_control_bytes_are_kept_by_the_client_only),
      cmocka_unit_test(chunked_bytes_behind_the_end_are_not_used),
      cmocka_unit_test(chunked_decoder_at_its_end_stays_there),
      cmocka_unit_test(chunked_decoder_without_bytes_needs_more))
