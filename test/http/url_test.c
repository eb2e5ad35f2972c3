// URLs that are accepted, and what becomes of them.
// once

#include "test/http/url.h"

typedef struct url_row {
    const char *url;
    const char *want; // as url_describe has it
} url_row;

#define L10  "abcdefghij"
#define L60  L10 L10 L10 L10 L10 L10
#define L63  L60 "abc"
#define L253 L63 "." L63 "." L63 "." L60 "a"

static const url_row plain[] = {
    {"http://a", "http://a/ a 80"},
    {"http://a/", "http://a/ a 80"},
    {"https://a", "https://a/ a 443"},
    {"https://a/b/c", "https://a/b/c a 443"},
    {"HTTP://a", "http://a/ a 80"},
    {"hTTpS://a", "https://a/ a 443"},
    {"http://Example.COM/Path", "http://example.com/Path example.com 80"},
    {"http://example.com?x", "http://example.com/?x example.com 80"},
    {"http://example.com?", "http://example.com/? example.com 80"},
    {"http://example.com/?", "http://example.com/? example.com 80"},
    {"http://example.com#", "http://example.com/ example.com 80 #"},
    {"http://example.com#f", "http://example.com/ example.com 80 #f"},
    {"http://example.com/#f", "http://example.com/ example.com 80 #f"},
    {"http://example.com/a#f?g", "http://example.com/a example.com 80 #f?g"},
    {"http://example.com/a?b#c", "http://example.com/a?b example.com 80 #c"},
    {"http://example.com/a?b?c", "http://example.com/a?b?c example.com 80"},
    {"http://example.com/a?b/c", "http://example.com/a?b/c example.com 80"},
    {"http://example.com?a/b", "http://example.com/?a/b example.com 80"},
    {"http://example.com?a@b", "http://example.com/?a@b example.com 80"},
    {"http://example.com?a:b", "http://example.com/?a:b example.com 80"},
    {"http://example.com#a#b", "http://example.com/ example.com 80 #a#b"},
    {"http://example.com#@evil", "http://example.com/ example.com 80 #@evil"},
    {"http://example.com?@evil", "http://example.com/?@evil example.com 80"},
    {"http://example.com/@evil", "http://example.com/@evil example.com 80"},
    {"http://example.com/:80", "http://example.com/:80 example.com 80"},
    {"http://example.com//", "http://example.com// example.com 80"},
    {"http://example.com//evil/x", "http://example.com//evil/x example.com 80"},
    {"http://example.com/http://b/", "http://example.com/http://b/ example.com 80"},
    {"http://example.com/a/../b/./c", "http://example.com/a/../b/./c example.com 80"},
    {"http://example.com/..", "http://example.com/.. example.com 80"},
    {"http://example.com/%41%zz%", "http://example.com/%41%zz% example.com 80"},
    {"http://example.com/?%zz%", "http://example.com/?%zz% example.com 80"},
    {"http://example.com/%00%0d%0a", "http://example.com/%00%0d%0a example.com 80"},
    {"http://example.com/a;b=c,d", "http://example.com/a;b=c,d example.com 80"},
    {"http://example.com/!$&'()*+,;=~", "http://example.com/!$&'()*+,;=~ example.com 80"},
    {"http://example.com/\"<>^`{|}[]", "http://example.com/\"<>^`{|}[] example.com 80"},
    {"http://example.com/?re=\\d+", "http://example.com/?re=\\d+ example.com 80"},
    {"http://example.com/#\\", "http://example.com/ example.com 80 #\\"},
    {"http://localhost", "http://localhost/ localhost 80"},
    {"http://a.b.c.d.e", "http://a.b.c.d.e/ a.b.c.d.e 80"},
    {"http://xn--bcher-kva.example", "http://xn--bcher-kva.example/ xn--bcher-kva.example 80"},
    {"http://XN--BCHER-KVA.example", "http://xn--bcher-kva.example/ xn--bcher-kva.example 80"},
    {"http://a_b.example", "http://a_b.example/ a_b.example 80"},
    {"http://_dmarc.example", "http://_dmarc.example/ _dmarc.example 80"},
    {"http://a--b", "http://a--b/ a--b 80"},
    {"http://-a-", "http://-a-/ -a- 80"},
    {"http://1e100.net", "http://1e100.net/ 1e100.net 80"},
    {"http://3com.com", "http://3com.com/ 3com.com 80"},
    {"http://1.2.3.4.example", "http://1.2.3.4.example/ 1.2.3.4.example 80"},
    {"http://0x7f.example", "http://0x7f.example/ 0x7f.example 80"},
    {"http://127.0.0.1.a", "http://127.0.0.1.a/ 127.0.0.1.a 80"},
    {"http://0xg", "http://0xg/ 0xg 80"},
    {"http://a.0y", "http://a.0y/ a.0y 80"},
    {"http://example.com.", "http://example.com./ example.com 80 rooted"},
    {"http://Example.com.:80/x", "http://example.com./x example.com 80 rooted"},
    {"http://example.com.:81/x", "http://example.com.:81/x example.com 81 rooted"},
    {"http://a.", "http://a./ a 80 rooted"},
    {"http://" L63 ".a", "http://" L63 ".a/ " L63 ".a 80"},
    {"http://" L253, "http://" L253 "/ " L253 " 80"},
    {"http://" L253 ".", "http://" L253 "./ " L253 " 80 rooted"},
};

