// URLs that are refused, and the rule that each breaks.
// once

#include "test/http/url.h"

typedef struct row {
    gyre_view url;
    const char *why; // a piece of the text
} row;

#define ROW(url, why) \
    { \
        {url, sizeof(url) - 1}, why \
    }

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"

static const row schemes[] = {
    ROW("", "scheme is missing"),
    ROW("a", "scheme is missing"),
    ROW("//a/", "scheme is missing"),
    ROW("/a", "scheme is missing"),
    ROW("?http://a", "scheme is missing"),
    ROW("#http://a", "scheme is missing"),
    ROW("example.com", "scheme is missing"),
    ROW("example.com/http://a", "scheme is missing"),
    ROW("http", "scheme is missing"),
    ROW("http//a", "scheme is missing"),
    ROW("http/://a", "scheme is missing"),
    ROW(":", "scheme is malformed"),
    ROW("://a", "scheme is malformed"),
    ROW("1http://a", "scheme is malformed"),
    ROW("ht_tp://a", "scheme is malformed"),
    ROW("+http://a", "scheme is malformed"),
    ROW("127.0.0.1:80", "scheme is malformed"),
    ROW("[::1]:80", "scheme is malformed"),
    ROW("u@a:80", "scheme is malformed"),
    ROW("%68ttp://a", "scheme is malformed"),
    ROW("a:80", "not http or https"),
    ROW("ftp://a/", "not http or https"),
    ROW("ws://a/", "not http or https"),
    ROW("file:///etc/passwd", "not http or https"),
    ROW("javascript:alert(1)", "not http or https"),
    ROW("data:text/plain,x", "not http or https"),
    ROW("gopher://a:70/_x", "not http or https"),
    ROW("httpx://a", "not http or https"),
    ROW("htt://a", "not http or https"),
    ROW("h://a", "not http or https"),
    ROW("http+unix://a", "not http or https"),
    ROW("http.://a", "not http or https"),
    ROW("http:", "\"//\" is missing"),
    ROW("http:a", "\"//\" is missing"),
    ROW("http:/a", "\"//\" is missing"),
    ROW("http:?a", "\"//\" is missing"),
    ROW("http:#//a", "\"//\" is missing"),
    ROW("https:///a", "host is empty"),
    ROW("http:////a", "host is empty"),
};

static const row bytes[] = {
    ROW(" http://a", "not visible ASCII"),
    ROW("http://a ", "not visible ASCII"),
    ROW("http://a\n", "not visible ASCII"),
    ROW("http://a/ b", "not visible ASCII"),
    ROW("http://a/\tb", "not visible ASCII"),
    ROW("http://a/\r\nX: y", "not visible ASCII"),
    ROW("http://a/\n", "not visible ASCII"),
    ROW("http://a/\0", "not visible ASCII"),
    ROW("http://a\0.b", "not visible ASCII"),
    ROW("http://a/?\x7f", "not visible ASCII"),
    ROW("http://a/\x01", "not visible ASCII"),
    ROW("http://a/#\x1f", "not visible ASCII"),
    ROW("http://a/\xc3\xbc", "not visible ASCII"),
    ROW("http://b\xc3\xbc"
        "cher.example/",
        "not visible ASCII"),
    ROW("http://a/?\xff", "not visible ASCII"),
    ROW("http://a/#\x80", "not visible ASCII"),
    ROW("http://a\xe2\x84\x80"
        "b/",
        "not visible ASCII"),
    ROW("http://a\xef\xbc\x8f"
        "b/",
        "not visible ASCII"),
    ROW("http://u\x80@a/", "not visible ASCII"),
    ROW("http\x00://a/", "not visible ASCII"),
    ROW("http://a\\", "backslash"),
    ROW("http://a\\b/", "backslash"),
    ROW("http://a\\@b/", "backslash"),
    ROW("http://a/\\b", "backslash"),
    ROW("http:\\\\a/", "backslash"),
    ROW("http:/\\a/", "backslash"),
    ROW("http://u\\:p@a", "backslash"),
};

