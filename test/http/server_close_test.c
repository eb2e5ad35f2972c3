// Opening and closing servers: drains, aborts, loops that close, options.

#include "test/http/server.h"

static gyre_void_future closing;
static int seen; // what a handler's wait gave

static int wait_long(gyre_request *request)
{
    seen = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_SECONDS(60)));
    return seen ? seen : gyre_reply(request, 200, NULL, GYRE_VIEW("long\n"));
}

static int close_from_inside(gyre_request *request)
{
    world *w = gyre_request_arg(request);
    closing = gyre_server_close(w->server, w->log_lines < 0 ? GYRE_SECONDS(5) : 0);
    w->server = NULL;
    return gyre_reply(request, 200, NULL, GYRE_VIEW("closing\n"));
}

static const gyre_route routes[] = {GYRE_GET("/hello", say_hello), GYRE_GET("/later", say_later),
                                    GYRE_GET("/long", wait_long),
                                    GYRE_GET("/close", close_from_inside), GYRE_ROUTES_END};

static world *open_here(void)
{
    seen = 1;
    return world_open_with((gyre_server_opts){.routes = routes, .arg = &the_world});
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static bool is_refused(const world *w)
{
    int fd = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int result = real_connect(fd, (struct sockaddr *)&to, sizeof to);
    real_close(fd);
    return result < 0;
}

static void a_drain_lets_requests_end_and_closes_idle_connections_at_once(void **state)
{
    (void)state;
    world *w = open_here();
    int idle = dial(w), busy = dial(w);
    say(w, idle, HELLO);
    hear_until(w, idle, "hello\n");
    say(w, busy, GET("/later") HELLO);
    turns(w, 3);
    closing = gyre_server_close(w->server, GYRE_SECONDS(30));
    assert_string_equal(hear_all(w, idle), "");
    assert_true(is_refused(w));
    assert_int_equal(gyre_future_state(closing), GYRE_PENDING);
    assert_string_equal(hear_all(w, busy), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                           "Connection: close\r\n\r\nlate\n");
    real_close(busy);
    real_close(idle);
    assert_int_equal(gyre_run(closing), 0);
    world_close(w);
}

static void what_outlasts_the_drain_is_cancelled(void **state)
{
    (void)state;
    clock_virtual_start();
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/long"));
    turns(w, 3);
    closing = gyre_server_close(w->server, GYRE_SECONDS(30));
    gyre_time began = gyre_now(w->loop);
    assert_int_equal(gyre_run(closing), 0);
    assert_int_equal(seen, GYRE_ECANCELED);
    assert_true(gyre_now(w->loop) - began >= GYRE_SECONDS(30));
    assert_string_equal(hear_all(w, fd), "");
    hang_up(w, fd);
    world_close(w);
}

static void without_a_drain_everything_ends_at_once(void **state)
{
    (void)state;
    world *w = open_here();
    int idle = dial(w), head = dial(w), busy = dial(w);
    say(w, head, "GET /hel");
    say(w, busy, GET("/long"));
    turns(w, 3);
    assert_int_equal(gyre_run(gyre_server_close(w->server, 0)), 0);
    assert_int_equal(seen, GYRE_ECANCELED);
    assert_string_equal(hear_all(w, idle), "");
    assert_string_equal(hear_all(w, head), "");
    assert_string_equal(hear_all(w, busy), "");
    real_close(idle);
    real_close(head);
    real_close(busy);
    world_close(w);
}

static void cancelling_the_close_ends_the_drain(void **state)
{
    (void)state;
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/long"));
    turns(w, 3);
    closing = gyre_server_close(w->server, GYRE_SECONDS(30));
    turns(w, 3);
    assert_true(gyre_cancel(closing));
    assert_int_equal(gyre_run(closing), GYRE_ECANCELED);
    turns(w, 3);
    assert_int_equal(seen, GYRE_ECANCELED);
    hang_up(w, fd);
    world_close(w);
}

static void a_detached_close_drains_all_the_same(void **state)
{
    (void)state;
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/later"));
    turns(w, 3);
    gyre_detach(gyre_server_close(w->server, GYRE_SECONDS(30)));
    assert_non_null(strstr(hear_all(w, fd), "late\n"));
    hang_up(w, fd);
    world_close(w);
}

static void a_handler_may_close_its_server(void **state)
{
    (void)state;
    for (int drain = 0; drain < 2; drain++) {
        world *w = open_here();
        w->log_lines = drain ? -1 : 0;
        int fd = dial(w);
        say(w, fd, GET("/close") HELLO);
        const char *answer = hear_all(w, fd);
        if (drain)
            assert_string_equal(answer, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n"
                                        "Connection: close\r\n\r\nclosing\n");
        else
            assert_string_equal(answer, "");
        real_close(fd);
        assert_int_equal(gyre_run(closing), 0);
        world_close(w);
    }
}

static void closing_the_loop_closes_servers_with_requests_under_way(void **state)
{
    (void)state;
    world *w = open_here();
    int idle = dial(w), head = dial(w), busy = dial(w), fresh;
    say(w, head, "GET /hel");
    say(w, busy, GET("/long") HELLO);
    turns(w, 3);
    fresh = dial(w);
    gyre_time began = gyre_now_exact();
    world_close(w);
    assert_true(gyre_now_exact() - began < GYRE_SECONDS(1)); // not what the grace left over
    assert_int_equal(seen, GYRE_ECANCELED);
    real_close(idle);
    real_close(head);
    real_close(busy);
    real_close(fresh);
}

static void closing_the_loop_ends_a_drain(void **state)
{
    (void)state;
    world *w = open_here();
    int fd = dial(w);
    say(w, fd, GET("/long"));
    turns(w, 3);
    gyre_detach(gyre_server_close(w->server, GYRE_SECONDS(30)));
    turns(w, 3);
    world_close(w);
    assert_int_equal(seen, GYRE_ECANCELED);
    real_close(fd);
}

// A handler that does not stop waiting when it is told to: it is dropped with the loop.
static int wait_stubbornly(gyre_request *request)
{
    gyre_loop *loop = gyre_request_loop(request);
    if (gyre_shield(gyre_coro_self(), GYRE_SECONDS(3600))) return -EIO;
    return gyre_await(gyre_sleep(loop, GYRE_SECONDS(3600)));
}

static void a_stubborn_handler_is_stopped_with_its_loop(void **state)
{
    (void)state;
    static const gyre_route stubborn[] = {GYRE_GET("/wait", wait_stubbornly), GYRE_ROUTES_END};
    clock_virtual_start();
    world *w = world_open_with((gyre_server_opts){.routes = stubborn});
    int fd = dial(w);
    say(w, fd, GET("/wait"));
    turns(w, 3);
    world_close(w);
    real_close(fd);
}

static void a_peer_that_resets_while_its_handler_waits_leaves_the_others_alone(void **state)
{
    (void)state;
    world *w = open_here();
    int gone = dial(w), other = dial(w);
    say(w, gone, GET("/later"));
    say(w, other, GET("/later"));
    turns(w, 3);
    const struct linger at_once = {.l_onoff = 1};
    real_setsockopt(gone, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    real_close(gone);
    assert_non_null(strstr(hear_until(w, other, "late\n"), "200 OK"));
    turns(w, 3);
    assert_int_equal(gyre_server_count(w->server).open, 1);
    hang_up(w, other);
    world_close(w);
}

static void server_options_out_of_range_are_refused(void **state)
{
    (void)state;
    world *w = open_here();
    gyre_server *server = NULL;
    const gyre_server_opts bad[] = {
        {.routes = NULL},
        {.routes = routes, .max_body = -2},
        {.routes = routes, .head_timeout = -1},
        {.routes = routes, .idle_timeout = -2},
        {.routes = routes, .body_timeout = -1},
        {.routes = routes, .address = "no such address"},
        {.routes = routes, .listen = {.backlog = -1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(gyre_server_open(&server, w->loop, &bad[i]), -EINVAL);
    assert_int_equal(gyre_server_open(&server, w->loop, NULL), -EINVAL);
    assert_null(server);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", w->port);
    const gyre_server_opts same = {.routes = routes, .address = taken};
    assert_int_equal(gyre_server_open(&server, w->loop, &same), -EADDRINUSE);
    world_close(w);
}

TESTS(cmocka_unit_test(a_drain_lets_requests_end_and_closes_idle_connections_at_once),
      cmocka_unit_test(what_outlasts_the_drain_is_cancelled),
      cmocka_unit_test(without_a_drain_everything_ends_at_once),
      cmocka_unit_test(cancelling_the_close_ends_the_drain),
      cmocka_unit_test(a_detached_close_drains_all_the_same),
      cmocka_unit_test(a_handler_may_close_its_server),
      cmocka_unit_test(closing_the_loop_closes_servers_with_requests_under_way),
      cmocka_unit_test(closing_the_loop_ends_a_drain),
      cmocka_unit_test(a_stubborn_handler_is_stopped_with_its_loop),
      cmocka_unit_test(a_peer_that_resets_while_its_handler_waits_leaves_the_others_alone),
      cmocka_unit_test(server_options_out_of_range_are_refused))
