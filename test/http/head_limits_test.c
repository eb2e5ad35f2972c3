// The limits of heads, and the status that each refusal gets.
// once

#include <stdlib.h>

#include "test/http/head.h"

static const char request[] = "GET /abc HTTP/1.1\r\nHost: a\r\nb: cd\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nHost: a\r\nb: cd\r\n\r\n";

static int result_with(head_parse *parse, const char *text, gyre__head_limits limits, uint32_t cap)
{
    head_setup setup = {parse, limits, cap};
    return head_at_every_cut(&setup, gyre_view_of(text), NULL);
}

static void head_of_the_longest_length_is_accepted_and_one_byte_more_is_not(void **state)
{
    (void)state;
    uint32_t request_len = sizeof request - 1, response_len = sizeof response - 1;
    gyre__head_limits limits = {request_len, 100};
    assert_int_equal(result_with(gyre__request_parse, request, limits, 9), request_len);
    limits.head_max = response_len;
    assert_int_equal(result_with(gyre__response_parse, response, limits, 9), response_len);
    for (uint32_t max = 1; max < response_len; max++) {
        limits.head_max = max;
        assert_int_equal(result_with(gyre__response_parse, response, limits, 9), GYRE_EHEADSIZE);
    }
    for (uint32_t max = 1; max < request_len; max++) {
        limits.head_max = max;
        assert_int_equal(result_with(gyre__request_parse, request, limits, 9), GYRE_EHEADSIZE);
    }
}

// With as many bytes as are allowed and no end in them, nothing has to be waited for.
static void head_that_fills_its_limit_is_refused_at_once(void **state)
{
    (void)state;
    const char *const texts[] = {"GET / HTTP/1.1\r\na: b\r\n", "HTTP/1.1 200 OK\r\na: b\r\n"};
    gyre__head_limits limits = {(uint32_t)strlen(texts[0]), 100};
    assert_int_equal(result_with(gyre__request_parse, texts[0], limits, 9), GYRE_EHEADSIZE);
    limits.head_max++;
    assert_int_equal(result_with(gyre__request_parse, texts[0], limits, 9), 0);
    limits.head_max = (uint32_t)strlen(texts[1]);
    assert_int_equal(result_with(gyre__response_parse, texts[1], limits, 9), GYRE_EHEADSIZE);
    limits = (gyre__head_limits){100, 9};
    assert_int_equal(result_with(gyre__request_parse, "GET /123456", limits, 9), GYRE_EHEADSIZE);
    assert_int_equal(result_with(gyre__request_parse, "GET /12345", limits, 9), 0);
}

static void head_limit_counts_empty_lines_before_a_request(void **state)
{
    (void)state;
    const char text[] = "\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    gyre__head_limits limits = {sizeof text - 1, 100};
    assert_int_equal(result_with(gyre__request_parse, text, limits, 9), sizeof text - 1);
    limits.head_max--;
    assert_int_equal(result_with(gyre__request_parse, text, limits, 9), GYRE_EHEADSIZE);
}

static void head_limit_does_not_count_what_follows_the_head(void **state)
{
    (void)state;
    const char text[] = "HTTP/1.1 200 OK\r\n\r\nbody";
    gyre__head_limits limits = {19, 0};
    assert_int_equal(result_with(gyre__response_parse, text, limits, 9), 19);
}

static void head_of_the_most_lines_is_accepted_and_one_more_is_not(void **state)
{
    (void)state;
    gyre__head_limits limits = {100, 100};
    assert_int_equal(result_with(gyre__request_parse, request, limits, 2), sizeof request - 1);
    assert_int_equal(result_with(gyre__request_parse, request, limits, 1), GYRE_EHEADSIZE);
    assert_int_equal(result_with(gyre__response_parse, response, limits, 1), GYRE_EHEADSIZE);
    assert_int_equal(result_with(gyre__response_parse, response, limits, 0), GYRE_EHEADSIZE);
}

static void request_line_of_the_longest_length_is_accepted_and_one_byte_more_is_not(void **state)
{
    (void)state;
    gyre__head_limits limits = {100, sizeof "GET /abc HTTP/1.1" - 1};
    int err = GYRE_EHEADSIZE;
    assert_int_equal(result_with(gyre__request_parse, request, limits, 9), sizeof request - 1);
    for (limits.start_line_max = 0; limits.start_line_max < 17; limits.start_line_max++)
        assert_int_equal(result_with(gyre__request_parse, request, limits, 9), err);
    limits.start_line_max = 14;
    const char blank[] = "\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    assert_int_equal(result_with(gyre__request_parse, blank, limits, 9), sizeof blank - 1);
    limits.start_line_max = 13;
    assert_int_equal(result_with(gyre__request_parse, blank, limits, 9), err);
}

