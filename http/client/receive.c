// Reading a response: head, framing, body.
//
// Design notes. The head is parsed where it lies in the stream's buffer and then copied into the
// answer once. A body of known length is read straight into its place, past the buffer; one of
// unknown length grows. Interim responses (1xx) are read and forgotten, a bounded number of them.

#include "http/chunked_int.h"
#include "http/client/impl.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_MAX = 64 << 10, FIELDS_MAX = 256, INTERIM_MAX = 16 };

// ---- Errors --------------------------------------------------------------------------------

static int no_answer(gyre__fetch *fetch, int err)
{
    char peer[GYRE_ADDRESS_TEXT], limit[GYRE__LIMIT];
    gyre_address_text(&fetch->conn->address, peer, sizeof peer);
    if (err == GYRE_ETIMEDOUT)
        return gyre__fetch_fail(
            fetch, GYRE_ETIMEDOUT_WAIT, "no answer from %s within %s", peer,
            gyre__limit_passed(fetch, fetch->order.limits.first_byte_timeout, limit));
    return gyre__fetch_fail(fetch, GYRE_ECLOSED_WAIT, "no answer from %s: %s", peer,
                            err == GYRE_EEOF ? "closed" : gyre_strerror(err));
}

static int no_rest(gyre__fetch *fetch, int err)
{
    char text[256], part[96], limit[GYRE__LIMIT];
    const gyre__framing *framing = fetch->framing;
    size_t body = fetch->answer->response.body.len;
    if (!framing)
        snprintf(part, sizeof part, "%zu bytes of the head",
                 gyre__stream_peek(fetch->conn->stream).len);
    else if (framing->body == GYRE__BODY_LENGTH)
        snprintf(part, sizeof part, "%zu of %llu body bytes", body,
                 (unsigned long long)framing->length);
    else
        snprintf(part, sizeof part, "%zu body bytes", body);
    if (err == GYRE_ETIMEDOUT)
        snprintf(text, sizeof text, "%s within %s", part,
                 gyre__limit_passed(fetch, fetch->order.limits.between_bytes_timeout, limit));
    else
        snprintf(text, sizeof text, "%s after %s", err == GYRE_EEOF ? "closed" : gyre_strerror(err),
                 part);
    return gyre__response_fail(
        fetch, err == GYRE_ETIMEDOUT ? GYRE_ETIMEDOUT_RECEIVE : GYRE_ECLOSED_RECEIVE, text);
}

static gyre_view first_line(gyre_view bytes)
{
    size_t len = 0;
    while (len < bytes.len && bytes.ptr[len] != '\r' && bytes.ptr[len] != '\n') len++;
    return (gyre_view){bytes.ptr, len};
}

// The phase of an error of the stream: before the first byte of the answer, or after.
static int receive_phase(gyre__fetch *fetch, int err)
{
    if (err == GYRE_ECANCELED || err == -ENOMEM || err == GYRE_ELIMIT) return err;
    return fetch->answered ? no_rest(fetch, err) : no_answer(fetch, err);
}

// A start line is shown as it came.
static int protocol_error(gyre__fetch *fetch, int err)
{
    char text[GYRE__QUOTE + 64], quote[GYRE__QUOTE];
    if (err == GYRE_EHEADSIZE)
        snprintf(text, sizeof text, "head exceeds %d bytes or %d lines", HEAD_MAX, FIELDS_MAX);
    else if (err == GYRE_ESTARTLINE || err == GYRE_EVERSION || err == GYRE_EUNEXPECTED)
        snprintf(text, sizeof text, "%s: %s", gyre_strerror(err),
                 gyre__quote(quote, first_line(gyre__stream_peek(fetch->conn->stream))));
    else if (err == GYRE_ECHUNK)
        snprintf(text, sizeof text, "%s after %zu body bytes", gyre_strerror(err),
                 fetch->answer->response.body.len);
    else
        snprintf(text, sizeof text, "%s", gyre_strerror(err));
    return gyre__response_fail(fetch, err, text);
}

