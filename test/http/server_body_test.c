// Request bodies: read whole, waited for, refused, thrown away.

#include "test/http/server.h"

#define POST(fields, body) "POST /echo HTTP/1.1\r\nHost: h\r\n" fields "\r\n" body
#define CHUNKED(body)      POST("Transfer-Encoding: chunked\r\n", body)
#define ECHOED(len, body)  "HTTP/1.1 200 OK\r\nContent-Length: " #len "\r\n\r\n" body

static const char chunks[] = CHUNKED("5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: v\r\n\r\n");

static void bodies_with_a_length_are_read(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, POST("Content-Length: 5\r\n", "hello") HELLO),
                        ECHOED(5, "hello") ANSWER);
    assert_string_equal(ask(w, POST("Content-Length: 0\r\n", "") HELLO), ECHOED(0, "") ANSWER);
    assert_string_equal(ask(w, POST("", "") HELLO), ECHOED(0, "") ANSWER);
    world_close(w);
}

static void chunked_bodies_are_read(void **state)
{
    (void)state;
    world *w = world_open();
    char both[sizeof chunks + sizeof HELLO];
    snprintf(both, sizeof both, "%s%s", chunks, HELLO);
    assert_string_equal(ask(w, both), ECHOED(11, "hello world") ANSWER);
    world_close(w);
}

static void bodies_are_read_byte_by_byte_and_in_two(void **state)
{
    (void)state;
    world *w = world_open();
    gyre_view input = {chunks, sizeof chunks - 1};
    int fd = dial(w);
    say_bytewise(w, fd, input);
    assert_string_equal(hear_until(w, fd, "hello world"), ECHOED(11, "hello world"));
    for (size_t at = 1; at < input.len; at++) {
        say_bytes(w, fd, (gyre_view){input.ptr, at});
        turn(w);
        say_bytes(w, fd, (gyre_view){input.ptr + at, input.len - at});
        assert_string_equal(hear_until(w, fd, "hello world"), ECHOED(11, "hello world"));
    }
    hang_up(w, fd);
    world_close(w);
}

static int count_body(gyre_request *request)
{
    char text[32];
    gyre_view body;
    int err = gyre_await(gyre_body(request, 0), &body);
    if (err) return err;
    size_t good = 0;
    while (good < body.len && body.ptr[good] == (char)('a' + good % 26)) good++;
    int len = snprintf(text, sizeof text, "%zu good\n", good);
    return gyre_reply(request, 200, NULL, (gyre_view){text, (size_t)len});
}

static void large_bodies_arrive_whole(void **state)
{
    (void)state;
    static const gyre_route routes[] = {GYRE_ANY("/count", count_body), GYRE_ROUTES_END};
    static char body[1 << 20];
    world *w = world_open_with((gyre_server_opts){.routes = routes});
    for (size_t i = 0; i < sizeof body; i++) body[i] = (char)('a' + i % 26);
    int fd = dial(w);
    say(w, fd, "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
    say_bytes(w, fd, (gyre_view){body, sizeof body});
    assert_non_null(strstr(hear_until(w, fd, "good\n"), "1048576 good"));
    say(w, fd, "PUT /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n");
    say_bytes(w, fd, (gyre_view){body, sizeof body});
    say(w, fd, "\r\n0\r\n\r\n");
    assert_non_null(strstr(hear_until(w, fd, "good\n"), "1048576 good"));
    hang_up(w, fd);
    world_close(w);
}

// ---- Limits --------------------------------------------------------------------------------

static void bodies_beyond_the_limit_are_413(void **state)
{
    (void)state;
    world *w = world_open_with((gyre_server_opts){.max_body = 10});
    static const char *const good[] = {POST("Content-Length: 10\r\n", "0123456789"),
                                       CHUNKED("a\r\n0123456789\r\n0\r\n\r\n")};
    static const char *const bad[] = {POST("Content-Length: 11\r\n", "0123456789x"),
                                      CHUNKED("b\r\n0123456789x\r\n0\r\n\r\n"),
                                      CHUNKED("a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n")};
    for (size_t i = 0; i < 2; i++) assert_string_equal(ask(w, good[i]), ECHOED(10, "0123456789"));
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr(ask(w, bad[i]), "HTTP/1.1 413 Content Too Large\r\n"));
    world_close(w);
}

