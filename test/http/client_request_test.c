// What a client writes to the wire, byte by byte, and what it refuses to write.

#include "test/http/client_rig.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const gyre_client_opts plain = {.user_agent = ""};

// Fetches and gives what the peer received; valid until the next call.
static const char *sent(const gyre_fetch_opts *opts, const char *path)
{
    static char text[4096];
    static const peer_step script[] = {HEAD_READ, PEER_SEND(OK), PEER_END};
    struct rig rig;
    rig_open(&rig, &plain);
    rig_play(&rig, script);
    char url[256];
    snprintf(url, sizeof url, "%s%s", rig.url, path);
    gyre_response *response;
    assert_int_equal(gyre_run(gyre_fetch(rig.client, url, opts), &response), 0);
    gyre_response_free(response);
    uint16_t port = peer_port(rig.peer);
    rig_close(&rig);
    gyre_view got = peer_received(rig.peer, 0);
    char host[64];
    snprintf(host, sizeof host, "Host: 127.0.0.1:%u\r\n", port);
    char *at = strstr(memcpy(text, got.ptr, got.len), host);
    text[got.len] = '\0';
    if (at) memmove(at, at + strlen(host), strlen(at + strlen(host)) + 1);
    return text;
}

static void client_request_line_and_default_fields(void **state)
{
    (void)state;
    assert_string_equal(sent(NULL, "a/b?c=d#e"), "GET /a/b?c=d HTTP/1.1\r\nAccept: */*\r\n\r\n");
}

static void client_request_with_body_and_fields(void **state)
{
    (void)state;
    const gyre_field fields[] = {{GYRE_VIEW("X-One"), GYRE_VIEW("1")},
                                 {GYRE_VIEW("accept"), GYRE_VIEW("text/plain")}};
    const gyre_fetch_opts opts = {.body = GYRE_VIEW("a=b"), .fields = fields, .field_count = 2};
    assert_string_equal(sent(&opts, ""), "POST / HTTP/1.1\r\nX-One: 1\r\naccept: text/plain\r\n"
                                         "Content-Length: 3\r\n\r\na=b");
}

