// References resolved against a URL: the table of RFC 3986 section 5.4 and what redirects send.
// once

#include "test/http/url.h"

typedef struct reference {
    const char *text;
    const char *want; // text, and "#fragment"; NULL = refused
} reference;

static const char rfc_base[] = "http://a/b/c/d;p?q";

// Section 5.4.1 and 5.4.2. An empty path becomes "/"; "g:h" and "http:g" are well resolved by the
// RFC (the second by its strict reading), but neither gives an http URL with an authority.
static const reference rfc_table[] = {
    {"g:h", NULL},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g/"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q#s"},
    {"g#s", "http://a/b/c/g#s"},
    {"g?y#s", "http://a/b/c/g?y#s"},
    {";x", "http://a/b/c/;x"},
    {"g;x", "http://a/b/c/g;x"},
    {"g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"../../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {".g", "http://a/b/c/.g"},
    {"g..", "http://a/b/c/g.."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/./x", "http://a/b/c/g?y/./x"},
    {"g?y/../x", "http://a/b/c/g?y/../x"},
    {"g#s/./x", "http://a/b/c/g#s/./x"},
    {"g#s/../x", "http://a/b/c/g#s/../x"},
    {"http:g", NULL},
};

static const char port_base[] = "https://User:Secret@Example.com:8443/x/y?q#f";

static const reference redirects[] = {
    {"", "https://example.com:8443/x/y?q"},
    {"/", "https://example.com:8443/"},
    {"//", NULL},
    {"///", NULL},
    {"////g", NULL},
    {"/..//g", "https://example.com:8443//g"},
    {"/.//g", "https://example.com:8443//g"},
    {"..//g", "https://example.com:8443//g"},
    {".//g", "https://example.com:8443/x//g"},
    {"//Other", "https://other/"},
    {"//other:443/", "https://other/"},
    {"//other:8443", "https://other:8443/"},
    {"//u:p@other/", "https://other/"},
    {"//other?a", "https://other/?a"},
    {"//other#a", "https://other/#a"},
    {"//other/../g", "https://other/g"},
    {"http://other/a/../b", "http://other/b"},
    {"HTTP://other", "http://other/"},
    {"https://other/./", "https://other/"},
    {"http:/g", NULL},
    {"https:g", NULL},
    {"ftp://other/", NULL},
    {"file:///etc/passwd", NULL},
    {"javascript:alert(1)", NULL},
    {"a:b", NULL},
    {"./a:b", "https://example.com:8443/x/a:b"},
    {"a/b:c", "https://example.com:8443/x/a/b:c"},
    {"1:b", NULL},
    {"?", "https://example.com:8443/x/y?"},
    {"?a?b", "https://example.com:8443/x/y?a?b"},
    {"#", "https://example.com:8443/x/y?q#"},
    {"?a#", "https://example.com:8443/x/y?a#"},
    {"%2e%2e/g", "https://example.com:8443/x/%2e%2e/g"},
    {"a%zz", "https://example.com:8443/x/a%zz"},
    {"/\\evil.example", NULL},
    {"\\\\evil.example", NULL},
    {"a\\b", NULL},
    {"?a\\b", "https://example.com:8443/x/y?a\\b"},
    {" g", NULL},
    {"g ", NULL},
    {"g\r\nX: y", NULL},
    {"\xc3\xbc", NULL},
    {"//127.1/", NULL},
    {"//[::1%25eth0]/", NULL},
    {"//[0::1]/", "https://[::1]/"},
    {"//a@b@c/", NULL},
    {"//user%00@c/", NULL},
    {"//c:0/", NULL},
    {"/a/b/../../../../c/./d/..", "https://example.com:8443/c/"},
    {"/...", "https://example.com:8443/..."},
    {"/.../..", "https://example.com:8443/"},
    {"/a//../b", "https://example.com:8443/a/b"},
    {"/a/..//..//b", "https://example.com:8443//b"},
};

static int parse_text(gyre_url *url, const char *text, char *storage, size_t cap)
{
    return gyre_url_parse(url, gyre_view_of(text), (gyre_url_room){storage, cap}, NULL);
}

static void check_one(const gyre_url *base, const reference *row)
{
    size_t len = strlen(row->text);
    size_t enough = GYRE_URL_ROOM(base->text.len + len);
    struct guard text = guard_open(len), room = guard_open(enough);
    gyre_view in = guard_put(&text, gyre_view_of(row->text));
    gyre_url url = {0};
    char got[512] = "";
    int err = -ENOBUFS;
    for (size_t cap = 0; err == -ENOBUFS && cap <= enough; cap++) {
        char *at = room.map + room.usable - cap;
        err = gyre_url_resolve(&url, base, in, (gyre_url_room){at, cap}, NULL);
    }
    if (err == 0) {
        url_check_parts(&url);
        snprintf(got, sizeof got, "%.*s", GYRE_FMT(url.text));
        if (url.fragment.ptr) snprintf(got + strlen(got), 256, "#%.*s", GYRE_FMT(url.fragment));
    }
    if (!row->want ? err != GYRE_EURL : err != 0 || strcmp(got, row->want) != 0)
        fail_msg("%s: %d %s, not %s", printable(in), err, got, row->want);
    guard_close(&text);
    guard_close(&room);
}

static void check_table(const char *base_text, const reference *rows, size_t count)
{
    char storage[256];
    gyre_url base;
    assert_int_equal(parse_text(&base, base_text, storage, sizeof storage), 0);
    for (size_t i = 0; i < count; i++) check_one(&base, &rows[i]);
}

static void url_resolves_the_table_of_rfc_3986_section_5_4(void **state)
{
    (void)state;
    check_table(rfc_base, rfc_table, sizeof rfc_table / sizeof rfc_table[0]);
}

static void url_resolves_what_redirects_send(void **state)
{
    (void)state;
    check_table(port_base, redirects, sizeof redirects / sizeof redirects[0]);
}

static void url_resolved_inherits_neither_userinfo_nor_fragment(void **state)
{
    (void)state;
    char one[256], two[256];
    gyre_url base, url;
    assert_int_equal(parse_text(&base, port_base, one, sizeof one), 0);
    gyre_url_room room = {two, sizeof two};
    assert_int_equal(gyre_url_resolve(&url, &base, GYRE_VIEW("z"), room, NULL), 0);
    assert_null(url.user.ptr);
    assert_null(url.password.ptr);
    assert_null(url.fragment.ptr);
    assert_int_equal(url.port, 8443);
    assert_int_equal(gyre_url_resolve(&url, &base, GYRE_VIEW("//u:p@z"), room, NULL), 0);
    assert_view(url.user, "u");
    assert_view(url.password, "p");
}

static void url_resolved_may_replace_its_base(void **state)
{
    (void)state;
    char one[256], two[256];
    gyre_url url;
    assert_int_equal(parse_text(&url, "http://a/b/c", one, sizeof one), 0);
    gyre_url_room room = {two, sizeof two};
    assert_int_equal(gyre_url_resolve(&url, &url, GYRE_VIEW("d"), room, NULL), 0);
    assert_view(url.text, "http://a/b/d");
}

static void url_resolve_names_the_broken_rule(void **state)
{
    (void)state;
    char one[256], two[256];
    gyre_url base, url;
    const char *why = NULL;
    assert_int_equal(parse_text(&base, "http://a", one, sizeof one), 0);
    gyre_url_room room = {two, sizeof two};
    assert_int_equal(gyre_url_resolve(&url, &base, GYRE_VIEW("a b"), room, &why), GYRE_EURL);
    assert_string_equal(why, "URL has a byte that is not visible ASCII");
    assert_int_equal(gyre_url_resolve(&url, &base, GYRE_VIEW("//:80"), room, &why), GYRE_EURL);
    assert_string_equal(why, "host is empty");
}

// The limit holds for the result as well, so that every URL handed out can be parsed again.
static void url_resolve_of_two_long_texts_is_refused(void **state)
{
    (void)state;
    static char base_text[GYRE_URL_MAX + 1], text[16] = "xxxxxxxxxxxxxxx";
    static char one[GYRE_URL_ROOM(GYRE_URL_MAX)], two[GYRE_URL_ROOM(2 * GYRE_URL_MAX)];
    memset(base_text, 'b', GYRE_URL_MAX);
    memcpy(base_text, "http://a/", 9);
    base_text[GYRE_URL_MAX - 6] = '/';
    gyre_url base, url;
    assert_int_equal(parse_text(&base, base_text, one, sizeof one), 0);
    gyre_url_room room = {two, sizeof two};
    const char *why = NULL;
    assert_int_equal(gyre_url_resolve(&url, &base, (gyre_view){text, 5}, room, &why), 0);
    assert_int_equal(url.text.len, GYRE_URL_MAX);
    int err = gyre_url_resolve(&url, &base, (gyre_view){text, 6}, room, &why);
    assert_int_equal(err, GYRE_EURL);
    assert_string_equal(why, "URL is too long");
    err = gyre_url_resolve(&url, &base, (gyre_view){base_text, GYRE_URL_MAX + 1}, room, &why);
    assert_int_equal(err, GYRE_EURL);
}

TESTS(cmocka_unit_test(url_resolves_the_table_of_rfc_3986_section_5_4),
      cmocka_unit_test(url_resolves_what_redirects_send),
      cmocka_unit_test(url_resolved_inherits_neither_userinfo_nor_fragment),
      cmocka_unit_test(url_resolved_may_replace_its_base),
      cmocka_unit_test(url_resolve_names_the_broken_rule),
      cmocka_unit_test(url_resolve_of_two_long_texts_is_refused))
