// Heads of responses. The first byte says how the rest is cut and what had been asked.

#include "test/fuzz/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_framing(const gyre__head *head, gyre__asked asked)
{
    gyre__framing framing;
    int err = gyre__response_frame(&framing, head, asked);
    bool bodiless = asked.head || head->status < 200 || head->status == 204 || head->status == 304;
    if (err) {
        assert(err == GYRE_EFRAMING || err == GYRE_ECODING || err == GYRE_EUNEXPECTED);
        assert(!bodiless || (head->status == 101 && !asked.upgrade));
        return;
    }
    assert(framing.length <= INT64_MAX);
    assert(!bodiless || framing.body == GYRE__BODY_NONE || framing.body == GYRE__BODY_TUNNEL);
    bool ends = framing.body != GYRE__BODY_UNTIL_CLOSE && framing.body != GYRE__BODY_TUNNEL;
    assert(ends || !framing.keep_alive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    gyre__head head;
    gyre__field items[FUZZ_FIELDS];
    gyre_view bytes = {(const char *)data + 1, size - 1};
    int len = parse_twice(gyre__response_parse, &head, items, bytes, data[0]);
    if (len <= 0) return 0;
    assert(bytes.ptr[len - 1] == '\n' && head.status >= 100 && head.status <= 599);
    check_inside(head.reason, len);
    check_fields(&head, len, true);
    check_framing(
        &head, (gyre__asked){.head = data[0] & 1, .connect = data[0] & 2, .upgrade = data[0] & 4});
    return 0;
}
