// URLs of the schemes http and https (RFC 3986, RFC 9110 section 4.2).
//
// A URL is parsed once, into a struct, and everybody uses that struct. What cannot be read in one
// way only is refused, never repaired.
#ifndef GYRE_HTTP_URL_H
#define GYRE_HTTP_URL_H

#include "base/base.h"

GYRE_EXTERN_C_BEGIN

#define GYRE_URL_MAX 8192 // longest URL or reference, in bytes

// Bytes of room that any URL of `len` bytes fits in; for gyre_url_resolve, `len` is the length of
// the base's text plus that of the reference.
#define GYRE_URL_ROOM(len) ((size_t)(len) + 16)

typedef enum gyre_host_kind { GYRE_HOST_NAME, GYRE_HOST_IPV4, GYRE_HOST_IPV6 } gyre_host_kind;

// Where the text of a parsed URL is put; the views of the gyre_url point into it.
typedef struct gyre_url_room {
    char *ptr;
    size_t cap;
} gyre_url_room;

// A URL taken apart. Every view lies in the room given to the parser and is followed there by
// some byte that is not its own; only `text` + "#" + `fragment`, `user` and `password` end in a
// zero byte.
//
//     http://user:secret@Example.COM.:8080/a/b?c=d#e
//     text       http://example.com.:8080/a/b?c=d     authority  example.com.:8080
//     scheme     http                                 host       example.com
//     target     /a/b?c=d                             path /a/b  query c=d  fragment e
typedef struct gyre_url {
    gyre_view text;      // scheme, authority and target; never userinfo, never a fragment
    gyre_view scheme;    // "http" or "https"
    gyre_view authority; // what Host carries: the port only when it is not the scheme's own
    gyre_view host;      // lower case, "[v6]" in canonical text (RFC 5952), no trailing dot
    gyre_view name;      // host without brackets: for look-up, SNI, certificates, comparison
    gyre_view target;    // origin-form: what the request line carries, at least "/"
    gyre_view path;      // the part of target before "?"
    gyre_view query;     // the part behind "?"; ptr is NULL when there is no "?"
    gyre_view fragment;  // the part behind "#", never sent; ptr is NULL when there is no "#"
    gyre_view user;      // percent-decoded; ptr is NULL when the URL has no userinfo
    gyre_view password;  // percent-decoded; ptr is NULL when the userinfo has no ":"
    gyre_host_kind kind; // what `host` is
    uint16_t port;       // as written, or 80 or 443
    bool rooted;         // the name was written with a trailing dot: no search list applies
} gyre_url;

// Parses an absolute URL. The path stays as written: no dot segment is removed, nothing is
// decoded but the userinfo, which is kept apart and never becomes text again.
// Ownership: *out borrows `room`, not `text`; they must not overlap. Errors: GYRE_EURL, with the
// rule that was broken in *why (static text; `why` may be NULL); -ENOBUFS when the room is too
// small. On error *out is untouched.
// Blocks: never. Thread: any.
GYRE_MUST_USE int gyre_url_parse(gyre_url *out, gyre_view text, gyre_url_room room,
                                 const char **why);

// Resolves a reference (a Location, a link) against a URL by RFC 3986 section 5.2, with dot
// segments removed. The base's fragment and userinfo are not inherited: what a redirect makes of
// them is its own decision (RFC 9110 section 10.2.2).
// Ownership and errors: as gyre_url_parse; `room` must not overlap the base's.
// Blocks: never. Thread: any.
GYRE_MUST_USE int gyre_url_resolve(gyre_url *out, const gyre_url *base, gyre_view reference,
                                   gyre_url_room room, const char **why);

GYRE_EXTERN_C_END

#endif
