// How long the body of a message is, and what becomes of the connection after it (RFC 9112
// sections 3.2, 6, 7.1 and 9.3). One decision for both sides, taken once from the parsed head.
#ifndef GYRE_HTTP_FRAMING_INT_H
#define GYRE_HTTP_FRAMING_INT_H

#include "base/base.h"
#include "http/parser_int.h"

typedef enum gyre__body_kind {
    GYRE__BODY_NONE,        // the message ends with its head
    GYRE__BODY_LENGTH,      // `length` bytes
    GYRE__BODY_CHUNKED,     // up to the last chunk
    GYRE__BODY_UNTIL_CLOSE, // responses: up to the end of the stream
    GYRE__BODY_TUNNEL,      // responses: the connection is no longer HTTP (CONNECT, 101)
} gyre__body_kind;

typedef enum gyre__expect {
    GYRE__EXPECT_NONE,
    GYRE__EXPECT_CONTINUE, // "100-continue"
    GYRE__EXPECT_UNKNOWN,  // to be answered with 417
} gyre__expect;

typedef struct gyre__framing {
    gyre__body_kind body;
    uint64_t length;     // of the body: 0 unless GYRE__BODY_LENGTH; at most 2^63 - 1
    bool keep_alive;     // the message leaves the connection usable
    bool upgrade;        // Connection names "upgrade" beside an Upgrade field; HTTP/1.1
    gyre__expect expect; // requests: as sent by HTTP/1.1, always NONE for HTTP/1.0
    gyre_view host;      // requests: the authority that is meant, of an absolute target or of Host;
                         // ptr is NULL when HTTP/1.0 names none. Borrows from the head.
} gyre__framing;

// What the client had asked for decides what an answer's head means.
typedef struct gyre__asked {
    bool head;    // the method was HEAD
    bool connect; // it was CONNECT
    bool upgrade; // the request had an Upgrade field of ours
} gyre__asked;

// Frames a parsed request. GYRE_EFRAMING (Content-Length malformed, repeated, or beside
// Transfer-Encoding; Transfer-Encoding repeated, empty, or in HTTP/1.0), GYRE_ECODING (a coding
// other than exactly "chunked"), GYRE_EFIELD (Host missing, repeated or malformed). After an error
// the connection is closed whatever the request says. On error *out is untouched.
GYRE_MUST_USE int gyre__request_frame(gyre__framing *out, const gyre__head *head);

// Frames a parsed response. GYRE_EFRAMING, GYRE_ECODING as above; GYRE_EUNEXPECTED for a 101 that
// was not asked for. A response that has no body by its status or by the request's method is never
// an error, but bars the connection when its fields contradict that or each other.
GYRE_MUST_USE int gyre__response_frame(gyre__framing *out, const gyre__head *head,
                                       gyre__asked asked);

// A Content-Length: digits only, at most 2^63 - 1. False for anything else.
bool gyre__length_parse(uint64_t *out, gyre_view text);

#endif