static void head_errors_before_a_limit_win(void **state)
{
    (void)state;
    gyre__head_limits limits = {20, 10};
    assert_int_equal(result_with(gyre__request_parse, "GET / http/1.1\r\n\r\n", limits, 9),
                     GYRE_ESTARTLINE);
    assert_int_equal(result_with(gyre__response_parse, "HTTP/1.1 200 OK\r\n:\r\n\r\n", limits, 9),
                     GYRE_EFIELD);
}

// Every error that reading a request can end with, and a few that are not the client's fault.
static void head_refusals_have_their_status(void **state)
{
    (void)state;
    gyre__head head;
    gyre__head_init(&head, NULL, 0);
    assert_int_equal(gyre__refusal_status(&head, GYRE_ESTARTLINE), 400);
    assert_int_equal(gyre__refusal_status(&head, GYRE_EVERSION), 505);
    assert_int_equal(gyre__refusal_status(&head, GYRE_EFIELD), 400);
    assert_int_equal(gyre__refusal_status(&head, GYRE_EFRAMING), 400);
    assert_int_equal(gyre__refusal_status(&head, GYRE_ECODING), 501);
    assert_int_equal(gyre__refusal_status(&head, GYRE_ECHUNK), 400);
    assert_int_equal(gyre__refusal_status(&head, GYRE_EBODYSIZE), 413);
    assert_int_equal(gyre__refusal_status(&head, GYRE_EEOF), 0);
    assert_int_equal(gyre__refusal_status(&head, -12), 0);
    assert_int_equal(gyre__refusal_status(&head, 0), 0);
}

static void head_too_long_is_414_within_the_request_line_and_431_behind_it(void **state)
{
    (void)state;
    gyre__head_limits limits = {30, 17};
    gyre__field items[9];
    gyre__head head;
    gyre__head_init(&head, items, 9);
    int err = gyre__request_parse(&head, gyre_view_of(request), &limits);
    assert_int_equal(err, GYRE_EHEADSIZE);
    assert_int_equal(gyre__refusal_status(&head, err), 431);
    gyre__head_init(&head, items, 9);
    limits.start_line_max = 16;
    err = gyre__request_parse(&head, gyre_view_of(request), &limits);
    assert_int_equal(err, GYRE_EHEADSIZE);
    assert_int_equal(gyre__refusal_status(&head, err), 414);
    gyre__head_init(&head, items, 1);
    limits = (gyre__head_limits){100, 100};
    err = gyre__request_parse(&head, gyre_view_of(request), &limits);
    assert_int_equal(gyre__refusal_status(&head, err), 431);
}

static void head_without_bytes_needs_more(void **state)
{
    (void)state;
    gyre__head_limits limits = {100, 100};
    gyre__head head;
    gyre__head_init(&head, NULL, 0);
    assert_int_equal(gyre__request_parse(&head, (gyre_view){NULL, 0}, &limits), 0);
    gyre__head_init(&head, NULL, 0);
    assert_int_equal(gyre__response_parse(&head, (gyre_view){NULL, 0}, &limits), 0);
}

TESTS(cmocka_unit_test(head_of_the_longest_length_is_accepted_and_one_byte_more_is_not),
      cmocka_unit_test(head_that_fills_its_limit_is_refused_at_once),
      cmocka_unit_test(head_limit_counts_empty_lines_before_a_request),
      cmocka_unit_test(head_limit_does_not_count_what_follows_the_head),
      cmocka_unit_test(head_of_the_most_lines_is_accepted_and_one_more_is_not),
      cmocka_unit_test(request_line_of_the_longest_length_is_accepted_and_one_byte_more_is_not),
      cmocka_unit_test(head_errors_before_a_limit_win),
      cmocka_unit_test(head_refusals_have_their_status),
      cmocka_unit_test(head_too_long_is_414_within_the_request_line_and_431_behind_it),
      cmocka_unit_test(head_without_bytes_needs_more))
