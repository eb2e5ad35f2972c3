// Heads of requests: the start line, the fields, what ends lines. Each row is parsed at once, byte
// by byte and cut in two at every place, at the edge of mapped memory.
// once

#include "test/http/head.h"

static const head_setup server = {gyre__request_parse, {16384, 8192}, HEAD_FIELDS};

#define HOST "Host: a\r\n"

static const head_row start_lines[] = {
    GOOD("GET / HTTP/1.1\r\n\r\n", "GET / 1"),
    GOOD("GET / HTTP/1.0\r\n\r\n", "GET / 0"),
    GOOD("GET / HTTP/1.9\r\n\r\n", "GET / 9"),
    GOOD("GET /a/b?c=d&e HTTP/1.1\r\n\r\n", "GET /a/b?c=d&e 1"),
    GOOD("get / HTTP/1.1\r\n\r\n", "get / 1"),
    GOOD("M-SEARCH / HTTP/1.1\r\n\r\n", "M-SEARCH / 1"),
    GOOD("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n\r\n", "!#$%&'*+-.^_`|~09azAZ / 1"),
    GOOD("GET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1 [Host=a]"),
    BAD("GET / HTTP/1.1\n\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1\r\r\n\r\n", GYRE_ESTARTLINE),
    PART("GET / HTTP/1.1\r"),
    BAD("GET / HTTP/1.1\rX: y\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET  / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET /  HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1 \r\n\r\n", GYRE_ESTARTLINE),
    BAD(" GET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD(" / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\tGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET\t/ HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET /\tHTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET /\vHTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1\t\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET/ HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET /HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET  HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET /\r\n", GYRE_ESTARTLINE),
    BAD("GET\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET \r\n\r\n", GYRE_ESTARTLINE),
    BAD("/ HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / x HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1 HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("G\xc3\x89T / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("G\0T / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("G@T / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("G:T / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("G/T / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\"GET\" / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\x16\x03\x01\x02", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    PART(""),
    PART("G"),
    PART("GET "),
    PART("GET / HTTP/1.1\r\n"),
    PART("GET / HTTP/1.1\r\n\r"),
};

static const head_row versions[] = {
    BAD("GET / HTTP/2.0\r\n\r\n", GYRE_EVERSION),
    BAD("GET / HTTP/0.9\r\n\r\n", GYRE_EVERSION),
    BAD("GET / HTTP/3\r\n\r\n", GYRE_EVERSION),
    BAD("GET / HTTP/9.9\r\n\r\n", GYRE_EVERSION),
    BAD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", GYRE_ESTARTLINE),
    BAD("PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", GYRE_EVERSION),
    BAD("GET / http/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / Http/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.x\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.10\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/11.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/01.1\r\n\r\n", GYRE_EVERSION),
    BAD("GET / HTTP/1.-1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1,1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/+1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP 1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/ 1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTPS/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / ICY/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/\xb1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1\0\r\n\r\n", GYRE_ESTARTLINE),
};

static const head_row blank_lines[] = {
    GOOD("\r\nGET / HTTP/1.1\r\n\r\n", "GET / 1"),
    GOOD("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1 [Host=a]"),
    BAD("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\nGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\r\n\nGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\rGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\r\r\nGET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\r\n GET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    PART("\r"),
    PART("\r\n"),
    PART("\r\n\r\n\r\n\r\n"),
};

static const head_row fields[] = {
    GOOD("GET / HTTP/1.1\r\na:b\r\n\r\n", "GET / 1 [a=b]"),
    GOOD("GET / HTTP/1.1\r\na: b\r\nc: d\r\n\r\n", "GET / 1 [a=b] [c=d]"),
    GOOD("GET / HTTP/1.1\r\na:\r\n\r\n", "GET / 1 [a=]"),
    GOOD("GET / HTTP/1.1\r\na: \r\n\r\n", "GET / 1 [a=]"),
    GOOD("GET / HTTP/1.1\r\na: \t \t\r\n\r\n", "GET / 1 [a=]"),
    GOOD("GET / HTTP/1.1\r\na: \tb \t\r\n\r\n", "GET / 1 [a=b]"),
    GOOD("GET / HTTP/1.1\r\na:b c\td\r\n\r\n", "GET / 1 [a=b c\td]"),
    GOOD("GET / HTTP/1.1\r\na:b:c\r\n\r\n", "GET / 1 [a=b:c]"),
    GOOD("GET / HTTP/1.1\r\na::\r\n\r\n", "GET / 1 [a=:]"),
    GOOD("GET / HTTP/1.1\r\na: \x80\xff\xc3\xa9\r\n\r\n", "GET / 1 [a=\x80\xff\xc3\xa9]"),
    GOOD("GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~0aZ: b\r\n\r\n", "GET / 1 [!#$%&'*+-.^_`|~0aZ=b]"),
    GOOD("GET / HTTP/1.1\r\na: b\r\nA: c\r\n\r\n", "GET / 1 [a=b] [A=c]"),
    GOOD("GET / HTTP/1.1\r\na-name-longer-than-sixteen-bytes: a value that is too\r\n\r\n",
         "GET / 1 [a-name-longer-than-sixteen-bytes=a value that is too]"),
    GOOD("GET / HTTP/1.1\r\na: \"b\r\n\r\n", "GET / 1 [a=\"b]"),
    BAD("GET / HTTP/1.1\r\na : b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\t: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na b: c\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\nc\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n a: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n\ta: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n \r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n \r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\xc3\xa9: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\0: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n\0a: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\x7f: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na(: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na/: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n\"a\": b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na;b: c\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na[]: c\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\0c\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: \0\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\x01\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: \x1f\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\vc\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\fc\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\x7f\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: a value of more than sixteen\x08 bytes\r\n\r\n", GYRE_EFIELD),
};

static const head_row line_ends[] = {
    BAD("GET / HTTP/1.1\r\n\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n\r\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na: b\r\n\rX", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\n\rGET", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na:\rb\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na:\r b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\r: b\r\n\r\n", GYRE_EFIELD),
    BAD("GET / HTTP/1.1\r\na\n: b\r\n\r\n", GYRE_EFIELD),
    PART("GET / HTTP/1.1\r\na: b\r"),
    PART("GET / HTTP/1.1\r\na: b\r\n\r"),
    PART("GET / HTTP/1.1\r\na: b"),
    PART("GET / HTTP/1.1\r\na:"),
    PART("GET / HTTP/1.1\r\na"),
};

HEAD_TEST(request_start_line_has_three_parts_and_two_blanks, server, start_lines)
HEAD_TEST(request_version_is_http_1_x, server, versions)
HEAD_TEST(request_may_follow_up_to_four_empty_lines, server, blank_lines)
HEAD_TEST(request_fields_are_names_colons_and_values, server, fields)
HEAD_TEST(request_lines_end_in_crlf_only, server, line_ends)

static void request_bytes_behind_the_head_are_not_looked_at(void **state)
{
    (void)state;
    static const head_row rows[] = {GOOD("GET / HTTP/1.1\r\n\r\n\0\x01\n\r\xff", "GET / 1"),
                                    GOOD("GET / HTTP/1.1\r\na: b\r\n\r\nGET", "GET / 1 [a=b]")};
    assert_int_equal(head_at_every_cut(&server, rows[0].text, rows[0].want), 18);
    assert_int_equal(head_at_every_cut(&server, rows[1].text, rows[1].want), 24);
}

// Every byte at every place of a small head: it is accepted exactly where the grammar has it.
static void request_accepts_each_byte_only_where_the_grammar_does(void **state)
{
    (void)state;
    static const char token[] = "!#$%&'*+-.^_`|~";
    for (unsigned byte = 0; byte < 256; byte++) {
        bool letter = (byte | 0x20) - 'a' < 26 || byte - '0' < 10;
        bool is_token = letter || (byte && strchr(token, (int)byte));
        bool is_target = byte > 0x20 && byte < 0x7f && byte != '#';
        bool is_value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        for (size_t len = 1; len < 40; len += 19) { // by table, and by sixteens
            char text[200], pad[41] = "";
            memset(pad, 'x', len);
            static const char *const format[] = {
                "%s_%s / HTTP/1.1\r\na: b\r\n\r\n", "GET /%s_%s HTTP/1.1\r\na: b\r\n\r\n",
                "GET / HTTP/1.1\r\n%s_%s: b\r\n\r\n", "GET / HTTP/1.1\r\na: %s_%s\r\n\r\n"};
            bool want[] = {is_token, is_target, is_token || byte == ':', is_value};
            for (size_t i = 0; i < 4; i++) {
                int size = snprintf(text, sizeof text, format[i], pad, pad);
                *strchr(text, '_') = (char)byte;
                int got = head_fresh(&server, (gyre_view){text, (size_t)size}, NULL);
                if ((got > 0) != want[i]) fail_msg("byte %02x in part %zu: %d", byte, i, got);
            }
        }
    }
}

TESTS(cmocka_unit_test(request_start_line_has_three_parts_and_two_blanks),
      cmocka_unit_test(request_version_is_http_1_x),
      cmocka_unit_test(request_may_follow_up_to_four_empty_lines),
      cmocka_unit_test(request_fields_are_names_colons_and_values),
      cmocka_unit_test(request_lines_end_in_crlf_only),
      cmocka_unit_test(request_bytes_behind_the_head_are_not_looked_at),
      cmocka_unit_test(request_accepts_each_byte_only_where_the_grammar_does))
