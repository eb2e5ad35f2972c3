// Shared between the files of this folder only.
#ifndef GYRE_HTTP_IMPL_H
#define GYRE_HTTP_IMPL_H

#include "base/base.h"
#include "http/parser_int.h"
#include "http/scan_int.h"

// Reads a dotted quad: four decimal numbers up to 255 without leading zeros.
bool gyre__ipv4_parse(uint8_t quad[4], gyre_view text);

// Writes a number in decimal, at most 10 bytes; returns the end.
char *gyre__decimal_write(char *to, uint32_t value);

// How many bytes at `at` end a line; 0 when that takes more bytes to say, -1 when none do.
static inline int gyre__line_end(const char *at, const char *end, unsigned rules)
{
    if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') return 2;
    if (at == end) return 0;
    if (*at == '\n' && (rules & GYRE__RULE_LF_ENDS)) return 1;
    return *at == '\r' && at + 1 == end ? 0 : -1;
}

// The first byte in [at, end) that cannot stand in a field value, or end.
static inline const char *gyre__value_end(const char *at, const char *end, unsigned rules)
{
    at = gyre__scan_value(at, end);
    if (!(rules & GYRE__RULE_CTL_KEPT)) return at;
    while (at < end && *at != '\r' && *at != '\n' && *at != '\0')
        at = gyre__scan_value(at + 1, end);
    return at;
}

#endif
