// How a fetch ends early: deadlines by phase, cancel at every point, closing under it, no memory.

#include "test/http/client_rig.h"
#include "test/support/dns.h"
#include "test/support/faults.h"
#include "test/support/memory.h"
#include "test/support/real.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// ---- Deadlines -------------------------------------------------------------------------------

struct late {
    const char *name;
    gyre_fetch_opts opts;
    int err;
    peer_step script[8];
};

static const struct late late[] = {
    {"no answer", {.timeout = GYRE_MS(60)}, GYRE_ETIMEDOUT_WAIT, {HEAD_READ, PEER_STALL, PEER_END}},
    {"no first byte",
     {.first_byte_timeout = GYRE_MS(60)},
     GYRE_ETIMEDOUT_WAIT,
     {HEAD_READ, PEER_STALL, PEER_END}},
    {"a head that stops",
     {.timeout = GYRE_MS(60)},
     GYRE_ETIMEDOUT_RECEIVE,
     {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nX: "), PEER_STALL, PEER_END}},
    {"a body that stops",
     {.between_bytes_timeout = GYRE_MS(60)},
     GYRE_ETIMEDOUT_RECEIVE,
     {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), PEER_STALL,
      PEER_END}},
    {"chunks that stop",
     {.timeout = GYRE_MS(60)},
     GYRE_ETIMEDOUT_RECEIVE,
     {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab"),
      PEER_STALL, PEER_END}},
};

static void client_deadline_of_each_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        rig_play(&rig, late[i].script);
        gyre_response *response;
        gyre_time began = gyre_now_exact();
        int err = rig_fetch(&rig, &late[i].opts, &response);
        gyre_duration took = gyre_now_exact() - began;
        if (err != late[i].err) fail_msg("%s: %s", late[i].name, gyre_errname(err));
        assert_string_equal(gyre_err_class(err), "timeout");
        assert_true(took >= GYRE_MS(59) && took < GYRE_MS(1000));
        peer_release(rig.peer);
        rig_close(&rig);
    }
}

static void client_deadline_of_sending(void **state)
{
    (void)state;
    static const peer_step script[] = {PEER_ACCEPT, PEER_STALL, PEER_END};
    static char body[16 << 20];
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response *response;
    int err = rig_fetch(
        &rig, &(gyre_fetch_opts){.timeout = GYRE_MS(80), .body = {body, sizeof body}}, &response);
    assert_int_equal(err, GYRE_ETIMEDOUT_SEND);
    peer_release(rig.peer);
    rig_close(&rig);
}

static void client_reads_an_answer_that_comes_before_all_was_sent(void **state)
{
    (void)state;
    static const peer_step script[] = {
        HEAD_READ,
        PEER_SEND("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"),
        PEER_STALL, PEER_END};
    static char body[16 << 20];
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response *response;
    int err =
        rig_fetch(&rig, &(gyre_fetch_opts){.timeout = GYRE_SECONDS(5), .body = {body, sizeof body}},
                  &response);
    assert_int_equal(err, 0);
    assert_int_equal(response->status, 413);
    gyre_response_free(response);
    peer_release(rig.peer);
    rig_close(&rig);
}

static void client_refused_port(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    gyre_response *response;
    int holder;
    snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%u/", refusing_port(&holder));
    assert_int_equal(rig_fetch(&rig, NULL, &response), -ECONNREFUSED);
    assert_string_equal(gyre_err_class(-ECONNREFUSED), "connect");
    assert_non_null(strstr(gyre_why_last(rig.loop), "refused"));
    real_close(holder);
    rig_close(&rig);
}

static void client_name_server_that_never_answers(void **state)
{
    (void)state;
    static const struct dns_rule rules[] = {{.act = DNS_SILENCE}};
    struct dns dns;
    dns_start(&dns, rules, 1);
    struct rig rig;
    rig_open(&rig, &(gyre_client_opts){.connect.resolve.servers = dns.text});
    snprintf(rig.url, sizeof rig.url, "http://silent.test/");
    gyre_response *response;
    gyre_time began = gyre_now_exact();
    int err = rig_fetch(&rig, &(gyre_fetch_opts){.timeout = GYRE_MS(200)}, &response);
    gyre_duration took = gyre_now_exact() - began;
    assert_int_equal(err, GYRE_ETIMEDOUT_RESOLVE);
    assert_string_equal(gyre_err_phase(err), "resolve");
    assert_true(took >= GYRE_MS(150) && took <= GYRE_MS(400));
    rig_close(&rig);
    assert_true(dns_asked(&dns, NULL, DNS_ANY) >= 1);
    printf("questions seen: %u\n", dns_asked(&dns, NULL, DNS_ANY));
    dns_stop(&dns);
}

