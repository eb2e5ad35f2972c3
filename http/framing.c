// Framing: see framing_int.h.
//
// One pass over the fields picks up the few that matter. A field that may occur once and occurs
// twice is remembered as repeated; what that means is decided behind the pass.

#include "base/error.h"
#include "http/framing_int.h"
#include "http/host_int.h"
#include "http/scan_int.h"
#include "http/target_int.h"

// A field that may occur only once.
typedef struct single {
    gyre_view value;
    unsigned count;
} single;

typedef struct found {
    single content_length;
    single transfer_encoding;
    single host;
    single expect;
    bool upgrade;          // there is an Upgrade field
    bool connection_close; // the items of all Connection fields
    bool connection_keep;
    bool connection_upgrade;
} found;

static void note(single *field, gyre_view value)
{
    if (field->count++ == 0) field->value = value;
}

// Says whether a text is a word, given in lower case; most texts that are not differ at once.
static bool is(gyre_view text, gyre_view word)
{
    return text.len == word.len && gyre__lower(text.ptr[0]) == word.ptr[0] &&
           gyre_view_equal_nocase(text, word);
}

static void note_connection(found *to, gyre_view list)
{
    gyre_view item;
    while (gyre__list_next(&list, &item)) {
        if (is(item, GYRE_VIEW("close"))) to->connection_close = true;
        if (is(item, GYRE_VIEW("keep-alive"))) to->connection_keep = true;
        if (is(item, GYRE_VIEW("upgrade"))) to->connection_upgrade = true;
    }
}

static void note_field(found *to, gyre_view name, gyre_view value)
{
    if (is(name, GYRE_VIEW("host")))
        note(&to->host, value);
    else if (is(name, GYRE_VIEW("expect")))
        note(&to->expect, value);
    else if (is(name, GYRE_VIEW("upgrade")))
        to->upgrade = true;
    else if (is(name, GYRE_VIEW("connection")))
        note_connection(to, value);
    else if (is(name, GYRE_VIEW("content-length")))
        note(&to->content_length, value);
    else if (is(name, GYRE_VIEW("transfer-encoding")))
        note(&to->transfer_encoding, value);
}

static void collect(found *to, const gyre__fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        note_field(to, gyre__field_name(fields, i), gyre__field_value(fields, i));
}

bool gyre__length_parse(uint64_t *out, gyre_view text)
{
    uint64_t value = 0;
    if (text.len == 0) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!gyre__byte_is(text.ptr[i], GYRE__BYTE_DIGIT)) return false;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (INT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

// The length fields, the same for both sides. *body is left alone when there are none.
static int frame_body(gyre__framing *to, const found *fields, const gyre__head *head)
{
    const single *length = &fields->content_length;
    const single *coding = &fields->transfer_encoding;
    if (coding->count > 0) {
        // Two readers that disagree on one of these disagree on where the message ends.
        bool sound = coding->count == 1 && coding->value.len > 0;
        if (!sound || length->count > 0 || head->minor == 0) return GYRE_EFRAMING;
        if (!gyre_view_equal_nocase(coding->value, GYRE_VIEW("chunked"))) return GYRE_ECODING;
        to->body = GYRE__BODY_CHUNKED;
    } else if (length->count > 0) {
        if (length->count > 1 || !gyre__length_parse(&to->length, length->value))
            return GYRE_EFRAMING;
        to->body = GYRE__BODY_LENGTH;
    }
    return 0;
}

// RFC 9112 section 9.3: "close" wins, HTTP/1.0 has to ask.
static bool keeps_alive(const found *fields, const gyre__head *head)
{
    return !fields->connection_close && (head->minor > 0 || fields->connection_keep);
}

// HTTP/1.0 cannot upgrade (RFC 9110 section 7.8).
static bool wants_upgrade(const found *fields, const gyre__head *head)
{
    return fields->upgrade && fields->connection_upgrade && head->minor > 0;
}

// ---- Requests ------------------------------------------------------------------------------

// Host is checked even when an absolute target overrides it (RFC 9112 section 3.2.2).
static int find_host(gyre_view *out, const found *fields, const gyre__head *head)
{
    const single *host = &fields->host;
    if (host->count > 1 || (host->count == 0 && head->minor > 0)) return GYRE_EFIELD;
    gyre__authority ignored;
    if (host->count > 0 && gyre__authority_parse(&ignored, host->value)) return GYRE_EFIELD;
    *out = host->value;
    gyre_view method = gyre__span_view(head->fields.base, head->method);
    gyre_view text = gyre__span_view(head->fields.base, head->target);
    if (text.ptr[0] == '/') return 0;
    gyre__target target;
    int err = gyre__target_parse(&target, method, text);
    if (err) return err;
    if (target.authority.ptr) *out = target.authority;
    return 0;
}

static gyre__expect find_expect(const found *fields, const gyre__head *head)
{
    const single *expect = &fields->expect;
    if (expect->count == 0 || head->minor == 0) return GYRE__EXPECT_NONE;
    bool known = gyre_view_equal_nocase(expect->value, GYRE_VIEW("100-continue"));
    return known && expect->count == 1 ? GYRE__EXPECT_CONTINUE : GYRE__EXPECT_UNKNOWN;
}

int gyre__request_frame(gyre__framing *out, const gyre__head *head)
{
    found fields = {0};
    gyre__framing framing = {.body = GYRE__BODY_NONE};
    collect(&fields, &head->fields);
    int err = frame_body(&framing, &fields, head);
    if (!err) err = find_host(&framing.host, &fields, head);
    if (err) return err;
    framing.keep_alive = keeps_alive(&fields, head);
    framing.upgrade = wants_upgrade(&fields, head);
    framing.expect = find_expect(&fields, head);
    *out = framing;
    return 0;
}

// ---- Responses -----------------------------------------------------------------------------

static bool has_no_body(unsigned status, gyre__asked asked)
{
    return asked.head || status < 200 || status == 204 || status == 304;
}

// A body that must not be there. What its fields say is no error, but where they announce bytes
// that must not follow, or nobody can tell, the connection is not used again.
static void drop_body(gyre__framing *framing, int err, bool never_announced)
{
    bool announced = framing->body == GYRE__BODY_CHUNKED || framing->length > 0;
    if (err || (never_announced && announced)) framing->keep_alive = false;
    framing->body = GYRE__BODY_NONE;
    framing->length = 0;
}

int gyre__response_frame(gyre__framing *out, const gyre__head *head, gyre__asked asked)
{
    found fields = {0};
    gyre__framing framing = {.body = GYRE__BODY_UNTIL_CLOSE};
    unsigned status = head->status;
    collect(&fields, &head->fields);
    framing.keep_alive = keeps_alive(&fields, head);
    framing.upgrade = wants_upgrade(&fields, head);
    int err = frame_body(&framing, &fields, head);
    if (status == 101 && !asked.upgrade) return GYRE_EUNEXPECTED;
    if (status == 101 || (asked.connect && status >= 200 && status < 300)) {
        framing = (gyre__framing){.body = GYRE__BODY_TUNNEL, .upgrade = framing.upgrade};
    } else if (has_no_body(status, asked)) {
        drop_body(&framing, err, status < 200 || status == 204);
    } else if (err) {
        return err;
    }
    if (framing.body == GYRE__BODY_UNTIL_CLOSE) framing.keep_alive = false;
    *out = framing;
    return 0;
}
