// Hosts and ports: see host_int.h.
//
// A host is a name of whitelisted bytes, a dotted quad, or an IPv6 literal in brackets. Whatever
// some resolver would read as a number (0x7f.1, 127.1, 2130706433) is refused, so that a host that
// was checked as a name is never connected to as an address.

#include "http/host_int.h"
#include "http/impl.h"
#include "http/scan_int.h"
#include <string.h>

bool gyre__ipv4_parse(uint8_t quad[4], gyre_view text)
{
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0 && (at == text.len || text.ptr[at++] != '.')) return false;
        size_t start = at;
        unsigned value = 0;
        while (at < text.len && at - start < 3 && gyre__byte_is(text.ptr[at], GYRE__BYTE_DIGIT))
            value = value * 10 + (unsigned)(text.ptr[at++] - '0');
        if (at == start || value > 255) return false;
        if (at - start > 1 && text.ptr[start] == '0') return false;
        quad[i] = (uint8_t)value;
    }
    return at == text.len;
}

char *gyre__decimal_write(char *to, uint32_t value)
{
    char digits[10];
    size_t count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count > 0) *to++ = digits[--count];
    return to;
}

// Says whether a label is one that inet_aton would take for a number.
static bool is_numeric(gyre_view label)
{
    if (label.len >= 2 && label.ptr[0] == '0' && gyre__lower(label.ptr[1]) == 'x') {
        gyre_view digits = {label.ptr + 2, label.len - 2};
        return gyre__bytes_are(digits, GYRE__BYTE_HEX);
    }
    return gyre__bytes_are(label, GYRE__BYTE_DIGIT);
}

static const char *check_name(gyre__authority *out)
{
    gyre_view name = out->host;
    if (!gyre__bytes_are(name, GYRE__BYTE_HOST))
        return "host has a byte that is not a letter, digit, \"-\", \"_\" or \".\"";
    out->rooted = name.len > 1 && name.ptr[name.len - 1] == '.';
    name.len -= out->rooted;
    if (name.len > 253) return "host is longer than 253 bytes";
    gyre_view label = {name.ptr, 0};
    for (size_t i = 0;; i++) {
        if (i < name.len && name.ptr[i] != '.') continue;
        label.len = (size_t)(name.ptr + i - label.ptr);
        if (label.len == 0) return "host has an empty label";
        if (label.len > 63) return "host has a label longer than 63 bytes";
        if (i == name.len) break;
        label.ptr = name.ptr + i + 1;
    }
    out->kind = GYRE_HOST_NAME;
    if (!is_numeric(label)) return NULL;
    uint8_t quad[4];
    if (out->rooted || !gyre__ipv4_parse(quad, name))
        return "host looks like an IPv4 address but is not a dotted quad";
    out->kind = GYRE_HOST_IPV4;
    return NULL;
}

static const char *check_literal(gyre__authority *out)
{
    gyre_view text = {out->host.ptr + 1, out->host.len - 2};
    out->kind = GYRE_HOST_IPV6;
    if (memchr(text.ptr, '%', text.len)) return "IPv6 address has a zone id";
    if (text.len > 0 && gyre__lower(text.ptr[0]) == 'v') return "address literal is not IPv6";
    return gyre__ipv6_parse(out->group, text) ? NULL : "IPv6 address is malformed";
}

// The text behind the host: nothing, ":" or ":" and a number.
static const char *check_port(gyre__authority *out, gyre_view text)
{
    if (text.len == 0) return NULL;
    if (text.ptr[0] != ':') return "address literal is followed by something else than a port";
    if (text.len > 6) return "port has more than five digits";
    unsigned port = 0;
    for (size_t i = 1; i < text.len; i++) {
        if (!gyre__byte_is(text.ptr[i], GYRE__BYTE_DIGIT)) return "port is not a number";
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (text.len == 1) return NULL;
    if (port == 0 || port > 65535) return "port is not between 1 and 65535";
    out->port = (uint16_t)port;
    out->has_port = true;
    return NULL;
}

const char *gyre__authority_parse(gyre__authority *out, gyre_view text)
{
    gyre__authority found = {.host = text};
    if (text.len == 0) return "host is empty";
    bool literal = text.ptr[0] == '[';
    const char *stop = memchr(text.ptr, literal ? ']' : ':', text.len);
    if (literal && !stop) return "\"[\" without \"]\"";
    if (stop) found.host.len = (size_t)(stop - text.ptr) + literal;
    if (found.host.len == 0) return "host is empty";
    const char *why = literal ? check_literal(&found) : check_name(&found);
    if (why) return why;
    gyre_view rest = {text.ptr + found.host.len, text.len - found.host.len};
    why = check_port(&found, rest);
    if (why) return why;
    *out = found;
    return NULL;
}

size_t gyre__host_write(char to[GYRE__HOST_MAX], const gyre__authority *authority)
{
    gyre_view host = authority->host;
    if (authority->kind == GYRE_HOST_IPV6) {
        size_t len = gyre__ipv6_write(to + 1, authority->group);
        to[0] = '[';
        to[len + 1] = ']';
        return len + 2;
    }
    for (size_t i = 0; i < host.len; i++) to[i] = gyre__lower(host.ptr[i]);
    return host.len;
}
