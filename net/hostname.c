// Host names and literals, before anybody is asked about them.

#include "net/dns_impl.h"
#include "net/net_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_label(gyre_view label)
{
    if (label.len < 1 || label.len > 63) return false;
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_') return false;
    return true;
}

// A last label that some function of some libc would take for the end of an IPv4 address: "127.1",
// "0x7f.1". No top-level domain is a number.
static bool is_number(gyre_view label)
{
    bool is_hexadecimal = label.len >= 2 && label.ptr[0] == '0' && to_lower(label.ptr[1]) == 'x';
    for (size_t i = is_hexadecimal ? 2 : 0; i < label.len; i++)
        if (is_hexadecimal ? !is_hex(label.ptr[i]) : !is_digit(label.ptr[i])) return false;
    return true;
}

static bool is_hostname(gyre_view bare)
{
    if (bare.len < 1 || bare.len > 253) return false;
    gyre_view label = {bare.ptr, 0};
    for (size_t i = 0; i < bare.len; i++) {
        if (bare.ptr[i] != '.') {
            label.len++;
            continue;
        }
        if (!is_label(label)) return false;
        label = (gyre_view){bare.ptr + i + 1, 0};
    }
    return is_label(label) && !is_number(label);
}

bool gyre__hostname_read(char to[GYRE__HOSTNAME_SIZE], gyre_view host)
{
    gyre_view bare = host;
    if (bare.len > 1 && bare.ptr[bare.len - 1] == '.') bare.len--;
    if (!is_hostname(bare)) return false;
    for (size_t i = 0; i < host.len; i++) to[i] = to_lower(host.ptr[i]);
    to[host.len] = '\0';
    return true;
}

gyre_view gyre__hostname_bare(const char *name)
{
    gyre_view bare = gyre_view_of(name);
    if (bare.len > 1 && bare.ptr[bare.len - 1] == '.') bare.len--;
    return bare;
}

bool gyre__hostname_is_local(gyre_view bare)
{
    const gyre_view local = GYRE_VIEW("localhost");
    if (bare.len < local.len) return false;
    gyre_view tail = {bare.ptr + bare.len - local.len, local.len};
    if (!gyre_view_equal_nocase(tail, local)) return false;
    return bare.len == local.len || bare.ptr[bare.len - local.len - 1] == '.';
}

uint32_t gyre__hostname_hash(gyre_view name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)to_lower(name.ptr[i])) * 16777619u;
    return hash;
}

bool gyre__host_literal(gyre_address *out, const char *host, uint16_t port)
{
    gyre_address address;
    bool has_port;
    int err = gyre__address_parse(&address, gyre_view_of(host), port, &has_port);
    if (err || has_port || address.storage.ss_family == AF_UNIX) return false;
    *out = address;
    return true;
}
