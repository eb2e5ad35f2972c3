// The exact text of every error of a fetch: what gyre_why_last gives and gyre-fetch prints. A text
// names the thing, the peer and the number.

#include "test/http/client_rig.h"
#include "test/support/dns.h"
#include "test/support/real.h"
#include "test/support/sockets.h"

enum where { PEER, REFUSING, DROPPING, CLOSED }; // who is at the port; CLOSED: the client is closed

struct row {
    int err;
    const char *text; // '#' stands for any digits, a '*' at the end for anything
    const char *url;  // %u: the port; NULL: that of 127.0.0.1
    enum where where;
    gyre_fetch_opts opts;
    bool busy; // another fetch holds the only slot
    peer_step script[12];
};

// ---- What the rows are made of ---------------------------------------------------------------

static char large[16 << 20];
#define LARGE \
    { \
        large, sizeof large \
    }
#define NOBODY       .script = {PEER_END}
#define ANSWERS(...) .script = {HEAD_READ, __VA_ARGS__, PEER_END}
#define SENDS(text)  ANSWERS(PEER_SEND(text), PEER_SHUTDOWN)
#define STALLS(text) ANSWERS(PEER_SEND(text), PEER_STALL)
#define HEAD         "HTTP/1.1 200 OK\r\n"
#define NINE         HEAD "Content-Length: 9\r\n\r\nab"
#define CHUNKS       HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define TO(location) "HTTP/1.1 302 x\r\nLocation: " location "\r\nContent-Length: 0\r\n\r\n"
#define B64          "................................................................"
#define K1           B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64 B64
#define K8           K1 K1 K1 K1 K1 K1 K1 K1
#define K64          K8 K8 K8 K8 K8 K8 K8 K8
#define READ         PEER_EXPECT_UNTIL("\r\n\r\n")
#define WITHIN(n)    .opts.timeout = GYRE_MS(n)
#define BAD(url_, why) \
    { \
        .err = GYRE_EURL, .url = url_, .text = "URL \"" url_ "\": " why, NOBODY \
    }
#define FIELD(name, value) \
    .opts.fields = &(const gyre_field){{name, sizeof name - 1}, {value, sizeof value - 1}}, \
    .opts.field_count = 1

static const struct dns_rule names[] = {
    {.name = "one.test", .type = DNS_A, .data = "127.0.0.1"},
    {.name = "two.test", .type = DNS_A, .data = "127.0.0.1 127.0.0.2"},
    {.name = "mixed.test", .type = DNS_A, .data = "127.0.0.1 224.0.0.1"},
    {.name = "one.test", .act = DNS_NODATA},
    {.name = "two.test", .act = DNS_NODATA},
    {.name = "mixed.test", .act = DNS_NODATA},
    {.name = "empty.test", .act = DNS_NODATA},
    {.name = "refused.test", .act = DNS_REFUSED},
    {.name = "silent.test", .act = DNS_SILENCE},
};

