// The scans of scan_int.h, 16 bytes at a time. Included there and nowhere else.
//
// A step loads 16 bytes, all before `end`, and makes a mask with one bit per byte that is of the
// common part of the class: that takes two to four instructions, where the whole class would take
// many. At the first other byte the table decides; if it is one of the rarer bytes of the class,
// others are likely to follow, so the next bytes go by table too. What is left at the end (fewer
// than 16 bytes) goes by table.
#ifndef GYRE_HTTP_SCAN_SSE2_H
#define GYRE_HTTP_SCAN_SSE2_H

#include <emmintrin.h>

static inline __m128i gyre__sse2_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline unsigned gyre__sse2_stops(__m128i common)
{
    return (unsigned)_mm_movemask_epi8(common) ^ 0xffff;
}

// 0xff where low <= byte <= 0x7e. Compared with sign, one more than DEL is the least of all, and
// obs-text stays below `low`.
static inline __m128i gyre__sse2_from(__m128i bytes, char low)
{
    return _mm_cmpgt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(low));
}

// Letters and "-": what nearly all field names are made of.
static inline const char *gyre__scan_token_sse2(const char *at, const char *end)
{
    while (end - at >= 16) {
        __m128i bytes = gyre__sse2_load(at);
        // 'z' + 5 is the greatest byte with sign.
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i letter = _mm_cmpgt_epi8(_mm_add_epi8(folded, _mm_set1_epi8(127 - 'z')),
                                        _mm_set1_epi8('a' - 1 + 127 - 'z'));
        __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
        unsigned stops = gyre__sse2_stops(_mm_or_si128(letter, dash));
        if (!stops) {
            at += 16;
            continue;
        }
        at += __builtin_ctz(stops);
        if (!gyre__byte_is(*at, GYRE__BYTE_TOKEN)) return at;
        const char *near = end - at > 16 ? at + 16 : end;
        at = gyre__scan_token_table(at, near);
        if (at < near) return at;
    }
    return gyre__scan_token_table(at, end);
}

// SP and visible ASCII; HTAB and obs-text are rare.
static inline const char *gyre__scan_value_sse2(const char *at, const char *end)
{
    while (end - at >= 16) {
        unsigned stops = gyre__sse2_stops(gyre__sse2_from(gyre__sse2_load(at), ' '));
        if (!stops) {
            at += 16;
            continue;
        }
        at += __builtin_ctz(stops);
        if (!gyre__byte_is(*at, GYRE__BYTE_VALUE)) return at;
        const char *near = end - at > 16 ? at + 16 : end;
        at = gyre__scan_value_table(at, near);
        if (at < near) return at;
    }
    return gyre__scan_value_table(at, end);
}

// The whole class: visible ASCII without "#".
static inline const char *gyre__scan_target_sse2(const char *at, const char *end)
{
    while (end - at >= 16) {
        __m128i bytes = gyre__sse2_load(at);
        __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
        unsigned stops = gyre__sse2_stops(_mm_andnot_si128(hash, gyre__sse2_from(bytes, '!')));
        if (stops) return at + __builtin_ctz(stops);
        at += 16;
    }
    return gyre__scan_target_table(at, end);
}

#endif
