// The framing of requests: every rule about lengths, Host, Connection, Expect and Upgrade.
// once

#include "test/http/framing.h"

#define GOOD(fields, want) \
    { \
        TEXT("POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"), 0, want " host=a" \
    }
#define BAD(fields, err) \
    { \
        TEXT("POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"), err, NULL \
    }
#define HEAD_GOOD(text, want) \
    { \
        TEXT(text "\r\n"), 0, want \
    }
#define HEAD_BAD(text, err) \
    { \
        TEXT(text "\r\n"), err, NULL \
    }

static const framing_row lengths[] = {
    GOOD("", "none keep"),
    GOOD("Content-Length: 0\r\n", "length 0 keep"),
    GOOD("Content-Length: 5\r\n", "length 5 keep"),
    GOOD("content-length:5\r\n", "length 5 keep"),
    GOOD("CONTENT-LENGTH: \t5 \t\r\n", "length 5 keep"),
    GOOD("Content-Length: 005\r\n", "length 5 keep"),
    GOOD("Content-Length: 00000000000000000000000000000000005\r\n", "length 5 keep"),
    GOOD("Content-Length: 9223372036854775807\r\n", "length 9223372036854775807 keep"),
    GOOD("Content-Lengths: 5\r\n", "none keep"),
    GOOD("Content_Length: 5\r\n", "none keep"),
    GOOD("X-Content-Length: 5\r\n", "none keep"),
    BAD("Content-Length: 9223372036854775808\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 18446744073709551615\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 18446744073709551616\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 18446744073709551621\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 99999999999999999999999999999999999999\r\n", GYRE_EFRAMING),
    BAD("Content-Length:\r\n", GYRE_EFRAMING),
    BAD("Content-Length: \r\n", GYRE_EFRAMING),
    BAD("Content-Length: +5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: -5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: -0\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 0x5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5a\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5.0\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5_0\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5e1\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5 0\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5\t0\r\n", GYRE_EFRAMING),
    BAD("Content-Length: \"5\"\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5;\r\n", GYRE_EFRAMING),
    BAD("Content-Length: \xb2\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5,\r\n", GYRE_EFRAMING),
    BAD("Content-Length: ,5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5, 5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5, 6\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5\r\nContent-Length: 5\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5\r\ncontent-length: 6\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 5\r\n", GYRE_EFRAMING),
};

static const framing_row codings[] = {
    GOOD("Transfer-Encoding: chunked\r\n", "chunked keep"),
    GOOD("transfer-encoding:ChunkeD\r\n", "chunked keep"),
    GOOD("Transfer-Encoding: \tchunked \r\n", "chunked keep"),
    GOOD("Transfer_Encoding: chunked\r\n", "none keep"),
    BAD("Transfer-Encoding: xchunked\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunkedx\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunke\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: gzip\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: identity\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: gzip, chunked\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked, gzip\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked, chunked\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked, identity\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked,\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: ,chunked\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked;q=1\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked;\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: \"chunked\"\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chu nked\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding: chunked\xff\r\n", GYRE_ECODING),
    BAD("Transfer-Encoding:\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: \r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", GYRE_EFRAMING),
    BAD("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", GYRE_EFRAMING),
    BAD("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", GYRE_EFRAMING),
    HEAD_BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", GYRE_EFRAMING),
    HEAD_GOOD("POST / HTTP/1.0\r\nContent-Length: 5\r\n", "length 5"),
    HEAD_GOOD("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n", "length 5 keep host=a"),
    HEAD_GOOD("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n",
              "chunked keep host=a"),
    HEAD_GOOD("CONNECT b:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n", "length 5 keep host=b:1"),
};

