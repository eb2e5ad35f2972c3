// Redirects: what is followed, how the request changes, what does not leave its origin.

#include "test/http/client_rig.h"

#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define READ PEER_EXPECT_UNTIL("\r\n\r\n")
#define TO(status, location) \
    PEER_SEND("HTTP/1.1 " status " x\r\nLocation: " location "\r\nContent-Length: 0\r\n\r\n")

// Plays a redirect and the answer to what it leads to, on one connection; gives what was received.
static gyre_view follow(const peer_step *script, const gyre_fetch_opts *opts)
{
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response *response;
    assert_int_equal(rig_fetch(&rig, opts, &response), 0);
    assert_int_equal(response->status, 200);
    assert_int_equal(response->redirects, 1);
    gyre_response_free(response);
    rig_close(&rig);
    return peer_received(rig.peer, 0);
}

static bool has(gyre_view bytes, const char *text)
{
    return memmem(bytes.ptr, bytes.len, text, strlen(text)) != NULL;
}

static void client_redirect_turns_methods_as_the_status_says(void **state)
{
    (void)state;
    static const struct {
        const char *status, *method, *second; // the second request line
        bool body;                            // which still has the body
    } rows[] = {
        {"301", "POST", "GET /n ", false},     {"302", "POST", "GET /n ", false},
        {"303", "POST", "GET /n ", false},     {"303", "PUT", "GET /n ", false},
        {"303", "HEAD", "HEAD /n ", false},    {"301", "PUT", "PUT /n ", true},
        {"302", "DELETE", "DELETE /n ", true}, {"307", "POST", "POST /n ", true},
        {"308", "POST", "POST /n ", true},     {"302", "GET", "GET /n ", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char head[128];
        int len =
            snprintf(head, sizeof head,
                     "HTTP/1.1 %s x\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n", rows[i].status);
        peer_step script[] = {HEAD_READ,           PEER_EXPECT("body"),
                              PEER_SEND(""),       READ,
                              PEER_EXPECT("body"), PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"),
                              PEER_SHUTDOWN,       PEER_END};
        script[3].bytes = (gyre_view){head, (size_t)len};
        if (!rows[i].body) memmove(&script[5], &script[6], 3 * sizeof *script);
        const gyre_field type = {GYRE_VIEW("Content-Type"), GYRE_VIEW("text/plain")};
        gyre_view got = follow(script, &(gyre_fetch_opts){.method = rows[i].method,
                                                          .body = GYRE_VIEW("body"),
                                                          .fields = &type,
                                                          .field_count = 1});
        const char *second = memmem(got.ptr, got.len, " /n ", 4);
        assert_non_null(second);
        gyre_view rest = {second, got.len - (size_t)(second - got.ptr)};
        if (!has(got, rows[i].second)) fail_msg("row %zu", i);
        assert_int_equal(has(rest, "Content-Type"), rows[i].body);
        assert_int_equal(has(rest, "Content-Length: 4"), rows[i].body);
    }
}

static void client_redirect_resolves_and_keeps_the_fragment(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, TO("302", "../x/./y?z#frag"), READ, PEER_SEND(OK),
                                       PEER_END};
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    gyre_response *response;
    char expected[256];
    snprintf(expected, sizeof expected, "%sx/y?z#frag", rig.url);
    strcat(rig.url, "a/b");
    assert_int_equal(rig_fetch(&rig, NULL, &response), 0);
    assert_view(response->url, expected);
    assert_true(response->reused);
    gyre_response_free(response);
    rig_close(&rig);
    assert_int_equal(peer_connections(rig.peer), 1);
}

