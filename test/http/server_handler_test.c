// Handlers: what becomes of the ones that fail, say nothing or too much, and what they can ask.

#include "test/http/server.h"

static int result_of[8]; // what calls inside a handler gave

static int say_nothing(gyre_request *request)
{
    (void)request;
    return 0;
}

static int give_error(gyre_request *request)
{
    (void)request;
    return -EIO;
}

static int reply_twice(gyre_request *request)
{
    result_of[0] = gyre_reply(request, 200, NULL, GYRE_VIEW("one\n"));
    result_of[1] = gyre_reply(request, 200, NULL, GYRE_VIEW("two\n"));
    result_of[2] = gyre_reply_start(request, 200, NULL);
    result_of[3] = gyre_reply_write(request, GYRE_VIEW("three\n"));
    result_of[4] = gyre_reply_end(request);
    result_of[5] = gyre_reply_field(request, "X", GYRE_VIEW("y"));
    return -EIO; // too late to matter
}

static int bad_replies(gyre_request *request)
{
    result_of[0] = gyre_reply(request, 199, NULL, GYRE_VIEW(""));
    result_of[1] = gyre_reply(request, 600, NULL, GYRE_VIEW(""));
    result_of[2] = gyre_reply(request, 200, "text/plain\r\nX: y", GYRE_VIEW(""));
    result_of[3] = gyre_reply_start(request, 100, NULL);
    return gyre_reply(request, 299, "a/b", GYRE_VIEW("fine\n"));
}

static int in_pieces(gyre_request *request)
{
    int err = gyre_reply_start(request, 200, "text/plain");
    if (!err) err = gyre_reply_write(request, GYRE_VIEW("first "));
    if (!err) err = gyre_reply_write(request, GYRE_VIEW(""));
    if (!err) err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_MS(5)));
    if (!err) err = gyre_reply_write(request, GYRE_VIEW("second\n"));
    return err ? err : gyre_reply_end(request);
}

static int begin_and_leave(gyre_request *request)
{
    int err = gyre_reply_start(request, 200, NULL);
    return err ? err : gyre_reply_write(request, GYRE_VIEW("some"));
}

static int begin_and_wait(gyre_request *request)
{
    gyre_loop *loop = gyre_request_loop(request);
    int err = gyre_await(gyre_sleep(loop, GYRE_MS(5)));
    if (!err) err = gyre_reply_start(request, 200, NULL);
    if (!err) err = gyre_await(gyre_sleep(loop, GYRE_SECONDS(60)));
    return err ? err : gyre_reply_end(request);
}

static int with_status(gyre_request *request)
{
    gyre_view code = gyre_request_query(request, "code");
    int status = 0;
    for (size_t i = 0; i < code.len; i++) status = status * 10 + code.ptr[i] - '0';
    return gyre_reply(request, status, "text/plain", GYRE_VIEW("body\n"));
}

static int with_fields(gyre_request *request)
{
    static const struct {
        const char *name;
        gyre_view value;
    } bad[] = {{"Content-Length", {"5", 1}},
               {"transfer-encoding", {"chunked", 7}},
               {"Date", {"now", 3}},
               {"Connection", {"keep-alive", 10}},
               {"X Y", {"z", 1}},
               {"X", {"a\r\nB: c", 7}}};
    for (int i = 0; i < 6; i++) result_of[i] = gyre_reply_field(request, bad[i].name, bad[i].value);
    int err = gyre_reply_field(request, "X-One", GYRE_VIEW("1"));
    if (!err) err = gyre_reply_field(request, "Connection", GYRE_VIEW("Close"));
    return err ? err : gyre_reply(request, 200, NULL, GYRE_VIEW("ok\n"));
}

static int too_many_fields(gyre_request *request)
{
    static char value[4096];
    memset(value, 'v', sizeof value);
    for (int i = 0; i < 3; i++)
        result_of[i] = gyre_reply_field(request, "X", (gyre_view){value, sizeof value - 100});
    return gyre_reply(request, 200, "text/plain", (gyre_view){value, sizeof value});
}

