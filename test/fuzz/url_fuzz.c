// URLs and references. Input: a base URL, a line feed, a reference.
//
// Whatever is accepted parses again to itself, holds nothing that could end a line or leave its
// part, and keeps userinfo and fragment out of what is sent.

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "http/headers_int.h"
#include "http/host_int.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const gyre_url *url)
{
    const char *end = url->text.ptr + url->text.len;
    assert(url->scheme.len == 4 || url->scheme.len == 5);
    assert(url->authority.ptr == url->scheme.ptr + url->scheme.len + 3);
    assert(url->target.ptr == url->authority.ptr + url->authority.len);
    assert(url->target.ptr + url->target.len == end);
    assert(url->target.ptr[0] == '/' && gyre__is_target(url->target));
    assert(gyre__is_field_value(url->authority) && url->authority.len > 0);
    assert(!memchr(url->authority.ptr, '@', url->authority.len));
    assert(!memchr(url->path.ptr, '\\', url->path.len));
    assert(url->port > 0 && url->name.len > 0 && url->name.len <= 253);
    assert(!url->user.ptr || strlen(url->user.ptr) == url->user.len);
    assert(!url->password.ptr || strlen(url->password.ptr) == url->password.len);
    gyre__authority authority;
    assert(!gyre__authority_parse(&authority, url->authority));
    assert(authority.kind == url->kind && authority.rooted == url->rooted);
}

// The sent text is a URL that means the same.
static void check_again(const gyre_url *url)
{
    static char storage[GYRE_URL_ROOM(GYRE_URL_MAX)];
    gyre_url again;
    int err = gyre_url_parse(&again, url->text, (gyre_url_room){storage, sizeof storage}, NULL);
    assert(!err && gyre_view_equal(again.text, url->text));
    assert(gyre_view_equal(again.name, url->name) && again.port == url->port);
    assert(!again.user.ptr && !again.fragment.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char one[GYRE_URL_ROOM(GYRE_URL_MAX)], two[GYRE_URL_ROOM(2 * GYRE_URL_MAX)];
    const char *text = (const char *)data;
    const char *line = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t len = line ? (size_t)(line - text) : size;
    gyre_url base, url;
    size_t room = len <= GYRE_URL_MAX ? GYRE_URL_ROOM(len) : 0;
    int err = gyre_url_parse(&base, (gyre_view){text, len}, (gyre_url_room){one, room}, NULL);
    assert(err == 0 || err == GYRE_EURL);
    if (err) return 0;
    check_parts(&base);
    check_again(&base);
    if (!line) return 0;
    gyre_view reference = {line + 1, size - len - 1};
    const char *why = NULL;
    err = gyre_url_resolve(&url, &base, reference, (gyre_url_room){two, sizeof two}, &why);
    assert(err == 0 || (err == GYRE_EURL && why));
    if (err) return 0;
    check_parts(&url);
    check_again(&url);
    return 0;
}
