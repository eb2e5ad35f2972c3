// Clients: opening, defaults, closing.
//
// Design notes. Closing cancels every fetch; each unwinds in its own coroutine, so the client's
// memory goes with the last of them, on a later task.

#include "http/client/impl.h"

#include <string.h>

// ---- Opening -------------------------------------------------------------------------------

static int check(const gyre_client_opts *o)
{
    if (o->max_requests < 0 || o->max_per_origin < 0 || o->idle < GYRE_NONE) return -EINVAL;
    if (o->connect.timeout < 0 || o->connect.attempt_delay < GYRE_NONE) return -EINVAL;
    return gyre__stream_check_opts(&o->connect.stream);
}

// The client's own copies of the texts in its options.
static int copy_texts(gyre_client *client)
{
    const char **texts[] = {&client->opts.user_agent, &client->opts.connect.source,
                            &client->opts.connect.resolve.servers};
    int err = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!*texts[i]) continue;
        *texts[i] = err ? NULL : gyre__copy_text(client->alloc, gyre_view_of(*texts[i]));
        if (!*texts[i]) err = -ENOMEM;
    }
    return err;
}

static void free_texts(gyre_client *client)
{
    gyre__free(client->alloc, (void *)(uintptr_t)client->opts.user_agent);
    gyre__free(client->alloc, (void *)(uintptr_t)client->opts.connect.source);
    gyre__free(client->alloc, (void *)(uintptr_t)client->opts.connect.resolve.servers);
}

static int init(gyre_client *client, gyre_loop *loop, const gyre_client_opts *opts)
{
    client->loop = loop;
    client->alloc = gyre__loop_allocator(loop);
    gyre__list_init(&client->ring);
    gyre__list_init(&client->fetches);
    if (opts) client->opts = *opts;
    if (!client->opts.max_requests) client->opts.max_requests = 100;
    if (!client->opts.max_per_origin) client->opts.max_per_origin = 10;
    if (!client->opts.connect.timeout) client->opts.connect.timeout = GYRE_SECONDS(10);
    if (!client->opts.user_agent) client->opts.user_agent = "gyre/0.1";
    int err = copy_texts(client);
    if (err) return err;
    if (client->opts.user_agent && !gyre__is_field_value(gyre_view_of(client->opts.user_agent)))
        return -EINVAL;
    client->answers = gyre__answers_open(client->alloc);
    return client->answers ? 0 : -ENOMEM;
}

int gyre_client_open(gyre_client **out, gyre_loop *loop, const gyre_client_opts *opts)
{
    gyre__http *http;
    int err = gyre__http_open(&http, loop);
    if (!err && opts) err = check(opts);
    if (err) return err;
    gyre_client *client = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *client);
    if (!client) return -ENOMEM;
    err = init(client, loop, opts);
    if (err) {
        free_texts(client);
        gyre__free(client->alloc, client);
        return err;
    }
    gyre__list_append(&http->clients, &client->link);
    *out = client;
    return 0;
}

gyre_response_future gyre_get(gyre_loop *loop, const char *url)
{
    gyre__http *http;
    int err = gyre__http_open(&http, loop);
    if (!err && !http->default_client) err = gyre_client_open(&http->default_client, loop, NULL);
    if (err)
        return GYRE__MAKE(gyre_response_future,
                          gyre__future_failed(loop, &gyre_response_type, err, NULL));
    return gyre_fetch(http->default_client, url, NULL);
}

// ---- Closing -------------------------------------------------------------------------------

static void free_client(gyre_client *client)
{
    gyre_task_stop(&client->task);
    gyre__list_remove(&client->link);
    for (gyre__fetch *next, *fetch = client->free_fetches; fetch; fetch = next) {
        next = (gyre__fetch *)(void *)fetch->link.next;
        gyre__arena_free(&fetch->arena);
        gyre__free(client->alloc, fetch);
    }
    gyre__peers_close(client);
    gyre__answers_close(client->answers);
    gyre__free(client->alloc, client->peers);
    free_texts(client);
    gyre__free(client->alloc, client);
}

static void on_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    free_client(GYRE_CONTAINER_OF(task, gyre_client, task));
}

void gyre__client_maybe_free(gyre_client *client)
{
    if (!client->closed || !gyre__list_is_empty(&client->fetches)) return;
    client->task.fn = on_task;
    gyre_soon(client->loop, &client->task);
}

// Cancelling runs nothing of a fetch, so the list stays as it is meanwhile.
static void cancel_fetches(gyre_client *client)
{
    for (gyre__node *node = client->fetches.next; node != &client->fetches; node = node->next)
        gyre__coro_cancel(GYRE_CONTAINER_OF(node, gyre__fetch, link)->self);
}

void gyre_client_close(gyre_client *client)
{
    if (!client || client->closed) return;
    client->closed = true;
    gyre__http *http;
    if (gyre__http_open(&http, client->loop) == 0 && http->default_client == client)
        http->default_client = NULL;
    cancel_fetches(client);
    gyre__peers_close(client);
    gyre__client_maybe_free(client);
}

void gyre__clients_cancel(gyre__http *http)
{
    for (gyre__node *node = http->clients.next; node != &http->clients; node = node->next)
        gyre_client_close(GYRE_CONTAINER_OF(node, gyre_client, link));
}

bool gyre__clients_are_live(gyre__http *http)
{
    for (gyre__node *node = http->clients.next; node != &http->clients; node = node->next)
        if (!gyre__list_is_empty(&GYRE_CONTAINER_OF(node, gyre_client, link)->fetches)) return true;
    return false;
}

void gyre__clients_destroy(gyre__http *http)
{
    while (!gyre__list_is_empty(&http->clients))
        free_client(GYRE_CONTAINER_OF(http->clients.next, gyre_client, link));
}
