// The heads of HTTP/1 messages (RFC 9112 sections 2 to 5), taken apart in place.
//
// A parse function is called with all bytes of the message that have arrived. It returns n > 0 when
// the head is complete (it was n bytes long, what follows is the body), 0 when it needs more bytes,
// or an error. When called again it goes on where it stopped, so that feeding byte by byte costs
// no more than feeding at once; the bytes may have moved meanwhile. The result depends on the bytes
// only, not on how they were cut: an error is reported with the first byte that makes it certain.
//
// Every rule is decided here. What is off the grammar is an error; there is no lenient mode.
// Requests (the server's side): lines end in CRLF, no control bytes. Responses (the client's side):
// a bare LF ends a line as well (section 2.2), and control bytes in a value other than NUL, CR and
// LF are kept. Folded lines are refused on both sides (section 5.2).
#ifndef GYRE_HTTP_PARSER_INT_H
#define GYRE_HTTP_PARSER_INT_H

#include "base/base.h"
#include "http/headers_int.h"

typedef struct gyre__head_limits {
    uint32_t head_max;       // bytes of the whole head, with blank lines before it
    uint32_t start_line_max; // bytes of a request line without CRLF; not used for responses
} gyre__head_limits;         // the limit of lines is the room for fields

// How far a field section was read. {0} is the beginning; the numbers count from the base.
typedef struct gyre__progress {
    uint32_t line;    // first byte of the line not yet stored
    uint32_t scanned; // first byte not yet looked at
    uint32_t colon;   // of that line; 0 while not found
} gyre__progress;

typedef enum gyre__head_stage {
    GYRE__STAGE_BLANK,   // before the start line
    GYRE__STAGE_METHOD,  // requests
    GYRE__STAGE_TARGET,  // requests
    GYRE__STAGE_VERSION, // requests
    GYRE__STAGE_REASON,  // responses
    GYRE__STAGE_FIELDS,
} gyre__head_stage;

// A head: the results have a meaning once a parse function returned n > 0. The spans count from
// fields.base, which each parse call sets to the bytes it was given; who copies the head afterwards
// sets it again.
typedef struct gyre__head {
    gyre__fields fields;
    gyre__span method; // requests
    gyre__span target; // requests; its form was checked against the method
    gyre__span reason; // responses; may be empty
    uint16_t status;   // responses: 100 to 599
    uint8_t minor;     // the x of HTTP/1.x
    uint8_t stage;     // gyre__head_stage
    uint8_t blanks;    // empty lines before a request
    gyre__progress progress;
} gyre__head;

// Makes a head that nothing was read of; `items` keeps the fields, `cap` of them at most.
void gyre__head_init(gyre__head *head, gyre__field *items, uint32_t cap);

// Parses the head of a request. GYRE_ESTARTLINE, GYRE_EVERSION (a major version other than 1),
// GYRE_EFIELD; GYRE_EHEADSIZE beyond a limit.
GYRE_MUST_USE int gyre__request_parse(gyre__head *head, gyre_view bytes,
                                      const gyre__head_limits *limits);

// Parses the head of a response. Errors as above.
GYRE_MUST_USE int gyre__response_parse(gyre__head *head, gyre_view bytes,
                                       const gyre__head_limits *limits);

// The status that a server refuses a request with, by the error of parsing, framing or reading it;
// 0 for an error that is no fault of the request.
int gyre__refusal_status(const gyre__head *head, int err);

// ---- Field sections: the second part of a head, and trailers --------------------------------

enum {
    GYRE__RULE_LF_ENDS = 1,  // a bare LF ends a line
    GYRE__RULE_CTL_KEPT = 2, // control bytes but NUL, CR, LF may be in a value
    GYRE__RULES_RESPONSE = GYRE__RULE_LF_ENDS | GYRE__RULE_CTL_KEPT,
};

// Parses field lines up to and with the empty line, from progress->line on. n > 0 = bytes from the
// base up to behind the empty line, 0 = more needed, GYRE_EFIELD, GYRE_EHEADSIZE (too many lines).
GYRE_MUST_USE int gyre__fields_parse(gyre__fields *fields, gyre__progress *progress,
                                     gyre_view bytes, unsigned rules);

#endif
