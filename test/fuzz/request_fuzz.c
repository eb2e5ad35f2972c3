// Heads of requests. The first byte says how the rest is cut.

#include "test/fuzz/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_framing(const gyre__head *head)
{
    gyre__framing framing;
    int err = gyre__request_frame(&framing, head);
    if (err) {
        assert(err == GYRE_EFRAMING || err == GYRE_ECODING || err == GYRE_EFIELD);
        assert(gyre__refusal_status(head, err) >= 400);
        return;
    }
    assert(framing.body <= GYRE__BODY_CHUNKED && framing.length <= INT64_MAX);
    assert(framing.host.ptr || head->minor == 0);
    gyre_view length = gyre__fields_get(&head->fields, GYRE_VIEW("content-length"));
    gyre_view coding = gyre__fields_get(&head->fields, GYRE_VIEW("transfer-encoding"));
    assert(!(length.ptr && coding.ptr));
    assert((coding.ptr != NULL) == (framing.body == GYRE__BODY_CHUNKED));
    assert((length.ptr != NULL) == (framing.body == GYRE__BODY_LENGTH));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    gyre__head head;
    gyre__field items[FUZZ_FIELDS];
    gyre_view bytes = {(const char *)data + 1, size - 1};
    int len = parse_twice(gyre__request_parse, &head, items, bytes, data[0]);
    if (len <= 0) return 0;
    // The strictest reading there is: CRLF CRLF ends it, and no other CR, LF or NUL is inside.
    assert(memcmp(bytes.ptr + len - 4, "\r\n\r\n", 4) == 0);
    assert(!memchr(bytes.ptr, '\0', (size_t)len));
    for (int i = 0; i < len; i++) {
        assert(bytes.ptr[i] != '\n' || (i > 0 && bytes.ptr[i - 1] == '\r'));
        assert(bytes.ptr[i] != '\r' || bytes.ptr[i + 1] == '\n');
    }
    assert(gyre__is_token(gyre__span_view(bytes.ptr, head.method)));
    assert(gyre__is_target(gyre__span_view(bytes.ptr, head.target)));
    check_fields(&head, len, false);
    check_framing(&head);
    return 0;
}
