// Socket addresses as text and back.
//
// Design notes. Parsing is strict: what is not a dotted quad, RFC 4291 text in brackets (or bare,
// then without a port) or a Unix path is refused, never guessed at. The text of an IPv6 address is
// made here and not by inet_ntop(3), whose choice of "::" and of dotted tails differs between
// systems.

#include "net/net_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

// ---- Reading -------------------------------------------------------------------------------

// A decimal number of 1 to `digits` digits, at most `max`.
static bool read_number(gyre_view text, size_t digits, uint32_t max, uint32_t *out)
{
    if (text.len == 0 || text.len > digits) return false;
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (number > max) return false;
    *out = (uint32_t)number;
    return true;
}

// Copies a short text that has no zero inside, for the calls that want one at its end.
static bool copy_text(gyre_view text, char *to, size_t size)
{
    if (text.len == 0 || text.len >= size || memchr(text.ptr, 0, text.len)) return false;
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static int parse_unix(gyre_address *out, gyre_view path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    bool abstract = path.len > 0 && path.ptr[0] == '@';
    if (path.len < (abstract ? 2 : 1) || path.len >= sizeof sun.sun_path) return -EINVAL;
    if (memchr(path.ptr, 0, path.len)) return -EINVAL;
    memcpy(sun.sun_path, path.ptr, path.len);
    if (abstract) sun.sun_path[0] = '\0';
    *out = (gyre_address){0};
    memcpy(&out->storage, &sun, sizeof sun);
    // An abstract name is exactly as long as it is said to be; a path ends with a zero.
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + !abstract);
    return 0;
}

static int parse_v4(gyre_address *out, gyre_view host, uint16_t port)
{
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (!copy_text(host, text, sizeof text)) return -EINVAL;
    if (inet_pton(AF_INET, text, &sin.sin_addr) != 1) return -EINVAL;
    *out = (gyre_address){.len = sizeof sin};
    memcpy(&out->storage, &sin, sizeof sin);
    return 0;
}

// The scope behind '%': an interface's number or name (RFC 4007 section 11).
static bool read_scope(gyre_view text, uint32_t *out)
{
    char name[IF_NAMESIZE];
    if (read_number(text, 10, UINT32_MAX, out)) return true;
    if (!copy_text(text, name, sizeof name)) return false;
    *out = if_nametoindex(name);
    return *out != 0;
}

static int parse_v6(gyre_address *out, gyre_view host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const char *percent = host.len ? memchr(host.ptr, '%', host.len) : NULL;
    if (percent) {
        size_t before = (size_t)(percent - host.ptr);
        gyre_view scope = {percent + 1, host.len - before - 1};
        if (!read_scope(scope, &sin6.sin6_scope_id)) return -EINVAL;
        host.len = before;
    }
    if (!copy_text(host, text, sizeof text)) return -EINVAL;
    if (inet_pton(AF_INET6, text, &sin6.sin6_addr) != 1) return -EINVAL;
    *out = (gyre_address){.len = sizeof sin6};
    memcpy(&out->storage, &sin6, sizeof sin6);
    return 0;
}

// Splits ":port" off the text at `colon`; without one (NULL) the port stays what it is.
static bool take_port(gyre_view *host, const char *colon, uint16_t *port)
{
    if (!colon) return true;
    uint32_t number;
    size_t before = (size_t)(colon - host->ptr);
    gyre_view digits = {colon + 1, host->len - before - 1};
    if (!read_number(digits, 5, 65535, &number)) return false;
    host->len = before;
    *port = (uint16_t)number;
    return true;
}

static int parse_brackets(gyre_address *out, gyre_view text, uint16_t port, bool *has_port)
{
    const char *close = memchr(text.ptr, ']', text.len);
    if (!close) return -EINVAL;
    const char *behind = close + 1;
    size_t left = text.len - (size_t)(behind - text.ptr);
    if (left > 0 && *behind != ':') return -EINVAL;
    if (!take_port(&text, left > 0 ? behind : NULL, &port)) return -EINVAL;
    *has_port = left > 0;
    gyre_view host = {text.ptr + 1, (size_t)(close - text.ptr) - 1};
    return parse_v6(out, host, port);
}