static void client_request_of_every_method(void **state)
{
    (void)state;
    static const struct {
        const char *method, *expected;
    } rows[] = {
        {"GET", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
        {"DELETE", "DELETE / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
        {"OPTIONS", "OPTIONS / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
        {"POST", "POST / HTTP/1.1\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
        {"PUT", "PUT / HTTP/1.1\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
        {"PATCH", "PATCH / HTTP/1.1\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
        {"frob", "frob / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(sent(&(gyre_fetch_opts){.method = rows[i].method}, ""),
                            rows[i].expected);
}

static void client_request_host_of_the_user_replaces_ours(void **state)
{
    (void)state;
    const gyre_field fields[] = {{GYRE_VIEW("host"), GYRE_VIEW("example.org")}};
    const gyre_fetch_opts opts = {.fields = fields, .field_count = 1};
    assert_string_equal(sent(&opts, ""),
                        "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n");
}

static void client_request_head_larger_than_the_stack_buffer(void **state)
{
    (void)state;
    char long_value[3001];
    memset(long_value, 'v', 3000);
    long_value[3000] = '\0';
    const gyre_field fields[] = {{GYRE_VIEW("X"), gyre_view_of(long_value)}};
    const char *text = sent(&(gyre_fetch_opts){.fields = fields, .field_count = 1}, "");
    assert_non_null(strstr(text, long_value));
    assert_int_equal(strlen(text), strlen("GET / HTTP/1.1\r\nAccept: */*\r\nX: \r\n\r\n") + 3000);
}

// ---- Refused ---------------------------------------------------------------------------------

struct refused {
    const char *url; // NULL: a good one
    gyre_fetch_opts opts;
    int err;
    const char *why;
};

#define FIELD(name, value) \
    (const gyre_field[]) \
    { \
        { \
            GYRE_VIEW(name), GYRE_VIEW(value) \
        } \
    }

static void client_refuses_what_cannot_be_sent(void **state)
{
    (void)state;
    const struct refused rows[] = {
        {"", {0}, GYRE_EURL, NULL},
        {"ftp://127.0.0.1/", {0}, GYRE_EURL, NULL},
        {"https://127.0.0.1/", {0}, GYRE_EURL, "URL \"https://127.0.0.1/\": https is not built in"},
        {"http://127.0.0.1:99999/", {0}, GYRE_EURL, NULL},
        {"http://127.0.0.1:0/", {0}, GYRE_EURL, NULL},
        {"http://a\r\nb/", {0}, GYRE_EURL, NULL},
        {"http://127.0.0.1/\r\nX: y", {0}, GYRE_EURL, NULL},
        {NULL, {.method = "GE T"}, GYRE_EREQUEST, "method \"GE T\" is not a token"},
        {NULL, {.method = "GET\r\nX: y"}, GYRE_EREQUEST, "method \"GET??X: y\" is not a token"},
        {NULL, {.method = ""}, GYRE_EREQUEST, "method \"\" is not a token"},
        {NULL, {.method = "CONNECT"}, GYRE_EREQUEST, "method \"CONNECT\" is for proxies"},
        {NULL,
         {.fields = FIELD("X", "a\r\nY: b"), .field_count = 1},
         GYRE_EREQUEST,
         "value of field X cannot be sent: byte 1 is 0x0d"},
        {NULL, {.fields = FIELD("X", "a\0b"), .field_count = 1}, GYRE_EREQUEST, NULL},
        {NULL,
         {.fields = FIELD("X\r\n", "a"), .field_count = 1},
         GYRE_EREQUEST,
         "field name \"X??\" is not a token"},
        {NULL, {.fields = FIELD("", "a"), .field_count = 1}, GYRE_EREQUEST, NULL},
        {NULL,
         {.fields = FIELD("content-length", "5"), .field_count = 1},
         GYRE_EREQUEST,
         "field content-length is the library's to write"},
        {NULL,
         {.fields = FIELD("Transfer-Encoding", "chunked"), .field_count = 1},
         GYRE_EREQUEST,
         NULL},
        {NULL, {.timeout = -5}, -EINVAL, "gyre_fetch: an option is out of range"},
        {NULL, {.max_redirects = -2}, -EINVAL, NULL},
    };
    struct rig rig;
    rig_open(&rig, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *url = rows[i].url ? rows[i].url : "http://127.0.0.1:1/";
        gyre_response *response = NULL;
        int err = gyre_run(gyre_fetch(rig.client, url, &rows[i].opts), &response);
        if (err != rows[i].err) fail_msg("row %zu: %s", i, gyre_errname(err));
        assert_null(response);
        const char *why = gyre_why_last(rig.loop);
        assert_true(strlen(why) > 0);
        if (rows[i].why) assert_string_equal(why, rows[i].why);
    }
    rig_close(&rig);
}

// Details reach logs (gyre_on_unhandled), where neither belongs.
static void client_details_never_show_a_password_or_a_field_value(void **state)
{
    (void)state;
    const gyre_field secret = {GYRE_VIEW("Authorization"), GYRE_VIEW("Basic s3cret\n")};
    const struct refused rows[] = {
        {"http://user:s3cret@127.0.0.1:99999/", {0}, GYRE_EURL, NULL},
        {"http://user:s3/cret@127.0.0.1/ ", {0}, GYRE_EURL, NULL},
        {"user:s3cret@127.0.0.1", {0}, GYRE_EURL, NULL},
        {"ftp://user:s3cret@127.0.0.1/", {0}, GYRE_EURL, NULL},
        {"http://user:s3cret@127.0.0.1:1/", {0}, -ECONNREFUSED, NULL},
        {"http://127.0.0.1/",
         {.fields = &secret, .field_count = 1},
         GYRE_EREQUEST,
         "value of field Authorization cannot be sent: byte 12 is 0x0a"},
    };
    struct rig rig;
    rig_open(&rig, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gyre_response *response = NULL;
        int err = gyre_run(gyre_fetch(rig.client, rows[i].url, &rows[i].opts), &response);
        if (err != rows[i].err) fail_msg("row %zu: %s", i, gyre_errname(err));
        const char *why = gyre_why_last(rig.loop);
        if (strstr(why, "s3")) fail_msg("row %zu: %s", i, why);
        if (rows[i].why) assert_string_equal(why, rows[i].why);
    }
    rig_close(&rig);
}

static void client_options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const gyre_client_opts rows[] = {
        {.max_requests = -1},   {.max_per_origin = -1},  {.idle = -2},
        {.user_agent = "a\nb"}, {.connect.timeout = -1}, {.connect.stream.read_buffer = -7},
    };
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gyre_client *client = NULL;
        assert_int_equal(gyre_client_open(&client, loop, &rows[i]), -EINVAL);
        assert_null(client);
    }
    gyre_loop_close(loop);
}

// An interim response while the kernel is full does not end the sending: only a final one does.
static void client_sends_the_whole_body_although_an_interim_response_comes(void **state)
{
    (void)state;
    enum { SIZE = 16 << 20 };
    static const peer_step script[] = {HEAD_READ,
                                       PEER_PAUSE(30),
                                       PEER_SEND("HTTP/1.1 103 Early Hints\r\n\r\n"),
                                       PEER_PAUSE(30),
                                       PEER_SEND("HTTP/1.1 100 Continue\r\n\r\n"),
                                       PEER_EXPECT_BYTES(SIZE),
                                       PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                                       PEER_EXPECT("GET"),
                                       PEER_EXPECT_UNTIL("\r\n\r\n"),
                                       PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                                       PEER_END};
    char *body = calloc(1, SIZE);
    const gyre_field expects = {GYRE_VIEW("Expect"), GYRE_VIEW("100-continue")};
    const gyre_fetch_opts opts = {.method = "PUT",
                                  .body = {body, SIZE},
                                  .fields = &expects,
                                  .field_count = 1,
                                  .timeout = GYRE_SECONDS(5)};
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response *response;
    assert_int_equal(rig_fetch(&rig, &opts, &response), 0);
    gyre_response_free(response);
    assert_int_equal(rig_fetch(&rig, NULL, &response), 0);
    assert_true(response->reused);
    gyre_response_free(response);
    rig_close(&rig);
    free(body);
}

TESTS(cmocka_unit_test(client_request_line_and_default_fields),
      cmocka_unit_test(client_request_with_body_and_fields),
      cmocka_unit_test(client_request_of_every_method),
      cmocka_unit_test(client_request_host_of_the_user_replaces_ours),
      cmocka_unit_test(client_request_head_larger_than_the_stack_buffer),
      cmocka_unit_test(client_refuses_what_cannot_be_sent),
      cmocka_unit_test(client_details_never_show_a_password_or_a_field_value),
      cmocka_unit_test(client_options_out_of_range_are_refused),
      cmocka_unit_test(client_sends_the_whole_body_although_an_interim_response_comes))
