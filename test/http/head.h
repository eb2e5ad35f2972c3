// One head, parsed in every way it can arrive.
#ifndef TEST_HTTP_HEAD_H
#define TEST_HTTP_HEAD_H

#include "base/error.h"
#include "http/parser_int.h"
#include "test/http/split.h"

typedef int head_parse(gyre__head *head, gyre_view bytes, const gyre__head_limits *limits);

enum { HEAD_FIELDS = 100 };

// How a table's heads are parsed.
typedef struct head_setup {
    head_parse *parse;
    gyre__head_limits limits;
    uint32_t cap; // at most HEAD_FIELDS
} head_setup;

typedef struct head_row {
    gyre_view text;
    int err;          // wanted: 0 = `want`, or "more" when that is NULL
    const char *want; // as head_describe has it
} head_row;

#define GOOD(text, want) \
    { \
        TEXT(text), 0, want \
    }
#define BAD(text, err) \
    { \
        TEXT(text), err, NULL \
    }
#define PART(text) \
    { \
        TEXT(text), 0, NULL \
    }

// "METHOD target x" or "status x reason", then " name=value" of each field in brackets.
static inline const char *head_describe(const gyre__head *head)
{
    static char buffer[65536];
    const char *base = head->fields.base;
    char *at = buffer, *end = buffer + sizeof buffer;
    if (head->status) {
        at += snprintf(at, (size_t)(end - at), "%u %u %.*s", head->status, head->minor,
                       GYRE_FMT(gyre__span_view(base, head->reason)));
    } else {
        at += snprintf(at, (size_t)(end - at), "%.*s %.*s %u",
                       GYRE_FMT(gyre__span_view(base, head->method)),
                       GYRE_FMT(gyre__span_view(base, head->target)), head->minor);
    }
    for (size_t i = 0; i < head->fields.count; i++)
        at += snprintf(at, (size_t)(end - at), " [%.*s=%.*s]",
                       GYRE_FMT(gyre__field_name(&head->fields, i)),
                       GYRE_FMT(gyre__field_value(&head->fields, i)));
    return buffer;
}

// Parses at once; with `items` NULL the fields are not wanted.
static inline int head_fresh(const head_setup *setup, gyre_view text, const char **description)
{
    static gyre__field items[HEAD_FIELDS];
    gyre__head head;
    gyre__head_init(&head, items, setup->cap);
    int result = setup->parse(&head, text, &setup->limits);
    if (result > 0 && description) *description = head_describe(&head);
    return result;
}

// Parses first `cut` bytes, then, elsewhere in memory, all of them.
static inline int head_in_two(const head_setup *setup, gyre_view text, size_t cut,
                              struct guard guards[2])
{
    gyre__field items[HEAD_FIELDS];
    gyre__head head;
    gyre__head_init(&head, items, setup->cap);
    gyre_view part = guard_put(&guards[0], first_bytes(text, cut));
    int result = setup->parse(&head, part, &setup->limits);
    if (result != 0) return result;
    // What the head knows must not depend on where the first part lay.
    memset(guards[0].map, 0x5a, guards[0].usable);
    return setup->parse(&head, guard_put(&guards[1], text), &setup->limits);
}

// Feeds byte by byte, the bytes lying elsewhere each time, until there is a result; says how many
// bytes that took. The description is checked against `want` unless that is NULL.
static inline int head_bytewise(const head_setup *setup, gyre_view text, struct guard guards[2],
                                size_t *took, const char *want)
{
    gyre__field items[HEAD_FIELDS];
    gyre__head head;
    gyre__head_init(&head, items, setup->cap);
    int result = 0;
    for (*took = 0; result == 0 && *took < text.len;) {
        struct guard *guard = &guards[++*took % 2];
        result = setup->parse(&head, guard_put(guard, first_bytes(text, *took)), &setup->limits);
    }
    if (result > 0 && want && strcmp(head_describe(&head), want))
        fail_msg("byte by byte: %s, not %s", head_describe(&head), want);
    return result;
}

// The result of a text, after it was seen to be the same however the text arrives.
static inline int head_at_every_cut(const head_setup *setup, gyre_view text, const char *want)
{
    struct guard guards[2] = {guard_open(text.len), guard_open(text.len)};
    const char *description = NULL;
    int whole = head_fresh(setup, guard_put(&guards[0], text), &description);
    if (whole > 0 && want && strcmp(description, want))
        fail_msg("%s gives\n  %s, not\n  %s", printable(text), description, want);
    size_t took;
    int result = head_bytewise(setup, text, guards, &took, want);
    if (result != whole) fail_msg("%s: byte by byte %d, whole %d", printable(text), result, whole);
    for (size_t cut = 0; cut < text.len; cut++) {
        // With fewer bytes than it took, none knows; with as many, all know.
        int part = head_fresh(setup, guard_put(&guards[0], first_bytes(text, cut)), NULL);
        if (part != (cut < took ? 0 : whole))
            fail_msg("%s: first %zu of %zu bytes give %d", printable(text), cut, took, part);
        result = head_in_two(setup, text, cut, guards);
        if (result != whole)
            fail_msg("%s: cut at %zu %d, whole %d", printable(text), cut, result, whole);
    }
    guard_close(&guards[0]);
    guard_close(&guards[1]);
    return whole;
}

static inline void head_check(const head_setup *setup, const head_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int wanted = rows[i].want ? (int)rows[i].text.len : rows[i].err;
        int result = head_at_every_cut(setup, rows[i].text, rows[i].want);
        if (result != wanted)
            fail_msg("%s: %s, not %s", printable(rows[i].text), gyre_errname(result),
                     gyre_errname(wanted));
    }
}

#define HEAD_TEST(name, setup, table) \
    static void name(void **state) \
    { \
        (void)state; \
        head_check(&setup, table, sizeof table / sizeof table[0]); \
    }

#endif
