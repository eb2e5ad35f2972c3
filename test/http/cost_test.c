// No parser takes more than its input's length in time, even fed byte by byte.
// once
// alone

#include <stdlib.h>

#include "base/error.h"
#include "http/chunked_int.h"
#include "http/framing_int.h"
#include "http/url.h"
#include "test/http/split.h"

enum { LONGEST = 400000 };

// A text: `begin`, then `repeat` as often as `n` bytes have room for.
typedef struct cost_shape {
    const char *begin, *repeat;
    size_t step; // bytes per call; 0 = all at once
    int result;  // wanted of heads
} cost_shape;

static char *text_of(const cost_shape *shape, size_t n)
{
    size_t begin = strlen(shape->begin), repeat = strlen(shape->repeat);
    char *text = malloc(n);
    assert_non_null(text);
    assert_true(n > begin);
    memcpy(text, shape->begin, begin);
    for (size_t i = begin; i < n; i++) text[i] = shape->repeat[(i - begin) % repeat];
    return text;
}

static gyre__field items[LONGEST / 4];

static void cost_request(void *arg, size_t n)
{
    const cost_shape *shape = arg;
    char *text = text_of(shape, n);
    gyre__head_limits limits = {UINT32_MAX, UINT32_MAX - 2};
    gyre__head head;
    gyre__head_init(&head, items, sizeof items / sizeof items[0]);
    int result = 0;
    for (size_t len = shape->step ? 0 : n; len <= n && !result;
         len += shape->step ? shape->step : n)
        result = gyre__request_parse(&head, (gyre_view){text, len}, &limits);
    assert_int_equal(result, shape->result);
    free(text);
}

static void cost_response(void *arg, size_t n)
{
    const cost_shape *shape = arg;
    char *text = text_of(shape, n);
    gyre__head_limits limits = {UINT32_MAX, 0};
    gyre__head head;
    gyre__head_init(&head, items, sizeof items / sizeof items[0]);
    int result = 0;
    for (size_t len = shape->step ? 0 : n; len <= n && !result;
         len += shape->step ? shape->step : n)
        result = gyre__response_parse(&head, (gyre_view){text, len}, &limits);
    assert_int_equal(result, shape->result);
    free(text);
}

