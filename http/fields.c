// Field sections (RFC 9112 section 5): one pass over "name: value" lines.
//
// The loop runs once per line. It looks for the line's end first and for the colon second: where
// the next line begins then depends on one scan, not two, and the processor can check this name
// while it scans the next line. When the bytes end within a line, the line, its colon and how far
// it was scanned are remembered; without a colon, all that was scanned are token bytes.

#include "base/error.h"
#include "http/impl.h"
#include "http/parser_int.h"
#include "http/scan_int.h"

static inline bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

// Stores the line [line, end) whose colon is at `colon`; false when there is no room.
static inline bool add(gyre__fields *fields, const char *line, const char *colon, const char *end)
{
    if (fields->count == fields->cap) return false;
    const char *value = colon + 1;
    // `end` lies behind the colon. NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
    while (value < end && is_blank(*value)) value++;
    while (end > value && is_blank(end[-1])) end--;
    if (fields->item) {
        gyre__field *item = &fields->item[fields->count];
        item->name.at = (uint32_t)(line - fields->base);
        item->name.len = (uint32_t)(colon - line);
        item->value.at = (uint32_t)(value - fields->base);
        item->value.len = (uint32_t)(end - value);
    }
    fields->count++;
    return true;
}

int gyre__fields_parse(gyre__fields *fields, gyre__progress *progress, gyre_view bytes,
                       unsigned rules)
{
    const char *base = fields->base = bytes.ptr;
    const char *end = base + bytes.len;
    const char *line = base + progress->line;
    const char *at = base + progress->scanned;
    const char *colon = progress->colon ? base + progress->colon : NULL;
    for (;;) {
        const char *stop = gyre__value_end(at, end, rules);
        int next = gyre__line_end(stop, end, rules);
        if (next < 0) return GYRE_EFIELD;
        if (!colon && stop > line) {
            colon = gyre__scan_token(at, end);
            if (colon == end)
                colon = NULL;
            else if (*colon != ':' || colon == line)
                return GYRE_EFIELD;
        }
        at = stop;
        if (next == 0) break;
        if (stop == line) return (int)(stop + next - base);
        if (!add(fields, line, colon, stop)) return GYRE_EHEADSIZE;
        line = at = stop + next;
        colon = NULL;
    }
    progress->line = (uint32_t)(line - base);
    progress->scanned = (uint32_t)(at - base);
    progress->colon = colon ? (uint32_t)(colon - base) : 0;
    return 0;
}