static gyre_time read_deadline(const gyre__fetch *fetch)
{
    const gyre_fetch_opts *limits = &fetch->order.limits;
    return gyre__fetch_until(fetch, fetch->answered ? limits->between_bytes_timeout
                                                    : limits->first_byte_timeout);
}

// More bytes in the stream's buffer.
static int fill(gyre__fetch *fetch)
{
    int err = gyre__stream_fill(fetch->conn->stream, read_deadline(fetch));
    if (err) return receive_phase(fetch, err);
    if (!fetch->answered)
        fetch->timing.starttransfer = gyre_now(fetch->client->loop) - fetch->began;
    fetch->answered = true;
    return 0;
}

// ---- Head ----------------------------------------------------------------------------------

// Reads one head, which stays in the stream's buffer; *len says how long it is.
static int read_head(gyre__fetch *fetch, gyre__head *head, size_t *len)
{
    const gyre__head_limits limits = {.head_max = fetch->head_bytes};
    for (;;) {
        gyre_view bytes = gyre__stream_peek(fetch->conn->stream);
        int n = bytes.len > 0 ? gyre__response_parse(head, bytes, &limits) : 0;
        if (n < 0) return protocol_error(fetch, n);
        if (n > 0) {
            *len = (size_t)n;
            return 0;
        }
        int err = fill(fetch);
        if (err) return err;
    }
}

static bool is_interim(const gyre__head *head)
{
    return head->status < 200 && head->status != 101;
}

// An interim response has interrupted the sending: it goes on unless the next one is here already.
static int send_more(gyre__fetch *fetch)
{
    if (fetch->sent_all || gyre__stream_peek(fetch->conn->stream).len > 0) return 0;
    int err = gyre__stream_try_fill(fetch->conn->stream);
    return err == -EAGAIN ? gyre__request_go_on(fetch)
                          : 0; // what else there is the next read tells
}

static int read_final_head(gyre__fetch *fetch, gyre__head *head, gyre__field *items, size_t *len)
{
    for (int interim = 0; interim <= INTERIM_MAX; interim++) {
        gyre__head_init(head, items, fetch->head_lines);
        int err = read_head(fetch, head, len);
        if (err) return err;
        fetch->head_bytes -= (uint32_t)*len;
        fetch->head_lines -= head->fields.count;
        if (!is_interim(head)) return 0;
        gyre__stream_consume(fetch->conn->stream, *len);
        err = send_more(fetch);
        if (err) return err;
    }
    return protocol_error(fetch, GYRE_EUNEXPECTED);
}

// ---- Body ----------------------------------------------------------------------------------

static int too_large(gyre__fetch *fetch)
{
    char text[96];
    long long most = fetch->order.limits.max_body;
    if (fetch->framing->body == GYRE__BODY_LENGTH)
        snprintf(text, sizeof text, "body of %llu bytes exceeds the limit of %lld",
                 (unsigned long long)fetch->framing->length, most);
    else
        snprintf(text, sizeof text, "body exceeds the limit of %lld bytes", most);
    return gyre__response_fail(fetch, GYRE_EBODYSIZE, text);
}

static int read_length(gyre__fetch *fetch, uint64_t length)
{
    if (length > (uint64_t)fetch->order.limits.max_body) return too_large(fetch);
    if (length == 0) return 0;
    char *body = gyre__answer_body_room(fetch->answer, length);
    if (!body) return -ENOMEM;
    for (uint64_t at = 0; at < length;) {
        size_t got;
        int err = gyre__stream_receive(fetch->conn->stream, body + at, length - at, &got,
                                       read_deadline(fetch));
        if (err) return receive_phase(fetch, err);
        at += got;
        fetch->answer->response.body = (gyre_view){body, at};
    }
    return 0;
}

static int append(gyre__fetch *fetch, gyre_view bytes)
{
    int err = gyre__answer_append(fetch->answer, bytes, (uint64_t)fetch->order.limits.max_body);
    return err == GYRE_EBODYSIZE ? too_large(fetch) : err;
}

