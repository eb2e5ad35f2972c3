// URLs: see url.h.
//
// Both entries split the text (RFC 3986 appendix B), check every part, and only then compose the
// canonical text in the caller's room, so that on error nothing was handed out. The layout of the
// room, whose size GYRE_URL_ROOM bounds:
//
//     text [ "#" fragment ] 0 [ user 0 [ password 0 ] ]
//
// Composing can make the text longer than it was in two places only: an empty path becomes "/",
// and an IPv6 literal of ::ffff:0:0/96 may grow by six bytes.

#include "http/url.h"
#include "base/error.h"
#include "http/host_int.h"
#include "http/impl.h"
#include "http/scan_int.h"
#include <errno.h>
#include <string.h>

// A reference taken apart. A part that is not there has a NULL ptr; `path` is always there.
typedef struct parts {
    gyre_view scheme;
    gyre_view userinfo;
    gyre_view authority; // without userinfo
    gyre_view
        directory; // what precedes `path` when it was relative: the base's, up to its last "/"
    gyre_view path;
    gyre_view query;
    gyre_view fragment;
    bool remove_dots;
} parts;

// ---- Splitting -----------------------------------------------------------------------------

// The text up to the first of the stop bytes, and takes it off *rest.
static gyre_view take_until(gyre_view *rest, const char *stops)
{
    gyre_view taken = {rest->ptr, 0};
    while (taken.len < rest->len && !strchr(stops, rest->ptr[taken.len])) taken.len++;
    rest->ptr += taken.len;
    rest->len -= taken.len;
    return taken;
}

static void skip(gyre_view *rest, size_t len)
{
    rest->ptr += len;
    rest->len -= len;
}

static bool is_scheme(gyre_view text)
{
    if (text.len == 0 || gyre__lower(text.ptr[0]) < 'a' || gyre__lower(text.ptr[0]) > 'z')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool fits = gyre__byte_is(byte, GYRE__BYTE_HOST) ? byte != '_' : byte == '+';
        if (!fits) return false;
    }
    return true;
}

// The scheme, when the text begins with one. A colon in the first segment of a relative path
// would read as a scheme elsewhere, so it is refused (RFC 3986 section 4.2).
static const char *split_scheme(parts *out, gyre_view *rest)
{
    gyre_view ahead = *rest;
    gyre_view scheme = take_until(&ahead, ":/?#");
    if (ahead.len == 0 || ahead.ptr[0] != ':') return NULL;
    if (!is_scheme(scheme)) return "scheme is malformed";
    out->scheme = scheme;
    *rest = ahead;
    skip(rest, 1);
    return NULL;
}

// Everything up to the last "@" is userinfo; the grammar of userinfo has no "@" of its own.
static void split_userinfo(parts *out, gyre_view authority)
{
    out->authority = authority;
    size_t len = authority.len;
    while (len > 0 && authority.ptr[len - 1] != '@') len--;
    if (len == 0) return;
    out->userinfo = (gyre_view){authority.ptr, len - 1};
    skip(&out->authority, len);
}

static const char *split(parts *out, gyre_view text)
{
    if (text.len > GYRE_URL_MAX) return "URL is too long";
    // "#" is no target byte but fine here.
    for (size_t i = 0; i < text.len; i++)
        if (!gyre__byte_is(text.ptr[i], GYRE__BYTE_TARGET) && text.ptr[i] != '#')
            return "URL has a byte that is not visible ASCII";
    gyre_view rest = {text.ptr ? text.ptr : "", text.len};
    const char *start = rest.ptr;
    const char *why = split_scheme(out, &rest);
    if (why) return why;
    if (rest.len >= 2 && rest.ptr[0] == '/' && rest.ptr[1] == '/') {
        skip(&rest, 2);
        split_userinfo(out, take_until(&rest, "/?#"));
    }
    out->path = take_until(&rest, "?#");
    // Some readers take a backslash for a slash, and so would see another host or path.
    if (memchr(start, '\\', (size_t)(rest.ptr - start)))
        return "URL has a backslash before its query";
    if (rest.len > 0 && rest.ptr[0] == '?') {
        skip(&rest, 1);
        out->query = take_until(&rest, "#");
    }
    if (rest.len > 0) out->fragment = (gyre_view){rest.ptr + 1, rest.len - 1};
    return NULL;
}