// ---- Cancel ----------------------------------------------------------------------------------

static const peer_step slow[] = {HEAD_READ,
                                 PEER_PAUSE(5),
                                 PEER_SEND("HTTP/1.1 200 OK\r\n"),
                                 PEER_PAUSE(5),
                                 PEER_SEND("Content-Length: 4\r\n\r\nab"),
                                 PEER_PAUSE(5),
                                 PEER_SEND("cd"),
                                 PEER_END};

// Turns the loop n times and then cancels. True when the fetch had ended before.
static bool cancel_after(int turns)
{
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, slow);
    gyre_response_future f = gyre_fetch(rig.client, rig.url, NULL);
    for (int i = 0; i < turns; i++) assert_int_equal(gyre_loop_turn(rig.loop, GYRE_MS(100)), 0);
    bool ended = gyre_future_state(f) >= GYRE_DONE;
    assert_int_equal(gyre_cancel(f), !ended);
    gyre_response *response = NULL;
    int err = gyre_run(f, &response);
    assert_int_equal(err, ended ? 0 : GYRE_ECANCELED);
    gyre_response_free(response);
    gyre_loop_close(rig.loop);
    peer_wait(rig.peer); // its script cannot complete when the fetch was cancelled
    return ended;
}

static void client_cancel_at_every_turn(void **state)
{
    (void)state;
    int turns = 0;
    while (!cancel_after(turns)) turns++;
    printf("cancelled at %d points\n", turns);
    assert_true(turns >= 4);
}

static void client_close_cancels_its_fetches(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_EXPECT_EOF, PEER_END};
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response_future f = gyre_fetch(rig.client, rig.url, NULL);
    gyre_response *response = NULL;
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(20))), 0);
    gyre_client_close(rig.client);
    assert_int_equal(gyre_run(f, &response), GYRE_ECANCELED);
    rig_close(&rig);
}

static void client_fetch_under_way_ends_with_its_loop(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_EXPECT_EOF, PEER_END};
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_detach(gyre_fetch(rig.client, rig.url, NULL));
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(20))), 0);
    assert_int_equal(gyre_loop_close(rig.loop), 0); // nothing may leak or hang
    peer_finish(rig.peer);
}

// ---- No memory, failing calls ------------------------------------------------------------------

static const peer_step twice[] = {HEAD_READ, PEER_SEND(OK), PEER_END};

// Connects and goes away again.
static void poke(uint16_t port)
{
    gyre_address address;
    assert_int_equal(gyre_address_parse(&address, GYRE_VIEW("127.0.0.1"), port), 0);
    int fd = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)real_connect(fd, (struct sockaddr *)&address.storage, address.len);
    real_close(fd);
}

static int small_scenario(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    gyre_loop *loop;
    gyre_client *client;
    int err = gyre_loop_open(&loop, &(gyre_loop_opts){.allocator = alloc});
    if (err) return err;
    peer *p = peer_start_for(PEER_IPV4, twice, 2000);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer_port(p));
    const gyre_field field = {GYRE_VIEW("X"), GYRE_VIEW("y")};
    err = gyre_client_open(&client, loop, NULL);
    gyre_response *response = NULL;
    if (!err)
        err = gyre_run(
            gyre_fetch(client, url, &(gyre_fetch_opts){.fields = &field, .field_count = 1}),
            &response);
    gyre_response_free(response);
    gyre_loop_close(loop);
    if (err) poke(peer_port(p)); // the script's accept may still wait
    peer_wait(p);
    return err;
}

static void client_fetch_with_each_allocation_failing(void **state)
{
    (void)state;
    MEMORY_TORTURE(small_scenario, NULL);
}

TESTS(cmocka_unit_test(client_deadline_of_each_phase), cmocka_unit_test(client_deadline_of_sending),
      cmocka_unit_test(client_reads_an_answer_that_comes_before_all_was_sent),
      cmocka_unit_test(client_refused_port),
      cmocka_unit_test(client_name_server_that_never_answers),
      cmocka_unit_test(client_cancel_at_every_turn),
      cmocka_unit_test(client_close_cancels_its_fetches),
      cmocka_unit_test(client_fetch_under_way_ends_with_its_loop),
      cmocka_unit_test(client_fetch_with_each_allocation_failing))