// What is said before the body has arrived reaches a peer that is still sending it: no reset.
static void a_large_body_nobody_wants_ends_with_the_answer_and_a_close(void **state)
{
    (void)state;
    static char body[200000];
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "POST /any HTTP/1.1\r\nHost: h\r\nContent-Length: 614400\r\n\r\n");
    (void)say_bytes(w, fd, (gyre_view){body, sizeof body});
    assert_string_equal(hear_all(w, fd),
                        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n/any");
    assert_false(w->was_reset);
    assert_true(say_bytes(w, fd, (gyre_view){body, 1000}));
    hang_up(w, fd);
    assert_int_equal(gyre_server_count(w->server).open, 0);
    world_close(w);
}

static void a_small_body_nobody_wants_is_read_away(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n/any";
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "POST /any HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\nGET /b");
    assert_string_equal(hear_until(w, fd, "/any"), answer);
    say(w, fd, " HTTP/1.1\r\nHost: h\r\n\r\n..");
    hear_silence(w, fd);
    say(w, fd, HELLO);
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    say(w, fd, "POST /any HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_string_equal(hear_until(w, fd, "/any"), answer);
    say(w, fd, "0\r\n\r\n" HELLO);
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    hang_up(w, fd);
    world_close(w);
}

static void an_endless_chunked_body_nobody_wants_is_cut_off(void **state)
{
    (void)state;
    static char piece[8192 + 8];
    world *w = world_open();
    memset(piece, 'x', sizeof piece);
    memcpy(piece, "2000\r\n", 6);
    memcpy(piece + 6 + 8192, "\r\n", 2);
    int fd = dial(w);
    say(w, fd, "POST /any HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t sent = 0;
    while (sent < (64u << 20) && say_bytes(w, fd, (gyre_view){piece, sizeof piece}))
        sent += sizeof piece;
    assert_true(sent < (64u << 20));
    hang_up(w, fd);
    world_close(w);
}

static void an_end_inside_a_body_is_400(void **state)
{
    (void)state;
    world *w = world_open();
    assert_non_null(strstr(ask(w, POST("Content-Length: 5\r\n", "hel")), "HTTP/1.1 400 "));
    assert_non_null(strstr(w->plain, "Connection: close\r\n"));
    assert_non_null(strstr(ask(w, CHUNKED("5\r\nhello\r\n")), "HTTP/1.1 400 "));
    world_close(w);
}

// Trailers have what the head has left of its 16 KiB and 100 lines.
static void trailers_share_the_budget_of_the_head(void **state)
{
    (void)state;
    static long_text input;
    world *w = world_open();
    for (size_t lines = 98; lines <= 99; lines++) {
        input.len = 0;
        add(&input, CHUNKED("0\r\n"));
        add_many(&input, "X: y\r\n", lines);
        add(&input, "\r\n");
        assert_non_null(strstr(ask(w, input.bytes), lines == 98 ? " 200 OK\r\n" : " 431 "));
    }
    input.len = 0;
    add(&input, CHUNKED("0\r\nX: "));
    add_many(&input, "x", 17000);
    add(&input, "\r\n\r\n");
    assert_non_null(strstr(ask(w, input.bytes), " 431 "));
    world_close(w);
}

// ---- Expect --------------------------------------------------------------------------------

#define EXPECT "Expect: 100-continue\r\nContent-Length: 5\r\n"

static void a_client_that_expects_it_is_told_to_continue_once(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, POST(EXPECT, ""));
    assert_string_equal(hear_until(w, fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(w, fd, "he");
    hear_silence(w, fd);
    say(w, fd, "llo");
    assert_string_equal(hear_until(w, fd, "hello"), ECHOED(5, "hello"));
    say(w, fd, HELLO);
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    hang_up(w, fd);
    world_close(w);
}

static void a_body_that_is_there_needs_no_continue(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, POST(EXPECT, "hello")), ECHOED(5, "hello"));
    assert_string_equal(
        ask(w, "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n" EXPECT "\r\nhello"),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
    world_close(w);
}

static void http_1_0_is_never_told_to_continue(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "POST /echo HTTP/1.0\r\n" EXPECT "\r\n");
    hear_silence(w, fd);
    say(w, fd, "hello");
    assert_non_null(strstr(hear_all(w, fd), "HTTP/1.1 200 OK\r\n"));
    hang_up(w, fd);
    world_close(w);
}

