// The chunked transfer coding (RFC 9112 section 7.1), decoded in place.
#ifndef GYRE_HTTP_CHUNKED_INT_H
#define GYRE_HTTP_CHUNKED_INT_H

#include "base/base.h"
#include "http/parser_int.h"

typedef struct gyre__chunked_limits {
    uint32_t line_max;    // bytes of a chunk line (size and extensions) without CRLF
    uint32_t ext_max;     // bytes of extensions in the whole message
    uint32_t trailer_max; // bytes of the trailer section, with its last CRLF
    uint32_t field_max;   // lines of the trailer section
} gyre__chunked_limits;

// A decoder. {.limits = …} is one that has read nothing.
typedef struct gyre__chunked {
    gyre__chunked_limits limits;
    uint64_t left;    // of the chunk's data: not yet handed out; while its line is read: its size
    uint32_t line;    // bytes of this chunk line
    uint32_t ext;     // bytes of extensions in this message
    uint8_t state;    // private to chunked.c
    bool trailer_ctl; // control bytes in trailer values are kept (the client's side)
    gyre__progress progress; // within the trailer section
    uint32_t fields;         // lines of it so far
} gyre__chunked;

typedef enum gyre__chunk_step {
    GYRE__CHUNK_MORE = 0, // nothing to hand out until more bytes arrive
    GYRE__CHUNK_DATA = 1, // a piece of the body; call again with the bytes behind `used`
    GYRE__CHUNK_END = 2,  // the message is complete; the bytes behind `used` are not its own
} gyre__chunk_step;

typedef struct gyre__chunk_piece {
    size_t used;    // bytes that are done with, those of `data` included
    gyre_view data; // a view into the bytes given; empty unless GYRE__CHUNK_DATA
} gyre__chunk_piece;

// Decodes the next piece. Bytes behind `used` are to be given again, followed by what came since
// (only the trailer section makes use of that: it is checked as a whole and handed to nobody yet).
// Returns a gyre__chunk_step with *out set; GYRE_ECHUNK for anything off the grammar, blanks beside
// sizes and extensions, a size over 2^63 - 1 or a chunk line over its limits; GYRE_EFIELD and
// GYRE_EHEADSIZE for trailers. Lines end in CRLF on both sides.
GYRE_MUST_USE int gyre__chunked_decode(gyre__chunked *chunked, gyre_view bytes,
                                       gyre__chunk_piece *out);

enum { GYRE__CHUNK_HEAD_MAX = 18 };

// Writes the line before `size` bytes of data, size > 0; returns its length. The data is followed
// by CRLF, the last of it by GYRE__CHUNKED_LAST.
size_t gyre__chunk_head(char to[GYRE__CHUNK_HEAD_MAX], uint64_t size);

#define GYRE__CHUNKED_LAST "0\r\n\r\n"

#endif