int gyre__address_parse(gyre_address *out, gyre_view text, uint16_t port, bool *has_port)
{
    static const char unix_scheme[] = "unix:";
    const size_t scheme = sizeof unix_scheme - 1;
    *has_port = false;
    if (text.len == 0) return -EINVAL;
    if (text.len >= scheme && memcmp(text.ptr, unix_scheme, scheme) == 0)
        return parse_unix(out, (gyre_view){text.ptr + scheme, text.len - scheme});
    if (text.ptr[0] == '[') return parse_brackets(out, text, port, has_port);

    const char *colon = memchr(text.ptr, ':', text.len);
    size_t behind = colon ? text.len - (size_t)(colon + 1 - text.ptr) : 0;
    if (behind > 0 && memchr(colon + 1, ':', behind)) return parse_v6(out, text, port);
    if (!take_port(&text, colon, &port)) return -EINVAL;
    *has_port = colon != NULL;
    return parse_v4(out, text, port);
}

int gyre_address_parse(gyre_address *out, gyre_view text, uint16_t port)
{
    bool has_port;
    return gyre__address_parse(out, text, port, &has_port);
}

// ---- Writing -------------------------------------------------------------------------------

// The longest run of at least two zero groups, the first among equals (RFC 5952 section 4.2).
static void find_run(const uint16_t *groups, int *start, int *len)
{
    *start = *len = 0;
    for (int i = 0; i < 8;) {
        int end = i;
        while (end < 8 && groups[end] == 0) end++;
        if (end - i > *len && end - i >= 2) {
            *start = i;
            *len = end - i;
        }
        i = end == i ? i + 1 : end;
    }
}

static void write_v6(const struct in6_addr *in, char *text, size_t size)
{
    uint16_t groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (uint16_t)(in->s6_addr[2 * i] << 8 | in->s6_addr[2 * i + 1]);
    // ::ffff:a.b.c.d: the one prefix that tells of an IPv4 address inside (section 5).
    bool dotted = IN6_IS_ADDR_V4MAPPED(in);
    int start, len;
    find_run(groups, &start, &len);
    size_t at = 0;
    for (int i = 0; i < (dotted ? 6 : 8); i++) {
        if (len > 0 && i == start) {
            at += (size_t)snprintf(text + at, size - at, "::");
            i += len - 1;
        } else {
            const char *colon = at > 0 && text[at - 1] != ':' ? ":" : "";
            at += (size_t)snprintf(text + at, size - at, "%s%x", colon, (unsigned)groups[i]);
        }
    }
    if (dotted)
        snprintf(text + at, size - at, ":%u.%u.%u.%u", in->s6_addr[12], in->s6_addr[13],
                 in->s6_addr[14], in->s6_addr[15]);
}

static void write_unix(const gyre_address *address, char *text, size_t size)
{
    struct sockaddr_un sun;
    memcpy(&sun, &address->storage, sizeof sun);
    size_t len = address->len - offsetof(struct sockaddr_un, sun_path);
    if (address->len <= offsetof(struct sockaddr_un, sun_path)) len = 0;
    if (len > sizeof sun.sun_path) len = sizeof sun.sun_path;
    char name[sizeof sun.sun_path + 1] = "";
    memcpy(name, sun.sun_path, len);
    if (len > 0 && name[0] == '\0') // abstract: zeros are part of the name
        for (size_t i = 0; i < len; i++)
            if (name[i] == '\0') name[i] = '@';
    snprintf(text, size, "unix:%s", name);
}

const char *gyre_address_text(const gyre_address *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN + 16] = "";
    unsigned port = gyre_address_port(address);
    if (size == 0) return text;
    text[0] = '\0';
    if (address->len == 0) return text;
    if (address->storage.ss_family == AF_UNIX) {
        write_unix(address, text, size);
    } else if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, &address->storage, sizeof sin);
        if (!inet_ntop(AF_INET, &sin.sin_addr, host, sizeof host)) return text;
        snprintf(text, size, "%s:%u", host, port);
    } else if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        char scope[16] = "";
        memcpy(&sin6, &address->storage, sizeof sin6);
        write_v6(&sin6.sin6_addr, host, sizeof host);
        if (sin6.sin6_scope_id) snprintf(scope, sizeof scope, "%%%u", (unsigned)sin6.sin6_scope_id);
        snprintf(text, size, "[%s%s]:%u", host, scope, port);
    }
    return text;
}

uint16_t gyre_address_port(const gyre_address *address)
{
    if (address->len == 0) return 0;
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, &address->storage, sizeof sin);
        return ntohs(sin.sin_port);
    }
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        memcpy(&sin6, &address->storage, sizeof sin6);
        return ntohs(sin6.sin6_port);
    }
    return 0;
}
