// One chunked message, decoded in every way it can arrive.
#ifndef TEST_HTTP_CHUNKED_H
#define TEST_HTTP_CHUNKED_H

#include "base/error.h"
#include "http/chunked_int.h"
#include "test/http/split.h"

static const gyre__chunked_limits chunked_limits = {
    .line_max = 256, .ext_max = 16384, .trailer_max = 16384, .field_max = 100};

// A reader: keeps what the decoder did not use, as a connection's buffer would.
typedef struct chunked_reader {
    gyre__chunked decoder;
    struct guard guard;
    gyre_view text;  // the whole message
    size_t used;     // of it
    size_t arrived;  // of it
    char body[8192]; // what came out
    size_t body_len;
} chunked_reader;

static inline void chunked_open(chunked_reader *reader, const gyre__chunked *decoder,
                                gyre_view text)
{
    *reader = (chunked_reader){.decoder = *decoder, .guard = guard_open(text.len), .text = text};
}

static inline void chunked_take(chunked_reader *reader, gyre_view data)
{
    assert_true(data.len <= sizeof reader->body - reader->body_len);
    memcpy(reader->body + reader->body_len, data.ptr, data.len);
    reader->body_len += data.len;
}

// `arrived` bytes are there now. Decodes until they do not suffice, the end, or an error.
static inline int chunked_read(chunked_reader *reader, size_t arrived)
{
    int step = GYRE__CHUNK_DATA;
    while (step == GYRE__CHUNK_DATA) {
        gyre_view rest = {reader->text.ptr + reader->used, arrived - reader->used};
        gyre_view bytes = guard_put(&reader->guard, rest);
        gyre__chunk_piece piece, untouched;
        memset(&piece, 0x5a, sizeof piece);
        untouched = piece;
        step = gyre__chunked_decode(&reader->decoder, bytes, &piece);
        if (step < 0) {
            assert_memory_equal(&piece, &untouched, sizeof piece);
            return step;
        }
        assert_true(piece.used <= bytes.len);
        assert_int_equal(piece.data.len > 0, step == GYRE__CHUNK_DATA);
        if (piece.data.len > 0) {
            assert_ptr_equal(piece.data.ptr + piece.data.len, bytes.ptr + piece.used);
            chunked_take(reader, piece.data);
        }
        reader->used += piece.used;
    }
    return step;
}

static inline void chunked_same(const chunked_reader *a, int a_step, const chunked_reader *b,
                                int b_step, size_t cut)
{
    bool same = a_step == b_step && a->body_len == b->body_len &&
                memcmp(a->body, b->body, a->body_len) == 0;
    if (a_step == GYRE__CHUNK_END) same = same && a->used == b->used;
    if (!same) fail_msg("%s: cut at %zu %d, whole %d", printable(a->text), cut, b_step, a_step);
}

static inline int chunked_bytewise(chunked_reader *reader, size_t *took)
{
    int step = 0;
    for (*took = 0; step == GYRE__CHUNK_MORE && *took < reader->text.len;)
        step = chunked_read(reader, ++*took);
    return step;
}

// The result of a message, after it was seen to be the same however the message arrives. *body,
// when wanted, is static. An end says in *used how long the message was.
static inline int chunked_at_every_cut(const gyre__chunked *decoder, gyre_view text,
                                       gyre_view *body, size_t *used)
{
    static chunked_reader whole, other;
    size_t took;
    chunked_open(&whole, decoder, text);
    int result = chunked_read(&whole, text.len);
    chunked_open(&other, decoder, text);
    chunked_same(&whole, result, &other, chunked_bytewise(&other, &took), 1);
    guard_close(&other.guard);
    for (size_t cut = 0; cut < text.len; cut++) {
        chunked_open(&other, decoder, text);
        int step = chunked_read(&other, cut);
        // With fewer bytes than it took, none knows; with as many, all know.
        if (step != (cut < took ? GYRE__CHUNK_MORE : result))
            fail_msg("%s: first %zu of %zu bytes give %d", printable(text), cut, took, step);
        if (step == GYRE__CHUNK_MORE) step = chunked_read(&other, text.len);
        chunked_same(&whole, result, &other, step, cut);
        guard_close(&other.guard);
    }
    guard_close(&whole.guard);
    if (body) *body = (gyre_view){whole.body, whole.body_len};
    if (used) *used = whole.used;
    return result;
}

#endif