static const url_row ports[] = {
    {"http://a:80", "http://a/ a 80"},
    {"http://a:", "http://a/ a 80"},
    {"http://a:/", "http://a/ a 80"},
    {"https://a:/", "https://a/ a 443"},
    {"https://a:443", "https://a/ a 443"},
    {"https://a:80", "https://a:80/ a 80"},
    {"http://a:443", "http://a:443/ a 443"},
    {"http://a:1", "http://a:1/ a 1"},
    {"http://a:65535", "http://a:65535/ a 65535"},
    {"http://a:00080", "http://a/ a 80"},
    {"http://a:0081", "http://a:81/ a 81"},
    {"http://a:8080/x", "http://a:8080/x a 8080"},
    {"http://a:8080?x", "http://a:8080/?x a 8080"},
    {"http://a:8080#x", "http://a:8080/ a 8080 #x"},
    {"http://1.2.3.4:8080", "http://1.2.3.4:8080/ 1.2.3.4 8080"},
    {"http://[::1]:8080", "http://[::1]:8080/ ::1 8080"},
    {"http://[::1]:", "http://[::1]/ ::1 80"},
};

static const url_row addresses[] = {
    {"http://127.0.0.1", "http://127.0.0.1/ 127.0.0.1 80"},
    {"http://0.0.0.0", "http://0.0.0.0/ 0.0.0.0 80"},
    {"http://255.255.255.255", "http://255.255.255.255/ 255.255.255.255 80"},
    {"http://1.20.100.9", "http://1.20.100.9/ 1.20.100.9 80"},
    {"http://[::]", "http://[::]/ :: 80"},
    {"http://[::1]", "http://[::1]/ ::1 80"},
    {"http://[1::]", "http://[1::]/ 1:: 80"},
    {"http://[0:0:0:0:0:0:0:0]", "http://[::]/ :: 80"},
    {"http://[0000:0000:0000:0000:0000:0000:0000:0001]", "http://[::1]/ ::1 80"},
    {"http://[2001:DB8::1]", "http://[2001:db8::1]/ 2001:db8::1 80"},
    {"http://[2001:0db8:0:0:0:0:2:1]", "http://[2001:db8::2:1]/ 2001:db8::2:1 80"},
    {"http://[2001:db8:0:1:1:1:1:1]", "http://[2001:db8:0:1:1:1:1:1]/ 2001:db8:0:1:1:1:1:1 80"},
    {"http://[2001:0:0:1:0:0:0:1]", "http://[2001:0:0:1::1]/ 2001:0:0:1::1 80"},
    {"http://[2001:db8:0:0:1:0:0:1]", "http://[2001:db8::1:0:0:1]/ 2001:db8::1:0:0:1 80"},
    {"http://[1:2:3:4:5:6:7::]", "http://[1:2:3:4:5:6:7:0]/ 1:2:3:4:5:6:7:0 80"},
    {"http://[::2:3:4:5:6:7:8]", "http://[0:2:3:4:5:6:7:8]/ 0:2:3:4:5:6:7:8 80"},
    {"http://[1:2:3:4:5:6:7:8]", "http://[1:2:3:4:5:6:7:8]/ 1:2:3:4:5:6:7:8 80"},
    {"http://[::ffff:1.2.3.4]", "http://[::ffff:1.2.3.4]/ ::ffff:1.2.3.4 80"},
    {"http://[::FFFF:102:304]", "http://[::ffff:1.2.3.4]/ ::ffff:1.2.3.4 80"},
    {"http://[::ffff:ffff:ffff]", "http://[::ffff:255.255.255.255]/ ::ffff:255.255.255.255 80"},
    {"http://[::1.2.3.4]", "http://[::102:304]/ ::102:304 80"},
    {"http://[64:ff9b::1.2.3.4]", "http://[64:ff9b::102:304]/ 64:ff9b::102:304 80"},
    {"http://[1:2:3:4:5:6:1.2.3.4]", "http://[1:2:3:4:5:6:102:304]/ 1:2:3:4:5:6:102:304 80"},
    {"http://[1:0:0:0:0:0:0:0]", "http://[1::]/ 1:: 80"},
    {"http://[a:b:c:d:e:f:0:1]", "http://[a:b:c:d:e:f:0:1]/ a:b:c:d:e:f:0:1 80"},
    {"http://[fe80::1]", "http://[fe80::1]/ fe80::1 80"},
};