static int ask_everything(gyre_request *request)
{
    char text[512];
    gyre_view header = gyre_request_header(request, "x-one");
    gyre_view a = gyre_request_query(request, "a"), none = gyre_request_query(request, "c");
    gyre_view empty = gyre_request_query(request, "empty"), bare = gyre_request_query(request, "b");
    int len = snprintf(text, sizeof text, "%.*s %.*s %.*s %.*s %d %zu %d %s",
                       GYRE_FMT(gyre_request_method(request)), GYRE_FMT(gyre_request_path(request)),
                       GYRE_FMT(header), GYRE_FMT(a), none.ptr == NULL, empty.len, bare.ptr != NULL,
                       (const char *)gyre_request_arg(request));
    return gyre_reply(request, 200, NULL, (gyre_view){text, (size_t)len});
}

static int say_head(gyre_request *request)
{
    return gyre_reply(request, 200, NULL, gyre_request_head(request));
}

static int deferred;

static void on_defer(void *arg)
{
    deferred += *(int *)arg;
}

static int use_a_defer(gyre_request *request)
{
    static int one = 1;
    result_of[0] = deferred; // what the request before had deferred has run
    int err = gyre_defer(gyre_coro_self(), on_defer, &one);
    return err ? err : gyre_reply(request, 200, NULL, GYRE_VIEW("ok\n"));
}

static char big[300000];

static int say_big(gyre_request *request)
{
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)('a' + i % 26);
    return gyre_reply(request, 200, NULL, (gyre_view){big, sizeof big});
}

static const gyre_route routes[] = {
    GYRE_GET("/hello", say_hello),       GYRE_GET("/nothing", say_nothing),
    GYRE_GET("/fail", give_error),       GYRE_GET("/twice", reply_twice),
    GYRE_GET("/bad", bad_replies),       GYRE_GET("/pieces", in_pieces),
    GYRE_GET("/leave", begin_and_leave), GYRE_GET("/wait", begin_and_wait),
    GYRE_GET("/status", with_status),    GYRE_GET("/fields", with_fields),
    GYRE_GET("/many", too_many_fields),  GYRE_GET("/ask", ask_everything),
    GYRE_GET("/head", say_head),         GYRE_GET("/defer", use_a_defer),
    GYRE_GET("/big", say_big),           GYRE_ROUTES_END};

static char arg[] = "arg";

static world *open_here(void)
{
    return world_open_with((gyre_server_opts){.routes = routes, .arg = arg});
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define ERROR_500 \
    "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\n" \
    "500 Internal Server Error\n"

static void a_handler_that_fails_or_says_nothing_is_500_and_logged(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/nothing") GET("/fail") HELLO), ERROR_500 ERROR_500 ANSWER);
    assert_int_equal(w->log_lines, 2);
    world_close(w);
}

static void a_second_answer_is_refused(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/twice") HELLO),
                        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n" ANSWER);
    assert_int_equal(result_of[0], 0);
    for (int i = 1; i < 6; i++) assert_int_equal(result_of[i], -EINVAL);
    world_close(w);
}

static void an_answer_that_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/bad")),
                        "HTTP/1.1 299 \r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nfine\n");
    for (int i = 0; i < 4; i++) assert_int_equal(result_of[i], -EINVAL);
    world_close(w);
}

static void answers_in_pieces_are_chunked(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/pieces") HELLO),
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"
                        "6\r\nfirst \r\n7\r\nsecond\n\r\n0\r\n\r\n" ANSWER);
    assert_string_equal(ask(w, "HEAD /pieces HTTP/1.1\r\nHost: h\r\n\r\n" HELLO),
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n" ANSWER);
    assert_string_equal(ask(w, "GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" HELLO),
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                        "first second\n");
    world_close(w);
}

