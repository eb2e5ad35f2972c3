// The public reads: every form, whole and in pieces, limits, the end, cancel.
#include "test/net/wire.h"

static const char message[] = "GET /x\r\nhost: a\r\n\r\nbody of it";

static void reads_give_what_was_asked_for(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct wire w;
        wire_open(&w, kind);
        wire_say(&w, message);
        EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\r\n"), 100), "GET /x\r\n");
        EXPECT_READ(gyre_read_until_regex(w.stream, "[a-z]: ?", 100), "host: ");
        EXPECT_READ(gyre_read_bytes(w.stream, 3), "a\r\n");
        EXPECT_READ(gyre_read_some(w.stream, 2), "\r\n");
        char into[5] = "";
        size_t count = 0;
        assert_int_equal(gyre_run(gyre_read_into(w.stream, into, 4), &count), 0);
        assert_int_equal(count, 4);
        assert_string_equal(into, "body");
        wire_hang_up(&w);
        EXPECT_READ(gyre_read_until_close(w.stream, 100), " of it");
        EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_EEOF);
        wire_close(&w);
    }
}

// All forms over one message that arrives in two parts, with the loop run in between.
static void read_in_parts(size_t first, bool bytewise)
{
    struct wire w;
    char head[sizeof message];
    size_t len = strlen(message), sent = 0;
    wire_open(&w, WIRE_TCP);
    gyre_view_future f = gyre_read_until(w.stream, GYRE_VIEW("\r\n\r\n"), 100);
    while (sent < len) {
        size_t part = bytewise ? 1 : sent == 0 && first > 0 ? first : len - sent;
        wire_send(&w, message + sent, part);
        sent += part;
        wire_settle(&w);
    }
    gyre_view view;
    assert_int_equal(gyre_run(f, &view), 0);
    size_t head_len = (size_t)(strstr(message, "\r\n\r\n") - message) + 4;
    assert_int_equal(view.len, head_len);
    memcpy(head, view.ptr, view.len);
    assert_memory_equal(head, message, head_len);
    EXPECT_READ(gyre_read_until_regex(w.stream, "o(f|g)", 50), "body of");
    EXPECT_READ(gyre_read_bytes(w.stream, 3), " it");
    wire_close(&w);
}

static void reads_are_the_same_at_every_split(void **state)
{
    (void)state;
    for (size_t split = 0; split < strlen(message); split++) read_in_parts(split, false);
    read_in_parts(0, true);
}

static void each_form_waits_for_its_last_byte(void **state)
{
    (void)state;
    struct wire w;
    char into[4];
    wire_open(&w, WIRE_TCP);
    for (int form = 0; form < 4; form++) {
        gyre_future *f = form == 0   ? gyre_read_until(w.stream, GYRE_VIEW("cd"), 9).untyped
                         : form == 1 ? gyre_read_until_regex(w.stream, "c+d$", 9).untyped
                         : form == 2 ? gyre_read_bytes(w.stream, 4).untyped
                                     : gyre_read_into(w.stream, into, 4).untyped;
        for (const char *at = "abcd"; *at; at++) {
            assert_int_equal(gyre__future_state(f), GYRE_PENDING);
            wire_send(&w, at, 1);
            wire_settle(&w);
        }
        assert_int_equal(gyre__future_state(f), GYRE_DONE);
        assert_int_equal(gyre__future_run(f, NULL), 0);
    }
    assert_memory_equal(into, "abcd", 4);
    wire_close(&w);
}

static void empty_reads_are_done_at_once(void **state)
{
    (void)state;
    struct wire w;
    size_t count = 9;
    wire_open(&w, WIRE_UNIX);
    EXPECT_READ(gyre_read_bytes(w.stream, 0), "");
    EXPECT_READ(gyre_read_until_regex(w.stream, "x*", 10), "");
    assert_int_equal(gyre_run(gyre_read_into(w.stream, NULL, 0), &count), 0);
    assert_int_equal(count, 0);
    wire_hang_up(&w);
    EXPECT_READ(gyre_read_until_close(w.stream, 10), "");
    wire_close(&w);
}

static void the_buffer_is_read_after_the_peer_has_gone(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "one\ntwo\nrest");
    wire_hang_up(&w);
    EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\n"), 64), "one\n");
    wire_settle(&w);
    EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\n"), 64), "two\n");
    EXPECT_ERROR(gyre_read_until(w.stream, GYRE_VIEW("\n"), 64), GYRE_EEOF);
    EXPECT_ERROR(gyre_read_bytes(w.stream, 5), GYRE_EEOF);
    EXPECT_READ(gyre_read_some(w.stream, 64), "rest");
    EXPECT_ERROR(gyre_read_some(w.stream, 64), GYRE_EEOF);
    wire_close(&w);
}

