// Look-up in parsed fields, list items, and what the serialiser lets through.
// once

#include "http/headers_int.h"
#include "http/parser_int.h"
#include "test/http/split.h"

enum { FIELDS = 8 };

static const char head[] = "a: 1\r\nB: 2, x\r\nA: 3\r\nempty:\r\nb:,, \"y,z\" ,X2\r\n\r\n";

static gyre__fields parse(gyre__field items[FIELDS])
{
    gyre__fields fields = {.item = items, .cap = FIELDS};
    gyre__progress progress = {0};
    int len = gyre__fields_parse(&fields, &progress, gyre_view_of(head), 0);
    assert_int_equal(len, sizeof head - 1);
    assert_int_equal(fields.count, 5);
    return fields;
}

static void fields_are_found_whatever_the_case(void **state)
{
    (void)state;
    gyre__field items[FIELDS];
    gyre__fields fields = parse(items);
    assert_view(gyre__fields_get(&fields, GYRE_VIEW("a")), "1");
    assert_view(gyre__fields_get(&fields, GYRE_VIEW("A")), "1");
    assert_view(gyre__fields_get(&fields, GYRE_VIEW("b")), "2, x");
    assert_view(gyre__fields_get(&fields, GYRE_VIEW("EMPTY")), "");
    assert_non_null(gyre__fields_get(&fields, GYRE_VIEW("empty")).ptr);
    assert_null(gyre__fields_get(&fields, GYRE_VIEW("c")).ptr);
    assert_null(gyre__fields_get(&fields, GYRE_VIEW("aa")).ptr);
    assert_null(gyre__fields_get(&fields, GYRE_VIEW("")).ptr);
}

static void fields_that_repeat_are_found_in_their_order(void **state)
{
    (void)state;
    gyre__field items[FIELDS];
    gyre__fields fields = parse(items);
    size_t at = 0;
    gyre_view value;
    assert_true(gyre__fields_next(&fields, GYRE_VIEW("a"), &at, &value));
    assert_view(value, "1");
    assert_true(gyre__fields_next(&fields, GYRE_VIEW("a"), &at, &value));
    assert_view(value, "3");
    assert_false(gyre__fields_next(&fields, GYRE_VIEW("a"), &at, &value));
    assert_view(value, "3");
}

static void fields_move_with_their_base(void **state)
{
    (void)state;
    gyre__field items[FIELDS];
    gyre__fields fields = parse(items);
    char copy[sizeof head];
    memcpy(copy, head, sizeof head);
    fields.base = copy;
    copy[3] = '9';
    assert_view(gyre__fields_get(&fields, GYRE_VIEW("a")), "9");
}

static void fields_list_items_are_searched_in_all_lines(void **state)
{
    (void)state;
    gyre__field items[FIELDS];
    gyre__fields fields = parse(items);
    assert_true(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("2")));
    assert_true(gyre__fields_have(&fields, GYRE_VIEW("B"), GYRE_VIEW("X")));
    assert_true(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("x2")));
    assert_true(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("\"y,z\"")));
    assert_false(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("y")));
    assert_false(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("3")));
    assert_false(gyre__fields_have(&fields, GYRE_VIEW("b"), GYRE_VIEW("")));
    assert_false(gyre__fields_have(&fields, GYRE_VIEW("empty"), GYRE_VIEW("")));
}

