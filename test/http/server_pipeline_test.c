// Keep-alive, close, pipelining, HEAD: what stands between requests of one connection.

#include "test/http/server.h"
#include "test/support/faults.h"

#include <time.h>

static void a_connection_serves_one_request_after_another(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    for (int i = 0; i < 5; i++) {
        say(w, fd, HELLO);
        assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
        hear_silence(w, fd);
    }
    assert_int_equal(gyre_server_count(w->server).connections, 1);
    assert_int_equal(gyre_server_count(w->server).requests, 5);
    hang_up(w, fd);
    assert_int_equal(gyre_server_count(w->server).open, 0);
    world_close(w);
}

static void close_is_answered_with_close_and_wins(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, HELLO_CLOSE HELLO);
    assert_string_equal(hear_all(w, fd), ANSWER_CLOSE);
    hang_up(w, fd);
    fd = dial(w);
    say(w, fd,
        "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n"
        "Connection: x, Close\r\n\r\n");
    assert_string_equal(hear_all(w, fd), ANSWER_CLOSE);
    hang_up(w, fd);
    world_close(w);
}

static void http_1_0_closes_unless_it_asks(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "GET /hello HTTP/1.0\r\n\r\n");
    assert_string_equal(hear_all(w, fd), ANSWER_CLOSE);
    hang_up(w, fd);
    fd = dial(w);
    say(w, fd, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_non_null(strstr(hear_until(w, fd, "hello\n"), "\r\nConnection: keep-alive\r\n"));
    say(w, fd, "GET /hello HTTP/1.0\r\n\r\n");
    assert_string_equal(hear_all(w, fd), ANSWER_CLOSE);
    hang_up(w, fd);
    world_close(w);
}

static void without_an_idle_time_every_answer_closes(void **state)
{
    (void)state;
    world *w = world_open_with((gyre_server_opts){.idle_timeout = GYRE_NONE});
    int fd = dial(w);
    say(w, fd, HELLO HELLO);
    assert_string_equal(hear_all(w, fd), ANSWER_CLOSE);
    hang_up(w, fd);
    world_close(w);
}

// ---- Pipelining ----------------------------------------------------------------------------

enum { PIPELINED = 100 };

static const char *many(const char *one)
{
    static long_text text;
    text.len = 0;
    add_many(&text, one, PIPELINED);
    return text.bytes;
}

static void hear_many(world *w, int fd)
{
    const size_t one = strlen(ANSWER);
    size_t heard = 0;
    hear_nothing_yet(w);
    while (heard < PIPELINED * one) {
        int step = listen_once(w, fd);
        assert_int_not_equal(step, 0);
        if (step < 0) turn(w);
        heard = strlen(without_dates(w));
    }
    for (int i = 0; i < PIPELINED; i++) assert_memory_equal(w->plain + i * one, ANSWER, one);
    assert_int_equal(heard, PIPELINED * one);
    hear_silence(w, fd);
}

static void a_hundred_pipelined_requests_are_answered_in_one_write(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    turns(w, 3);
    fault_reset();
    say(w, fd, many(HELLO));
    hear_many(w, fd);
    assert_int_equal(fault_count(FAULT_SEND) + fault_count(FAULT_SENDMSG), 1);
    hang_up(w, fd);
    world_close(w);
}

static void a_hundred_pipelined_requests_byte_by_byte(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say_bytewise(w, fd, gyre_view_of(many(HELLO)));
    hear_many(w, fd);
    hang_up(w, fd);
    world_close(w);
}

static void pipelined_answers_come_in_the_order_of_the_requests(void **state)
{
    (void)state;
    world *w = world_open();
    const char *answer = ask(w, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/a"
                                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlate\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/b");
    world_close(w);
}

static int never(gyre_request *request)
{
    return gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_SECONDS(3600)));
}

static int reply_and_stay(gyre_request *request)
{
    int err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_MS(5)));
    if (!err) err = gyre_reply(request, 200, NULL, GYRE_VIEW("here\n"));
    return err ? err : never(request);
}

