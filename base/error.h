// The errors: 0 or negative. System errors are -errno; the library's own lie below -4095.
//
// One list makes the codes, their names, texts and classes, and docs/errors.md.
#ifndef GYRE_BASE_ERROR_H
#define GYRE_BASE_ERROR_H

#include "base/base.h"

GYRE_EXTERN_C_BEGIN

// X(code, value, class, phase, retry safe, text)
//
// class: what the command line prints, and what a caller decides on. phase: where in the life of
// a fetch it happened, "" when that says nothing. retry safe: 1 when the server cannot have seen
// the request, so that even a POST may be sent again.
#define GYRE_ERROR_LIST(X) \
    X(GYRE_ECANCELED, -5001, "cancelled", "", 0, "operation was cancelled") \
    X(GYRE_ECLOSED, -5002, "closed", "", 0, "object is closed or closing") \
    X(GYRE_EEOF, -5003, "closed", "", 0, "stream ended before the read was satisfied") \
    X(GYRE_ETAKEN, -5004, "misuse", "", 0, "value was already taken by another consumer") \
    X(GYRE_EBUSY, -5005, "misuse", "", 0, "somebody else already waits or is at work here") \
    X(GYRE_ELOOP, -5006, "misuse", "", 0, "loop runs on another thread, or is another loop") \
    X(GYRE_EFORKED, -5007, "misuse", "", 0, "loop belongs to the parent of this forked process") \
    X(GYRE_EEND, -5008, "misuse", "", 0, "generator has ended") \
    X(GYRE_ENOGUARD, -5009, "resource", "", 0, "no more guarded coroutine stacks can be had") \
    X(GYRE_ELIMIT, -5010, "too_large", "", 0, "read limit reached before the read was satisfied") \
    X(GYRE_ETIMEDOUT, -5020, "timeout", "", 0, "deadline passed") \
    X(GYRE_ETIMEDOUT_QUEUE, -5021, "timeout", "queue", 1, "deadline passed in the request queue") \
    X(GYRE_ETIMEDOUT_RESOLVE, -5022, "timeout", "resolve", 1, \
      "deadline passed in name resolution") \
    X(GYRE_ETIMEDOUT_CONNECT, -5023, "timeout", "connect", 1, "deadline passed while connecting") \
    X(GYRE_ETIMEDOUT_TLS, -5024, "timeout", "tls", 1, "deadline passed in the TLS handshake") \
    X(GYRE_ETIMEDOUT_SEND, -5025, "timeout", "send", 0, \
      "deadline passed while sending the request") \
    X(GYRE_ETIMEDOUT_WAIT, -5026, "timeout", "wait", 0, \
      "deadline passed waiting for the response") \
    X(GYRE_ETIMEDOUT_RECEIVE, -5027, "timeout", "receive", 0, "deadline passed in the response") \
    X(GYRE_ENOTFOUND, -5030, "resolve", "resolve", 1, "name does not exist") \
    X(GYRE_ENOADDRESS, -5031, "resolve", "resolve", 1, "name has no address") \
    X(GYRE_ERESOLVE, -5032, "resolve", "resolve", 1, "name servers gave no usable answer") \
    X(GYRE_ECONNECT, -5033, "connect", "connect", 1, "no address of the name could be reached") \
    X(GYRE_ETLS, -5034, "tls", "tls", 1, "TLS handshake failed") \
    X(GYRE_ECLOSED_SEND, -5041, "closed", "send", 0, "peer closed while the request was sent") \
    X(GYRE_ECLOSED_WAIT, -5042, "closed", "wait", 0, "peer closed before it answered") \
    X(GYRE_ECLOSED_RECEIVE, -5043, "closed", "receive", 0, "peer closed inside the response") \
    X(GYRE_ESTARTLINE, -5050, "protocol", "receive", 0, "malformed start line") \
    X(GYRE_EVERSION, -5051, "protocol", "receive", 0, "HTTP version is not 1.x") \
    X(GYRE_EFIELD, -5052, "protocol", "receive", 0, "malformed header field") \
    X(GYRE_EFRAMING, -5053, "protocol", "receive", 0, "contradictory or malformed message length") \
    X(GYRE_ECODING, -5054, "protocol", "receive", 0, "transfer coding is not \"chunked\"") \
    X(GYRE_ECHUNK, -5055, "protocol", "receive", 0, "malformed chunk") \
    X(GYRE_EUNEXPECTED, -5056, "protocol", "receive", 0, "message out of order") \
    X(GYRE_EHEADSIZE, -5060, "too_large", "receive", 0, "message head exceeds its limit") \
    X(GYRE_EBODYSIZE, -5061, "too_large", "receive", 0, "message body exceeds its limit") \
    X(GYRE_EREDIRECTS, -5070, "too_many_redirects", "receive", 0, "redirect limit reached") \
    X(GYRE_EREDIRECT, -5071, "redirect_refused", "receive", 0, "redirect is not followed") \
    X(GYRE_EURL, -5080, "invalid_url", "", 1, "URL cannot be parsed") \
    X(GYRE_EREQUEST, -5081, "invalid_request", "", 1, "request cannot be sent as asked")

enum gyre_error {
#define GYRE_ERROR_ENUM(code, value, class_, phase, safe, text) code = (value),
    GYRE_ERROR_LIST(GYRE_ERROR_ENUM)
#undef GYRE_ERROR_ENUM
};

// The name of an error as it is written in code: "GYRE_ECANCELED", "ECONNREFUSED", "OK" for 0;
// "UNKNOWN" for a number that is no error's.
// Ownership: static text, never NULL. Blocks: never. Thread: any.
const char *gyre_errname(int err);

// What an error means, in a few words without a full stop.
// Ownership: static text, never NULL. Blocks: never. Thread: any.
const char *gyre_strerror(int err);

// The class of an error: "timeout", "connect", "resolve", "tls", "protocol", "closed",
// "too_large", "too_many_redirects", "redirect_refused", "invalid_url", "invalid_request",
// "cancelled", "resource", "nomem", "misuse"; "system" for any other errno, "ok" for 0.
// Ownership: static text, never NULL. Blocks: never. Thread: any.
const char *gyre_err_class(int err);

// The phase of a fetch that an error belongs to: "queue", "resolve", "connect", "tls", "send",
// "wait", "receive", or "" when the code does not tell.
// Ownership: static text, never NULL. Blocks: never. Thread: any.
const char *gyre_err_phase(int err);

// Says whether the server cannot have seen the request that failed with `err`, so that it may be
// sent again whatever its method (RFC 9110 section 9.2.2).
// Blocks: never. Thread: any.
bool gyre_err_is_retry_safe(int err);

GYRE_EXTERN_C_END

#endif