static const framing_row hosts[] = {
    HEAD_GOOD("GET / HTTP/1.1\r\nHost: a.example\r\n", "none keep host=a.example"),
    HEAD_GOOD("GET / HTTP/1.1\r\nhOST:A:80\r\n", "none keep host=A:80"),
    HEAD_GOOD("GET / HTTP/1.1\r\nHost: a:\r\n", "none keep host=a:"),
    HEAD_GOOD("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n", "none keep host=[::1]:8080"),
    HEAD_GOOD("GET / HTTP/1.1\r\nHost: 1.2.3.4\r\n", "none keep host=1.2.3.4"),
    HEAD_GOOD("GET / HTTP/1.0\r\n", "none"),
    HEAD_GOOD("GET / HTTP/1.0\r\nHost: a\r\n", "none host=a"),
    HEAD_GOOD("GET http://b:81/ HTTP/1.1\r\nHost: a\r\n", "none keep host=b:81"),
    HEAD_GOOD("GET http://b HTTP/1.0\r\n", "none host=b"),
    HEAD_GOOD("OPTIONS * HTTP/1.1\r\nHost: a\r\n", "none keep host=a"),
    HEAD_GOOD("CONNECT b:443 HTTP/1.1\r\nHost: a:443\r\n", "none keep host=b:443"),
    HEAD_BAD("GET / HTTP/1.1\r\n", GYRE_EFIELD),
    HEAD_BAD("GET http://b/ HTTP/1.1\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost:\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.0\r\nHost: a b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET http://b/ HTTP/1.1\r\nHost: a b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a,b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a/b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: http://a\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: u@a\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a?b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a#b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a\\b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a%41\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a:b\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a:-1\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a:0\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: a:65536\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: :80\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: [::1\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: ::1\r\n", GYRE_EFIELD),
    HEAD_BAD("GET / HTTP/1.1\r\nHost: 127.1\r\n", GYRE_EFIELD),
};

static const framing_row connections[] = {
    GOOD("Connection: close\r\n", "none"),
    GOOD("Connection: CLOSE\r\n", "none"),
    GOOD("Connection: keep-alive\r\n", "none keep"),
    GOOD("Connection: keep-alive, close\r\n", "none"),
    GOOD("Connection: close, keep-alive\r\n", "none"),
    GOOD("Connection: keep-alive\r\nConnection: close\r\n", "none"),
    GOOD("Connection: x\r\nX: y\r\nconnection: y,\tclose ,z\r\n", "none"),
    GOOD("Connection: ,,close,,\r\n", "none"),
    GOOD("Connection: closed\r\n", "none keep"),
    GOOD("Connection: \"close\"\r\n", "none keep"),
    GOOD("Connection: x close\r\n", "none keep"),
    GOOD("Connection:\r\n", "none keep"),
    GOOD("Keep-Alive: close\r\nProxy-Connection: close\r\n", "none keep"),
    GOOD("Connection: close\r\nContent-Length: 5\r\n", "length 5"),
    HEAD_GOOD("GET / HTTP/1.0\r\nConnection: keep-alive\r\n", "none keep"),
    HEAD_GOOD("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n", "none keep"),
    HEAD_GOOD("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", "none"),
    HEAD_GOOD("GET / HTTP/1.0\r\nConnection: x\r\n", "none"),
    HEAD_GOOD("GET / HTTP/1.2\r\nHost: a\r\n", "none keep host=a"),
    GOOD("Connection: upgrade\r\nUpgrade: websocket\r\n", "none keep upgrade"),
    GOOD("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "none keep upgrade"),
    GOOD("Connection: upgrade\r\n", "none keep"),
    GOOD("Upgrade: websocket\r\n", "none keep"),
    HEAD_GOOD("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "none"),
};

static const framing_row expects[] = {
    GOOD("Expect: 100-continue\r\n", "none keep continue"),
    GOOD("expect: 100-Continue\r\nContent-Length: 5\r\n", "length 5 keep continue"),
    GOOD("Expect: 100-continue, x\r\n", "none keep unknown"),
    GOOD("Expect: 200-ok\r\n", "none keep unknown"),
    GOOD("Expect:\r\n", "none keep unknown"),
    GOOD("Expect: 100-continue\r\nExpect: 100-continue\r\n", "none keep unknown"),
    HEAD_GOOD("GET / HTTP/1.0\r\nExpect: 100-continue\r\n", "none"),
    HEAD_GOOD("GET / HTTP/1.0\r\nExpect: x\r\n", "none"),
};

#define REQUEST_TEST(name, table) \
    static void name(void **state) \
    { \
        (void)state; \
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) \
            framing_check_request(&table[i]); \
    }

REQUEST_TEST(request_content_length_is_one_line_of_digits, lengths)
REQUEST_TEST(request_transfer_encoding_is_chunked_or_refused, codings)
REQUEST_TEST(request_names_one_host, hosts)
REQUEST_TEST(request_connection_says_whether_it_stays, connections)
REQUEST_TEST(request_expect_is_told_apart, expects)

TESTS(cmocka_unit_test(request_content_length_is_one_line_of_digits),
      cmocka_unit_test(request_transfer_encoding_is_chunked_or_refused),
      cmocka_unit_test(request_names_one_host),
      cmocka_unit_test(request_connection_says_whether_it_stays),
      cmocka_unit_test(request_expect_is_told_apart))