static void the_head_of_a_streamed_answer_does_not_wait_for_its_first_piece(void **state)
{
    (void)state;
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/wait"));
    assert_non_null(strstr(hear_until(w, fd, "\r\n\r\n"), "Transfer-Encoding: chunked"));
    hang_up(w, fd);
    world_close(w);
}

static void an_answer_that_was_not_ended_closes_without_its_end(void **state)
{
    (void)state;
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/leave") HELLO);
    assert_string_equal(hear_all(w, fd),
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n");
    hang_up(w, fd);
    world_close(w);
}

static void statuses_without_a_body_have_neither_length_nor_body(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/status?code=204") GET("/status?code=304") HELLO),
                        "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\n\r\n"
                        "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\n\r\n" ANSWER);
    assert_non_null(
        strstr(ask(w, GET("/status?code=503")), "HTTP/1.1 503 Service Unavailable\r\n"));
    world_close(w);
}

static void fields_are_added_and_checked(void **state)
{
    (void)state;
    world *w = open_here();
    assert_string_equal(ask(w, GET("/fields")),
                        "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 3\r\nConnection: close\r\n"
                        "\r\nok\n");
    for (int i = 0; i < 6; i++) assert_int_equal(result_of[i], -EINVAL);
    const char *answer = ask(w, GET("/many"));
    assert_int_equal(result_of[0], 0);
    assert_int_equal(result_of[1], 0);
    assert_int_equal(result_of[2], GYRE_EHEADSIZE);
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 4096);
    world_close(w);
}

static void a_handler_sees_what_was_asked(void **state)
{
    (void)state;
    world *w = open_here();
    assert_non_null(strstr(ask(w, "GET /ask?aa=0&a=x%20y&empty=&b HTTP/1.1\r\nHost: h\r\n"
                                  "X-One: one\r\nX-One: two\r\n\r\n"),
                           "\r\n\r\nGET /ask one x%20y 1 0 1 arg"));
    assert_non_null(strstr(ask(w, "\r\nGET /head?q HTTP/1.1\r\nHost: h\r\n\r\n"),
                           "\r\n\r\nGET /head?q HTTP/1.1\r\nHost: h\r\n\r\n"));
    world_close(w);
}

static void each_request_has_a_coroutine_of_its_own(void **state)
{
    (void)state;
    world *w = open_here();
    deferred = 0;
    ask(w, GET("/defer") GET("/defer") GET("/defer"));
    assert_int_equal(result_of[0], 2);
    assert_int_equal(deferred, 3);
    world_close(w);
}

static void large_answers_arrive_whole_behind_small_ones(void **state)
{
    (void)state;
    world *w = open_here();
    const char *answer = ask(w, HELLO GET("/big") HELLO);
    assert_memory_equal(answer, ANSWER, strlen(ANSWER));
    const char *body = strstr(answer + strlen(ANSWER), "\r\n\r\n") + 4;
    assert_memory_equal(body, big, sizeof big);
    assert_string_equal(body + sizeof big, ANSWER);
    world_close(w);
}

TESTS(cmocka_unit_test(a_handler_that_fails_or_says_nothing_is_500_and_logged),
      cmocka_unit_test(a_second_answer_is_refused),
      cmocka_unit_test(an_answer_that_cannot_be_sent_is_refused),
      cmocka_unit_test(answers_in_pieces_are_chunked),
      cmocka_unit_test(the_head_of_a_streamed_answer_does_not_wait_for_its_first_piece),
      cmocka_unit_test(an_answer_that_was_not_ended_closes_without_its_end),
      cmocka_unit_test(statuses_without_a_body_have_neither_length_nor_body),
      cmocka_unit_test(fields_are_added_and_checked),
      cmocka_unit_test(a_handler_sees_what_was_asked),
      cmocka_unit_test(each_request_has_a_coroutine_of_its_own),
      cmocka_unit_test(large_answers_arrive_whole_behind_small_ones))