static int read_chunked(gyre__fetch *fetch)
{
    gyre_stream *stream = fetch->conn->stream;
    gyre__chunked chunked = {.trailer_ctl = true};
    // Two more, so that there is room for the empty line.
    chunked.limits =
        (gyre__chunked_limits){256, 16 << 10, fetch->head_bytes + 2, fetch->head_lines};
    for (;;) {
        gyre__chunk_piece piece;
        int step = gyre__chunked_decode(&chunked, gyre__stream_peek(stream), &piece);
        if (step < 0) return protocol_error(fetch, step);
        int err = step == GYRE__CHUNK_DATA ? append(fetch, piece.data) : 0;
        if (err) return err;
        gyre__stream_consume(stream, piece.used);
        if (step == GYRE__CHUNK_END) return 0;
        if (step == GYRE__CHUNK_MORE) err = fill(fetch);
        if (err) return err;
    }
}

static int read_until_close(gyre__fetch *fetch)
{
    gyre_stream *stream = fetch->conn->stream;
    for (;;) {
        gyre_view bytes = gyre__stream_peek(stream);
        int err = append(fetch, bytes);
        if (err) return err;
        gyre__stream_consume(stream, bytes.len);
        err = gyre__stream_fill(stream, read_deadline(fetch));
        if (err == GYRE_EEOF) return 0;
        if (err) return receive_phase(fetch, err);
    }
}

static int read_body(gyre__fetch *fetch, const gyre__framing *framing)
{
    switch (framing->body) {
    case GYRE__BODY_LENGTH: return read_length(fetch, framing->length);
    case GYRE__BODY_CHUNKED: return read_chunked(fetch);
    case GYRE__BODY_UNTIL_CLOSE: return read_until_close(fetch);
    case GYRE__BODY_NONE:
    case GYRE__BODY_TUNNEL: break;
    }
    return 0;
}

// ---- The whole -----------------------------------------------------------------------------

// The seconds of "Keep-Alive: timeout=5, max=100".
static gyre_duration keep_alive_hint(const gyre__fields *fields)
{
    gyre_view list = gyre__fields_get(fields, GYRE_VIEW("Keep-Alive"));
    gyre_view item;
    uint64_t seconds;
    const gyre_view key = GYRE_VIEW("timeout=");
    while (gyre__list_next(&list, &item)) {
        if (item.len <= key.len) continue;
        if (!gyre_view_equal_nocase((gyre_view){item.ptr, key.len}, key)) continue;
        gyre_view value = {item.ptr + key.len, item.len - key.len};
        if (gyre__length_parse(&seconds, value) && seconds < 1000000)
            return GYRE_SECONDS((gyre_duration)(seconds ? seconds : 1)); // 0 and 1: not kept
    }
    return 0;
}

int gyre__response_receive(gyre__fetch *fetch)
{
    gyre__field items[FIELDS_MAX];
    gyre__head head;
    size_t len = 0;
    fetch->head_bytes = HEAD_MAX;
    fetch->head_lines = FIELDS_MAX;
    int err = read_final_head(fetch, &head, items, &len);
    if (err) return err;
    gyre__framing framing;
    const gyre__asked asked = {.head = gyre_view_equal(fetch->order.method, GYRE_VIEW("HEAD"))};
    err = gyre__response_frame(&framing, &head, asked);
    if (err) return protocol_error(fetch, err);
    fetch->conn->hint = keep_alive_hint(&head.fields);
    err = gyre__answer_keep_head(fetch->answer, &head, len);
    if (err) return err;
    fetch->answer->response.peer = fetch->conn->address;
    gyre__stream_consume(fetch->conn->stream, len);
    fetch->framing = &framing;
    err = read_body(fetch, &framing);
    fetch->framing = NULL;
    fetch->reusable = !err && framing.keep_alive && fetch->sent_all && !fetch->closes;
    return err;
}
