// Deadlines, in virtual time: slow heads, slow bodies, idle connections, peers that never read.

#include "test/http/server.h"

static world *open_at_rest(gyre_server_opts opts)
{
    clock_virtual_start();
    return world_open_with(opts);
}

// Turns until nothing is ready now; time stands still.
static void settle(world *w)
{
    for (int i = 0; i < 5; i++) assert_int_equal(gyre_loop_turn(w->loop, 0), 0);
}

static void let_pass(world *w, gyre_duration time)
{
    clock_advance(time);
    settle(w);
}

// What came so far, and whether the server has closed.
static bool heard_end(world *w, int fd)
{
    int step;
    hear_nothing_yet(w);
    settle(w);
    while ((step = listen_once(w, fd)) > 0) continue;
    without_dates(w);
    return step == 0;
}

static void a_slow_head_is_408_at_an_absolute_deadline(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){0});
    int fd = dial(w);
    settle(w);
    let_pass(w, GYRE_SECONDS(30)); // idle: the deadline begins with the first byte
    for (int second = 0; second < 10; second++) {
        assert_true(say_bytes(w, fd, (gyre_view){&"GET /hello"[second], 1}));
        assert_false(heard_end(w, fd));
        assert_string_equal(w->plain, "");
        let_pass(w, GYRE_MS(999));
    }
    assert_false(heard_end(w, fd));
    assert_string_equal(w->plain, "");
    let_pass(w, GYRE_MS(12));
    (void)heard_end(w, fd);
    assert_string_equal(w->plain, "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain\r\n"
                                  "Content-Length: 20\r\nConnection: close\r\n\r\n"
                                  "408 Request Timeout\n");
    let_pass(w, GYRE_SECONDS(3)); // for the peer to have read it
    assert_true(heard_end(w, fd));
    hang_up(w, fd);
    world_close(w);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){0});
    int fd = dial(w), fresh = dial(w);
    say(w, fd, HELLO);
    assert_false(heard_end(w, fd));
    assert_string_equal(w->plain, ANSWER);
    let_pass(w, GYRE_SECONDS(74));
    assert_false(heard_end(w, fd));
    let_pass(w, GYRE_MS(1010));
    assert_true(heard_end(w, fd));
    assert_string_equal(w->plain, "");
    assert_true(heard_end(w, fresh));
    assert_int_equal(gyre_server_count(w->server).open, 0);
    hang_up(w, fd);
    hang_up(w, fresh);
    world_close(w);
}

static void each_request_begins_the_idle_time_anew(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){.idle_timeout = GYRE_SECONDS(5)});
    int fd = dial(w);
    for (int i = 0; i < 5; i++) {
        say(w, fd, HELLO);
        assert_false(heard_end(w, fd));
        assert_string_equal(w->plain, ANSWER);
        let_pass(w, GYRE_MS(4900));
    }
    let_pass(w, GYRE_MS(200));
    assert_true(heard_end(w, fd));
    hang_up(w, fd);
    world_close(w);
}

static int say_slowly(gyre_request *request)
{
    int err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_SECONDS(20)));
    return err ? err : gyre_reply(request, 200, "text/plain", GYRE_VIEW("hello\n"));
}

static void a_handler_may_take_longer_than_the_idle_time(void **state)
{
    (void)state;
    static const gyre_route routes[] = {GYRE_GET("/hello", say_hello),
                                        GYRE_GET("/slow", say_slowly), GYRE_ROUTES_END};
    world *w = open_at_rest((gyre_server_opts){.routes = routes, .idle_timeout = GYRE_SECONDS(5)});
    int fd = dial(w);
    say(w, fd, HELLO);
    assert_false(heard_end(w, fd));
    assert_string_equal(w->plain, ANSWER);
    say(w, fd, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    settle(w);
    let_pass(w, GYRE_SECONDS(10));
    let_pass(w, GYRE_MS(10010));
    assert_false(heard_end(w, fd));
    assert_string_equal(w->plain, ANSWER);
    hang_up(w, fd);
    world_close(w);
}

static void a_body_that_stops_is_408(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){0});
    int fd = dial(w);
    say(w, fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\nab");
    settle(w);
    let_pass(w, GYRE_SECONDS(59));
    say(w, fd, "c");
    assert_false(heard_end(w, fd));
    assert_string_equal(w->plain, "");
    let_pass(w, GYRE_MS(1010));
    (void)heard_end(w, fd);
    assert_non_null(strstr(w->plain, "HTTP/1.1 408 Request Timeout\r\n"));
    let_pass(w, GYRE_SECONDS(3));
    assert_true(heard_end(w, fd));
    hang_up(w, fd);
    world_close(w);
}

