// Every row of the strict table for servers: what is refused, with what, and that nothing behind it
// is taken for a request.

#include "test/http/server.h"

typedef struct refusal {
    int status;
    const char *input;
} refusal;

#define HOST "Host: h\r\n"

static const refusal refusals[] = {
    // The start line.
    {400, "GET  /hello HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /hello  HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /hello http/1.1\r\n" HOST "\r\n"},
    {400, "GET /hello\r\n" HOST "\r\n"},
    {400, "GET /hel\x01lo HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET /hello#part HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET hello HTTP/1.1\r\n" HOST "\r\n"},
    {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
    {400, "G(T /hello HTTP/1.1\r\n" HOST "\r\n"},
    {400, "\r\n\r\n\r\n\r\n\r\n" HELLO},
    {505, "GET /hello HTTP/2.0\r\n" HOST "\r\n"},
    // Line ends and bytes.
    {400, "GET /hello HTTP/1.1\n" HOST "\r\n"},
    {400, "GET /hello HTTP/1.1\r\nHost: h\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\nHost: h\rX: y\r\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n"},
    // Fields.
    {400, "GET /hello HTTP/1.1\r\n" HOST "X : y\r\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\n" HOST ": y\r\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\n" HOST "X: y\r\n z\r\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
    // Host.
    {400, "GET /hello HTTP/1.1\r\n\r\n"},
    {400, "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n"},
    {400, "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    // Lengths.
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\nhello"},
    {400, "POST /echo HTTP/1.1\r\n" HOST
          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"},
    {501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    // Expectations.
    {417, "POST /echo HTTP/1.1\r\n" HOST "Expect: miracles\r\nContent-Length: 5\r\n\r\nhello"},
    // Chunks, in a body that the handler reads.
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nno colon\r\n\r\n"},
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

// A refusal says its status and that it closes, and is the only thing said.
static void check_refused(const refusal *r, const char *how, const char *answer)
{
    char status[32];
    snprintf(status, sizeof status, "HTTP/1.1 %d ", r->status);
    bool good = strncmp(answer, status, strlen(status)) == 0 &&
                strstr(answer, "Connection: close\r\n") && !strstr(answer + 1, "HTTP/1.1");
    if (!good)
        fail_msg("row %d, %s: %.60s\nwas answered with:\n%s", (int)(r - refusals), how, r->input,
                 answer);
}

static void refused_whole_with_a_request_behind(void **state)
{
    (void)state;
    world *w = world_open();
    for (const refusal *r = refusals; r < refusals + REFUSALS; r++) {
        int fd = dial(w);
        say(w, fd, r->input);
        (void)say_bytes(w, fd, GYRE_VIEW(HELLO));
        real_shutdown(fd, SHUT_WR);
        check_refused(r, "whole", hear_all(w, fd));
        hang_up(w, fd);
    }
    world_close(w);
}

static void refused_byte_by_byte(void **state)
{
    (void)state;
    world *w = world_open();
    for (const refusal *r = refusals; r < refusals + REFUSALS; r++) {
        int fd = dial(w);
        say_bytewise(w, fd, gyre_view_of(r->input));
        real_shutdown(fd, SHUT_WR);
        check_refused(r, "byte by byte", hear_all(w, fd));
        hang_up(w, fd);
    }
    world_close(w);
}

static void refused_at_every_split(void **state)
{
    (void)state;
    world *w = world_open();
    for (const refusal *r = refusals; r < refusals + REFUSALS; r++) {
        gyre_view input = gyre_view_of(r->input);
        for (size_t at = 1; at < input.len; at += 3) {
            int fd = dial(w);
            (void)say_bytes(w, fd, (gyre_view){input.ptr, at});
            turn(w);
            (void)say_bytes(w, fd, (gyre_view){input.ptr + at, input.len - at});
            real_shutdown(fd, SHUT_WR);
            check_refused(r, "in two", hear_all(w, fd));
            real_close(fd);
        }
    }
    turns(w, 3);
    world_close(w);
}

static void a_refused_head_gets_no_body_either(void **state)
{
    (void)state;
    world *w = world_open();
    static const char *const bad[] = {"HEAD /hello HTTP/1.1\r\n\r\n",
                                      "HEAD /hello HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
                                      "HEAD /hello HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *answer = ask(w, bad[i]);
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    }
    world_close(w);
}

// NUL cannot stand in the table.
static void refused_with_a_nul_in_it(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say_bytes(w, fd, GYRE_VIEW("GET /hello HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"));
    real_shutdown(fd, SHUT_WR);
    const char *answer = hear_all(w, fd);
    assert_non_null(strstr(answer, "HTTP/1.1 400 Bad Request\r\n"));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    hang_up(w, fd);
    world_close(w);
}

// ---- Limits --------------------------------------------------------------------------------

static const char *ask_filled(const char *before, const char *fill, size_t count, const char *after)
{
    static long_text input;
    input.len = 0;
    add(&input, before);
    add_many(&input, fill, count);
    add(&input, after);
    return ask(&the_world, input.bytes);
}

static void long_request_lines_are_414(void **state)
{
    (void)state;
    world *w = world_open();
    const char *rest = " HTTP/1.1\r\nHost: h\r\n\r\n";
    // "GET /" and " HTTP/1.1" are 14 bytes of the line.
    assert_non_null(strstr(ask_filled("GET /", "x", 8192 - 14, rest), "HTTP/1.1 404 "));
    assert_non_null(strstr(ask_filled("GET /", "x", 8192 - 13, rest), "HTTP/1.1 414 "));
    world_close(w);
}

static void long_heads_are_431(void **state)
{
    (void)state;
    world *w = world_open();
    const char *before = "GET /hello HTTP/1.1\r\nHost: h\r\nX: ";
    size_t fixed = strlen(before) + 4;
    assert_string_equal(ask_filled(before, "x", 16384 - fixed, "\r\n\r\n"), ANSWER);
    const char *answer = ask_filled(before, "x", 16384 - fixed + 1, "\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 431 "));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    world_close(w);
}

static void more_than_a_hundred_lines_are_431(void **state)
{
    (void)state;
    world *w = world_open();
    const char *before = "GET /hello HTTP/1.1\r\nHost: h\r\n";
    assert_string_equal(ask_filled(before, "X: y\r\n", 99, "\r\n"), ANSWER);
    const char *answer = ask_filled(before, "X: y\r\n", 100, "\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 431 "));
    world_close(w);
}

// ---- Methods and paths -----------------------------------------------------------------------

static void a_known_method_that_the_path_lacks_is_405_with_allow(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, "PUT /hello HTTP/1.1\r\nHost: h\r\n\r\n"),
                        "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
                        "Allow: GET, HEAD\r\nContent-Length: 23\r\n\r\n405 Method Not Allowed\n");
    assert_non_null(strstr(ask(w, "HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n"),
                           "HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_non_null(strstr(w->plain, "Allow: POST\r\n"));
    assert_non_null(strstr(ask(w, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 405 "));
    world_close(w);
}

static void an_unknown_method_is_501(void **state)
{
    (void)state;
    world *w = world_open();
    assert_non_null(strstr(ask(w, "BREW /hello HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 501 "));
    assert_non_null(strstr(ask(w, "get /hello HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 501 "));
    assert_non_null(strstr(ask(w, "BREW /any HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 200 "));
    world_close(w);
}

static void an_unknown_path_is_404_and_the_connection_goes_on(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, "GET /hello/ HTTP/1.1\r\nHost: h\r\n\r\n" HELLO),
                        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 14\r\n\r\n404 Not Found\n" ANSWER);
    world_close(w);
}

static void every_form_of_target_finds_its_way(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, "GET http://other/hello?q HTTP/1.1\r\nHost: h\r\n\r\n"), ANSWER);
    assert_non_null(strstr(ask(w, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
                           "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, POST"));
    assert_null(strstr(w->plain, "Content-Length"));
    world_close(w);
}

TESTS(cmocka_unit_test(refused_whole_with_a_request_behind), cmocka_unit_test(refused_byte_by_byte),
      cmocka_unit_test(refused_at_every_split),
      cmocka_unit_test(a_refused_head_gets_no_body_either),
      cmocka_unit_test(refused_with_a_nul_in_it), cmocka_unit_test(long_request_lines_are_414),
      cmocka_unit_test(long_heads_are_431), cmocka_unit_test(more_than_a_hundred_lines_are_431),
      cmocka_unit_test(a_known_method_that_the_path_lacks_is_405_with_allow),
      cmocka_unit_test(an_unknown_method_is_501),
      cmocka_unit_test(an_unknown_path_is_404_and_the_connection_goes_on),
      cmocka_unit_test(every_form_of_target_finds_its_way))