static const row hosts[] = {
    ROW("http://", "host is empty"),
    ROW("http:///", "host is empty"),
    ROW("http://?a", "host is empty"),
    ROW("http://#a", "host is empty"),
    ROW("http://:80", "host is empty"),
    ROW("http://u@", "host is empty"),
    ROW("http://u@:80/", "host is empty"),
    ROW("http://.", "empty label"),
    ROW("http://..", "empty label"),
    ROW("http://.a", "empty label"),
    ROW("http://a..b", "empty label"),
    ROW("http://a..", "empty label"),
    ROW("http://" L63 "d", "longer than 63"),
    ROW("http://a." L63 "d.b", "longer than 63"),
    ROW("http://" L63 "." L63 "." L63 "." L60 "ab", "longer than 253"),
    ROW("http://" L63 "." L63 "." L63 "." L60 "ab.", "longer than 253"),
    ROW("http://a%62", "not a letter"),
    ROW("http://a%2eb", "not a letter"),
    ROW("http://a%00", "not a letter"),
    ROW("http://%61", "not a letter"),
    ROW("http://a%", "not a letter"),
    ROW("http://a%40b", "not a letter"),
    ROW("http://a!b", "not a letter"),
    ROW("http://a$b", "not a letter"),
    ROW("http://a&b", "not a letter"),
    ROW("http://a'b", "not a letter"),
    ROW("http://a(b", "not a letter"),
    ROW("http://a*b", "not a letter"),
    ROW("http://a+b", "not a letter"),
    ROW("http://a,b", "not a letter"),
    ROW("http://a;b", "not a letter"),
    ROW("http://a=b", "not a letter"),
    ROW("http://a~b", "not a letter"),
    ROW("http://a\"b", "not a letter"),
    ROW("http://a<b>", "not a letter"),
    ROW("http://a|b", "not a letter"),
    ROW("http://a^b", "not a letter"),
    ROW("http://{a}", "not a letter"),
    ROW("http://a]", "not a letter"),
    ROW("http://a[", "not a letter"),
    ROW("http://a[::1]", "not a letter"),
    ROW("http://u@a[::1]:80", "not a letter"),
};

static const row ports[] = {
    ROW("http://a:0", "between 1 and 65535"),
    ROW("http://a:00000", "between 1 and 65535"),
    ROW("http://a:65536", "between 1 and 65535"),
    ROW("http://a:99999", "between 1 and 65535"),
    ROW("http://a:000080", "more than five"),
    ROW("http://a:4294967376", "more than five"),
    ROW("http://a:18446744073709551696", "more than five"),
    ROW("http://a:-1", "not a number"),
    ROW("http://a:+80", "not a number"),
    ROW("http://a:8_0", "not a number"),
    ROW("http://a:0x50", "not a number"),
    ROW("http://a:80a", "not a number"),
    ROW("http://a:a", "not a number"),
    ROW("http://a::80", "not a number"),
    ROW("http://a::", "not a number"),
    ROW("http://a:80:", "not a number"),
    ROW("http://a:1:2", "not a number"),
    ROW("http://::1", "host is empty"),
    ROW("http://1::2", "looks like an IPv4"),
    ROW("http://a:%38", "not a number"),
    ROW("http://[::1]:x", "not a number"),
    ROW("http://[::1]:0", "between 1 and 65535"),
    ROW("http://[::1]:123456", "more than five"),
    ROW("http://[::1]80", "followed by something else"),
    ROW("http://[::1]a", "followed by something else"),
    ROW("http://[::1].", "followed by something else"),
    ROW("http://[::1]]", "followed by something else"),
    ROW("http://[::1][::2]", "followed by something else"),
};

static const row ipv4[] = {
    ROW("http://127.1", "looks like an IPv4"),
    ROW("http://127.0.1", "looks like an IPv4"),
    ROW("http://2130706433", "looks like an IPv4"),
    ROW("http://0", "looks like an IPv4"),
    ROW("http://1", "looks like an IPv4"),
    ROW("http://0x7f.1", "looks like an IPv4"),
    ROW("http://0x7f000001", "looks like an IPv4"),
    ROW("http://0X7F000001", "looks like an IPv4"),
    ROW("http://0x7f.0x0.0x0.0x1", "looks like an IPv4"),
    ROW("http://0x", "looks like an IPv4"),
    ROW("http://a.0x", "looks like an IPv4"),
    ROW("http://a.0xff", "looks like an IPv4"),
    ROW("http://0177.0.0.1", "looks like an IPv4"),
    ROW("http://127.0.0.01", "looks like an IPv4"),
    ROW("http://127.0.0.00", "looks like an IPv4"),
    ROW("http://256.1.1.1", "looks like an IPv4"),
    ROW("http://1.1.1.256", "looks like an IPv4"),
    ROW("http://1.1.1.1111", "looks like an IPv4"),
    ROW("http://1.2.3.4.5", "looks like an IPv4"),
    ROW("http://a.b.c.1", "looks like an IPv4"),
    ROW("http://a.1", "looks like an IPv4"),
    ROW("http://example.123", "looks like an IPv4"),
    ROW("http://1.2.3.4.", "looks like an IPv4"),
    ROW("http://1.2.3.0x4", "looks like an IPv4"),
    ROW("http://127.0.0.1.0x", "looks like an IPv4"),
    ROW("http://1.2.-3.4", "looks like an IPv4"),
    ROW("http://99999999999999999999", "looks like an IPv4"),
};

