// Hosts and ports as they stand in URLs, Host fields and CONNECT targets.
//
// One set of rules for all three: what one part of the library reads as a name or an address, no
// other part can read as something else.
#ifndef GYRE_HTTP_HOST_INT_H
#define GYRE_HTTP_HOST_INT_H

#include "base/base.h"
#include "http/url.h"

enum { GYRE__HOST_MAX = 254 }; // longest canonical text: a name of 253 bytes and its dot

typedef struct gyre__authority {
    gyre_view host; // as written, with brackets and trailing dot
    gyre_host_kind kind;
    bool rooted;       // a name with a trailing dot
    bool has_port;     // false for "host" and "host:"
    uint16_t port;     // has a meaning when has_port
    uint16_t group[8]; // the address, when kind is GYRE_HOST_IPV6
} gyre__authority;

// Takes `uri-host [":" port]` apart (RFC 9110 section 7.2; no userinfo). NULL when it is sound,
// else the rule that it breaks, as static text; then *out is untouched.
const char *gyre__authority_parse(gyre__authority *out, gyre_view text);

// Writes the canonical host: lower case, an IPv6 literal by RFC 5952 in brackets, the trailing
// dot kept. Returns its length.
size_t gyre__host_write(char to[GYRE__HOST_MAX], const gyre__authority *authority);

// Reads an IPv6 address without brackets (RFC 4291 section 2.2); no zone id.
bool gyre__ipv6_parse(uint16_t group[8], gyre_view text);

// Writes an IPv6 address by RFC 5952, at most 39 bytes. Returns its length.
size_t gyre__ipv6_write(char to[39], const uint16_t group[8]);

#endif
