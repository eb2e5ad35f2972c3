// IPv6 text against the C library's, and authorities as Host fields have them.
// once

#include <arpa/inet.h>
#include <stdio.h>

#include "http/host_int.h"
#include "test/http/split.h"

static void ipv6_random_addresses_are_written_as_the_c_library_does(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 50000; round++) {
        uint16_t group[8], again[8];
        unsigned char raw[16];
        uint32_t zeros = random_next(&seed);
        for (size_t i = 0; i < 8; i++) {
            uint32_t value = random_next(&seed);
            group[i] = (uint16_t)(zeros >> i & 1 ? 0 : value >> (value & 12));
            raw[2 * i] = (unsigned char)(group[i] >> 8);
            raw[2 * i + 1] = (unsigned char)group[i];
        }
        char want[INET6_ADDRSTRLEN], got[40];
        assert_non_null(inet_ntop(AF_INET6, raw, want, sizeof want));
        if (strchr(want, '.')) continue; // has its own rows
        size_t len = gyre__ipv6_write(got, group);
        assert_true(len <= 39);
        assert_view((gyre_view){got, len}, want);
        assert_true(gyre__ipv6_parse(again, (gyre_view){got, len}));
        assert_memory_equal(again, group, sizeof group);
    }
}

// Texts put together from the pieces that matter, most of them malformed.
static void ipv6_random_texts_are_read_as_the_c_library_does(void **state)
{
    (void)state;
    static const char *const pieces[] = {":",  "::",          "0",     "1",  "ffff",
                                         "a:", "1:2:3:",      "12345", ".",  "1.2.3.4",
                                         "01", "255.0.0.256", "F",     ":0", "g"};
    uint64_t seed = 2;
    struct guard guard = guard_open(128);
    unsigned sound = 0;
    for (int round = 0; round < 200000; round++) {
        char text[128] = "";
        for (uint32_t n = 1 + random_next(&seed) % 9; n > 0; n--)
            strcat(text, pieces[random_next(&seed) % 15]);
        unsigned char raw[16];
        uint16_t group[8] = {0};
        bool want = inet_pton(AF_INET6, text, raw) == 1;
        bool got = gyre__ipv6_parse(group, guard_put(&guard, gyre_view_of(text)));
        if (want != got) fail_msg("%s: %d", text, got);
        sound += got;
        for (size_t i = 0; got && i < 8; i++)
            assert_int_equal(group[i], raw[2 * i] << 8 | raw[2 * i + 1]);
    }
    assert_true(sound > 1000);
    guard_close(&guard);
}

static void ipv6_zero_runs_follow_rfc_5952(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0:0:0:0:0:0:0:0", "::"},
        {"1:0:0:0:0:0:0:1", "1::1"},
        {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
        {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"1:0:0:2:0:0:0:4", "1:0:0:2::4"},
        {"0:0:1:0:0:0:1:1", "0:0:1::1:1"},
        {"0:1:2:3:4:5:6:0", "0:1:2:3:4:5:6:0"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"ABCD:0EF0:000f::", "abcd:ef0:f::"},
        {"::ffff:0:0", "::ffff:0.0.0.0"},
        {"::ffff:c000:280", "::ffff:192.0.2.128"},
        {"::fffe:c000:280", "::fffe:c000:280"},
        {"1::ffff:c000:280", "1::ffff:c000:280"},
        {"::c000:280", "::c000:280"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[39];
        uint16_t group[8];
        assert_true(gyre__ipv6_parse(group, gyre_view_of(rows[i][0])));
        assert_view((gyre_view){got, gyre__ipv6_write(got, group)}, rows[i][1]);
    }
}

static void host_authority_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port; // -1 = none
    } rows[] = {{"a", "a", -1},         {"a:", "a", -1},
                {"A:80", "a", 80},      {"a.:80", "a.", 80},
                {"[::0]", "[::]", -1},  {"[::0]:", "[::]", -1},
                {"[::0]:9", "[::]", 9}, {"1.2.3.4:5", "1.2.3.4", 5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gyre__authority got;
        char host[GYRE__HOST_MAX];
        assert_null(gyre__authority_parse(&got, gyre_view_of(rows[i].text)));
        assert_view((gyre_view){host, gyre__host_write(host, &got)}, rows[i].host);
        assert_int_equal(got.has_port, rows[i].port >= 0);
        if (got.has_port) assert_int_equal(got.port, rows[i].port);
    }
}

static void host_authority_that_is_refused_leaves_the_result_alone(void **state)
{
    (void)state;
    static const char *const rows[] = {"",    ":",    ":80",    "a:b",     "a b",   "u@a", "a/",
                                       "a,b", "[::1", "[::1]x", "a:99999", "127.1", "a%41"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gyre__authority got, untouched;
        memset(&got, 0x5a, sizeof got);
        untouched = got;
        assert_non_null(gyre__authority_parse(&got, gyre_view_of(rows[i])));
        assert_memory_equal(&got, &untouched, sizeof got);
    }
}

TESTS(cmocka_unit_test(ipv6_random_addresses_are_written_as_the_c_library_does),
      cmocka_unit_test(ipv6_random_texts_are_read_as_the_c_library_does),
      cmocka_unit_test(ipv6_zero_runs_follow_rfc_5952),
      cmocka_unit_test(host_authority_is_taken_apart),
      cmocka_unit_test(host_authority_that_is_refused_leaves_the_result_alone))
