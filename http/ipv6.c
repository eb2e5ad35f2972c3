// IPv6 addresses as text.
//
// An own parser instead of inet_pton, because the text comes from the wire as a view and must
// mean the same on every system. Accepted is what RFC 4291 section 2.2 describes: up to eight
// groups of one to four digits, one "::" for at least one group, a dotted quad in the last two.

#include "http/host_int.h"
#include "http/impl.h"
#include "http/scan_int.h"
#include <string.h>

// One group of one to four digits at *at; false when there is none.
static bool read_group(gyre_view text, size_t *at, uint16_t *out)
{
    size_t start = *at;
    unsigned value = 0;
    while (*at < text.len && *at - start < 4 && gyre__byte_is(text.ptr[*at], GYRE__BYTE_HEX))
        value = value << 4 | gyre__hex_value(text.ptr[(*at)++]);
    *out = (uint16_t)value;
    return *at > start;
}

// The groups behind "::" move to the end, zeros fill the gap.
static bool close_gap(uint16_t group[8], size_t count, size_t gap)
{
    if (count >= 8) return false;
    memmove(group + 8 - (count - gap), group + gap, (count - gap) * sizeof group[0]);
    memset(group + gap, 0, (8 - count) * sizeof group[0]);
    return true;
}

// Steps over what separates two groups; a "::" is remembered in *gap. False when the text is
// malformed there.
static bool read_separator(gyre_view text, size_t *at, size_t count, size_t *gap)
{
    if (text.ptr[(*at)++] != ':') return false;
    if (*at == text.len) return false;
    if (text.ptr[*at] != ':') return true;
    if (*gap != SIZE_MAX) return false;
    *gap = count;
    (*at)++;
    return true;
}

bool gyre__ipv6_parse(uint16_t group[8], gyre_view text)
{
    size_t at = 0;
    size_t count = 0;
    size_t gap = SIZE_MAX; // number of groups before "::"
    if (text.len > 0 && text.ptr[0] == ':' && !read_separator(text, &at, 0, &gap)) return false;
    if (at == 1) return false; // a single colon in front
    while (at < text.len) {
        size_t start = at;
        if (count == 8 || !read_group(text, &at, &group[count])) return false;
        count++;
        if (at == text.len) break;
        if (text.ptr[at] == '.') {
            uint8_t quad[4];
            gyre_view rest = {text.ptr + start, text.len - start};
            if (count == 8 || !gyre__ipv4_parse(quad, rest)) return false;
            group[count - 1] = (uint16_t)(quad[0] << 8 | quad[1]);
            group[count++] = (uint16_t)(quad[2] << 8 | quad[3]);
            break;
        }
        if (!read_separator(text, &at, count, &gap)) return false;
    }
    return gap == SIZE_MAX ? count == 8 : close_gap(group, count, gap);
}

// The first of the longest runs of at least two zero groups; *len is 0 when there is none.
static size_t longest_zeros(const uint16_t group[8], size_t *len)
{
    size_t best = 8;
    *len = 1;
    for (size_t i = 0, run = 0; i < 8; i++) {
        run = group[i] ? 0 : run + 1;
        if (run <= *len) continue;
        *len = run;
        best = i + 1 - run;
    }
    if (*len < 2) *len = 0;
    return best;
}

static char *write_hex(char *to, unsigned value)
{
    int shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
    for (; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[value >> shift & 15];
    return to;
}

// The last two groups as a dotted quad: for addresses of ::ffff:0:0/96 (RFC 5952 section 5).
static char *write_mapped(char *to, const uint16_t group[8])
{
    static const char prefix[7] = {':', ':', 'f', 'f', 'f', 'f', ':'};
    memcpy(to, prefix, sizeof prefix);
    to += sizeof prefix;
    const uint8_t quad[4] = {(uint8_t)(group[6] >> 8), (uint8_t)group[6], (uint8_t)(group[7] >> 8),
                             (uint8_t)group[7]};
    for (size_t i = 0; i < 4; i++) {
        if (i > 0) *to++ = '.';
        to = gyre__decimal_write(to, quad[i]);
    }
    return to;
}

size_t gyre__ipv6_write(char to[39], const uint16_t group[8])
{
    size_t zeros;
    size_t first = longest_zeros(group, &zeros);
    if (first == 0 && zeros == 5 && group[5] == 0xffff)
        return (size_t)(write_mapped(to, group) - to);
    char *at = to;
    for (size_t i = 0; i < 8; i++) {
        if (zeros && i == first) {
            *at++ = ':';
            if (i == 0) *at++ = ':'; // else the colon of the group before stands there
            i += zeros - 1;
            continue;
        }
        at = write_hex(at, group[i]);
        if (i < 7) *at++ = ':';
    }
    return (size_t)(at - to);
}