static void client_redirect_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
        int max, err, status;
        peer_step script[10];
    } rows[] = {
        {"limit",
         "redirects to \"/c\": limit of 2 redirects reached",
         2,
         GYRE_EREDIRECTS,
         0,
         {HEAD_READ, TO("302", "/a"), READ, TO("302", "/b"), READ, TO("302", "/c"), PEER_END}},
        {"none wanted", "", GYRE_NONE, 0, 302, {HEAD_READ, TO("302", "/a"), PEER_END}},
        {"no Location",
         "",
         0,
         0,
         302,
         {HEAD_READ, PEER_SEND("HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n"), PEER_END}},
        {"300 is no redirect", "", 0, 0, 300, {HEAD_READ, TO("300", "/a"), PEER_END}},
        {"304 is no redirect", "", 0, 0, 304, {HEAD_READ, TO("304", "/a"), PEER_END}},
        {"another scheme",
         NULL,
         0,
         GYRE_EREDIRECT,
         0,
         {HEAD_READ, TO("302", "ftp://127.0.0.1/"), PEER_END}},
        {"https",
         "redirects to \"https://127.0.0.1/\": https is not built in",
         0,
         GYRE_EREDIRECT,
         0,
         {HEAD_READ, TO("302", "https://127.0.0.1/"), PEER_END}},
        {"nonsense", NULL, 0, GYRE_EREDIRECT, 0, {HEAD_READ, TO("302", "http://[::"), PEER_END}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gyre_response *response;
        char why[256];
        int err = rig_once(rows[i].script, &(gyre_fetch_opts){.max_redirects = rows[i].max},
                           &response, why);
        if (err != rows[i].err) fail_msg("%s: %s", rows[i].name, gyre_errname(err));
        if (err && rows[i].why) assert_non_null(strstr(why, rows[i].why));
        if (!err) assert_int_equal(response->status, rows[i].status);
        gyre_response_free(response);
    }
}

// ---- Across origins --------------------------------------------------------------------------

static const gyre_field secrets[] = {{GYRE_VIEW("authorization"), GYRE_VIEW("Basic s3cret")},
                                     {GYRE_VIEW("Cookie"), GYRE_VIEW("id=s3cret")},
                                     {GYRE_VIEW("Proxy-Authorization"), GYRE_VIEW("s3cret")},
                                     {GYRE_VIEW("X-Plain"), GYRE_VIEW("yes")}};

static void client_redirect_keeps_credentials_on_the_same_origin(void **state)
{
    (void)state;
    static const peer_step script[] = {HEAD_READ, TO("302", "/again"), READ, PEER_SEND(OK),
                                       PEER_END};
    gyre_view got = follow(script, &(gyre_fetch_opts){.fields = secrets, .field_count = 4});
    const char *second = memmem(got.ptr, got.len, "GET /again", 10);
    gyre_view rest = {second, got.len - (size_t)(second - got.ptr)};
    assert_true(has(rest, "authorization: Basic s3cret"));
    assert_true(has(rest, "id=s3cret"));
}

// There and back again: another port is another origin, and what was dropped stays dropped.
static void client_redirect_drops_credentials_across_origins_for_good(void **state)
{
    (void)state;
    char there[128], back[128];
    peer_step home[] = {HEAD_READ, PEER_SEND(""), READ, PEER_SEND(OK), PEER_END};
    peer_step away[] = {HEAD_READ, PEER_SEND(""), PEER_END};
    struct rig rig;
    rig_open(&rig, NULL);
    rig.peer = peer_start(PEER_IPV4, home);
    peer *other = peer_start(PEER_IPV4, away);
    snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%u/", peer_port(rig.peer));
    snprintf(there, sizeof there,
             "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:%u/\r\nContent-Length: 0\r\n\r\n",
             peer_port(other));
    snprintf(back, sizeof back,
             "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:%u/back\r\nContent-Length: 0\r\n\r\n",
             peer_port(rig.peer));
    home[2].bytes = gyre_view_of(there);
    away[2].bytes = gyre_view_of(back);
    gyre_response *response;
    assert_int_equal(
        rig_fetch(&rig, &(gyre_fetch_opts){.fields = secrets, .field_count = 4}, &response), 0);
    gyre_response_free(response);
    peer_finish(other);
    rig_close(&rig);
    gyre_view first = peer_received(rig.peer, 0), away_got = peer_received(other, 0);
    const char *second = memmem(first.ptr, first.len, "GET /back", 9);
    assert_true(has((gyre_view){first.ptr, (size_t)(second - first.ptr)}, "s3cret"));
    assert_false(has(away_got, "s3cret"));
    assert_true(has(away_got, "X-Plain: yes"));
    assert_false(has((gyre_view){second, first.len - (size_t)(second - first.ptr)}, "s3cret"));
}

TESTS(cmocka_unit_test(client_redirect_turns_methods_as_the_status_says),
      cmocka_unit_test(client_redirect_resolves_and_keeps_the_fragment),
      cmocka_unit_test(client_redirect_limits),
      cmocka_unit_test(client_redirect_keeps_credentials_on_the_same_origin),
      cmocka_unit_test(client_redirect_drops_credentials_across_origins_for_good))