static void a_match_past_the_limit_is_none(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) {
        struct wire w;
        wire_open(&w, WIRE_TCP);
        wire_say(&w, "0123456789\r\n");
        gyre_view_future f = form == 0   ? gyre_read_until(w.stream, GYRE_VIEW("\r\n"), 11)
                             : form == 1 ? gyre_read_until_regex(w.stream, "\r\n", 11)
                                         : gyre_read_until_close(w.stream, 11);
        EXPECT_ERROR(f, GYRE_ELIMIT);
        EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_ELIMIT);
        EXPECT_ERROR(gyre_write(w.stream, GYRE_VIEW("x")), GYRE_ELIMIT);
        wire_close(&w);
    }
}

static void a_match_at_the_limit_is_one(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "0123456789\r\n0123456789\r\n0123456789\r\n");
    wire_hang_up(&w);
    EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\r\n"), 12), "0123456789\r\n");
    EXPECT_READ(gyre_read_until_regex(w.stream, "\r\n", 12), "0123456789\r\n");
    EXPECT_READ(gyre_read_until_close(w.stream, 12), "0123456789\r\n");
    wire_close(&w);
}

static void the_limit_fails_before_the_delimiter_came(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_view_future f = gyre_read_until(w.stream, GYRE_VIEW("\n"), 8);
    wire_say(&w, "01234567");
    EXPECT_ERROR(f, GYRE_ELIMIT);
    wire_close(&w);
}

static void a_full_buffer_is_a_limit(void **state)
{
    (void)state;
    const gyre_stream_opts opts = {.read_buffer = 1000};
    for (int form = 0; form < 3; form++) {
        struct wire w;
        wire_open_with(&w, WIRE_TCP, &opts);
        char *bytes = wire_pattern(1001);
        memset(bytes, 'x', 1001);
        wire_send(&w, bytes, form == 2 ? 1000 : 1001);
        wire_hang_up(&w);
        if (form == 0) EXPECT_ERROR(gyre_read_until(w.stream, GYRE_VIEW("\n"), 5000), GYRE_ELIMIT);
        if (form == 1) EXPECT_ERROR(gyre_read_bytes(w.stream, 1001), GYRE_ELIMIT);
        gyre_view view;
        if (form == 2) { // exactly what fits
            assert_int_equal(gyre_run(gyre_read_until_close(w.stream, 5000), &view), 0);
            assert_int_equal(view.len, 1000);
        }
        free(bytes);
        wire_close(&w);
    }
}

static void a_full_buffer_and_a_byte_more_fail_until_close(void **state)
{
    (void)state;
    const gyre_stream_opts opts = {.read_buffer = 100};
    struct wire w;
    wire_open_with(&w, WIRE_UNIX, &opts);
    char *bytes = wire_pattern(101);
    wire_send(&w, bytes, 101);
    EXPECT_ERROR(gyre_read_until_close(w.stream, 5000), GYRE_ELIMIT);
    free(bytes);
    wire_close(&w);
}

static void bad_arguments_are_refused_and_harm_nothing(void **state)
{
    (void)state;
    struct wire w;
    char long_delimiter[65];
    memset(long_delimiter, 'd', sizeof long_delimiter);
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "ok");
    EXPECT_ERROR(gyre_read_until(w.stream, GYRE_VIEW(""), 9), -EINVAL);
    EXPECT_ERROR(gyre_read_until(w.stream, (gyre_view){long_delimiter, 65}, 99), -EINVAL);
    EXPECT_ERROR(gyre_read_until(w.stream, GYRE_VIEW("x"), 0), -EINVAL);
    EXPECT_ERROR(gyre_read_until_regex(w.stream, "(", 9), -EINVAL);
    EXPECT_ERROR(gyre_read_some(w.stream, 0), -EINVAL);
    EXPECT_READ(gyre_read_bytes(w.stream, 2), "ok");
    wire_close(&w);
}

static void a_second_read_is_refused(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    gyre_view_future first = gyre_read_bytes(w.stream, 2);
    EXPECT_ERROR(gyre_read_some(w.stream, 1), GYRE_EBUSY);
    wire_say(&w, "ok");
    EXPECT_READ(first, "ok");
    wire_close(&w);
}

static void a_cancelled_read_keeps_every_byte(void **state)
{
    (void)state;
    struct wire w;
    char into[100];
    wire_open(&w, WIRE_TCP);
    for (int form = 0; form < 5; form++) {
        gyre_future *f = form == 0   ? gyre_read_until(w.stream, GYRE_VIEW("\n"), 99).untyped
                         : form == 1 ? gyre_read_until_regex(w.stream, "\n", 99).untyped
                         : form == 2 ? gyre_read_bytes(w.stream, 100).untyped
                         : form == 3 ? gyre_read_until_close(w.stream, 1000).untyped
                                     : gyre_read_into(w.stream, into, 100).untyped;
        wire_say(&w, form % 2 ? "cd" : "ab");
        wire_settle(&w);
        assert_true(gyre__future_cancel(f));
        assert_int_equal(gyre__future_run(f, NULL), GYRE_ECANCELED);
    }
    EXPECT_READ(gyre_read_bytes(w.stream, 10), "abcdabcdab");
    wire_close(&w);
}

