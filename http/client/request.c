// Writing a request: one serialiser, one writev.
//
// Design notes. All parts were validated when the order was taken (order.c) or parsed (url.c). The
// head is laid out in a buffer on the coroutine's stack, or in the fetch's arena when it is larger;
// it leaves together with the body. While the kernel is full, a response that is already coming
// interrupts the sending. After an interim one (100, 103) it goes on; after a final one it does
// not: the server has decided without the rest (a 413, say), and the connection is not used again.

#include "http/client/impl.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_ON_STACK = 2048 };

// A place that text is appended to; `len` goes on counting past the end, and so tells what it
// takes.
struct head {
    char *ptr;
    size_t cap;
    size_t len;
};

static void put(struct head *head, gyre_view text)
{
    if (head->len + text.len <= head->cap) memcpy(head->ptr + head->len, text.ptr, text.len);
    head->len += text.len;
}

static void put_field(struct head *head, gyre_view name, gyre_view value)
{
    put(head, name);
    put(head, GYRE_VIEW(": "));
    put(head, value);
    put(head, GYRE_VIEW("\r\n"));
}

static const gyre_field *own_field(const gyre__order *order, gyre_view name)
{
    for (size_t i = 0; i < order->field_count; i++)
        if (gyre_view_equal_nocase(order->fields[i].name, name)) return &order->fields[i];
    return NULL;
}

// Host comes first and once (RFC 9112 section 3.2); the user's own replaces it, on the first
// origin.
static void put_host(struct head *head, const gyre__fetch *fetch)
{
    const gyre_field *own = own_field(&fetch->order, GYRE_VIEW("Host"));
    put_field(head, GYRE_VIEW("Host"), own ? own->value : fetch->url.authority);
}

static void put_own_fields(struct head *head, const gyre__order *order)
{
    for (size_t i = 0; i < order->field_count; i++)
        if (!gyre_view_equal_nocase(order->fields[i].name, GYRE_VIEW("Host")))
            put_field(head, order->fields[i].name, order->fields[i].value);
}

static void lay_out(struct head *head, const gyre__fetch *fetch)
{
    const gyre__order *order = &fetch->order;
    const char *agent = fetch->client->opts.user_agent;
    head->len = 0;
    put(head, order->method);
    put(head, GYRE_VIEW(" "));
    put(head, fetch->url.target);
    put(head, GYRE_VIEW(" HTTP/1.1\r\n"));
    put_host(head, fetch);
    if (*agent && !own_field(order, GYRE_VIEW("User-Agent")))
        put_field(head, GYRE_VIEW("User-Agent"), gyre_view_of(agent));
    if (!own_field(order, GYRE_VIEW("Accept")))
        put_field(head, GYRE_VIEW("Accept"), GYRE_VIEW("*/*"));
    put_own_fields(head, order);
    if (order->has_body) {
        char length[24];
        int len = snprintf(length, sizeof length, "%zu", order->body.len);
        put_field(head, GYRE_VIEW("Content-Length"), (gyre_view){length, (size_t)len});
    }
    put(head, GYRE_VIEW("\r\n"));
}

static int send_phase(gyre__fetch *fetch, int err, size_t sent, size_t all)
{
    if (err == 0 || err == GYRE_ECANCELED || err == -ENOMEM) return err;
    char peer[GYRE_ADDRESS_TEXT], limit[GYRE__LIMIT];
    gyre_address_text(&fetch->conn->address, peer, sizeof peer);
    if (err == GYRE_ETIMEDOUT)
        return gyre__fetch_fail(fetch, GYRE_ETIMEDOUT_SEND,
                                "send to %s: %zu of %zu bytes within %s", peer, sent, all,
                                gyre__limit_passed(fetch, GYRE_FOREVER, limit));
    return gyre__fetch_fail(fetch, GYRE_ECLOSED_SEND, "send to %s: %s after %zu of %zu bytes", peer,
                            gyre_strerror(err), sent, all);
}

// Sends `head` and the body that has not left.
static int send_pieces(gyre__fetch *fetch, gyre_view head)
{
    gyre_view *unsent = &fetch->unsent;
    const gyre_view pieces[] = {head, *unsent};
    gyre__send send = {.pieces = pieces,
                       .count = unsent->len > 0 ? 2 : 1,
                       .deadline = fetch->deadline,
                       .stop_on_read = true};
    int err = gyre__stream_send(fetch->conn->stream, &send);
    size_t all = head.len + fetch->order.body.len, before = all - head.len - unsent->len;
    fetch->sent_all = !err && !send.stopped;
    if (send.sent < head.len) {
        *unsent = (gyre_view){NULL, 0}; // a head that was cut cannot be gone on with
    } else if (send.sent > head.len) {
        unsent->ptr += send.sent - head.len;
        unsent->len -= send.sent - head.len;
    }
    return send_phase(fetch, err, before + send.sent, all);
}

static bool says_close(const gyre__order *order)
{
    for (size_t i = 0; i < order->field_count; i++) {
        gyre_view list = order->fields[i].value, item;
        if (!gyre_view_equal_nocase(order->fields[i].name, GYRE_VIEW("Connection"))) continue;
        while (gyre__list_next(&list, &item))
            if (gyre_view_equal_nocase(item, GYRE_VIEW("close"))) return true;
    }
    return false;
}

int gyre__request_send(gyre__fetch *fetch)
{
    char space[HEAD_ON_STACK];
    struct head head = {space, sizeof space, 0};
    fetch->unsent = fetch->order.body;
    lay_out(&head, fetch);
    if (head.len > head.cap) {
        head.cap = head.len;
        head.ptr = gyre__arena_alloc(&fetch->arena, head.cap);
        if (!head.ptr) return -ENOMEM;
        lay_out(&head, fetch);
    }
    fetch->closes = says_close(&fetch->order);
    return send_pieces(fetch, (gyre_view){head.ptr, head.len});
}

int gyre__request_go_on(gyre__fetch *fetch)
{
    return fetch->unsent.len > 0 ? send_pieces(fetch, (gyre_view){NULL, 0}) : 0;
}