// A KiB a second is enough, for hours.
static void a_body_that_keeps_coming_has_the_time_it_needs(void **state)
{
    (void)state;
    static char kib[1024];
    world *w = open_at_rest((gyre_server_opts){0});
    int fd = dial(w);
    memset(kib, 'x', sizeof kib);
    say(w, fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 204800\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        assert_false(heard_end(w, fd));
        assert_string_equal(w->plain, "");
        say_bytes(w, fd, (gyre_view){kib, sizeof kib});
        settle(w);
        let_pass(w, GYRE_MS(1200));
    }
    assert_false(heard_end(w, fd));
    assert_non_null(strstr(w->plain, "HTTP/1.1 200 OK\r\nContent-Length: 204800\r\n"));
    hang_up(w, fd);
    world_close(w);
}

static void a_body_nobody_wants_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){0});
    int fd = dial(w);
    say(w, fd, "POST /any HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nab");
    assert_false(heard_end(w, fd));
    assert_non_null(strstr(w->plain, "200 OK"));
    let_pass(w, GYRE_SECONDS(61));
    let_pass(w, GYRE_SECONDS(3));
    assert_true(heard_end(w, fd));
    hang_up(w, fd);
    world_close(w);
}

// ---- Peers that do not read -----------------------------------------------------------------

static char big_body[8 << 20];
static int big_result;

static int say_big(gyre_request *request)
{
    big_result = 1;
    big_result = gyre_reply(request, 200, NULL, (gyre_view){big_body, sizeof big_body});
    return big_result;
}

static const gyre_route big_routes[] = {GYRE_GET("/big", say_big), GYRE_GET("/hello", say_hello),
                                        GYRE_ROUTES_END};

static void a_peer_that_never_reads_is_given_up(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){.routes = big_routes});
    int fd = dial(w);
    say(w, fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 20; i++) settle(w); // until the kernel is full
    assert_int_equal(big_result, 1);        // the handler waits
    assert_true(w->memory.live_bytes < (512 << 10));
    let_pass(w, GYRE_SECONDS(59));
    assert_int_equal(big_result, 1);
    let_pass(w, GYRE_SECONDS(2));
    assert_int_equal(big_result, GYRE_ETIMEDOUT_SEND);
    assert_int_equal(gyre_server_count(w->server).open, 0);
    hang_up(w, fd);
    world_close(w);
}

// It pipelines without end and reads nothing: what is held for it stays small.
static void a_peer_that_pipelines_and_never_reads_is_held_back(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){0});
    gyre_view request = GYRE_VIEW(HELLO);
    int fd = dial(w);
    size_t stuck = 0;
    for (size_t sent = 0; stuck < 100 && sent < (64u << 20);) {
        ssize_t step = real_send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (step == (ssize_t)request.len) {
            sent += request.len;
            continue;
        }
        settle(w);
        stuck++;
    }
    assert_int_equal(stuck, 100);
    assert_int_equal(gyre_server_count(w->server).open, 1);
    assert_true(w->memory.peak_bytes < (1u << 20));
    let_pass(w, GYRE_SECONDS(61));
    settle(w);
    assert_int_equal(gyre_server_count(w->server).open, 0);
    hang_up(w, fd);
    world_close(w);
}

enum { PAGE = 4000, PAIRS = 4000 };