// ---- Composing -----------------------------------------------------------------------------

// Appends to the room; what does not fit is counted, so that one check at the end is enough.
typedef struct writer {
    char *ptr;
    size_t cap;
    size_t len; // bytes asked for so far; more than cap when it did not fit
} writer;

static void put(writer *to, gyre_view text)
{
    if (text.len > 0 && to->len <= to->cap && text.len <= to->cap - to->len)
        memcpy(to->ptr + to->len, text.ptr, text.len);
    to->len += text.len;
}

static void put_byte(writer *to, char byte)
{
    put(to, (gyre_view){&byte, 1});
}

// What was written since `start`; a view of the room's first byte when it did not fit.
static gyre_view written(const writer *from, size_t start)
{
    if (from->len > from->cap) return (gyre_view){from->ptr, 0};
    return (gyre_view){from->ptr + start, from->len - start};
}

// RFC 3986 section 5.2.4 on a path that begins with "/", in place; returns the new length. Each
// step handles one "/segment"; ".." takes the last one of the result back.
static size_t remove_dot_segments(char *path, size_t len)
{
    size_t out = 0;
    for (size_t at = 0, next; at < len; at = next) {
        next = at + 1;
        while (next < len && path[next] != '/') next++;
        size_t segment = next - at - 1;
        bool one = segment == 1 && path[at + 1] == '.';
        bool two = segment == 2 && path[at + 1] == '.' && path[at + 2] == '.';
        if (two)
            while (out > 0 && path[--out] != '/') continue;
        if (!one && !two) {
            memmove(path + out, path + at, next - at);
            out += next - at;
        } else if (next == len) {
            path[out++] = '/'; // the last segment was a dot segment: its directory remains
        }
    }
    return out;
}

static void put_path(writer *to, const parts *from)
{
    size_t start = to->len;
    put(to, from->directory);
    put(to, from->path);
    if (to->len == start) put_byte(to, '/');
    if (!from->remove_dots || to->len > to->cap) return;
    to->len = start + remove_dot_segments(to->ptr + start, to->len - start);
}

// One part of the userinfo, decoded. Only what Basic authentication could not carry is refused.
static const char *put_decoded(writer *to, gyre_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (!gyre__byte_is(byte, GYRE__BYTE_USERINFO)) return "userinfo has an invalid byte";
        if (byte == '%') {
            if (text.len - i < 3) return "userinfo has a malformed percent sign";
            unsigned high = gyre__hex_value(text.ptr[i + 1]);
            unsigned low = gyre__hex_value(text.ptr[i + 2]);
            if (high > 15 || low > 15) return "userinfo has a malformed percent sign";
            unsigned value = high << 4 | low;
            if (value < 0x20 || value == 0x7f) return "userinfo has a control byte";
            byte = (char)value;
            i += 2;
        }
        put_byte(to, byte);
    }
    return NULL;
}

static const char *put_userinfo(writer *to, gyre_url *url, gyre_view userinfo)
{
    if (!userinfo.ptr) return NULL;
    gyre_view rest = userinfo;
    gyre_view user = take_until(&rest, ":");
    size_t start = to->len;
    const char *why = put_decoded(to, user);
    if (why) return why;
    url->user = written(to, start);
    put_byte(to, '\0');
    if (rest.len == 0) return NULL;
    skip(&rest, 1);
    start = to->len;
    why = put_decoded(to, rest);
    if (why) return why;
    url->password = written(to, start);
    put_byte(to, '\0');
    return NULL;
}