// An answer does not wait for the handlers behind it, nor for what its own does afterwards.
static void an_answer_leaves_although_a_later_handler_waits(void **state)
{
    (void)state;
    static const gyre_route routes[] = {GYRE_GET("/hello", say_hello), GYRE_GET("/never", never),
                                        GYRE_GET("/stay", reply_and_stay), GYRE_ROUTES_END};
    world *w = world_open_with((gyre_server_opts){.routes = routes});
    int fd = dial(w);
    say(w, fd, HELLO "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    int other = dial(w);
    say(w, other, "GET /stay HTTP/1.1\r\nHost: h\r\n\r\n" HELLO);
    assert_non_null(strstr(hear_until(w, other, "here\n"), "HTTP/1.1 200 OK\r\n"));
    hear_silence(w, other);
    hang_up(w, fd);
    hang_up(w, other);
    world_close(w);
}

static void an_answer_leaves_although_half_a_request_follows(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, HELLO "GET /hel");
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    say(w, fd, "lo HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(hear_until(w, fd, "hello\n"), ANSWER);
    hang_up(w, fd);
    world_close(w);
}

// ---- HEAD, blank lines, half-close -------------------------------------------------------------

static void head_gets_the_fields_of_get_and_no_body(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(
        ask(w, "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n" HELLO),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n" ANSWER);
    assert_string_equal(ask(w, "HEAD /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"),
                        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 14\r\n\r\n");
    world_close(w);
}

static void up_to_four_empty_lines_before_a_request_are_skipped(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, "\r\n\r\n\r\n\r\n" HELLO), ANSWER);
    assert_string_equal(ask(w, HELLO "\r\n" HELLO "\r\n"), ANSWER ANSWER);
    world_close(w);
}

static void a_half_closed_connection_still_gets_its_answers(void **state)
{
    (void)state;
    world *w = world_open();
    int fd = dial(w);
    say(w, fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n" HELLO);
    real_shutdown(fd, SHUT_WR);
    assert_string_equal(hear_all(w, fd),
                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlate\n" ANSWER);
    hang_up(w, fd);
    world_close(w);
}

static void an_end_inside_a_head_closes_without_a_word(void **state)
{
    (void)state;
    world *w = world_open();
    assert_string_equal(ask(w, "GET /hello HTTP/1.1\r\nHos"), "");
    assert_string_equal(ask(w, ""), "");
    assert_string_equal(ask(w, HELLO "GET"), ANSWER);
    world_close(w);
}

static void the_date_is_that_of_the_wall_clock(void **state)
{
    (void)state;
    world *w = world_open();
    char before[64], after[64];
    time_t now = time(NULL);
    strftime(before, sizeof before, "\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
    ask(w, HELLO);
    now = time(NULL);
    strftime(after, sizeof after, "\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
    assert_true(strstr(w->text, before) || strstr(w->text, after));
    assert_null(strstr(w->text, "Server:"));
    world_close(w);
}

TESTS(cmocka_unit_test(a_connection_serves_one_request_after_another),
      cmocka_unit_test(close_is_answered_with_close_and_wins),
      cmocka_unit_test(http_1_0_closes_unless_it_asks),
      cmocka_unit_test(without_an_idle_time_every_answer_closes),
      cmocka_unit_test(a_hundred_pipelined_requests_are_answered_in_one_write),
      cmocka_unit_test(a_hundred_pipelined_requests_byte_by_byte),
      cmocka_unit_test(pipelined_answers_come_in_the_order_of_the_requests),
      cmocka_unit_test(an_answer_leaves_although_a_later_handler_waits),
      cmocka_unit_test(an_answer_leaves_although_half_a_request_follows),
      cmocka_unit_test(head_gets_the_fields_of_get_and_no_body),
      cmocka_unit_test(up_to_four_empty_lines_before_a_request_are_skipped),
      cmocka_unit_test(a_half_closed_connection_still_gets_its_answers),
      cmocka_unit_test(an_end_inside_a_head_closes_without_a_word),
      cmocka_unit_test(the_date_is_that_of_the_wall_clock))