// Each row: a list, and its items joined by "|".
static void list_items_are_taken_one_by_one(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {",", ""},
        {" ,\t, ", ""},
        {"a", "a"},
        {"a,b", "a|b"},
        {" a\t, b ", "a|b"},
        {",,a,,b,,", "a|b"},
        {"a b, c", "a b|c"},
        {"\"a,b\",c", "\"a,b\"|c"},
        {"a=\"b\\\",c\",d", "a=\"b\\\",c\"|d"},
        {"\"a,b", "\"a,b"},
        {"\"a\\", "\"a\\"},
        {"\\,a", "\\|a"},
        {"\"\",a", "\"\"|a"},
        {"\"a\\\\\",b", "\"a\\\\\"|b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guard guard = guard_open(strlen(rows[i][0]));
        gyre_view rest = guard_put(&guard, gyre_view_of(rows[i][0])), item;
        char got[64] = "";
        while (gyre__list_next(&rest, &item)) {
            if (got[0]) strcat(got, "|");
            strncat(got, item.ptr, item.len);
        }
        assert_string_equal(got, rows[i][1]);
        assert_int_equal(rest.len, 0);
        guard_close(&guard);
    }
}

static void sent_text_is_checked_byte_for_byte(void **state)
{
    (void)state;
    static const char separators[] = "\"(),/:;<=>?@[\\]{}";
    for (unsigned byte = 0; byte < 256; byte++) {
        bool visible = byte > 0x20 && byte < 0x7f;
        bool separator = byte && strchr(separators, (int)byte);
        char inside[3] = {'a', (char)byte, 'a'};
        gyre_view middle = {inside, 3}, alone = {inside + 1, 1};
        bool blank = byte == ' ' || byte == '\t';
        assert_int_equal(gyre__is_token(middle), visible && !separator);
        assert_int_equal(gyre__is_token(alone), visible && !separator);
        assert_int_equal(gyre__is_target(middle), visible && byte != '#');
        assert_int_equal(gyre__is_field_value(middle), visible || blank || byte >= 0x80);
        assert_int_equal(gyre__is_field_value(alone), visible || byte >= 0x80);
        assert_int_equal(gyre__is_reason(alone), visible || blank || byte >= 0x80);
    }
}

static void sent_text_that_is_empty_or_injects_lines(void **state)
{
    (void)state;
    gyre_view none = {NULL, 0};
    assert_false(gyre__is_token(none));
    assert_false(gyre__is_target(none));
    assert_true(gyre__is_field_value(none));
    assert_true(gyre__is_reason(none));
    assert_false(gyre__is_field_value(TEXT("a\r\nX: y")));
    assert_false(gyre__is_field_value(TEXT("a\n")));
    assert_false(gyre__is_field_value(TEXT("a\0")));
    assert_false(gyre__is_field_value(TEXT(" a")));
    assert_false(gyre__is_field_value(TEXT("a\t")));
    assert_true(gyre__is_field_value(TEXT("a b\tc")));
    assert_false(gyre__is_reason(TEXT("OK\r\nX: y")));
    assert_false(gyre__is_target(TEXT("/ HTTP/1.1\r\nX: y")));
    assert_false(gyre__is_token(TEXT("GET /")));
}

static void sent_framing_fields_are_the_librarys(void **state)
{
    (void)state;
    assert_true(gyre__is_framing_name(GYRE_VIEW("Content-Length")));
    assert_true(gyre__is_framing_name(GYRE_VIEW("content-LENGTH")));
    assert_true(gyre__is_framing_name(GYRE_VIEW("Transfer-Encoding")));
    assert_false(gyre__is_framing_name(GYRE_VIEW("Content-Encoding")));
    assert_false(gyre__is_framing_name(GYRE_VIEW("TE")));
    assert_false(gyre__is_framing_name(GYRE_VIEW("")));
}

TESTS(cmocka_unit_test(fields_are_found_whatever_the_case),
      cmocka_unit_test(fields_that_repeat_are_found_in_their_order),
      cmocka_unit_test(fields_move_with_their_base),
      cmocka_unit_test(fields_list_items_are_searched_in_all_lines),
      cmocka_unit_test(list_items_are_taken_one_by_one),
      cmocka_unit_test(sent_text_is_checked_byte_for_byte),
      cmocka_unit_test(sent_text_that_is_empty_or_injects_lines),
      cmocka_unit_test(sent_framing_fields_are_the_librarys))
