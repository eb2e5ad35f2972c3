// Comparing views. An empty view may have a NULL pointer, which memcmp(3) must not see.
#include "base/base.h"

#include <string.h>

gyre_view gyre_view_of(const char *text)
{
    gyre_view view = {text, text ? strlen(text) : 0};
    return view;
}

bool gyre_view_equal(gyre_view a, gyre_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Not tolower(3): that asks the locale, and the protocols mean ASCII.
static unsigned char ascii_lower(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool gyre_view_equal_nocase(gyre_view a, gyre_view b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) return false;
    }
    return true;
}
