// The chunked coding: see chunked_int.h.
//
// A chunk line goes through a state machine byte by byte and is consumed at once; data is handed
// out as it stands. Only the trailer section is left in the caller's buffer until it is complete,
// because the parser of field sections works on what lies together.
//
//     SIZE_FIRST -> SIZE -> extensions -> LINE_LF
//     extensions: [EXT_NAME -> [EXT_VALUE | QUOTED <-> ESCAPED -> QUOTED_END]]*
//     LINE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE_FIRST      (size > 0)
//     LINE_LF -> TRAILER -> END                                (size 0)

#include "base/error.h"
#include "http/chunked_int.h"
#include "http/scan_int.h"
#include <assert.h>

enum state {
    SIZE_FIRST, // the first digit of a size
    SIZE,
    EXT_NAME_FIRST, // behind ";"
    EXT_NAME,
    EXT_VALUE_FIRST, // behind "="
    EXT_VALUE,
    QUOTED,
    ESCAPED,    // behind "\" in a quoted string
    QUOTED_END, // behind its last quote
    LINE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    END,
};

enum { BROKEN = -1 };

static int size_digit(gyre__chunked *chunked, char byte)
{
    uint64_t digit = gyre__hex_value(byte);
    if (digit > 15 || chunked->left > (INT64_MAX >> 4)) return BROKEN;
    chunked->left = chunked->left << 4 | digit;
    return SIZE;
}

// What may follow a size or an extension.
static int next_part(char byte)
{
    if (byte == '\r') return LINE_LF;
    return byte == ';' ? EXT_NAME_FIRST : BROKEN;
}

// Within a quoted string: neither control bytes nor, other than in field values, HTAB.
static bool is_quotable(char byte)
{
    return byte != '\t' && gyre__byte_is(byte, GYRE__BYTE_VALUE);
}

// The state behind `byte` of a chunk line, or BROKEN.
static int line_step(gyre__chunked *chunked, char byte)
{
    bool token = gyre__byte_is(byte, GYRE__BYTE_TOKEN);
    switch ((enum state)chunked->state) {
    case SIZE_FIRST: return size_digit(chunked, byte);
    case SIZE:
        if (gyre__byte_is(byte, GYRE__BYTE_HEX)) return size_digit(chunked, byte);
        return next_part(byte);
    case EXT_NAME_FIRST: return token ? EXT_NAME : BROKEN;
    case EXT_NAME:
        if (token) return EXT_NAME;
        return byte == '=' ? EXT_VALUE_FIRST : next_part(byte);
    case EXT_VALUE_FIRST:
        if (token) return EXT_VALUE;
        return byte == '"' ? QUOTED : BROKEN;
    case EXT_VALUE: return token ? EXT_VALUE : next_part(byte);
    case QUOTED:
        if (byte == '"') return QUOTED_END;
        if (byte == '\\') return ESCAPED;
        return is_quotable(byte) ? QUOTED : BROKEN;
    case ESCAPED: return is_quotable(byte) ? QUOTED : BROKEN;
    case QUOTED_END: return next_part(byte);
    case LINE_LF:
        if (byte != '\n') return BROKEN;
        return chunked->left > 0 ? DATA : TRAILER;
    case DATA_CR: return byte == '\r' ? DATA_LF : BROKEN;
    case DATA_LF: return byte == '\n' ? SIZE_FIRST : BROKEN;
    default: return BROKEN;
    }
}

// Counts a byte of a chunk line against the limits; `state` is the one behind it.
static bool count_byte(gyre__chunked *chunked, int state)
{
    if (state < SIZE || state > QUOTED_END) return true;
    if (chunked->line++ == chunked->limits.line_max) return false;
    return state == SIZE || chunked->ext++ < chunked->limits.ext_max;
}

// Reads what stands between two pieces of data; returns how far, SIZE_MAX when it is broken.
static size_t read_line(gyre__chunked *chunked, gyre_view bytes)
{
    size_t at = 0;
    while (at < bytes.len && chunked->state != DATA && chunked->state != TRAILER) {
        int state = line_step(chunked, bytes.ptr[at++]);
        if (state == BROKEN || !count_byte(chunked, state)) return SIZE_MAX;
        if (state == SIZE_FIRST) chunked->line = 0;
        chunked->state = (uint8_t)state;
    }
    return at;
}

static int hand_out(gyre__chunked *chunked, gyre_view bytes, gyre__chunk_piece *out)
{
    size_t len = bytes.len < chunked->left ? bytes.len : (size_t)chunked->left;
    if (len == 0) return GYRE__CHUNK_MORE;
    out->data = (gyre_view){bytes.ptr, len};
    out->used += len;
    chunked->left -= len;
    if (chunked->left == 0) chunked->state = DATA_CR;
    return GYRE__CHUNK_DATA;
}

static int read_trailer(gyre__chunked *chunked, gyre_view bytes, gyre__chunk_piece *out)
{
    uint32_t most = chunked->limits.trailer_max;
    bool full = bytes.len >= most;
    if (full) bytes.len = most;
    gyre__fields fields = {.count = chunked->fields, .cap = chunked->limits.field_max};
    unsigned rules = chunked->trailer_ctl ? GYRE__RULE_CTL_KEPT : 0;
    int len = gyre__fields_parse(&fields, &chunked->progress, bytes, rules);
    chunked->fields = fields.count;
    if (len < 0) return len;
    if (len == 0) return full ? GYRE_EHEADSIZE : GYRE__CHUNK_MORE;
    out->used += (size_t)len;
    chunked->state = END;
    return GYRE__CHUNK_END;
}

int gyre__chunked_decode(gyre__chunked *chunked, gyre_view bytes, gyre__chunk_piece *out)
{
    gyre__chunk_piece piece = {0};
    int step = GYRE__CHUNK_END;
    if (!bytes.ptr) bytes.ptr = ""; // no arithmetic on NULL
    if (chunked->state != END) {
        piece.used = read_line(chunked, bytes);
        if (piece.used == SIZE_MAX) return GYRE_ECHUNK;
        gyre_view rest = {bytes.ptr + piece.used, bytes.len - piece.used};
        step = GYRE__CHUNK_MORE;
        if (chunked->state == DATA) step = hand_out(chunked, rest, &piece);
        if (chunked->state == TRAILER) step = read_trailer(chunked, rest, &piece);
        if (step < 0) return step;
    }
    assert(piece.used <= bytes.len);
    *out = piece;
    return step;
}

size_t gyre__chunk_head(char to[GYRE__CHUNK_HEAD_MAX], uint64_t size)
{
    int shift = 60;
    size_t len = 0;
    while (shift > 0 && size >> shift == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) to[len++] = "0123456789abcdef"[size >> shift & 15];
    to[len++] = '\r';
    to[len++] = '\n';
    return len;
}
