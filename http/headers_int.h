// Header fields as a list of places in the head they were read from.
//
// A field is four numbers, not four pointers: the head may move (a growing buffer, a copy into a
// response's arena) and only `base` has to be told.
#ifndef GYRE_HTTP_HEADERS_INT_H
#define GYRE_HTTP_HEADERS_INT_H

#include "base/base.h"

// `len` bytes at `at` bytes behind the base.
typedef struct gyre__span {
    uint32_t at;
    uint32_t len;
} gyre__span;

typedef struct gyre__field {
    gyre__span name;
    gyre__span value; // without the white space around it
} gyre__field;

typedef struct gyre__fields {
    const char *base;  // where the spans are counted from
    gyre__field *item; // in the order of the wire; NULL when fields are checked but not kept
    uint32_t count;
    uint32_t cap; // room of `item`, and so the most lines that are accepted
} gyre__fields;

static inline gyre_view gyre__span_view(const char *base, gyre__span span)
{
    return (gyre_view){base + span.at, span.len};
}

static inline gyre_view gyre__field_name(const gyre__fields *fields, size_t i)
{
    return gyre__span_view(fields->base, fields->item[i].name);
}

static inline gyre_view gyre__field_value(const gyre__fields *fields, size_t i)
{
    return gyre__span_view(fields->base, fields->item[i].value);
}

// ---- Look-up (names are compared without case, RFC 9110 section 5.1) ------------------------

// The value of the first field of that name; ptr is NULL when there is none.
gyre_view gyre__fields_get(const gyre__fields *fields, gyre_view name);

// Finds the fields of a name one after the other: *at is 0 before the first call. False, with
// *value untouched, when there is no further one.
bool gyre__fields_next(const gyre__fields *fields, gyre_view name, size_t *at, gyre_view *value);

// Says whether `item` is, without case, among the comma separated items of any field of that name.
bool gyre__fields_have(const gyre__fields *fields, gyre_view name, gyre_view item);

// Takes the next item off a comma separated list (RFC 9110 section 5.6.1): without the white space
// around it, empty ones skipped, a comma within a quoted string is no separator. False at the end.
bool gyre__list_next(gyre_view *rest, gyre_view *item);

// ---- What may be sent; the answer to "no" is an error, never a repair -----------------------

bool gyre__is_token(gyre_view text);       // a method or field name: 1*tchar
bool gyre__is_field_value(gyre_view text); // no control byte but HTAB, no blank at either end
bool gyre__is_target(gyre_view text);      // 1*(visible ASCII without "#")
bool gyre__is_reason(gyre_view text);      // as a field value, but blanks may be anywhere

// Says whether a field is the library's to write: Content-Length and Transfer-Encoding frame the
// message, so a user's own would make two readers disagree on where it ends.
bool gyre__is_framing_name(gyre_view name);

#endif
