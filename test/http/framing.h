// A head as text, parsed and framed.
#ifndef TEST_HTTP_FRAMING_H
#define TEST_HTTP_FRAMING_H

#include "base/error.h"
#include "http/framing_int.h"
#include "test/http/split.h"

enum { FRAMING_FIELDS = 32 };

// What a table wants: an error, or "none", "length 5", "chunked", "until close", "tunnel", then
// " keep" when the connection stays, " upgrade", " continue" or " unknown" (Expect), " host=…".
typedef struct framing_row {
    gyre_view text; // of a head
    int err;
    const char *want;
} framing_row;

static inline const char *framing_describe(const gyre__framing *framing)
{
    static const char *const bodies[] = {"none", "length", "chunked", "until close", "tunnel"};
    static const char *const expects[] = {"", " continue", " unknown"};
    static char buffer[512];
    char length[32] = "";
    if (framing->body == GYRE__BODY_LENGTH)
        snprintf(length, sizeof length, " %llu", (unsigned long long)framing->length);
    else
        assert_int_equal(framing->length, 0);
    int len = snprintf(buffer, sizeof buffer, "%s%s%s%s%s", bodies[framing->body], length,
                       framing->keep_alive ? " keep" : "", framing->upgrade ? " upgrade" : "",
                       expects[framing->expect]);
    if (framing->host.ptr)
        snprintf(buffer + len, sizeof buffer - (size_t)len, " host=%.*s", GYRE_FMT(framing->host));
    return buffer;
}

static const gyre__head_limits framing_limits = {65536, 8192};

static inline void framing_check(const framing_row *row, int err, const gyre__framing *got)
{
    if (err != row->err)
        fail_msg("%s: %s, not %s", printable(row->text), gyre_errname(err), gyre_errname(row->err));
    if (!err && strcmp(framing_describe(got), row->want))
        fail_msg("%s: %s, not %s", printable(row->text), framing_describe(got), row->want);
    gyre__framing untouched;
    memset(&untouched, 0x5a, sizeof untouched);
    if (err) assert_memory_equal(got, &untouched, sizeof untouched);
}

static inline void framing_check_request(const framing_row *row)
{
    struct guard guard = guard_open(row->text.len);
    gyre__field items[FRAMING_FIELDS];
    gyre__head head;
    gyre__framing got;
    memset(&got, 0x5a, sizeof got);
    gyre__head_init(&head, items, FRAMING_FIELDS);
    int len = gyre__request_parse(&head, guard_put(&guard, row->text), &framing_limits);
    if (len != (int)row->text.len) fail_msg("%s is no head", printable(row->text));
    framing_check(row, gyre__request_frame(&got, &head), &got);
    guard_close(&guard);
}

static inline void framing_check_response(const framing_row *row, gyre__asked asked)
{
    struct guard guard = guard_open(row->text.len);
    gyre__field items[FRAMING_FIELDS];
    gyre__head head;
    gyre__framing got;
    memset(&got, 0x5a, sizeof got);
    gyre__head_init(&head, items, FRAMING_FIELDS);
    int len = gyre__response_parse(&head, guard_put(&guard, row->text), &framing_limits);
    if (len != (int)row->text.len) fail_msg("%s is no head", printable(row->text));
    framing_check(row, gyre__response_frame(&got, &head, asked), &got);
    guard_close(&guard);
}

#endif
