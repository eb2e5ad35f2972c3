// The chunked decoder. The first byte says how the rest is cut.
//
// Decoding at once and in pieces gives the same body, result and length; what was decoded and is
// encoded again decodes to itself.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "http/chunked_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const gyre__chunked_limits limits = {
    .line_max = 64, .ext_max = 256, .trailer_max = 512, .field_max = 16};

typedef struct decoding {
    gyre__chunked decoder;
    size_t used;
    char *body; // as long as the input, which is enough
    size_t body_len;
    int step;
} decoding;

// Decodes what of `len` bytes is not used yet, from an exact copy.
static void decode(decoding *it, const char *bytes, size_t len)
{
    do {
        size_t rest = len - it->used;
        char *copy = malloc(rest + (rest == 0));
        if (!copy) abort();
        memcpy(copy, bytes + it->used, rest);
        gyre__chunk_piece piece;
        it->step = gyre__chunked_decode(&it->decoder, (gyre_view){copy, rest}, &piece);
        if (it->step >= 0) {
            assert(piece.used <= rest && piece.data.len <= piece.used);
            assert((it->step == GYRE__CHUNK_DATA) == (piece.data.len > 0));
            if (piece.data.len > 0) memcpy(it->body + it->body_len, piece.data.ptr, piece.data.len);
            it->body_len += piece.data.len;
            it->used += piece.used;
        }
        free(copy);
    } while (it->step == GYRE__CHUNK_DATA);
    assert(it->step >= 0 || it->step == GYRE_ECHUNK || it->step == GYRE_EFIELD ||
           it->step == GYRE_EHEADSIZE);
}

static void check_encoding(const decoding *whole)
{
    char *text = malloc(whole->body_len + 64), *body = malloc(whole->body_len + 1);
    if (!text || !body) abort();
    decoding again = {.decoder = {.limits = limits}, .body = body};
    size_t len = 0;
    if (whole->body_len > 0) {
        len = gyre__chunk_head(text, whole->body_len);
        memcpy(text + len, whole->body, whole->body_len);
        len += whole->body_len;
        memcpy(text + len, "\r\n", 2);
        len += 2;
    }
    memcpy(text + len, GYRE__CHUNKED_LAST, 5);
    decode(&again, text, len + 5);
    assert(again.step == GYRE__CHUNK_END && again.used == len + 5);
    assert(again.body_len == whole->body_len);
    assert(memcmp(again.body, whole->body, again.body_len) == 0);
    free(text);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    const char *bytes = (const char *)data + 1;
    uint8_t seed = data[0];
    size--;
    char *bodies = malloc(2 * size + 1);
    if (!bodies) abort();
    decoding whole = {.decoder = {.limits = limits, .trailer_ctl = seed & 1}, .body = bodies};
    decoding cut = {.decoder = whole.decoder, .body = bodies + size};
    decode(&whole, bytes, size);
    for (size_t len = 0; cut.step == GYRE__CHUNK_MORE && len < size;) {
        len += 1 + seed % 17;
        seed = (uint8_t)(seed * 5 + 3);
        decode(&cut, bytes, len < size ? len : size);
    }
    assert(cut.step == whole.step && cut.body_len == whole.body_len);
    assert(memcmp(cut.body, whole.body, cut.body_len) == 0);
    if (whole.step == GYRE__CHUNK_END) {
        assert(cut.used == whole.used);
        check_encoding(&whole);
    }
    free(bodies);
    return 0;
}