static void put_authority(writer *to, gyre_url *url, const gyre__authority *authority)
{
    char host[GYRE__HOST_MAX];
    size_t start = to->len;
    put(to, (gyre_view){host, gyre__host_write(host, authority)});
    url->kind = authority->kind;
    url->rooted = authority->rooted;
    url->host = written(to, start);
    if (url->rooted && url->host.len > 0) url->host.len--;
    url->name = url->host;
    if (url->kind == GYRE_HOST_IPV6 && url->name.len > 2)
        url->name = (gyre_view){url->host.ptr + 1, url->host.len - 2};
    uint16_t usual = url->scheme.len == 5 ? 443 : 80;
    url->port = authority->has_port ? authority->port : usual;
    if (url->port != usual) {
        char digits[10];
        put_byte(to, ':');
        put(to, (gyre_view){digits, (size_t)(gyre__decimal_write(digits, url->port) - digits)});
    }
    url->authority = written(to, start);
}

static void put_target(writer *to, gyre_url *url, const parts *from)
{
    size_t start = to->len;
    put_path(to, from);
    url->path = written(to, start);
    if (from->query.ptr) {
        put_byte(to, '?');
        size_t query = to->len;
        put(to, from->query);
        url->query = written(to, query);
    }
    url->target = written(to, start);
}

static const char *compose(gyre_url *url, writer *to, const parts *from)
{
    gyre_view scheme = from->scheme;
    bool secure = gyre_view_equal_nocase(scheme, GYRE_VIEW("https"));
    if (!secure && !gyre_view_equal_nocase(scheme, GYRE_VIEW("http")))
        return "scheme is not http or https";
    if (!from->authority.ptr) return "\"//\" is missing behind the scheme";
    gyre__authority authority;
    const char *why = gyre__authority_parse(&authority, from->authority);
    if (why) return why;
    put(to, secure ? GYRE_VIEW("https") : GYRE_VIEW("http"));
    url->scheme = written(to, 0);
    put(to, GYRE_VIEW("://"));
    put_authority(to, url, &authority);
    put_target(to, url, from);
    url->text = written(to, 0);
    if (from->fragment.ptr) {
        put_byte(to, '#');
        size_t start = to->len;
        put(to, from->fragment);
        url->fragment = written(to, start);
    }
    put_byte(to, '\0');
    return put_userinfo(to, url, from->userinfo);
}

static int finish(gyre_url *out, const parts *from, gyre_url_room room, const char **why)
{
    gyre_url url = {0};
    writer to = {room.ptr, room.cap, 0};
    const char *broken = compose(&url, &to, from);
    if (broken) {
        if (why) *why = broken;
        return GYRE_EURL;
    }
    if (to.len > to.cap) return -ENOBUFS;
    // An input within the limit can give more: a base and a reference, or an address that grew.
    if (url.text.len > GYRE_URL_MAX) {
        if (why) *why = "URL is too long";
        return GYRE_EURL;
    }
    *out = url;
    return 0;
}

// ---- The two entries -----------------------------------------------------------------------

int gyre_url_parse(gyre_url *out, gyre_view text, gyre_url_room room, const char **why)
{
    parts found = {0};
    const char *broken = split(&found, text);
    if (!broken && !found.scheme.ptr) broken = "scheme is missing";
    if (broken) {
        if (why) *why = broken;
        return GYRE_EURL;
    }
    return finish(out, &found, room, why);
}

// RFC 3986 section 5.2.2, in its order: what the reference has wins, the rest is the base's.
static void inherit(parts *to, const gyre_url *base)
{
    to->remove_dots = true;
    if (to->scheme.ptr) return;
    to->scheme = base->scheme;
    if (to->authority.ptr) return;
    to->authority = base->authority;
    if (to->path.len == 0) {
        to->path = base->path;
        if (!to->query.ptr) to->query = base->query;
        to->remove_dots = false;
    } else if (to->path.ptr[0] != '/') {
        to->directory = base->path;
        while (base->path.ptr[to->directory.len - 1] != '/') to->directory.len--;
    }
}

int gyre_url_resolve(gyre_url *out, const gyre_url *base, gyre_view reference, gyre_url_room room,
                     const char **why)
{
    parts found = {0};
    const char *broken = split(&found, reference);
    if (broken) {
        if (why) *why = broken;
        return GYRE_EURL;
    }
    inherit(&found, base);
    return finish(out, &found, room, why);
}
