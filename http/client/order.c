// What was asked for: checked and copied before the first wait.
//
// Design notes. Everything that will be written to the wire is validated here, by the same
// validators that the parsers use, and refused if it does not pass; nothing is repaired. Later
// parts only concatenate.

#include "http/client/impl.h"

#include <string.h>

static int take_limit(gyre_duration *limit, gyre_duration otherwise)
{
    if (*limit < GYRE_NONE) return -EINVAL;
    if (*limit == 0) *limit = otherwise;
    if (*limit == GYRE_NONE) *limit = 0;
    return 0;
}

static int take_limits(gyre__fetch *fetch)
{
    gyre_fetch_opts *limits = &fetch->order.limits;
    gyre_duration connect = fetch->client->opts.connect.timeout;
    int err = take_limit(&limits->timeout, GYRE_SECONDS(30));
    if (!err) err = take_limit(&limits->queue_timeout, GYRE_FOREVER);
    if (!err) err = take_limit(&limits->connect_timeout, connect);
    if (!err) err = take_limit(&limits->first_byte_timeout, GYRE_FOREVER);
    if (!err) err = take_limit(&limits->between_bytes_timeout, GYRE_FOREVER);
    if (!err) err = take_limit(&limits->max_body, INT64_C(100) << 20);
    if (limits->max_redirects < GYRE_NONE) err = -EINVAL;
    if (limits->max_redirects == 0) limits->max_redirects = 5;
    if (err) return gyre__fetch_fail(fetch, err, "gyre_fetch: an option is out of range");
    fetch->deadline = limits->timeout > GYRE_FOREVER - fetch->began
                          ? GYRE_FOREVER
                          : fetch->began + limits->timeout;
    return 0;
}

static int take_url(gyre__fetch *fetch, const char *text)
{
    gyre_view url = gyre_view_of(text);
    size_t cap = GYRE_URL_ROOM(url.len < GYRE_URL_MAX ? url.len : GYRE_URL_MAX);
    gyre_url_room room = {gyre__arena_alloc(&fetch->arena, cap), cap};
    if (!room.ptr) return -ENOMEM;
    const char *why = NULL;
    int err = gyre_url_parse(&fetch->url, url, room, &why);
    if (!err && !gyre_view_equal(fetch->url.scheme, GYRE_VIEW("http")))
        why = "https is not built in";
    if (!why) return err;
    char quote[GYRE__QUOTE];
    return gyre__fetch_fail(fetch, GYRE_EURL, "URL %s: %s", gyre__quote_url(quote, url), why);
}

static bool needs_length(gyre_view method)
{
    return gyre_view_equal(method, GYRE_VIEW("POST")) ||
           gyre_view_equal(method, GYRE_VIEW("PUT")) || gyre_view_equal(method, GYRE_VIEW("PATCH"));
}

static int take_method(gyre__fetch *fetch, const gyre_fetch_opts *opts)
{
    const char *given = opts->method;
    if (!given) given = opts->body.len > 0 ? "POST" : "GET";
    gyre_view method = gyre_view_of(given);
    char quote[GYRE__QUOTE];
    if (!gyre__is_token(method))
        return gyre__fetch_fail(fetch, GYRE_EREQUEST, "method %s is not a token",
                                gyre__quote(quote, method));
    if (gyre_view_equal(method, GYRE_VIEW("CONNECT")))
        return gyre__fetch_fail(fetch, GYRE_EREQUEST, "method \"CONNECT\" is for proxies");
    fetch->order.method = gyre__arena_copy(&fetch->arena, method);
    fetch->order.body = opts->body;
    fetch->order.has_body = opts->body.len > 0 || needs_length(method);
    return fetch->order.method.ptr ? 0 : -ENOMEM;
}

// Says which byte it is, never the value: it may be a secret.
static int refuse_value(gyre__fetch *fetch, gyre_field field)
{
    size_t at = 0;
    while (at < field.value.len && gyre__is_reason((gyre_view){field.value.ptr + at, 1})) at++;
    if (at == field.value.len)
        return gyre__fetch_fail(fetch, GYRE_EREQUEST,
                                "value of field %.*s cannot be sent: a blank at its end",
                                GYRE_FMT(field.name));
    return gyre__fetch_fail(fetch, GYRE_EREQUEST,
                            "value of field %.*s cannot be sent: byte %zu is 0x%02x",
                            GYRE_FMT(field.name), at, (unsigned char)field.value.ptr[at]);
}

static int check_field(gyre__fetch *fetch, gyre_field field)
{
    char quote[GYRE__QUOTE];
    if (!gyre__is_token(field.name))
        return gyre__fetch_fail(fetch, GYRE_EREQUEST, "field name %s is not a token",
                                gyre__quote(quote, field.name));
    if (!gyre__is_field_value(field.value)) return refuse_value(fetch, field);
    if (gyre__is_framing_name(field.name))
        return gyre__fetch_fail(fetch, GYRE_EREQUEST, "field %.*s is the library's to write",
                                GYRE_FMT(field.name));
    return 0;
}

static int take_fields(gyre__fetch *fetch, const gyre_fetch_opts *opts)
{
    if (opts->field_count == 0) return 0;
    if (opts->field_count > 1024)
        return gyre__fetch_fail(fetch, GYRE_EREQUEST, "%zu fields, at most 1024",
                                opts->field_count);
    gyre_field *copies = gyre__arena_alloc(&fetch->arena, opts->field_count * sizeof *copies);
    if (!copies) return -ENOMEM;
    for (size_t i = 0; i < opts->field_count; i++) {
        int err = check_field(fetch, opts->fields[i]);
        if (err) return err;
        copies[i].name = gyre__arena_copy(&fetch->arena, opts->fields[i].name);
        copies[i].value = gyre__arena_copy(&fetch->arena, opts->fields[i].value);
        if (!copies[i].name.ptr || !copies[i].value.ptr) return -ENOMEM;
    }
    fetch->order.fields = copies;
    fetch->order.field_count = opts->field_count;
    return 0;
}

int gyre__order_take(gyre__fetch *fetch, const char *url, const gyre_fetch_opts *opts)
{
    static const gyre_fetch_opts defaults;
    if (!opts) opts = &defaults;
    fetch->order.limits = *opts;
    int err = take_limits(fetch);
    if (!err) err = take_url(fetch, url);
    if (!err) err = take_method(fetch, opts);
    if (!err) err = take_fields(fetch, opts);
    return err;
}
