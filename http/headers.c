#include "http/headers_int.h"
#include "http/scan_int.h"

bool gyre__fields_next(const gyre__fields *fields, gyre_view name, size_t *at, gyre_view *value)
{
    while (*at < fields->count) {
        size_t i = (*at)++;
        if (!gyre_view_equal_nocase(gyre__field_name(fields, i), name)) continue;
        *value = gyre__field_value(fields, i);
        return true;
    }
    return false;
}

gyre_view gyre__fields_get(const gyre__fields *fields, gyre_view name)
{
    gyre_view value = {NULL, 0};
    size_t at = 0;
    (void)gyre__fields_next(fields, name, &at, &value);
    return value;
}

bool gyre__fields_have(const gyre__fields *fields, gyre_view name, gyre_view item)
{
    size_t at = 0;
    gyre_view list;
    while (gyre__fields_next(fields, name, &at, &list)) {
        gyre_view found;
        while (gyre__list_next(&list, &found))
            if (gyre_view_equal_nocase(found, item)) return true;
    }
    return false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

// The length of the text up to the first comma outside a quoted string.
static size_t item_length(gyre_view text)
{
    bool quoted = false;
    size_t len = 0;
    for (; len < text.len; len++) {
        char byte = text.ptr[len];
        if (byte == ',' && !quoted) break;
        if (byte == '"') quoted = !quoted;
        if (byte == '\\' && quoted && len + 1 < text.len) len++; // the next byte means itself
    }
    return len;
}

bool gyre__list_next(gyre_view *rest, gyre_view *item)
{
    while (rest->len > 0) {
        gyre_view found = {rest->ptr, item_length(*rest)};
        size_t used = found.len < rest->len ? found.len + 1 : found.len;
        rest->ptr += used;
        rest->len -= used;
        for (; found.len > 0 && is_blank(found.ptr[0]); found.len--) found.ptr++;
        while (found.len > 0 && is_blank(found.ptr[found.len - 1])) found.len--;
        if (found.len == 0) continue;
        *item = found;
        return true;
    }
    return false;
}

bool gyre__is_token(gyre_view text)
{
    return text.len > 0 && gyre__bytes_are(text, GYRE__BYTE_TOKEN);
}

bool gyre__is_field_value(gyre_view text)
{
    if (text.len == 0) return true;
    if (is_blank(text.ptr[0]) || is_blank(text.ptr[text.len - 1])) return false;
    return gyre__bytes_are(text, GYRE__BYTE_VALUE);
}

bool gyre__is_target(gyre_view text)
{
    return text.len > 0 && gyre__bytes_are(text, GYRE__BYTE_TARGET);
}

bool gyre__is_reason(gyre_view text)
{
    return gyre__bytes_are(text, GYRE__BYTE_VALUE);
}

bool gyre__is_framing_name(gyre_view name)
{
    return gyre_view_equal_nocase(name, GYRE_VIEW("content-length")) ||
           gyre_view_equal_nocase(name, GYRE_VIEW("transfer-encoding"));
}