static int say_page(gyre_request *request)
{
    return gyre_reply(request, 200, NULL, (gyre_view){big_body, PAGE});
}

static int say_page_later(gyre_request *request)
{
    int err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_MS(1)));
    return err ? err : say_page(request);
}

static const gyre_route page_routes[] = {GYRE_GET("/page", say_page),
                                         GYRE_GET("/later", say_page_later), GYRE_ROUTES_END};

// Sends what fits and lets the server work, until neither gets any further.
static void get_stuck(world *w, int fd, gyre_view rest)
{
    uint64_t served = 0;
    for (int stuck = 0; stuck < 50; stuck++) {
        ssize_t sent = rest.len ? real_send(fd, rest.ptr, rest.len, MSG_NOSIGNAL) : 0;
        if (sent > 0) rest = (gyre_view){rest.ptr + sent, rest.len - (size_t)sent};
        let_pass(w, GYRE_MS(2));
        if (sent > 0 || gyre_server_count(w->server).requests > served) stuck = 0;
        served = gyre_server_count(w->server).requests;
    }
    assert_int_equal(rest.len, 0);
}

// Its answers wait, gathered and single ones, and none is lost for it.
static void a_peer_that_reads_late_gets_every_answer(void **state)
{
    (void)state;
    static const char pair[] =
        "GET /page HTTP/1.1\r\nHost: h\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\n\r\n";
    static char input[PAIRS * sizeof pair];
    gyre_view all = {input, PAIRS * (sizeof pair - 1)};
    for (size_t i = 0; i < PAIRS; i++) memcpy(input + i * (sizeof pair - 1), pair, sizeof pair);
    memset(big_body, 'p', PAGE);
    world *w = open_at_rest((gyre_server_opts){.routes = page_routes});
    int fd = dial(w);
    get_stuck(w, fd, all);
    assert_true(gyre_server_count(w->server).requests < PAIRS * 2ull);
    assert_true(w->memory.peak_bytes < (1u << 20));
    size_t heard = 0;
    for (int quiet = 0; quiet < 50; quiet++) {
        int step;
        hear_nothing_yet(w);
        while ((step = listen_once(w, fd)) > 0 && w->heard < HEARD_MAX / 2) quiet = 0;
        assert_int_not_equal(step, 0);
        heard += w->heard;
        let_pass(w, GYRE_MS(2));
    }
    const size_t one = strlen("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n") + 37 + PAGE;
    assert_int_equal(heard, one * PAIRS * 2);
    hang_up(w, fd);
    world_close(w);
}

static void a_body_time_without_end_is_no_overflow(void **state)
{
    (void)state;
    world *w = open_at_rest((gyre_server_opts){.body_timeout = GYRE_FOREVER});
    int fd = dial(w);
    say(w, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no");
    let_pass(w, GYRE_SECONDS(3600));
    assert_false(heard_end(w, fd));
    say(w, fd, "k");
    settle(w);
    (void)heard_end(w, fd);
    assert_string_equal(w->plain, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    hang_up(w, fd);
    world_close(w);
}

TESTS(cmocka_unit_test(a_slow_head_is_408_at_an_absolute_deadline),
      cmocka_unit_test(an_idle_connection_is_closed_without_a_word),
      cmocka_unit_test(each_request_begins_the_idle_time_anew),
      cmocka_unit_test(a_handler_may_take_longer_than_the_idle_time),
      cmocka_unit_test(a_body_that_stops_is_408),
      cmocka_unit_test(a_body_that_keeps_coming_has_the_time_it_needs),
      cmocka_unit_test(a_body_time_without_end_is_no_overflow),
      cmocka_unit_test(a_body_nobody_wants_is_not_waited_for_for_ever),
      cmocka_unit_test(a_peer_that_reads_late_gets_every_answer),
      cmocka_unit_test(a_peer_that_never_reads_is_given_up),
      cmocka_unit_test(a_peer_that_pipelines_and_never_reads_is_held_back))
