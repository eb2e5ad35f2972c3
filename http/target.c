#include "base/error.h"
#include "http/headers_int.h"
#include "http/host_int.h"
#include "http/target_int.h"
#include <string.h>

static bool begins_nocase(gyre_view text, gyre_view prefix)
{
    if (text.len < prefix.len) return false;
    return gyre_view_equal_nocase((gyre_view){text.ptr, prefix.len}, prefix);
}

static void split_path(gyre__target *out, gyre_view text)
{
    const char *mark = text.len > 0 ? memchr(text.ptr, '?', text.len) : NULL;
    out->path = text;
    if (mark) {
        out->path.len = (size_t)(mark - text.ptr);
        out->query = (gyre_view){mark + 1, text.len - out->path.len - 1};
    }
    if (out->path.len == 0) out->path = GYRE_VIEW("/");
}

// "host:port". The port has no default here (RFC 9110 section 9.3.6).
static int parse_authority(gyre__target *out, gyre_view text)
{
    gyre__authority authority;
    if (gyre__authority_parse(&authority, text) || !authority.has_port) return GYRE_ESTARTLINE;
    out->form = GYRE__TARGET_AUTHORITY;
    out->authority = text;
    return 0;
}

// Userinfo is refused with the authority, whose grammar has no "@" (RFC 9110 section 4.2.4).
static int parse_absolute(gyre__target *out, gyre_view text)
{
    size_t len = begins_nocase(text, GYRE_VIEW("http://"))    ? 7
                 : begins_nocase(text, GYRE_VIEW("https://")) ? 8
                                                              : 0;
    if (len == 0) return GYRE_ESTARTLINE;
    gyre_view rest = {text.ptr + len, text.len - len};
    gyre_view host = {rest.ptr, 0};
    while (host.len < rest.len && rest.ptr[host.len] != '/' && rest.ptr[host.len] != '?')
        host.len++;
    gyre__authority authority;
    if (gyre__authority_parse(&authority, host)) return GYRE_ESTARTLINE;
    out->form = GYRE__TARGET_ABSOLUTE;
    out->authority = host;
    split_path(out, (gyre_view){rest.ptr + host.len, rest.len - host.len});
    return 0;
}

int gyre__target_parse(gyre__target *out, gyre_view method, gyre_view target)
{
    gyre__target found = {0};
    int err = 0;
    if (!gyre__is_target(target)) return GYRE_ESTARTLINE;
    if (gyre_view_equal(method, GYRE_VIEW("CONNECT"))) {
        err = parse_authority(&found, target);
    } else if (target.ptr[0] == '/') {
        split_path(&found, target);
    } else if (gyre_view_equal(target, GYRE_VIEW("*"))) {
        found.form = GYRE__TARGET_ASTERISK;
        if (!gyre_view_equal(method, GYRE_VIEW("OPTIONS"))) err = GYRE_ESTARTLINE;
    } else {
        err = parse_absolute(&found, target);
    }
    if (!err) *out = found;
    return err;
}
