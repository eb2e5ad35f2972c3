// Connections that are used again, and those that must not be; slots and their queue.

#include "test/http/client_rig.h"

#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define READ PEER_EXPECT_UNTIL("\r\n\r\n")

// Fetches twice with the loop turning for `between` in the middle; the second result.
static int fetch_twice(const peer_step *script, const gyre_client_opts *client,
                       const gyre_fetch_opts *opts, gyre_duration between, bool *reused)
{
    struct rig rig;
    rig_open(&rig, client);
    rig_play(&rig, script);
    gyre_response *response;
    assert_int_equal(rig_fetch(&rig, opts, &response), 0);
    assert_false(response->reused);
    gyre_response_free(response);
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, between)), 0);
    int err = rig_fetch(&rig, opts, &response);
    if (!err) *reused = response->reused;
    gyre_response_free(response);
    rig_close(&rig);
    return err;
}

static const peer_step on_one[] = {HEAD_READ, PEER_SEND(OK), READ, PEER_SEND(OK), PEER_END};

static void client_uses_a_connection_again(void **state)
{
    (void)state;
    bool reused = false;
    assert_int_equal(fetch_twice(on_one, NULL, NULL, GYRE_MS(20), &reused), 0);
    assert_true(reused);
}

struct row {
    const char *name;
    gyre_client_opts opts;
    peer_step script[10];
};

// In each the second request must come on a second connection.
static const struct row fresh[] = {
    {"Connection: close",
     {0},
     {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
      HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"HTTP/1.0",
     {0},
     {HEAD_READ, PEER_SEND("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), HEAD_READ,
      PEER_SEND(OK), PEER_END}},
    {"bytes behind the response",
     {0},
     {HEAD_READ, PEER_SEND(OK "HTTP/1.1 200 Evil\r\n\r\n"), HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"bytes while idle",
     {0},
     {HEAD_READ, PEER_SEND(OK), PEER_PAUSE(20), PEER_SEND("HTTP/1.1 200 Evil\r\n\r\n"), HEAD_READ,
      PEER_SEND(OK), PEER_END}},
    {"end while idle",
     {0},
     {HEAD_READ, PEER_SEND(OK), PEER_PAUSE(20), PEER_CLOSE, HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"the client's idle limit",
     {.idle = GYRE_MS(20)},
     {HEAD_READ, PEER_SEND(OK), HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"the client wants none",
     {.idle = GYRE_NONE},
     {HEAD_READ, PEER_SEND(OK), HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"the server's hint of a second",
     {0},
     {HEAD_READ,
      PEER_SEND("HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=1\r\n"
                "Content-Length: 2\r\n\r\nok"),
      HEAD_READ, PEER_SEND(OK), PEER_END}},
    {"the server's hint of no time at all",
     {0},
     {HEAD_READ,
      PEER_SEND("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok"),
      HEAD_READ, PEER_SEND(OK), PEER_END}},
};

static void client_does_not_use_a_connection_again_when_it_must_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fresh / sizeof *fresh; i++) {
        bool reused = true;
        int err = fetch_twice(fresh[i].script, &fresh[i].opts, NULL, GYRE_MS(80), &reused);
        if (err || reused) fail_msg("%s: %s, reused %d", fresh[i].name, gyre_errname(err), reused);
    }
}

// The peer closes as soon as the second request comes: without a turn between, the client cannot
// know before it has sent.
static const peer_step lost[] = {HEAD_READ, PEER_SEND(OK), READ,    PEER_CLOSE,
                                 HEAD_READ, PEER_SEND(OK), PEER_END};

static void client_sends_a_lost_idempotent_request_once_more(void **state)
{
    (void)state;
    bool reused = true;
    assert_int_equal(fetch_twice(lost, NULL, NULL, 0, &reused), 0);
    assert_false(reused);
}

static void client_does_not_send_a_lost_post_again(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_SEND(OK), READ, PEER_CLOSE, PEER_END};
    bool reused;
    const gyre_fetch_opts opts = {.method = "POST"};
    assert_int_equal(fetch_twice(script, NULL, &opts, 0, &reused), GYRE_ECLOSED_WAIT);
}

static void client_sends_a_lost_request_only_once_more(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_SEND(OK), READ,    PEER_CLOSE,
                                       HEAD_READ, PEER_CLOSE,    PEER_END};
    bool reused;
    assert_int_equal(fetch_twice(script, NULL, NULL, 0, &reused), GYRE_ECLOSED_WAIT);
}

// ---- Slots -----------------------------------------------------------------------------------

static void client_queue_holds_back_what_exceeds_the_limit(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_PAUSE(50), PEER_SEND(OK),
                                       READ,      PEER_SEND(OK),  PEER_END};
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.max_per_origin = 1});
    rig_play(&rig, script);
    gyre_response_future first = gyre_fetch(rig.client, rig.url, NULL);
    gyre_response_future second = gyre_fetch(rig.client, rig.url, NULL);
    gyre_response *a, *b;
    assert_int_equal(gyre_run(first, &a), 0);
    assert_int_equal(gyre_run(second, &b), 0);
    assert_int_equal(a->timing.queue, 0);
    assert_true(b->timing.queue >= GYRE_MS(30));
    assert_true(b->reused);
    gyre_response_free(a);
    gyre_response_free(b);
    rig_close(&rig);
    assert_int_equal(peer_connections(rig.peer), 1);
}

