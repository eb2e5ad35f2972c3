// Heads of responses: the status line, and where the client's rules differ from the server's.
// Each row is parsed in every way it can arrive, at the edge of mapped memory.
// once

#include "test/http/head.h"

static const head_setup client = {gyre__response_parse, {65536, 0}, HEAD_FIELDS};

static const head_row status_lines[] = {
    GOOD("HTTP/1.1 200 OK\r\n\r\n", "200 1 OK"),
    GOOD("HTTP/1.0 200 OK\r\n\r\n", "200 0 OK"),
    GOOD("HTTP/1.7 200 OK\r\n\r\n", "200 7 OK"),
    GOOD("HTTP/1.1 200\r\n\r\n", "200 1 "),
    GOOD("HTTP/1.1 200 \r\n\r\n", "200 1 "),
    GOOD("HTTP/1.1 200  OK\r\n\r\n", "200 1  OK"),
    GOOD("HTTP/1.1 200 Not Quite\tOK\r\n\r\n", "200 1 Not Quite\tOK"),
    GOOD("HTTP/1.1 200 \xc3\xa9\r\n\r\n", "200 1 \xc3\xa9"),
    GOOD("HTTP/1.1 100 Continue\r\n\r\n", "100 1 Continue"),
    GOOD("HTTP/1.1 199 x\r\n\r\n", "199 1 x"),
    GOOD("HTTP/1.1 599 x\r\n\r\n", "599 1 x"),
    GOOD("HTTP/1.1 404 a reason that is longer than sixteen bytes\r\na: b\r\n\r\n",
         "404 1 a reason that is longer than sixteen bytes [a=b]"),
    BAD("HTTP/1.1 600 x\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 999 x\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 099 x\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 000 x\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 20 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 2000 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 20x OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 -20 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 +20 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 0x2 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1  200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1\t200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200\tOK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 \r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.10 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1. 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/2 200\r\n\r\n", GYRE_EVERSION),
    BAD("HTTP/2.0 200 OK\r\n\r\n", GYRE_EVERSION),
    BAD("HTTP/0.9 200 OK\r\n\r\n", GYRE_EVERSION),
    BAD("HTTP/3 200\r\n\r\n", GYRE_EVERSION),
    BAD("HTTP 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("http/1.1 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("ICY 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("RTSP/1.0 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD(" HTTP/1.1 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\r\nHTTP/1.1 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("\nHTTP/1.1 200 OK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("<html>", GYRE_ESTARTLINE),
    BAD("GET / HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200 O\0K\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200 O\rK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200\rOK\r\n\r\n", GYRE_ESTARTLINE),
    BAD("HTTP/1.1 200 OK\r\r\n\r\n", GYRE_ESTARTLINE),
    PART(""),
    PART("HTTP/1.1 20"),
    PART("HTTP/1.1 200"),
    PART("HTTP/1.1 200\r"),
    PART("HTTP/1.1 200 OK"),
    PART("HTTP/1.1 200 OK\r\n"),
};

static const head_row line_ends[] = {
    GOOD("HTTP/1.1 200 OK\n\n", "200 1 OK"),
    GOOD("HTTP/1.1 200\n\n", "200 1 "),
    GOOD("HTTP/1.1 200 \n\r\n", "200 1 "),
    GOOD("HTTP/1.1 200 OK\r\n\n", "200 1 OK"),
    GOOD("HTTP/1.1 200 OK\n\r\n", "200 1 OK"),
    GOOD("HTTP/1.1 200 OK\na: b\nc: d\r\ne:\n\n", "200 1 OK [a=b] [c=d] [e=]"),
    BAD("HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na: b\r\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\n\r\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\n\rX", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na\n: b\r\n\r\n", GYRE_EFIELD),
};

static const head_row fields[] = {
    GOOD("HTTP/1.1 200 OK\r\na: b\r\nA:\tc \r\n\r\n", "200 1 OK [a=b] [A=c]"),
    GOOD("HTTP/1.1 200 OK\r\na: b\x01\x1f\x7f\r\n\r\n", "200 1 OK [a=b\x01\x1f\x7f]"),
    GOOD("HTTP/1.1 200 OK\r\na: \x08\r\n\r\n", "200 1 OK [a=\x08]"),
    GOOD("HTTP/1.1 200 \x1b[1m\r\n\r\n", "200 1 \x1b[1m"),
    GOOD("HTTP/1.1 200 OK\r\na: sixteen bytes and then\x01 some more\x02\r\n\r\n",
         "200 1 OK [a=sixteen bytes and then\x01 some more\x02]"),
    GOOD("HTTP/1.1 200 OK\r\na: \xff\x80\r\n\r\n", "200 1 OK [a=\xff\x80]"),
    BAD("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na: \x01\0\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na: \x01\rb\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na : b\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\n: b\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na b: c\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na\x01: b\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na\xe9: b\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", GYRE_EFIELD),
    BAD("HTTP/1.1 200 OK\na: b\n\tc\n\n", GYRE_EFIELD),
};

HEAD_TEST(response_status_line_is_version_code_and_perhaps_a_reason, client, status_lines)
HEAD_TEST(response_lines_may_end_in_a_bare_lf, client, line_ends)
HEAD_TEST(response_values_keep_control_bytes_but_nul_cr_lf, client, fields)

static void response_bytes_behind_the_head_are_not_looked_at(void **state)
{
    (void)state;
    gyre_view text = TEXT("HTTP/1.1 200 OK\n\n\0\r\xff");
    assert_int_equal(head_at_every_cut(&client, text, "200 1 OK"), 17);
}

TESTS(cmocka_unit_test(response_status_line_is_version_code_and_perhaps_a_reason),
      cmocka_unit_test(response_lines_may_end_in_a_bare_lf),
      cmocka_unit_test(response_values_keep_control_bytes_but_nul_cr_lf),
      cmocka_unit_test(response_bytes_behind_the_head_are_not_looked_at))