static void a_view_that_nobody_took_stays_in_the_stream(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "kept");
    gyre_view_future f = gyre_read_bytes(w.stream, 4);
    wire_settle(&w);
    assert_int_equal(gyre_future_state(f), GYRE_DONE);
    gyre_release(f);
    EXPECT_READ(gyre_read_bytes(w.stream, 4), "kept");
    f = gyre_read_some(w.stream, 9);
    gyre_release(f); // under way: the same
    wire_say(&w, "more");
    EXPECT_READ(gyre_read_bytes(w.stream, 4), "more");
    wire_close(&w);
}

static void a_view_that_is_not_wanted_is_consumed(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "skipped\nread\n");
    EXPECT_ERROR(gyre_read_until(w.stream, GYRE_VIEW("\n"), 99), 0);
    EXPECT_READ(gyre_read_until(w.stream, GYRE_VIEW("\n"), 99), "read\n");
    wire_close(&w);
}

static void the_loser_of_any_keeps_its_bytes(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    wire_say(&w, "later");
    gyre_view_future both[] = {gyre_read_bytes(w.stream, 0), {NULL}};
    assert_int_equal(gyre_future_state(both[0]), GYRE_DONE);
    both[1] = gyre_read_bytes(w.stream, 5);
    wire_settle(&w);
    assert_int_equal(gyre_future_state(both[1]), GYRE_DONE);
    size_t index = 9;
    EXPECT_READ(gyre_any(w.loop, both, 2, &index), "");
    assert_int_equal(index, 0);
    EXPECT_READ(gyre_read_bytes(w.stream, 5), "later");
    wire_close(&w);
}

static void injected_faults_change_no_byte(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        enum fault_call call = kind <= WIRE_UNIX ? FAULT_RECV : FAULT_READ;
        for (int fault = 0; fault < 3; fault++) {
            struct wire w;
            wire_open(&w, kind);
            fault_reset();
            if (fault == 0) fault_short(call, 1);
            if (fault == 1) fault_every(call, 2, EINTR);
            if (fault == 2) fault_every(call, 2, EAGAIN);
            char *bytes = wire_pattern(500);
            wire_send(&w, bytes, 500);
            wire_hang_up(&w);
            gyre_view view;
            assert_int_equal(gyre_run(gyre_read_until_close(w.stream, 1000), &view), 0);
            assert_int_equal(view.len, 500);
            assert_memory_equal(view.ptr, bytes, 500);
            assert_true(fault_hit() > 0);
            fault_reset();
            free(bytes);
            wire_close(&w);
        }
    }
}

static void a_reset_gives_its_error(void **state)
{
    (void)state;
    struct wire w;
    const struct linger hard = {.l_onoff = 1};
    wire_open(&w, WIRE_TCP);
    gyre_view_future f = gyre_read_some(w.stream, 10);
    wire_settle(&w);
    assert_int_equal(real_setsockopt(w.peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    wire_hang_up(&w);
    EXPECT_ERROR(f, -ECONNRESET);
    assert_non_null(strstr(gyre_why_last(w.loop), "read from 127.0.0.1:"));
    EXPECT_ERROR(gyre_read_some(w.stream, 10), -ECONNRESET);
    wire_close(&w);
}

TESTS(cmocka_unit_test(reads_give_what_was_asked_for),
      cmocka_unit_test(reads_are_the_same_at_every_split),
      cmocka_unit_test(each_form_waits_for_its_last_byte),
      cmocka_unit_test(empty_reads_are_done_at_once),
      cmocka_unit_test(the_buffer_is_read_after_the_peer_has_gone),
      cmocka_unit_test(a_match_past_the_limit_is_none),
      cmocka_unit_test(a_match_at_the_limit_is_one),
      cmocka_unit_test(the_limit_fails_before_the_delimiter_came),
      cmocka_unit_test(a_full_buffer_is_a_limit),
      cmocka_unit_test(a_full_buffer_and_a_byte_more_fail_until_close),
      cmocka_unit_test(bad_arguments_are_refused_and_harm_nothing),
      cmocka_unit_test(a_second_read_is_refused),
      cmocka_unit_test(a_cancelled_read_keeps_every_byte),
      cmocka_unit_test(a_view_that_nobody_took_stays_in_the_stream),
      cmocka_unit_test(a_view_that_is_not_wanted_is_consumed),
      cmocka_unit_test(the_loser_of_any_keeps_its_bytes),
      cmocka_unit_test(injected_faults_change_no_byte), cmocka_unit_test(a_reset_gives_its_error))