static const row ipv6[] = {
    ROW("http://[", "without \"]\""),
    ROW("http://[::1", "without \"]\""),
    ROW("http://[::1/", "without \"]\""),
    ROW("http://[::1:80", "without \"]\""),
    ROW("http://[]", "malformed"),
    ROW("http://[:]", "malformed"),
    ROW("http://[:::]", "malformed"),
    ROW("http://[:1]", "malformed"),
    ROW("http://[1:]", "malformed"),
    ROW("http://[1]", "malformed"),
    ROW("http://[1:2:3:4:5:6:7]", "malformed"),
    ROW("http://[1:2:3:4:5:6:7:]", "malformed"),
    ROW("http://[:2:3:4:5:6:7:8]", "malformed"),
    ROW("http://[1:2:3:4:5:6:7:8:9]", "malformed"),
    ROW("http://[1:2:3:4:5:6:7:8::]", "malformed"),
    ROW("http://[::1:2:3:4:5:6:7:8]", "malformed"),
    ROW("http://[1:2:3:4::5:6:7:8]", "malformed"),
    ROW("http://[1::2::3]", "malformed"),
    ROW("http://[1:::2]", "malformed"),
    ROW("http://[::1::]", "malformed"),
    ROW("http://[12345::]", "malformed"),
    ROW("http://[::00001]", "malformed"),
    ROW("http://[::g]", "malformed"),
    ROW("http://[::-1]", "malformed"),
    ROW("http://[::+1]", "malformed"),
    ROW("http://[::0x1]", "malformed"),
    ROW("http://[::1.2.3]", "malformed"),
    ROW("http://[::1.2.3.4.5]", "malformed"),
    ROW("http://[::1.2.3.256]", "malformed"),
    ROW("http://[::01.2.3.4]", "malformed"),
    ROW("http://[::1.2.3.4:5]", "malformed"),
    ROW("http://[1.2.3.4]", "malformed"),
    ROW("http://[1.2.3.4::]", "malformed"),
    ROW("http://[1:2:3:4:5:6:7:1.2.3.4]", "malformed"),
    ROW("http://[::a.2.3.4]", "malformed"),
    ROW("http://[a]", "malformed"),
    ROW("http://[example.com]", "malformed"),
    ROW("http://[[::1]]", "malformed"),
    ROW("http://[fe80::1%25eth0]", "zone id"),
    ROW("http://[fe80::1%eth0]", "zone id"),
    ROW("http://[::1%]", "zone id"),
    ROW("http://[%3a%3a1]", "zone id"),
    ROW("http://[v1.x]", "not IPv6"),
    ROW("http://[V7.::1]", "not IPv6"),
};

static const row userinfo[] = {
    ROW("http://a@b@c/", "userinfo has an invalid byte"),
    ROW("http://@@a", "userinfo has an invalid byte"),
    ROW("http://u:p@q@a", "userinfo has an invalid byte"),
    ROW("http://example.com@evil@a", "userinfo has an invalid byte"),
    ROW("http://[::1]@a", "userinfo has an invalid byte"),
    ROW("http://u\"@a", "userinfo has an invalid byte"),
    ROW("http://<u>@a", "userinfo has an invalid byte"),
    ROW("http://{u}@a", "userinfo has an invalid byte"),
    ROW("http://u|@a", "userinfo has an invalid byte"),
    ROW("http://u^@a", "userinfo has an invalid byte"),
    ROW("http://u`@a", "userinfo has an invalid byte"),
    ROW("http://%@a", "malformed percent"),
    ROW("http://u%4@a", "malformed percent"),
    ROW("http://u%4:0@a", "malformed percent"),
    ROW("http://u%zz@a", "malformed percent"),
    ROW("http://u:%4g@a", "malformed percent"),
    ROW("http://u:%g4@a", "malformed percent"),
    ROW("http://u%00@a", "control byte"),
    ROW("http://u:%00@a", "control byte"),
    ROW("http://u%0d%0aX@a", "control byte"),
    ROW("http://u%09@a", "control byte"),
    ROW("http://u%1F@a", "control byte"),
    ROW("http://u%7f@a", "control byte"),
};