static void client_queue_deadline_has_its_own_code(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_STALL, PEER_SEND(OK), PEER_END};
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.max_requests = 1});
    rig_play(&rig, script);
    gyre_response_future first = gyre_fetch(rig.client, rig.url, NULL);
    gyre_response *response = NULL;
    int err = rig_fetch(&rig, &(gyre_fetch_opts){.queue_timeout = GYRE_MS(30)}, &response);
    assert_int_equal(err, GYRE_ETIMEDOUT_QUEUE);
    assert_true(gyre_err_is_retry_safe(err));
    peer_release(rig.peer);
    assert_int_equal(gyre_run(first, &response), 0);
    gyre_response_free(response);
    rig_close(&rig);
}

static void client_queue_forgets_a_cancelled_fetch(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_STALL,    PEER_SEND(OK),
                                       READ,      PEER_SEND(OK), PEER_END};
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.max_requests = 1});
    rig_play(&rig, script);
    gyre_response_future f[3];
    for (int i = 0; i < 3; i++) f[i] = gyre_fetch(rig.client, rig.url, NULL);
    assert_true(gyre_cancel(f[1]));
    gyre_response *response = NULL;
    assert_int_equal(gyre_run(f[1], &response), GYRE_ECANCELED);
    peer_release(rig.peer);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(gyre_run(f[i], &response), 0);
        gyre_response_free(response);
    }
    rig_close(&rig);
}

// One busy peer and one quiet one share two slots: the quiet one's only request must not wait
// behind all of the busy one's.
static void client_queue_serves_peers_in_turn(void **state)
{
    (void)state;
    static const peer_step busy[] = {HEAD_READ,     PEER_STALL, PEER_SEND(OK), READ,
                                     PEER_SEND(OK), READ,       PEER_SEND(OK), READ,
                                     PEER_SEND(OK), PEER_END};
    static const peer_step quiet[] = {HEAD_READ, PEER_SEND(OK), PEER_END};
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.max_requests = 1});
    rig_play(&rig, busy);
    peer *other = peer_start(PEER_IPV4, quiet);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer_port(other));
    gyre_response_future f[5];
    for (int i = 0; i < 4; i++) f[i] = gyre_fetch(rig.client, rig.url, NULL);
    f[4] = gyre_fetch(rig.client, url, NULL);
    peer_release(rig.peer);
    gyre_response *last = NULL, *response;
    assert_int_equal(gyre_run(f[4], &last), 0);
    assert_int_equal(gyre_future_state(f[3]), GYRE_SUSPENDED); // the busy one is not through
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gyre_run(f[i], &response), 0);
        gyre_response_free(response);
    }
    gyre_response_free(last);
    peer_finish(other);
    rig_close(&rig);
}

// The first of them that is through must not take the peer away from the other.
static void client_queue_lets_go_of_two_cancelled_fetches_in_one_turn(void **state)
{
    (void)state;
    static const peer_step stalls[] = {HEAD_READ, PEER_STALL, PEER_SEND(OK), PEER_END};
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.max_requests = 1});
    rig_play(&rig, stalls);
    gyre_response_future first = gyre_fetch(rig.client, rig.url, NULL);
    gyre_response_future f[2];
    for (int i = 0; i < 2; i++) f[i] = gyre_fetch(rig.client, "http://127.0.0.1:1/", NULL);
    for (int i = 0; i < 2; i++) gyre_cancel(f[i]);
    for (int i = 0; i < 2; i++) assert_int_equal(gyre_run(f[i]), GYRE_ECANCELED);
    peer_release(rig.peer);
    gyre_response *response;
    assert_int_equal(gyre_run(first, &response), 0);
    gyre_response_free(response);
    rig_close(&rig);
}

// RFC 9112 section 9.6: who has sent "close" sends no further request.
static void client_does_not_use_a_connection_again_after_its_own_close(void **state)
{
    (void)state;
    static const peer_step two[] = {HEAD_READ, PEER_SEND(OK), HEAD_READ, PEER_SEND(OK), PEER_END};
    const gyre_field closes = {GYRE_VIEW("connection"), GYRE_VIEW("x, Close")};
    const gyre_fetch_opts opts = {.fields = &closes, .field_count = 1};
    bool reused = true;
    assert_int_equal(fetch_twice(two, NULL, &opts, GYRE_MS(20), &reused), 0);
    assert_false(reused);
}

TESTS(cmocka_unit_test(client_uses_a_connection_again),
      cmocka_unit_test(client_does_not_use_a_connection_again_when_it_must_not),
      cmocka_unit_test(client_sends_a_lost_idempotent_request_once_more),
      cmocka_unit_test(client_does_not_send_a_lost_post_again),
      cmocka_unit_test(client_sends_a_lost_request_only_once_more),
      cmocka_unit_test(client_queue_holds_back_what_exceeds_the_limit),
      cmocka_unit_test(client_queue_deadline_has_its_own_code),
      cmocka_unit_test(client_queue_forgets_a_cancelled_fetch),
      cmocka_unit_test(client_queue_serves_peers_in_turn),
      cmocka_unit_test(client_queue_lets_go_of_two_cancelled_fetches_in_one_turn),
      cmocka_unit_test(client_does_not_use_a_connection_again_after_its_own_close))