static void cost_chunked(void *arg, size_t n)
{
    const cost_shape *shape = arg;
    char *text = text_of(shape, n);
    gyre__chunked chunked = {.limits = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    gyre__chunk_piece piece;
    size_t used = 0, len = shape->step ? 0 : n;
    for (; len <= n; len += shape->step ? shape->step : n) {
        int result;
        do {
            result = gyre__chunked_decode(&chunked, (gyre_view){text + used, len - used}, &piece);
            if (result < 0) fail_msg("chunks are refused: %d", result);
            used += piece.used;
        } while (result == GYRE__CHUNK_DATA);
    }
    free(text);
}

#define TINY 100000
#define COST_TEST(name, fn, n, ...) \
    static void name(void **state) \
    { \
        (void)state; \
        cost_shape shape = {__VA_ARGS__}; \
        assert_linear(fn, &shape, n); \
    }

#define LINE "GET / HTTP/1.1\r\n"

COST_TEST(cost_of_many_fields, cost_request, 200000, LINE, "a: b\r\n", 0, 0)
COST_TEST(cost_of_many_fields_byte_by_byte, cost_request, TINY, LINE, "a: b\r\n", 1, 0)
COST_TEST(cost_of_a_long_name_byte_by_byte, cost_request, TINY, LINE, "abc", 1, 0)
COST_TEST(cost_of_a_long_value_byte_by_byte, cost_request, TINY, LINE "a: ", "bc", 1, 0)
COST_TEST(cost_of_blanks_byte_by_byte, cost_request, TINY, LINE "a:", " ", 1, 0)
COST_TEST(cost_of_a_long_method_byte_by_byte, cost_request, TINY, "G", "ET", 1, 0)
COST_TEST(cost_of_a_long_target_byte_by_byte, cost_request, TINY, "GET /", "x", 1, 0)
COST_TEST(cost_of_blanks_before_and_behind_values, cost_request, 200000, LINE,
          "a:          b          \r\n", 0, 0)
COST_TEST(cost_of_a_long_reason_byte_by_byte, cost_response, TINY, "HTTP/1.1 200 ", "x", 1, 0)
COST_TEST(cost_of_control_bytes_byte_by_byte, cost_response, TINY, "HTTP/1.1 200 OK\na:", "\1", 1,
          0)
COST_TEST(cost_of_control_bytes_at_once, cost_response, 200000, "HTTP/1.1 200 OK\na:", "\1\2", 0, 0)
COST_TEST(cost_of_tiny_chunks, cost_chunked, 200000, "", "1\r\nx\r\n", 0, 0)
COST_TEST(cost_of_tiny_chunks_byte_by_byte, cost_chunked, TINY, "", "1\r\nx\r\n", 1, 0)
COST_TEST(cost_of_one_big_chunk_byte_by_byte, cost_chunked, TINY, "fffffff\r\n", "x", 1, 0)
COST_TEST(cost_of_extensions_byte_by_byte, cost_chunked, TINY, "5", ";a=b", 1, 0)
COST_TEST(cost_of_trailers_byte_by_byte, cost_chunked, TINY, "0\r\n", "a: b\r\n", 1, 0)

// ---- Texts that are handed over whole: many times, since they are bounded -------------------

static void cost_url(void *arg, size_t n)
{
    static char storage[2 * GYRE_URL_ROOM(GYRE_URL_MAX)];
    char base_storage[64];
    char *text = text_of(arg, n);
    gyre_url base, url;
    gyre_url_room room = {base_storage, sizeof base_storage};
    assert_int_equal(gyre_url_parse(&base, GYRE_VIEW("http://a/b/c"), room, NULL), 0);
    room = (gyre_url_room){storage, sizeof storage};
    for (int i = 0; i < 100; i++)
        (void)!gyre_url_resolve(&url, &base, (gyre_view){text, n}, room, NULL);
    free(text);
}

COST_TEST(cost_of_dot_segments, cost_url, GYRE_URL_MAX / 2, "", "../", 0, 0)
COST_TEST(cost_of_segments_taken_back, cost_url, GYRE_URL_MAX / 2, "/", "a/../", 0, 0)
COST_TEST(cost_of_plain_segments, cost_url, GYRE_URL_MAX / 2, "/", "./ab/", 0, 0)
COST_TEST(cost_of_colons, cost_url, GYRE_URL_MAX / 2, "//", ":", 0, 0)
COST_TEST(cost_of_at_signs, cost_url, GYRE_URL_MAX / 2, "//", "@", 0, 0)
COST_TEST(cost_of_userinfo, cost_url, GYRE_URL_MAX / 2, "//a", "%41", 0, 0)
COST_TEST(cost_of_labels, cost_url, GYRE_URL_MAX / 2, "//a", ".a", 0, 0)
COST_TEST(cost_of_slashes, cost_url, GYRE_URL_MAX / 2, "/.", "/", 0, 0)

// All items of one Connection field, and all fields a Connection field.
static void cost_frame(void *arg, size_t n)
{
    char *text = text_of(arg, n);
    const cost_shape *shape = arg;
    size_t begin = strlen(shape->begin), repeat = strlen(shape->repeat);
    n = begin + (n - begin - 4) / repeat * repeat + 4;
    memcpy(text + n - 4, "\r\n\r\n", 4);
    gyre__head_limits limits = {UINT32_MAX, UINT32_MAX - 2};
    gyre__framing framing;
    gyre__head head;
    gyre__head_init(&head, items, sizeof items / sizeof items[0]);
    int len = gyre__request_parse(&head, (gyre_view){text, n}, &limits);
    if (len != (int)n) fail_msg("no head: %d", len);
    assert_int_equal(gyre__request_frame(&framing, &head), 0);
    assert_true(gyre__fields_have(&head.fields, GYRE_VIEW("connection"), GYRE_VIEW("x")));
    assert_false(gyre__fields_have(&head.fields, GYRE_VIEW("connection"), GYRE_VIEW("none")));
    free(text);
}

#define ONE  LINE "Host: a\r\nConnection: x"
#define MANY LINE "Host: a"

COST_TEST(cost_of_list_items, cost_frame, 200000, ONE, ",x", 0, 0)
COST_TEST(cost_of_empty_list_items, cost_frame, 200000, ONE, " ,", 0, 0)
COST_TEST(cost_of_quotes_in_lists, cost_frame, 200000, ONE, ",\"", 0, 0)
COST_TEST(cost_of_repeated_fields, cost_frame, 200000, MANY, "\r\nConnection:x", 0, 0)

TESTS(cmocka_unit_test(cost_of_many_fields), cmocka_unit_test(cost_of_many_fields_byte_by_byte),
      cmocka_unit_test(cost_of_a_long_name_byte_by_byte),
      cmocka_unit_test(cost_of_a_long_value_byte_by_byte),
      cmocka_unit_test(cost_of_blanks_byte_by_byte),
      cmocka_unit_test(cost_of_a_long_method_byte_by_byte),
      cmocka_unit_test(cost_of_a_long_target_byte_by_byte),
      cmocka_unit_test(cost_of_blanks_before_and_behind_values),
      cmocka_unit_test(cost_of_a_long_reason_byte_by_byte),
      cmocka_unit_test(cost_of_control_bytes_byte_by_byte),
      cmocka_unit_test(cost_of_control_bytes_at_once), cmocka_unit_test(cost_of_tiny_chunks),
      cmocka_unit_test(cost_of_tiny_chunks_byte_by_byte),
      cmocka_unit_test(cost_of_one_big_chunk_byte_by_byte),
      cmocka_unit_test(cost_of_extensions_byte_by_byte),
      cmocka_unit_test(cost_of_trailers_byte_by_byte), cmocka_unit_test(cost_of_dot_segments),
      cmocka_unit_test(cost_of_segments_taken_back), cmocka_unit_test(cost_of_plain_segments),
      cmocka_unit_test(cost_of_colons), cmocka_unit_test(cost_of_at_signs),
      cmocka_unit_test(cost_of_userinfo), cmocka_unit_test(cost_of_labels),
      cmocka_unit_test(cost_of_slashes), cmocka_unit_test(cost_of_list_items),
      cmocka_unit_test(cost_of_empty_list_items), cmocka_unit_test(cost_of_quotes_in_lists),
      cmocka_unit_test(cost_of_repeated_fields))