static const url_row userinfo[] = {
    {"http://u@a", "http://a/ a 80 user=u"},
    {"http://u:p@a", "http://a/ a 80 user=u password=p"},
    {"http://u:@a", "http://a/ a 80 user=u password="},
    {"http://:p@a", "http://a/ a 80 user= password=p"},
    {"http://@a", "http://a/ a 80 user="},
    {"http://:@a", "http://a/ a 80 user= password="},
    {"http://u:p:q@a", "http://a/ a 80 user=u password=p:q"},
    {"http://u%40x:p%3Aq@a", "http://a/ a 80 user=u@x password=p:q"},
    {"http://%C3%BC:%c3%bc@a", "http://a/ a 80 user=\xc3\xbc password=\xc3\xbc"},
    {"http://u%20x@a", "http://a/ a 80 user=u x"},
    {"http://u%2F%3f%23@a", "http://a/ a 80 user=u/?#"},
    {"http://u%25@a", "http://a/ a 80 user=u%"},
    {"http://u%ff@a", "http://a/ a 80 user=u\xff"},
    {"http://!$&'()*+,;=-._~@a", "http://a/ a 80 user=!$&'()*+,;=-._~"},
    {"http://example.com:80@b", "http://b/ b 80 user=example.com password=80"},
    {"http://u:p@[::1]:81/x?y#z", "http://[::1]:81/x?y ::1 81 #z user=u password=p"},
    {"http://u:p@1.2.3.4", "http://1.2.3.4/ 1.2.3.4 80 user=u password=p"},
    {"https://U:P@A.:443/#", "https://a./ a 443 rooted # user=U password=P"},
};

// Parses one URL from the edge of mapped memory into rooms of every size up to enough.
static void check_row(const url_row *row)
{
    size_t len = strlen(row->url);
    struct guard text = guard_open(len), room = guard_open(GYRE_URL_ROOM(len));
    gyre_view in = guard_put(&text, gyre_view_of(row->url));
    gyre_url url, untouched;
    memset(&url, 0x5a, sizeof url);
    untouched = url;
    int err = -ENOBUFS;
    for (size_t cap = 0; err == -ENOBUFS; cap++) {
        if (cap > GYRE_URL_ROOM(len)) fail_msg("%s does not fit in its room", row->url);
        assert_memory_equal(&url, &untouched, sizeof url);
        char *at = room.map + room.usable - cap;
        err = gyre_url_parse(&url, in, (gyre_url_room){at, cap}, NULL);
    }
    if (err) fail_msg("%s is refused", row->url);
    if (strcmp(url_describe(&url), row->want))
        fail_msg("%s gives\n  %s, not\n  %s", row->url, url_describe(&url), row->want);
    url_check_parts(&url);
    guard_close(&text);
    guard_close(&room);
}

