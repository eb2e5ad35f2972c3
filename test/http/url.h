// What every test of URLs asks of a result.
#ifndef TEST_HTTP_URL_H
#define TEST_HTTP_URL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "http/url.h"
#include "test/http/split.h"

// "text name port [rooted] [#fragment] [user=…] [password=…]" of a parsed URL.
static inline const char *url_describe(const gyre_url *url)
{
    static char buffer[4 * GYRE_URL_MAX];
    char *at = buffer, *end = buffer + sizeof buffer;
    at += snprintf(at, (size_t)(end - at), "%.*s %.*s %u", GYRE_FMT(url->text), GYRE_FMT(url->name),
                   url->port);
    if (url->rooted) at += snprintf(at, (size_t)(end - at), " rooted");
    if (url->fragment.ptr)
        at += snprintf(at, (size_t)(end - at), " #%.*s", GYRE_FMT(url->fragment));
    if (url->user.ptr) at += snprintf(at, (size_t)(end - at), " user=%.*s", GYRE_FMT(url->user));
    if (url->password.ptr)
        snprintf(at, (size_t)(end - at), " password=%.*s", GYRE_FMT(url->password));
    return buffer;
}

// The parts must be where the text says they are, in its order.
static inline void url_check_parts(const gyre_url *url)
{
    const char *end = url->text.ptr + url->text.len;
    assert_ptr_equal(url->text.ptr, url->scheme.ptr);
    assert_memory_equal(url->scheme.ptr + url->scheme.len, "://", 3);
    assert_ptr_equal(url->authority.ptr, url->scheme.ptr + url->scheme.len + 3);
    assert_ptr_equal(url->host.ptr, url->authority.ptr);
    assert_true(url->host.len <= url->authority.len);
    bool literal = url->kind == GYRE_HOST_IPV6;
    assert_int_equal(url->name.len, url->host.len - (literal ? 2 : 0));
    assert_ptr_equal(url->target.ptr, url->authority.ptr + url->authority.len);
    assert_ptr_equal(url->target.ptr + url->target.len, end);
    assert_ptr_equal(url->path.ptr, url->target.ptr);
    assert_true(url->path.len > 0 && url->path.ptr[0] == '/');
    if (url->query.ptr)
        assert_ptr_equal(url->query.ptr + url->query.len, end);
    else
        assert_int_equal(url->path.len, url->target.len);
    if (url->fragment.ptr)
        assert_ptr_equal(url->fragment.ptr, end + 1);
    else
        assert_int_equal(*end, '\0');
}

#endif