// It may send its body or not: nobody can tell what comes next.
static void a_final_answer_in_place_of_continue_closes(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "POST /nowhere HTTP/1.1\r\nHost: h\r\n" EXPECT "\r\n");
    assert_string_equal(hear_all(w, fd),
                        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 14\r\nConnection: close\r\n\r\n404 Not Found\n");
    hang_up(w, fd);
    fd = dial(w);
    say(w, fd, POST("Expect: 100-continue\r\nContent-Length: 5000000\r\n", ""));
    assert_non_null(strstr(hear_all(w, fd), "HTTP/1.1 413 "));
    assert_null(strstr(w->plain, "100 Continue"));
    hang_up(w, fd);
    world_close(w);
}

// ---- The future ----------------------------------------------------------------------------

// Two at once, a cancelled one, and the same again: no byte is lost.
static int read_clumsily(gyre_request *request)
{
    gyre_view body;
    gyre_view_future first = gyre_body(request, 0);
    if (gyre_run(gyre_body(request, 0), &body) != GYRE_EBUSY) return -EPROTO;
    gyre_cancel(first);
    if (gyre_await(first, &body) != GYRE_ECANCELED) return -EPROTO;
    int err = gyre_await_for(gyre_body(request, 0), GYRE_MS(5), &body);
    if (err != GYRE_ETIMEDOUT) return -EPROTO;
    if (gyre_await(gyre_body(request, 3), &body) != GYRE_EBODYSIZE) return -EPROTO;
    err = gyre_await(gyre_body(request, 0), &body);
    gyre_view again = {NULL, 0};
    if (!err) err = gyre_await(gyre_body(request, 0), &again);
    if (err) return err;
    return gyre_view_equal(body, again) ? gyre_reply(request, 200, NULL, body) : -EPROTO;
}

static void a_body_survives_cancelled_reads(void **state)
{
    (void)state;
    static const gyre_route routes[] = {GYRE_POST("/echo", read_clumsily), GYRE_ROUTES_END};
    world *w = world_open_with((gyre_server_opts){.routes = routes});
    int fd = dial(w);
    say(w, fd, CHUNKED("5\r\nhello\r\n6\r\n wo"));
    for (gyre_time until = gyre_now_exact() + GYRE_MS(20); gyre_now_exact() < until;) turn(w);
    say(w, fd, "rld\r\n0\r\n\r\n");
    assert_string_equal(hear_until(w, fd, "world"), ECHOED(11, "hello world"));
    hang_up(w, fd);
    world_close(w);
}

static gyre_view_future left_over;

static int leave_a_read(gyre_request *request)
{
    left_over = gyre_body(request, 0);
    return gyre_reply(request, 200, NULL, GYRE_VIEW("done\n"));
}

static void a_read_that_the_handler_left_is_cancelled(void **state)
{
    (void)state;
    static const gyre_route routes[] = {GYRE_POST("/echo", leave_a_read),
                                        GYRE_GET("/hello", say_hello), GYRE_ROUTES_END};
    world *w = world_open_with((gyre_server_opts){.routes = routes});
    int fd = dial(w);
    say(w, fd, POST("Content-Length: 5\r\n", "he"));
    assert_non_null(strstr(hear_until(w, fd, "done\n"), "200 OK"));
    assert_int_equal(gyre_future_error(left_over), GYRE_ECANCELED);
    gyre_release(left_over);
    say(w, fd, "llo" HELLO);
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    hang_up(w, fd);
    world_close(w);
}

TESTS(cmocka_unit_test(bodies_with_a_length_are_read), cmocka_unit_test(chunked_bodies_are_read),
      cmocka_unit_test(bodies_are_read_byte_by_byte_and_in_two),
      cmocka_unit_test(large_bodies_arrive_whole),
      cmocka_unit_test(bodies_beyond_the_limit_are_413),
      cmocka_unit_test(a_large_body_nobody_wants_ends_with_the_answer_and_a_close),
      cmocka_unit_test(a_small_body_nobody_wants_is_read_away),
      cmocka_unit_test(an_endless_chunked_body_nobody_wants_is_cut_off),
      cmocka_unit_test(an_end_inside_a_body_is_400),
      cmocka_unit_test(trailers_share_the_budget_of_the_head),
      cmocka_unit_test(a_client_that_expects_it_is_told_to_continue_once),
      cmocka_unit_test(a_body_that_is_there_needs_no_continue),
      cmocka_unit_test(http_1_0_is_never_told_to_continue),
      cmocka_unit_test(a_final_answer_in_place_of_continue_closes),
      cmocka_unit_test(a_body_survives_cancelled_reads),
      cmocka_unit_test(a_read_that_the_handler_left_is_cancelled))