// What came out goes in again and comes out as it was.
static void check_again(const url_row *row)
{
    char one[1024], two[1024], first[1024];
    gyre_url url;
    gyre_url_room room = {one, sizeof one};
    assert_int_equal(gyre_url_parse(&url, gyre_view_of(row->url), room, NULL), 0);
    snprintf(first, sizeof first, "%.*s", GYRE_FMT(url.text));
    gyre_view text = url.text;
    assert_int_equal(gyre_url_parse(&url, text, (gyre_url_room){two, sizeof two}, NULL), 0);
    assert_view(url.text, first);
    assert_null(url.user.ptr);
    assert_null(url.fragment.ptr);
}

static void check_rows(const url_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_row(&rows[i]);
        check_again(&rows[i]);
    }
}

#define ROWS(table) check_rows(table, sizeof table / sizeof table[0])

static void url_names_paths_queries_and_fragments(void **state)
{
    (void)state;
    ROWS(plain);
}

static void url_ports_are_kept_unless_they_are_the_schemes(void **state)
{
    (void)state;
    ROWS(ports);
}

static void url_addresses_become_canonical(void **state)
{
    (void)state;
    ROWS(addresses);
}

static void url_userinfo_is_decoded_and_kept_apart(void **state)
{
    (void)state;
    ROWS(userinfo);
}

static void url_parts_are_named_in_the_struct(void **state)
{
    (void)state;
    char storage[128];
    gyre_url url;
    gyre_view text = GYRE_VIEW("HTTPS://user:secret@Example.COM.:8443/a/b?c=d#e");
    int err = gyre_url_parse(&url, text, (gyre_url_room){storage, sizeof storage}, NULL);
    assert_int_equal(err, 0);
    assert_view(url.text, "https://example.com.:8443/a/b?c=d");
    assert_view(url.scheme, "https");
    assert_view(url.authority, "example.com.:8443");
    assert_view(url.host, "example.com");
    assert_view(url.name, "example.com");
    assert_view(url.target, "/a/b?c=d");
    assert_view(url.path, "/a/b");
    assert_view(url.query, "c=d");
    assert_view(url.fragment, "e");
    assert_view(url.user, "user");
    assert_view(url.password, "secret");
    assert_int_equal(url.kind, GYRE_HOST_NAME);
    assert_int_equal(url.port, 8443);
    assert_true(url.rooted);
    assert_string_equal(url.fragment.ptr, "e");
    assert_string_equal(url.user.ptr, "user");
    assert_string_equal(url.password.ptr, "secret");
}

static void url_host_kinds_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        gyre_host_kind kind;
    } rows[] = {{"http://[0::1]", "[::1]", GYRE_HOST_IPV6},
                {"http://1.2.3.4", "1.2.3.4", GYRE_HOST_IPV4},
                {"http://1.2.3.4.x", "1.2.3.4.x", GYRE_HOST_NAME}};
    for (size_t i = 0; i < 3; i++) {
        char storage[64];
        gyre_url url;
        gyre_url_room room = {storage, sizeof storage};
        assert_int_equal(gyre_url_parse(&url, gyre_view_of(rows[i].url), room, NULL), 0);
        assert_view(url.host, rows[i].host);
        assert_int_equal(url.kind, rows[i].kind);
    }
}

TESTS(cmocka_unit_test(url_names_paths_queries_and_fragments),
      cmocka_unit_test(url_ports_are_kept_unless_they_are_the_schemes),
      cmocka_unit_test(url_addresses_become_canonical),
      cmocka_unit_test(url_userinfo_is_decoded_and_kept_apart),
      cmocka_unit_test(url_parts_are_named_in_the_struct),
      cmocka_unit_test(url_host_kinds_are_told_apart))
