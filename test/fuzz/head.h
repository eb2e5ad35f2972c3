// What the fuzzers of requests and responses ask of a head.
#ifndef TEST_FUZZ_HEAD_H
#define TEST_FUZZ_HEAD_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "http/framing_int.h"
#include "http/headers_int.h"
#include "http/parser_int.h"

enum { FUZZ_FIELDS = 64 };

typedef int head_parse(gyre__head *head, gyre_view bytes, const gyre__head_limits *limits);

static const gyre__head_limits fuzz_limits = {.head_max = 4096, .start_line_max = 1024};

static inline bool is_known(int result)
{
    return result >= 0 || result == GYRE_ESTARTLINE || result == GYRE_EVERSION ||
           result == GYRE_EFIELD || result == GYRE_EHEADSIZE;
}

static inline void check_inside(gyre__span span, int len)
{
    assert((uint64_t)span.at + span.len <= (uint64_t)len);
}

// `ctl` says that control bytes may be in values.
static inline void check_fields(const gyre__head *head, int len, bool ctl)
{
    for (size_t i = 0; i < head->fields.count; i++) {
        check_inside(head->fields.item[i].name, len);
        check_inside(head->fields.item[i].value, len);
        assert(gyre__is_token(gyre__field_name(&head->fields, i)));
        gyre_view value = gyre__field_value(&head->fields, i);
        assert(ctl || gyre__is_field_value(value));
        for (size_t k = 0; k < value.len; k++)
            assert(value.ptr[k] != '\0' && value.ptr[k] != '\r' && value.ptr[k] != '\n');
    }
}

// Parses at once and cut in pieces, `seed` says where; each piece from an exact copy of its own.
static inline int parse_twice(head_parse *parse, gyre__head *whole, gyre__field *items,
                              gyre_view bytes, uint8_t seed)
{
    gyre__head cut;
    gyre__field cut_items[FUZZ_FIELDS];
    gyre__head_init(whole, items, FUZZ_FIELDS);
    gyre__head_init(&cut, cut_items, FUZZ_FIELDS);
    int result = parse(whole, bytes, &fuzz_limits);
    assert(is_known(result) && result <= (int)bytes.len);
    int pieces = 0;
    for (size_t len = 0; pieces == 0 && len < bytes.len;) {
        len += 1 + seed % 17;
        seed = (uint8_t)(seed * 5 + 3);
        if (len > bytes.len) len = bytes.len;
        char *copy = malloc(len);
        if (!copy) abort();
        memcpy(copy, bytes.ptr, len);
        pieces = parse(&cut, (gyre_view){copy, len}, &fuzz_limits);
        free(copy);
    }
    assert(pieces == result);
    if (result <= 0) return result;
    assert(cut.fields.count == whole->fields.count && cut.status == whole->status);
    assert(memcmp(cut_items, items, cut.fields.count * sizeof items[0]) == 0);
    assert(cut.target.at == whole->target.at && cut.target.len == whole->target.len);
    return result;
}

#endif