// Refused from the edge of mapped memory, with nothing handed out.
static void check_rows(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct guard guard = guard_open(rows[i].url.len);
        gyre_view text = guard_put(&guard, rows[i].url);
        char storage[1024];
        const char *why = NULL;
        gyre_url url, untouched;
        memset(&url, 0x5a, sizeof url);
        untouched = url;
        int err = gyre_url_parse(&url, text, (gyre_url_room){storage, sizeof storage}, &why);
        if (err != GYRE_EURL) fail_msg("%s: %d", printable(rows[i].url), err);
        if (!why || !strstr(why, rows[i].why))
            fail_msg("%s: %s, not %s", printable(rows[i].url), why, rows[i].why);
        assert_memory_equal(&url, &untouched, sizeof url);
        // Nobody has to ask why.
        err = gyre_url_parse(&url, text, (gyre_url_room){storage, sizeof storage}, NULL);
        assert_int_equal(err, GYRE_EURL);
        guard_close(&guard);
    }
}

#define REFUSED(name, table) \
    static void name(void **state) \
    { \
        (void)state; \
        check_rows(table, sizeof table / sizeof table[0]); \
    }

REFUSED(url_refuses_other_schemes_and_a_missing_authority, schemes)
REFUSED(url_refuses_bytes_that_are_not_visible_ascii_and_backslashes, bytes)
REFUSED(url_refuses_hosts_that_are_no_names, hosts)
REFUSED(url_refuses_ports_that_are_no_ports, ports)
REFUSED(url_refuses_what_only_looks_like_an_ipv4_address, ipv4)
REFUSED(url_refuses_malformed_ipv6_literals, ipv6)
REFUSED(url_refuses_userinfo_that_could_be_read_in_two_ways, userinfo)

static void url_of_the_longest_length_is_accepted_and_one_byte_more_is_not(void **state)
{
    (void)state;
    static char text[GYRE_URL_MAX + 1], storage[GYRE_URL_ROOM(GYRE_URL_MAX)];
    gyre_url_room room = {storage, sizeof storage};
    const char *why = NULL;
    gyre_url url;
    memset(text, 'a', sizeof text);
    memcpy(text, "http://a/", 9);
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, GYRE_URL_MAX}, room, &why), 0);
    assert_int_equal(url.text.len, GYRE_URL_MAX);
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, sizeof text}, room, &why), GYRE_EURL);
    assert_string_equal(why, "URL is too long");
}

// Also when what is too long is never sent.
static void url_with_a_fragment_or_userinfo_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char text[GYRE_URL_MAX + 1], storage[GYRE_URL_ROOM(GYRE_URL_MAX + 1)];
    gyre_url_room room = {storage, sizeof storage};
    gyre_url url;
    memset(text, 'a', sizeof text);
    memcpy(text, "http://a/#", 10);
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, sizeof text - 1}, room, NULL), 0);
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, sizeof text}, room, NULL), GYRE_EURL);
    memset(text, 'a', sizeof text);
    memcpy(text, "http://", 7);
    text[sizeof text - 3] = '@';
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, sizeof text - 1}, room, NULL), 0);
    assert_int_equal(gyre_url_parse(&url, (gyre_view){text, sizeof text}, room, NULL), GYRE_EURL);
}

static void url_empty_view_without_pointer_is_refused(void **state)
{
    (void)state;
    char storage[16];
    gyre_url url;
    gyre_view none = {NULL, 0};
    assert_int_equal(gyre_url_parse(&url, none, (gyre_url_room){storage, sizeof storage}, NULL),
                     GYRE_EURL);
}

TESTS(cmocka_unit_test(url_refuses_other_schemes_and_a_missing_authority),
      cmocka_unit_test(url_refuses_bytes_that_are_not_visible_ascii_and_backslashes),
      cmocka_unit_test(url_refuses_hosts_that_are_no_names),
      cmocka_unit_test(url_refuses_ports_that_are_no_ports),
      cmocka_unit_test(url_refuses_what_only_looks_like_an_ipv4_address),
      cmocka_unit_test(url_refuses_malformed_ipv6_literals),
      cmocka_unit_test(url_refuses_userinfo_that_could_be_read_in_two_ways),
      cmocka_unit_test(url_of_the_longest_length_is_accepted_and_one_byte_more_is_not),
      cmocka_unit_test(url_with_a_fragment_or_userinfo_that_is_too_long_is_refused),
      cmocka_unit_test(url_empty_view_without_pointer_is_refused))
