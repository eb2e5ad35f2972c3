// Following redirects (RFC 9110 section 15.4).
//
// Design notes. A redirect makes a new order out of the old one: the method and the body by the
// status, the credentials by the origin. What is dropped on the way to another origin stays
// dropped, also when a later hop leads back.

#include "http/client/impl.h"

#include <stdio.h>

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool same_origin(const gyre_url *a, const gyre_url *b)
{
    return a->port == b->port && gyre_view_equal(a->scheme, b->scheme) &&
           gyre_view_equal(a->name, b->name);
}

static bool is_private(gyre_view name)
{
    static const char *const names[] = {"Authorization", "Cookie", "Proxy-Authorization", "Host"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gyre_view_equal_nocase(name, gyre_view_of(names[i]))) return true;
    return false;
}

static bool describes_body(gyre_view name)
{
    static const char *const names[] = {"Content-Type", "Content-Encoding", "Content-Language",
                                        "Content-Location", "Expect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gyre_view_equal_nocase(name, gyre_view_of(names[i]))) return true;
    return false;
}

static void drop_fields(gyre__order *order, bool (*is_dropped)(gyre_view name))
{
    gyre_field *fields = (gyre_field *)(uintptr_t)order->fields; // our own copy
    size_t kept = 0;
    for (size_t i = 0; i < order->field_count; i++)
        if (!is_dropped(fields[i].name)) fields[kept++] = fields[i];
    order->field_count = kept;
}

static void drop_body(gyre__order *order)
{
    order->body = (gyre_view){NULL, 0};
    order->has_body = false;
    drop_fields(order, describes_body);
}

// 303 asks for another resource, whatever was sent; 301 and 302 turn only a POST into a GET.
static void change_method(gyre__order *order, int status)
{
    bool is_head = gyre_view_equal(order->method, GYRE_VIEW("HEAD"));
    bool is_post = gyre_view_equal(order->method, GYRE_VIEW("POST"));
    bool see_other = status == 303 || ((status == 301 || status == 302) && is_post);
    if (!see_other) return;
    if (!is_head) order->method = GYRE_VIEW("GET");
    drop_body(order);
}

static int refuse(gyre__fetch *fetch, int err, gyre_view location, const char *why)
{
    char peer[GYRE_ADDRESS_TEXT], quote[GYRE__QUOTE];
    gyre_address_text(&fetch->answer->response.peer, peer, sizeof peer);
    return gyre__fetch_fail(fetch, err, "%s redirects to %s: %s", peer,
                            gyre__quote_url(quote, location), why);
}

static int resolve(gyre__fetch *fetch, gyre_view location, gyre_url *next)
{
    size_t len = fetch->url.text.len + location.len;
    if (location.len > GYRE_URL_MAX)
        return refuse(fetch, GYRE_EREDIRECT, location, "URL is too long");
    gyre_url_room room = {gyre__arena_alloc(&fetch->arena, GYRE_URL_ROOM(len)), GYRE_URL_ROOM(len)};
    if (!room.ptr) return -ENOMEM;
    const char *why = NULL;
    if (gyre_url_resolve(next, &fetch->url, location, room, &why) != 0)
        return refuse(fetch, GYRE_EREDIRECT, location, why ? why : "URL is too long");
    if (!gyre_view_equal(next->scheme, GYRE_VIEW("http")))
        return refuse(fetch, GYRE_EREDIRECT, location, "https is not built in");
    return 0;
}

int gyre__redirect(gyre__fetch *fetch)
{
    const gyre_response *response = &fetch->answer->response;
    gyre_view location = gyre_header(response, "Location");
    int most = fetch->order.limits.max_redirects;
    if (!is_redirect(response->status) || !location.ptr || most == GYRE_NONE) return 0;
    if (fetch->hops == most) {
        char text[64];
        snprintf(text, sizeof text, "limit of %d redirects reached", most);
        return refuse(fetch, GYRE_EREDIRECTS, location, text);
    }
    gyre_url next = {0};
    int err = resolve(fetch, location, &next);
    if (err) return err;
    change_method(&fetch->order, response->status);
    if (!same_origin(&fetch->url, &next)) drop_fields(&fetch->order, is_private);
    fetch->url = next;
    return 1;
}