static const struct row rows[] = {
    // ---- What was asked for ----
    BAD("", "scheme is missing"),
    BAD("nowhere", "scheme is missing"),
    BAD("ftp://h/", "scheme is not http or https"),
    BAD("https://h/", "https is not built in"),
    BAD("http:h", "\"//\" is missing behind the scheme"),
    BAD("http:///", "host is empty"),
    BAD("http://h:99999/", "port is not between 1 and 65535"),
    BAD("http://h:0/", "port is not between 1 and 65535"),
    BAD("http://h:123456/", "port has more than five digits"),
    BAD("http://h:8x/", "port is not a number"),
    BAD("http://a b/", "URL has a byte that is not visible ASCII"),
    BAD("http://a_b!/", "host has a byte that is not a letter, digit, \"-\", \"_\" or \".\""),
    BAD("http://1.2.3/", "host looks like an IPv4 address but is not a dotted quad"),
    BAD("http://[::1/", "\"[\" without \"]\""),
    BAD("http://[1:2]/", "IPv6 address is malformed"),
    {.err = GYRE_EURL,
     .url = "http://h/\r\nX: y",
     .text = "URL \"http://h/??X: y\": URL has a byte that is not visible ASCII",
     NOBODY},
    {.err = GYRE_EREQUEST, .opts.method = "GE T", .text = "method \"GE T\" is not a token", NOBODY},
    {.err = GYRE_EREQUEST,
     .opts.method = "CONNECT",
     .text = "method \"CONNECT\" is for proxies",
     NOBODY},
    {.err = GYRE_EREQUEST,
     FIELD("X", "a\r\nY: b"),
     .text = "value of field X cannot be sent: byte 1 is 0x0d",
     NOBODY},
    {.err = GYRE_EREQUEST, FIELD("X y", "a"), .text = "field name \"X y\" is not a token", NOBODY},
    {.err = GYRE_EREQUEST,
     FIELD("Content-Length", "1"),
     .text = "field Content-Length is the library's to write",
     NOBODY},
    {.err = -EINVAL, .opts.timeout = -7, .text = "gyre_fetch: an option is out of range", NOBODY},
    {.err = GYRE_ECLOSED, .where = CLOSED, .text = "fetch: client is closed", NOBODY},
    // ---- Queue, name, connection ----
    {.err = GYRE_ETIMEDOUT_QUEUE,
     .busy = true,
     .opts.queue_timeout = GYRE_MS(30),
     .text = "queue for 127.0.0.1:#: no slot came free within 30 ms",
     ANSWERS(PEER_EXPECT_EOF)},
    {.err = GYRE_ENOTFOUND,
     .url = "http://gone.test/",
     .text = "resolve gone.test: name does not exist",
     NOBODY},
    {.err = GYRE_ENOADDRESS,
     .url = "http://empty.test/",
     .text = "resolve empty.test: name has no address",
     NOBODY},
    {.err = GYRE_ERESOLVE,
     .url = "http://refused.test/",
     .text = "resolve refused.test: name servers gave no usable answer (*",
     NOBODY},
    {.err = GYRE_ETIMEDOUT_RESOLVE,
     .url = "http://silent.test/",
     WITHIN(80),
     .text = "resolve silent.test: no name server answered within 80 ms",
     NOBODY},
    {.err = -ECONNREFUSED, .where = REFUSING, .text = "connect to 127.0.0.1:#: refused", NOBODY},
    {.err = -ECONNREFUSED,
     .where = REFUSING,
     .url = "http://one.test:%u/",
     .text = "connect to 127.0.0.1:# (one.test): refused, 1 of 1 addresses tried",
     NOBODY},
    {.err = -ECONNREFUSED,
     .where = REFUSING,
     .url = "http://two.test:%u/",
     .text =
         "connect to 127.0.0.1:# (two.test): refused; 127.0.0.2:#: refused, 2 of 2 addresses tried",
     NOBODY},
    {.err = GYRE_ECONNECT,
     .where = REFUSING,
     .url = "http://mixed.test:%u/",
     .text = "connect to 127.0.0.1:# (mixed.test): refused; 224.0.0.1:#: Network is unreachable, 2 "
             "of 2 addresses tried",
     NOBODY},
    {.err = GYRE_ETIMEDOUT_CONNECT,
     .where = DROPPING,
     WITHIN(250),
     .text = "connect to 127.0.0.1:#: no answer within 250 ms",
     NOBODY},
    {.err = GYRE_ETIMEDOUT_CONNECT,
     .where = DROPPING,
     .url = "http://one.test:%u/",
     .opts.connect_timeout = GYRE_MS(60),
     .text = "connect to 127.0.0.1:# (one.test): no answer, 1 of 1 addresses tried within 60 ms",
     NOBODY},
    // ---- The request ----
    {.err = GYRE_ETIMEDOUT_SEND,
     WITHIN(250),
     .opts.body = LARGE,
     .text = "send to 127.0.0.1:#: # of # bytes within 250 ms",
     .script = {PEER_ACCEPT, PEER_STALL, PEER_END}},
    {.err = GYRE_ECLOSED_SEND,
     .opts.body = LARGE,
     .text = "send to 127.0.0.1:#: Connection reset by peer after # of # bytes",
     .script = {PEER_ACCEPT, PEER_EXPECT_BYTES(100), PEER_RESET, PEER_END}},
    // ---- The response ----
    {.err = GYRE_ETIMEDOUT_WAIT,
     WITHIN(250),
     .text = "no answer from 127.0.0.1:# within 250 ms",
     ANSWERS(PEER_STALL)},
    {.err = GYRE_ETIMEDOUT_WAIT,
     .opts.first_byte_timeout = GYRE_MS(60),
     .text = "no answer from 127.0.0.1:# within 60 ms",
     ANSWERS(PEER_STALL)},
    {.err = GYRE_ETIMEDOUT_RECEIVE,
     WITHIN(250),
     .text = "response of 127.0.0.1:#: 17 bytes of the head within 250 ms",
     STALLS(HEAD)},
    {.err = GYRE_ETIMEDOUT_RECEIVE,
     .opts.between_bytes_timeout = GYRE_MS(60),
     .text = "response of 127.0.0.1:#: 2 of 9 body bytes within 60 ms",
     STALLS(NINE)},
    {.err = GYRE_ETIMEDOUT_RECEIVE,
     WITHIN(250),
     .text = "response of 127.0.0.1:#: 2 body bytes within 250 ms",
     STALLS(CHUNKS "2\r\nab")},
    {.err = GYRE_ECLOSED_WAIT,
     .text = "no answer from 127.0.0.1:#: closed",
     ANSWERS(PEER_SHUTDOWN)},
    {.err = GYRE_ECLOSED_WAIT,
     .text = "no answer from 127.0.0.1:#: Connection reset by peer",
     ANSWERS(PEER_RESET)},
    {.err = GYRE_ECLOSED_RECEIVE,
     .text = "response of 127.0.0.1:#: closed after 19 bytes of the head",
     SENDS(HEAD "X:")},
    {.err = GYRE_ECLOSED_RECEIVE,
     .text = "response of 127.0.0.1:#: closed after 2 of 9 body bytes",
     SENDS(NINE)},
    {.err = GYRE_ECLOSED_RECEIVE,
     .text = "response of 127.0.0.1:#: closed after 2 body bytes",
     SENDS(CHUNKS "2\r\nab\r\n")},
    {.err = GYRE_ESTARTLINE,
     .text = "response of 127.0.0.1:#: malformed start line: \"SSH-2.0-OpenSSH_9.2\"",
     SENDS("SSH-2.0-OpenSSH_9.2\r\n\r\n")},
    {.err = GYRE_EVERSION,
     .text = "response of 127.0.0.1:#: HTTP version is not 1.x: \"HTTP/2.0 200 OK\"",
     SENDS("HTTP/2.0 200 OK\r\n\r\n")},
    {.err = GYRE_EFIELD,
     .text = "response of 127.0.0.1:#: malformed header field",
     SENDS(HEAD "X y: 1\r\n\r\n")},
    {.err = GYRE_EFRAMING,
     .text = "response of 127.0.0.1:#: contradictory or malformed message length",
     SENDS(HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\n")},
    {.err = GYRE_ECODING,
     .text = "response of 127.0.0.1:#: transfer coding is not \"chunked\"",
     SENDS(HEAD "Transfer-Encoding: gzip\r\n\r\n")},
    {.err = GYRE_ECHUNK,
     .text = "response of 127.0.0.1:#: malformed chunk after 2 body bytes",
     SENDS(CHUNKS "2\r\nab\r\nz\r\n")},
    {.err = GYRE_EUNEXPECTED,
     .text = "response of 127.0.0.1:#: message out of order: \"HTTP/1.1 101 Switching Protocols\"",
     SENDS("HTTP/1.1 101 Switching Protocols\r\n\r\n")},
    {.err = GYRE_EHEADSIZE,
     .text = "response of 127.0.0.1:#: head exceeds 65536 bytes or 256 lines",
     ANSWERS(PEER_SEND(HEAD "X: " K64 K1))},
    {.err = GYRE_EBODYSIZE,
     .opts.max_body = 1,
     .text = "response of 127.0.0.1:#: body of 9 bytes exceeds the limit of 1",
     SENDS(NINE)},
    {.err = GYRE_EBODYSIZE,
     .opts.max_body = 1,
     .text = "response of 127.0.0.1:#: body exceeds the limit of 1 bytes",
     SENDS(CHUNKS "2\r\nab\r\n")},
    // ---- Redirects ----
    {.err = GYRE_EREDIRECTS,
     .opts.max_redirects = 1,
     .text = "127.0.0.1:# redirects to \"/b\": limit of 1 redirects reached",
     ANSWERS(PEER_SEND(TO("/a")), READ, PEER_SEND(TO("/b")))},
    {.err = GYRE_EREDIRECT,
     .text = "127.0.0.1:# redirects to \"https://h/\": https is not built in",
     ANSWERS(PEER_SEND(TO("https://h/")))},
    {.err = GYRE_EREDIRECT,
     .text = "127.0.0.1:# redirects to \"http://[::\": \"[\" without \"]\"",
     ANSWERS(PEER_SEND(TO("http://[::")))},
};

// ---- Running a row --------------------------------------------------------------------------

struct scene {
    struct rig rig;
    struct syn_drop drop;
    int holder;
    uint16_t port;
};

static void open_scene(struct scene *scene, const struct row *row, const char *servers)
{
    *scene = (struct scene){.holder = -1};
    rig_open(&scene->rig, &(gyre_client_opts){.connect.resolve.servers = servers,
                                              .max_requests = row->busy ? 1 : 0});
    if (row->where == REFUSING) scene->port = refusing_port(&scene->holder);
    if (row->where == DROPPING) {
        syn_drop_start(&scene->drop);
        scene->port = scene->drop.port;
    }
    if (row->where == PEER && row->script[0].action != PEER_DO_END) {
        rig_play(&scene->rig, row->script);
        scene->port = peer_port(scene->rig.peer);
    }
}

static void close_scene(struct scene *scene, const struct row *row)
{
    if (row->where == REFUSING) real_close(scene->holder);
    if (row->where == DROPPING) syn_drop_stop(&scene->drop);
    assert_int_equal(gyre_loop_close(scene->rig.loop), 0);
    for (int i = 0; scene->rig.peer && i < 4; i++) peer_release(scene->rig.peer);
    if (scene->rig.peer) peer_wait(scene->rig.peer);
}

static bool matches(const char *text, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') return true;
        if (*pattern != '#') {
            if (*text++ != *pattern) return false;
            continue;
        }
        if (*text < '0' || *text > '9') return false;
        while (*text >= '0' && *text <= '9') text++;
    }
    return *text == '\0';
}

static bool check_row(size_t number, const struct row *row, const char *servers)
{
    struct scene scene;
    char url[128];
    open_scene(&scene, row, servers);
    const char *given = row->url ? row->url : "http://127.0.0.1:%u/";
    const char *hole = strstr(given, "%u");
    int before = hole ? (int)(hole - given) : (int)strlen(given);
    snprintf(url, sizeof url, "%.*s", before, given);
    if (hole) snprintf(url + before, sizeof url - (size_t)before, "%u/", scene.port | !scene.port);
    if (row->where == CLOSED) gyre_client_close(scene.rig.client);
    if (row->busy) gyre_detach(gyre_fetch(scene.rig.client, url, NULL));
    gyre_response *response = NULL;
    int err = gyre_run(gyre_fetch(scene.rig.client, url, &row->opts), &response);
    bool same = err == row->err && matches(gyre_why_last(scene.rig.loop), row->text);
    if (!same)
        print_error("row %zu: %s \"%s\"\n  wanted %s \"%s\"\n", number, gyre_errname(err),
                    gyre_why_last(scene.rig.loop), gyre_errname(row->err), row->text);
    gyre_response_free(response);
    close_scene(&scene, row);
    return same;
}

static void message_of_every_error_is_exact(void **state)
{
    (void)state;
    struct dns dns;
    size_t wrong = 0;
    dns_start(&dns, names, sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !check_row(i, &rows[i], dns.text);
    dns_stop(&dns);
    assert_int_equal(wrong, 0);
}

// What a fetch cannot give: other floors' errors, and those of what is not built in.
static bool is_elsewhere(int err)
{
    static const int codes[] = {GYRE_ECANCELED, GYRE_EEOF,     GYRE_ETIMEDOUT, GYRE_ETIMEDOUT_TLS,
                                GYRE_ETLS,      GYRE_ENOGUARD, GYRE_ELIMIT};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == err) return true;
    return strcmp(gyre_err_class(err), "misuse") == 0;
}

static void message_table_has_every_code_of_a_fetch(void **state)
{
    (void)state;
    static const int codes[] = {
#define CODE(code, value, class_, phase, safe, text) code,
        GYRE_ERROR_LIST(CODE)
#undef CODE
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        bool found = is_elsewhere(codes[i]);
        for (size_t k = 0; !found && k < sizeof rows / sizeof *rows; k++)
            found = rows[k].err == codes[i];
        if (!found) fail_msg("no row has %s", gyre_errname(codes[i]));
    }
}

TESTS(cmocka_unit_test(message_of_every_error_is_exact),
      cmocka_unit_test(message_table_has_every_code_of_a_fetch))
