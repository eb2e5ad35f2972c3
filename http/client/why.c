// The details of a fetch's errors. A text names the thing, the peer and the number, on one line.

#include "http/client/impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gyre__fetch_fail(gyre__fetch *fetch, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gyre__loop_set_why(fetch->client->loop, err, gyre__vformat(fetch->client->alloc, format, args));
    va_end(args);
    return err;
}

int gyre__response_fail(gyre__fetch *fetch, int err, const char *what)
{
    char peer[GYRE_ADDRESS_TEXT];
    gyre_address_text(&fetch->conn->address, peer, sizeof peer);
    return gyre__fetch_fail(fetch, err, "response of %s: %s", peer, what);
}

int gyre__fetch_failed(gyre__fetch *fetch, int err, gyre_view url)
{
    char text[GYRE__QUOTE];
    if (*gyre_why_last(fetch->client->loop)) return err;
    return gyre__fetch_fail(fetch, err, "fetch %s: %s", gyre__quote_url(text, url),
                            gyre_strerror(err));
}

const char *gyre__quote(char to[GYRE__QUOTE], gyre_view text)
{
    enum { MOST = GYRE__QUOTE - 6 }; // two quotes, three dots, the end
    size_t len = text.len < MOST ? text.len : MOST;
    char *at = to;
    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        bool prints = text.ptr[i] >= ' ' && text.ptr[i] <= '~';
        *at++ = prints ? text.ptr[i] : '?';
    }
    strcpy(at, text.len > len ? "...\"" : "\"");
    return to;
}

const char *gyre__quote_url(char to[GYRE__QUOTE], gyre_view url)
{
    size_t at = url.len, scheme = 0;
    while (at > 0 && url.ptr[at - 1] != '@') at--;
    if (at == 0) return gyre__quote(to, url);
    const char *slashes = memmem(url.ptr, at, "//", 2);
    if (slashes) scheme = (size_t)(slashes - url.ptr) + 2;
    char masked[2 * GYRE__QUOTE];
    snprintf(masked, sizeof masked, "%.*s***@%.*s", (int)scheme, url.ptr, (int)(url.len - at),
             url.ptr + at);
    return gyre__quote(to, gyre_view_of(masked));
}

const char *gyre__limit_passed(const gyre__fetch *fetch, gyre_duration limit, char to[GYRE__LIMIT])
{
    bool whole = gyre_now(fetch->client->loop) >= fetch->deadline;
    return gyre__limit_text(to, GYRE__LIMIT, whole ? fetch->order.limits.timeout : limit);
}
