// Classes of bytes in HTTP, and finding the first byte that is not of a class.
//
// Each scan exists twice: by table, one byte after the other, for every machine; and 16 bytes at
// a time with SSE2, which all x86-64 has. Both give the same answer for every input (tested), so
// the choice is made when compiling, in the last lines of this file. No scan reads at or behind
// `end`.
#ifndef GYRE_HTTP_SCAN_INT_H
#define GYRE_HTTP_SCAN_INT_H

#include "base/base.h"

enum {
    GYRE__BYTE_TOKEN = 1,     // tchar of RFC 9110 section 5.6.2
    GYRE__BYTE_VALUE = 2,     // of a field value: HTAB, SP, visible, obs-text
    GYRE__BYTE_TARGET = 4,    // of a request target: visible ASCII without "#"
    GYRE__BYTE_HOST = 8,      // of a host name: letters, digits, "-", "_", "."
    GYRE__BYTE_USERINFO = 16, // RFC 3986 section 3.2.1, with "%" and ":"
    GYRE__BYTE_DIGIT = 32,
    GYRE__BYTE_HEX = 64,
};

extern const uint8_t gyre__byte_class[256];

static inline bool gyre__byte_is(char byte, unsigned classes)
{
    return (gyre__byte_class[(unsigned char)byte] & classes) != 0;
}

// Says whether every byte of the text is of one of the classes; an empty text is.
static inline bool gyre__bytes_are(gyre_view text, unsigned classes)
{
    for (size_t i = 0; i < text.len; i++)
        if (!gyre__byte_is(text.ptr[i], classes)) return false;
    return true;
}

// The value of a hexadecimal digit, or 255.
uint8_t gyre__hex_value(char digit);

// A letter in lower case; any other byte as it is.
static inline char gyre__lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

// ---- The scans: the first byte in [at, end) that is not of the class, or end ----------------

static inline const char *gyre__scan_by_table(const char *at, const char *end, unsigned class_)
{
    while (at < end && gyre__byte_is(*at, class_)) at++;
    return at;
}

static inline const char *gyre__scan_token_table(const char *at, const char *end)
{
    return gyre__scan_by_table(at, end, GYRE__BYTE_TOKEN);
}

static inline const char *gyre__scan_value_table(const char *at, const char *end)
{
    return gyre__scan_by_table(at, end, GYRE__BYTE_VALUE);
}

static inline const char *gyre__scan_target_table(const char *at, const char *end)
{
    return gyre__scan_by_table(at, end, GYRE__BYTE_TARGET);
}

#if defined(__SSE2__)
#include "http/scan_sse2.h"
#define gyre__scan_token  gyre__scan_token_sse2
#define gyre__scan_value  gyre__scan_value_sse2
#define gyre__scan_target gyre__scan_target_sse2
#else
#define gyre__scan_token  gyre__scan_token_table
#define gyre__scan_value  gyre__scan_value_table
#define gyre__scan_target gyre__scan_target_table
#endif

#endif
