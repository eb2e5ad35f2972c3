// Request targets: the four forms, each with the methods that may use it.
// once

#include "http/target_int.h"
#include "test/http/head.h"

static const head_setup server = {gyre__request_parse, {16384, 8192}, HEAD_FIELDS};

#define LINE_GOOD(line) GOOD(line " HTTP/1.1\r\n\r\n", line " 1")
#define LINE_BAD(line)  BAD(line " HTTP/1.1\r\n\r\n", GYRE_ESTARTLINE)

static const head_row origin[] = {
    LINE_GOOD("GET /"),
    LINE_GOOD("GET //evil.example/x"),
    LINE_GOOD("GET /../../etc/passwd"),
    LINE_GOOD("GET /?"),
    LINE_GOOD("GET /?a=b&c=%zz%"),
    LINE_GOOD("GET /\"<>[]\\^`{|}"),
    LINE_GOOD("GET /http://b/"),
    LINE_GOOD("OPTIONS /"),
    LINE_BAD("CONNECT /"),
    LINE_BAD("GET /#"),
    LINE_BAD("GET /a#b"),
    LINE_BAD("GET #"),
    LINE_BAD("GET /\xc3\xa9"),
    LINE_BAD("GET /\x7f"),
    LINE_BAD("GET /\x01"),
    LINE_BAD("GET /\0"),
    LINE_BAD("GET /a target longer than sixteen bytes"),
    LINE_BAD("GET /a-target-longer-than-sixteen-bytes#"),
    LINE_BAD("GET ?a"),
    LINE_BAD("GET a"),
    LINE_BAD("GET a/b"),
    LINE_BAD("GET ./a"),
    LINE_BAD("GET \\a"),
    LINE_BAD("GET %2f"),
};

static const head_row others[] = {
    LINE_GOOD("GET http://a"),
    LINE_GOOD("GET http://a/"),
    LINE_GOOD("GET HTTPS://A.example:443/b?c"),
    LINE_GOOD("GET http://a?b"),
    LINE_GOOD("GET http://[::1]:80/"),
    LINE_GOOD("OPTIONS http://a"),
    LINE_GOOD("OPTIONS *"),
    LINE_GOOD("CONNECT a:443"),
    LINE_GOOD("CONNECT [::1]:443"),
    LINE_GOOD("CONNECT 1.2.3.4:1"),
    LINE_BAD("GET http:a"),
    LINE_BAD("GET http:/a"),
    LINE_BAD("GET http://"),
    LINE_BAD("GET http:///a"),
    LINE_BAD("GET http://?a"),
    LINE_BAD("GET http://u@a/"),
    LINE_BAD("GET http://u:p@a/"),
    LINE_BAD("GET http://a:0/"),
    LINE_BAD("GET http://a:b/"),
    LINE_BAD("GET http://127.1/"),
    LINE_BAD("GET http://a%41/"),
    LINE_BAD("GET http://a\\b/"),
    LINE_BAD("GET http://a/#b"),
    LINE_BAD("GET ftp://a/"),
    LINE_BAD("GET ws://a/"),
    LINE_BAD("GET httpx://a/"),
    LINE_BAD("GET *"),
    LINE_BAD("options *"),
    LINE_BAD("OPTIONS **"),
    LINE_BAD("OPTIONS *a"),
    LINE_BAD("GET a:443"),
    LINE_BAD("CONNECT a"),
    LINE_BAD("CONNECT a:"),
    LINE_BAD("CONNECT :443"),
    LINE_BAD("CONNECT a:0"),
    LINE_BAD("CONNECT a:65536"),
    LINE_BAD("CONNECT http://a:443"),
    LINE_BAD("CONNECT u@a:443"),
    LINE_BAD("CONNECT a:443/"),
    LINE_BAD("CONNECT *"),
    LINE_BAD("connect a:443"),
};

HEAD_TEST(target_origin_form_begins_with_a_slash, server, origin)
HEAD_TEST(target_other_forms_need_their_method, server, others)

static void target_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        gyre__target_form form;
        const char *authority, *path, *query; // NULL = there is none
    } rows[] = {
        {"GET", "/", GYRE__TARGET_ORIGIN, NULL, "/", NULL},
        {"GET", "/a/b", GYRE__TARGET_ORIGIN, NULL, "/a/b", NULL},
        {"GET", "/a?b?c", GYRE__TARGET_ORIGIN, NULL, "/a", "b?c"},
        {"GET", "/?", GYRE__TARGET_ORIGIN, NULL, "/", ""},
        {"GET", "http://a", GYRE__TARGET_ABSOLUTE, "a", "/", NULL},
        {"GET", "http://a:81/b?c", GYRE__TARGET_ABSOLUTE, "a:81", "/b", "c"},
        {"GET", "https://a?b", GYRE__TARGET_ABSOLUTE, "a", "/", "b"},
        {"OPTIONS", "http://a?", GYRE__TARGET_ABSOLUTE, "a", "/", ""},
        {"OPTIONS", "*", GYRE__TARGET_ASTERISK, NULL, "", NULL},
        {"CONNECT", "[::1]:443", GYRE__TARGET_AUTHORITY, "[::1]:443", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gyre__target got;
        gyre_view method = gyre_view_of(rows[i].method), target = gyre_view_of(rows[i].target);
        assert_int_equal(gyre__target_parse(&got, method, target), 0);
        assert_int_equal(got.form, rows[i].form);
        assert_view(got.path, rows[i].path);
        assert_int_equal(got.query.ptr != NULL, rows[i].query != NULL);
        assert_int_equal(got.authority.ptr != NULL, rows[i].authority != NULL);
        if (rows[i].query) assert_view(got.query, rows[i].query);
        if (rows[i].authority) assert_view(got.authority, rows[i].authority);
    }
}

static void target_that_is_refused_leaves_the_result_alone(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "a", "a b", "/#", "*", "http://", "/\x80"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gyre__target got, untouched;
        memset(&got, 0x5a, sizeof got);
        untouched = got;
        assert_int_equal(gyre__target_parse(&got, GYRE_VIEW("GET"), gyre_view_of(rows[i])),
                         GYRE_ESTARTLINE);
        assert_memory_equal(&got, &untouched, sizeof got);
    }
}

TESTS(cmocka_unit_test(target_origin_form_begins_with_a_slash),
      cmocka_unit_test(target_other_forms_need_their_method),
      cmocka_unit_test(target_is_taken_apart),
      cmocka_unit_test(target_that_is_refused_leaves_the_result_alone))
