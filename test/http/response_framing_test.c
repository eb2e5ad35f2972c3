// The framing of responses: where the body ends, and whether the connection can be used again.
// once

#include "test/http/framing.h"

static const gyre__asked plain = {0};
static const gyre__asked head_asked = {.head = true};
static const gyre__asked connect_asked = {.connect = true};
static const gyre__asked upgrade_asked = {.upgrade = true};

#define GOOD(head, want) \
    { \
        TEXT("HTTP/1.1 " head "\r\n"), 0, want \
    }
#define BAD(head, err) \
    { \
        TEXT("HTTP/1.1 " head "\r\n"), err, NULL \
    }
#define OLD_GOOD(head, want) \
    { \
        TEXT("HTTP/1.0 " head "\r\n"), 0, want \
    }
#define OLD_BAD(head, err) \
    { \
        TEXT("HTTP/1.0 " head "\r\n"), err, NULL \
    }

static const framing_row lengths[] = {
    GOOD("200 OK\r\n", "until close"),
    GOOD("200 OK\r\nConnection: keep-alive\r\n", "until close"),
    GOOD("200 OK\r\nContent-Length: 0\r\n", "length 0 keep"),
    GOOD("200 OK\r\nContent-Length: 5\r\n", "length 5 keep"),
    GOOD("404 x\r\nContent-Length: 5\r\nConnection: close\r\n", "length 5"),
    GOOD("500 x\r\nContent-Length: 9223372036854775807\r\n", "length 9223372036854775807 keep"),
    GOOD("205 x\r\nContent-Length: 5\r\n", "length 5 keep"),
    GOOD("206 x\r\nContent-Length: 5\r\n", "length 5 keep"),
    GOOD("200 OK\r\nTransfer-Encoding: chunked\r\n", "chunked keep"),
    GOOD("200 OK\r\nTransfer-Encoding: CHUNKED\r\nConnection: close\r\n", "chunked"),
    OLD_GOOD("200 OK\r\n", "until close"),
    OLD_GOOD("200 OK\r\nContent-Length: 5\r\n", "length 5"),
    OLD_GOOD("200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n", "length 5 keep"),
    OLD_GOOD("200 OK\r\nConnection: keep-alive\r\n", "until close"),
    OLD_BAD("200 OK\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 9223372036854775808\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: \r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: +5\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: -1\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 5 \x01\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 5, 5\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nTransfer-Encoding:\r\n", GYRE_EFRAMING),
    BAD("200 OK\r\nTransfer-Encoding: identity\r\n", GYRE_ECODING),
    BAD("200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", GYRE_ECODING),
    BAD("200 OK\r\nTransfer-Encoding: chunked;a=b\r\n", GYRE_ECODING),
    BAD("101 x\r\n", GYRE_EUNEXPECTED),
    BAD("101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n", GYRE_EUNEXPECTED),
};

// Without a body by their status: that is never an error, but may cost the connection.
static const framing_row bodiless[] = {
    GOOD("100 Continue\r\n", "none keep"),
    GOOD("102 x\r\n", "none keep"),
    GOOD("103 x\r\nLink: y\r\n", "none keep"),
    GOOD("199 x\r\n", "none keep"),
    GOOD("204 x\r\n", "none keep"),
    GOOD("204 x\r\nContent-Length: 0\r\n", "none keep"),
    GOOD("204 x\r\nConnection: close\r\n", "none"),
    GOOD("304 x\r\n", "none keep"),
    GOOD("304 x\r\nContent-Length: 500\r\n", "none keep"),
    GOOD("304 x\r\nTransfer-Encoding: chunked\r\n", "none keep"),
    GOOD("100 x\r\nContent-Length: 5\r\n", "none"),
    GOOD("204 x\r\nContent-Length: 5\r\n", "none"),
    GOOD("204 x\r\nTransfer-Encoding: chunked\r\n", "none"),
    GOOD("204 x\r\nContent-Length: 5, 5\r\n", "none"),
    GOOD("304 x\r\nContent-Length: x\r\n", "none"),
    GOOD("304 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "none"),
    GOOD("304 x\r\nTransfer-Encoding: gzip\r\n", "none"),
    OLD_GOOD("304 x\r\n", "none"),
    OLD_GOOD("204 x\r\nConnection: keep-alive\r\n", "none keep"),
};

static const framing_row to_head[] = {
    GOOD("200 OK\r\n", "none keep"),
    GOOD("200 OK\r\nContent-Length: 500\r\n", "none keep"),
    GOOD("200 OK\r\nTransfer-Encoding: chunked\r\n", "none keep"),
    GOOD("404 x\r\nContent-Length: 500\r\nConnection: close\r\n", "none"),
    GOOD("200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "none"),
    GOOD("200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "none"),
    OLD_GOOD("200 OK\r\nContent-Length: 500\r\n", "none"),
    BAD("101 x\r\n", GYRE_EUNEXPECTED),
};

static const framing_row to_connect[] = {
    GOOD("200 OK\r\n", "tunnel"),
    GOOD("299 x\r\nContent-Length: 5\r\n", "tunnel"),
    GOOD("200 OK\r\nTransfer-Encoding: gzip\r\n", "tunnel"),
    GOOD("204 x\r\n", "tunnel"),
    GOOD("100 x\r\n", "none keep"),
    GOOD("304 x\r\n", "none keep"),
    GOOD("407 x\r\nContent-Length: 5\r\n", "length 5 keep"),
    GOOD("502 x\r\n", "until close"),
    BAD("407 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n", GYRE_EFRAMING),
    OLD_GOOD("200 Connection established\r\n", "tunnel"),
};

static const framing_row to_upgrade[] = {
    GOOD("101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", "tunnel upgrade"),
    GOOD("101 x\r\nUpgrade: websocket\r\n", "tunnel"),
    GOOD("101 x\r\nConnection: upgrade\r\n", "tunnel"),
    GOOD("200 OK\r\nContent-Length: 5\r\n", "length 5 keep"),
    GOOD("426 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
         "length 0 keep upgrade"),
};

#define RESPONSE_TEST(name, table, asked) \
    static void name(void **state) \
    { \
        (void)state; \
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) \
            framing_check_response(&table[i], asked); \
    }

RESPONSE_TEST(response_body_is_chunked_counted_or_up_to_the_close, lengths, plain)
RESPONSE_TEST(response_of_some_statuses_has_no_body, bodiless, plain)
RESPONSE_TEST(response_to_head_has_no_body, to_head, head_asked)
RESPONSE_TEST(response_to_connect_opens_a_tunnel, to_connect, connect_asked)
RESPONSE_TEST(response_101_is_expected_only_after_an_upgrade, to_upgrade, upgrade_asked)

TESTS(cmocka_unit_test(response_body_is_chunked_counted_or_up_to_the_close),
      cmocka_unit_test(response_of_some_statuses_has_no_body),
      cmocka_unit_test(response_to_head_has_no_body),
      cmocka_unit_test(response_to_connect_opens_a_tunnel),
      cmocka_unit_test(response_101_is_expected_only_after_an_upgrade))
