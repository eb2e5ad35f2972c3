// What a client makes of responses: framing, bodies, errors, with their phase and details.

#include "test/http/client_rig.h"

struct row {
    const char *name;
    const char *method;
    int err; // 0: a response
    int status;
    const char *body; // of a response
    const char *why;  // details of an error, behind "response of ADDRESS: " or the like; NULL: any
    peer_step script[6];
};

#define SENDS(text) RESPONSE(text)

static const struct row rows[] = {
    {"length", "GET", 0, 200, "hello", NULL,
     SENDS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
    {"empty", "GET", 0, 200, "", NULL, SENDS("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
    {"until close", "GET", 0, 200, "to the end", NULL, SENDS("HTTP/1.1 200 OK\r\n\r\nto the end")},
    {"chunked", "GET", 0, 200, "hello, world", NULL,
     SENDS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: z\r\n\r\n")},
    {"head", "HEAD", 0, 200, "", NULL, SENDS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")},
    {"204", "GET", 0, 204, "", NULL, SENDS("HTTP/1.1 204 No Content\r\n\r\n")},
    {"304", "GET", 0, 304, "", NULL,
     SENDS("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")},
    {"404 is a response", "GET", 0, 404, "no", NULL,
     SENDS("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")},
    {"interim responses are skipped", "GET", 0, 200, "x", NULL,
     SENDS("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")},
    {"HTTP/1.0", "GET", 0, 200, "old", NULL, SENDS("HTTP/1.0 200 OK\r\n\r\nold")},
    {"bare LF in the head", "GET", 0, 200, "x", NULL,
     SENDS("HTTP/1.1 200 OK\nContent-Length: 1\n\nx")},

    {"nothing", "GET", GYRE_ECLOSED_WAIT, 0, NULL, NULL, SENDS("")},
    {"cut in the head", "GET", GYRE_ECLOSED_RECEIVE, 0, NULL, NULL, SENDS("HTTP/1.1 200 OK\r\nCo")},
    {"cut in the body", "GET", GYRE_ECLOSED_RECEIVE, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")},
    {"cut before the last chunk", "GET", GYRE_ECLOSED_RECEIVE, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")},
    {"nonsense", "GET", GYRE_ESTARTLINE, 0, NULL, "malformed start line",
     SENDS("SSH-2.0-OpenSSH_9.2\r\n\r\n")},
    {"HTTP/2", "GET", GYRE_EVERSION, 0, NULL, NULL, SENDS("HTTP/2.0 200 OK\r\n\r\n")},
    {"a name with a blank", "GET", GYRE_EFIELD, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n")},
    {"two lengths", "GET", GYRE_EFRAMING, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")},
    {"a signed length", "GET", GYRE_EFRAMING, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello")},
    {"length and chunked", "GET", GYRE_EFRAMING, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
           "0\r\n\r\n")},
    {"another coding", "GET", GYRE_ECODING, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {"a chunk size with a sign", "GET", GYRE_ECHUNK, 0, NULL, NULL,
     SENDS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")},
    {"101 that was not asked for", "GET", GYRE_EUNEXPECTED, 0, NULL, NULL,
     SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n")},
};

static void check_row(const struct row *row)
{
    gyre_response *response;
    char why[256];
    int err = rig_once(row->script, &(gyre_fetch_opts){.method = row->method}, &response, why);
    if (err != row->err)
        fail_msg("%s: %s, not %s (%s)", row->name, gyre_errname(err), gyre_errname(row->err), why);
    if (err) {
        assert_null(response);
        assert_true(strlen(why) > 0);
        if (row->why && !strstr(why, row->why)) fail_msg("%s: \"%s\"", row->name, why);
        return;
    }
    if (response->status != row->status) fail_msg("%s: status %d", row->name, response->status);
    assert_view(response->body, row->body);
    gyre_response_free(response);
}

static void client_reads_every_kind_of_response(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(&rows[i]);
}

static void client_reads_a_response_that_comes_byte_by_byte(void **state)
{
    (void)state;
    static const peer_step script[] = {
        HEAD_READ,
        PEER_SEND_BYTEWISE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
                           "5\r\nhello\r\n0\r\n\r\n"),
        PEER_END};
    gyre_response *response;
    assert_int_equal(rig_once(script, NULL, &response, NULL), 0);
    assert_view(response->body, "hello");
    assert_view(gyre_header(response, "x"), "y");
    assert_null(gyre_header(response, "z").ptr);
    gyre_response_free(response);
}

static void client_response_outlives_client_and_loop(void **state)
{
    (void)state;
    static const peer_step script[] = RESPONSE("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok");
    gyre_response *response;
    assert_int_equal(rig_once(script, NULL, &response, NULL), 0);
    assert_view(response->reason, "Fine");
    assert_view(response->body, "ok");
    assert_int_equal(response->field_count, 1);
    gyre_response_free(response);
}

static void client_body_limit_names_itself(void **state)
{
    (void)state;
    static const peer_step fixed[] = {HEAD_READ,
                                      PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"),
                                      PEER_EXPECT_EOF, PEER_END};
    static const peer_step chunked[] = {
        HEAD_READ,
        PEER_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n"),
        PEER_EXPECT_EOF, PEER_END};
    static const peer_step *const scripts[] = {fixed, chunked};
    for (size_t i = 0; i < 2; i++) {
        gyre_response *response;
        char why[256];
        int err = rig_once(scripts[i], &(gyre_fetch_opts){.max_body = 10}, &response, why);
        assert_int_equal(err, GYRE_EBODYSIZE);
        assert_non_null(strstr(why, i ? ": body exceeds the limit of 10 bytes"
                                      : ": body of 11 bytes exceeds the limit of 10"));
    }
}

static void client_large_bodies_arrive_whole(void **state)
{
    (void)state;
    static const peer_step fixed[] = {
        HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"),
        PEER_SEND_FILL(3000000), PEER_END};
    static const peer_step ended[] = {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"),
                                      PEER_SEND_FILL(3000000), PEER_SHUTDOWN, PEER_END};
    static const peer_step *const scripts[] = {fixed, ended};
    for (size_t i = 0; i < 2; i++) {
        gyre_response *response;
        assert_int_equal(rig_once(scripts[i], NULL, &response, NULL), 0);
        assert_int_equal(response->body.len, 3000000);
        for (size_t at = 0; at < response->body.len; at++)
            if (response->body.ptr[at] != peer_fill(at)) fail_msg("byte %zu differs", at);
        gyre_response_free(response);
    }
}

static void client_endless_head_is_too_large(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nX: "),
                                       PEER_SEND_FILL(0), PEER_STALL, PEER_END};
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    peer_release(rig.peer);
    gyre_response *response;
    int err = rig_fetch(&rig, &(gyre_fetch_opts){.timeout = GYRE_MS(100)}, &response);
    assert_int_equal(err, GYRE_ETIMEDOUT_RECEIVE);
    rig_close(&rig);
}

static void client_too_many_interim_responses_are_refused(void **state)
{
    (void)state;
#define TEN \
    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n" \
    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
    static const peer_step script[] = {HEAD_READ, PEER_SEND(TEN TEN TEN), PEER_EXPECT_EOF,
                                       PEER_END};
    gyre_response *response;
    assert_int_equal(rig_once(script, NULL, &response, NULL), GYRE_EUNEXPECTED);
}

enum { HINT = 40 << 10 }; // bytes of one interim head, or of a trailer

static char hint[HINT + 64];

static peer_step long_head(const char *before, const char *behind)
{
    size_t len = (size_t)snprintf(hint, sizeof hint, "%s", before);
    memset(hint + len, 'x', HINT);
    len += HINT;
    len += (size_t)snprintf(hint + len, sizeof hint - len, "%s", behind);
    return (peer_step){.action = PEER_DO_SEND, .bytes = {hint, len}, .line = __LINE__};
}

static void client_interim_responses_share_the_budget_of_the_head(void **state)
{
    (void)state;
    peer_step early = long_head("HTTP/1.1 103 Early Hints\r\nA: ", "\r\n\r\n");
    const peer_step script[] = {HEAD_READ, early, early, PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"),
                                PEER_END};
    gyre_response *response;
    assert_int_equal(rig_once(script, NULL, &response, NULL), GYRE_EHEADSIZE);
    const peer_step one[] = {HEAD_READ, early, PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"), PEER_SHUTDOWN,
                             PEER_END};
    assert_int_equal(rig_once(one, NULL, &response, NULL), 0);
    gyre_response_free(response);
}

static void client_trailers_share_the_budget_of_the_head(void **state)
{
    (void)state;
    peer_step part = long_head("A: ", "\r\n");
    const peer_step script[] = {
        HEAD_READ, PEER_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"),
        part,      PEER_SEND("\r\n0\r\n"),
        part,      PEER_SEND("\r\n"),
        PEER_END};
    gyre_response *response;
    assert_int_equal(rig_once(script, NULL, &response, NULL), GYRE_EHEADSIZE);
}

TESTS(cmocka_unit_test(client_reads_every_kind_of_response),
      cmocka_unit_test(client_reads_a_response_that_comes_byte_by_byte),
      cmocka_unit_test(client_response_outlives_client_and_loop),
      cmocka_unit_test(client_body_limit_names_itself),
      cmocka_unit_test(client_large_bodies_arrive_whole),
      cmocka_unit_test(client_endless_head_is_too_large),
      cmocka_unit_test(client_too_many_interim_responses_are_refused),
      cmocka_unit_test(client_interim_responses_share_the_budget_of_the_head),
      cmocka_unit_test(client_trailers_share_the_budget_of_the_head))
