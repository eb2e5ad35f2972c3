// Servers: opening, options, accepting, closing.
//
// Design notes. A server's struct lives until its last connection is gone: closing it only stops
// the listener and the idle connections, and lets the rest end. Its memory goes on a task that
// finds no connection left, and the same task settles the future of gyre_server_close.
//
// What comes and goes with requests (their structs, those of connections, the blocks that answers
// are written into) is kept in free lists, so that serving allocates nothing once it is warm.

#include "http/server/impl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// ---- Free lists ----------------------------------------------------------------------------

// Debug builds keep nothing, so that a use after free meets an address that is really free.
static const unsigned pooled_most = GYRE_DEBUG ? 0 : 1024;

void *gyre__pool_take(gyre_server *server, gyre__pool *pool, size_t size)
{
    void *item = pool->free;
    if (!item) return gyre__alloc(server->alloc, size);
    memcpy(&pool->free, item, sizeof pool->free);
    pool->count--;
    return item;
}

bool gyre__pool_has_room(const gyre__pool *pool)
{
    return pool->count < pooled_most;
}

void gyre__pool_give(gyre_server *server, gyre__pool *pool, void *item)
{
    if (!gyre__pool_has_room(pool)) {
        gyre__free(server->alloc, item);
        return;
    }
    memcpy(item, &pool->free, sizeof pool->free);
    pool->free = item;
    pool->count++;
}

static void empty_pool(gyre_server *server, gyre__pool *pool)
{
    for (void *next, *item = pool->free; item; item = next) {
        memcpy(&next, item, sizeof next);
        gyre__free(server->alloc, item);
    }
}

// ---- Time ----------------------------------------------------------------------------------

gyre_time gyre__after(const gyre_loop *loop, gyre_duration delay)
{
    gyre_time now = gyre_now(loop);
    return delay > GYRE_FOREVER - now ? GYRE_FOREVER : now + delay;
}

static void put_two(char *to, int number)
{
    to[0] = (char)('0' + number / 10 % 10);
    to[1] = (char)('0' + number % 10);
}

// The date of a day counted from 1970-01-01, which is not negative. Years begin in March here, so
// that the odd day comes last.
static void split_day(int64_t day, int *year, int *month, int *of_month)
{
    day += 719468; // since 0000-03-01
    int64_t era = day / 146097, of_era = day % 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    *of_month = (int)(of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 2 : march_month - 10); // 0: January
    *year = (int)(era * 400 + years + (*month < 2));
}

// strftime(3) would follow the locale, and gmtime_r(3) reads the file of the time zone.
static void write_date(gyre_server *server, int64_t at)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char pattern[] = "Date: Sun, 00 Jan 0000 00:00:00 GMT\r\n";
    int year, month, of_month, second = (int)(at % 86400);
    char *date = server->date;
    server->date_at = at;
    split_day(at / 86400, &year, &month, &of_month);
    memcpy(date, pattern, sizeof pattern);
    memcpy(date + 6, days + (at / 86400 + 4) % 7 * 3, 3); // the first day was a Thursday
    put_two(date + 11, of_month);
    memcpy(date + 14, months + (ptrdiff_t)month * 3, 3);
    put_two(date + 18, year / 100);
    put_two(date + 20, year % 100);
    put_two(date + 23, second / 3600);
    put_two(date + 26, second / 60 % 60);
    put_two(date + 29, second % 60);
    server->date_len = sizeof pattern - 1;
}

gyre_view gyre__server_date(gyre_server *server)
{
    time_t now = time(NULL);
    if (now != server->date_at && now >= 0) write_date(server, now);
    return (gyre_view){server->date, server->date_len};
}

// ---- Opening -------------------------------------------------------------------------------

static void on_accepted(gyre__acceptor *acceptor, gyre_stream *stream)
{
    gyre_server *server = GYRE_CONTAINER_OF(acceptor, gyre_server, acceptor);
    server->counts.connections++;
    gyre__connection_open(server, stream);
}

// 0, or -EINVAL for an option out of range.
static int check(const gyre_server_opts *o)
{
    if (!o || !o->routes || o->max_body < GYRE_NONE || o->idle_timeout < GYRE_NONE) return -EINVAL;
    return o->head_timeout < 0 || o->body_timeout < 0 ? -EINVAL : 0;
}

static void fill_in(gyre_server_opts *o)
{
    if (!o->address) o->address = "127.0.0.1:0";
    if (o->max_body == 0) o->max_body = 1 << 20;
    if (o->max_body == GYRE_NONE) o->max_body = 0;
    if (!o->head_timeout) o->head_timeout = GYRE_SECONDS(10);
    if (!o->idle_timeout) o->idle_timeout = GYRE_SECONDS(75);
    if (!o->body_timeout) o->body_timeout = GYRE_SECONDS(60);
}

static int start(gyre_server *server)
{
    int err =
        gyre_listen(&server->listener, server->loop, server->opts.address, &server->opts.listen);
    if (err) return err;
    server->address = gyre_listener_address(server->listener);
    server->opts.address = NULL; // the caller's text
    server->acceptor.accepted = on_accepted;
    return gyre__listener_serve(server->listener, &server->acceptor);
}

int gyre_server_open(gyre_server **out, gyre_loop *loop, const gyre_server_opts *opts)
{
    gyre__http *http;
    int err = check(opts);
    if (!err) err = gyre__http_open(&http, loop);
    if (err) return err;
    gyre_server *server = gyre__alloc_zero(gyre__loop_allocator(loop), sizeof *server);
    if (!server) return -ENOMEM;
    server->loop = loop;
    server->alloc = gyre__loop_allocator(loop);
    server->opts = *opts;
    fill_in(&server->opts);
    gyre__list_init(&server->connections);
    server->date_at = -1;
    err = start(server);
    if (err) {
        gyre__free(server->alloc, server);
        return err;
    }
    gyre__list_append(&http->servers, &server->link);
    *out = server;
    return 0;
}

gyre_address gyre_server_address(const gyre_server *server)
{
    return server->address;
}

gyre_server_counts gyre_server_count(const gyre_server *server)
{
    return server->counts;
}

// ---- Closing -------------------------------------------------------------------------------

static gyre__connection *first_connection(gyre_server *server)
{
    gyre__node *node = server->connections.next;
    return node == &server->connections ? NULL : GYRE_CONTAINER_OF(node, gyre__connection, link);
}

static void settle(gyre_server *server, int err)
{
    gyre_future *future = server->closed;
    server->closed = NULL;
    if (future) gyre__future_settle(future, err, NULL, NULL);
}

static void free_server(gyre_server *server)
{
    gyre_timer_stop(&server->drain);
    gyre_task_stop(&server->task);
    settle(server, 0);
    empty_pool(server, &server->free_connections);
    gyre__requests_free(server);
    empty_pool(server, &server->free_outs);
    gyre__list_remove(&server->link);
    gyre__free(server->alloc, server);
}

static void on_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre_server *server = GYRE_CONTAINER_OF(task, gyre_server, task);
    if (gyre__list_is_empty(&server->connections)) free_server(server);
}

void gyre__server_forget(gyre_server *server, gyre__connection *connection)
{
    gyre__list_remove(&connection->link);
    server->counts.open--;
    if (server->closing) gyre_soon(server->loop, &server->task);
}

// Neither runs anything of a request, so the list stays as it is meanwhile.
static void abort_all(gyre_server *server)
{
    for (gyre__node *node = server->connections.next; node != &server->connections;
         node = node->next)
        gyre__connection_abort(GYRE_CONTAINER_OF(node, gyre__connection, link));
}

static void close_idle(gyre_server *server)
{
    for (gyre__node *node = server->connections.next; node != &server->connections;
         node = node->next) {
        gyre__connection *connection = GYRE_CONTAINER_OF(node, gyre__connection, link);
        if (!connection->request) gyre__connection_close(connection);
    }
}

static void on_drain_over(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    abort_all(GYRE_CONTAINER_OF(timer, gyre_server, drain));
}

static void shut(gyre_server *server)
{
    if (server->closing) return;
    server->closing = true;
    server->task.fn = on_task;
    gyre_listener_close(server->listener);
    server->listener = NULL;
    gyre_soon(server->loop, &server->task);
}

// The consumer waits no longer, so there is no reason to drain either.
static void cancel_close(gyre_future *future, void *op)
{
    gyre_server *server = *(gyre_server **)op;
    (void)future;
    gyre_timer_stop(&server->drain);
    abort_all(server);
    settle(server, GYRE_ECANCELED);
}

static void describe_close(void *op, char *text, size_t size)
{
    const gyre_server *server = *(gyre_server **)op;
    snprintf(text, size, "drains %zu connections", (size_t)server->counts.open);
}

gyre_void_future gyre_server_close(gyre_server *server, gyre_duration drain)
{
    static const gyre__future_ops ops = {.cancel = cancel_close, .describe = describe_close};
    // Also for a cancelled coroutine: what is closed must be closed.
    gyre_future *future =
        gyre__future_open_always(server->loop, &gyre_void_type, &ops, sizeof(gyre_server *));
    if (gyre__future_is_pending(future)) {
        *(gyre_server **)gyre__future_op(future) = server;
        server->closed = future;
    }
    shut(server);
    if (drain <= 0) {
        abort_all(server);
    } else {
        close_idle(server);
        gyre_timer_start(server->loop, &server->drain, drain, on_drain_over);
    }
    return GYRE__MAKE(gyre_void_future, future);
}

// ---- With the loop -------------------------------------------------------------------------

void gyre__servers_cancel(gyre__http *http)
{
    for (gyre__node *node = http->servers.next; node != &http->servers; node = node->next) {
        gyre_server *server = GYRE_CONTAINER_OF(node, gyre_server, link);
        shut(server);
        abort_all(server);
    }
}

bool gyre__servers_are_live(gyre__http *http)
{
    return !gyre__list_is_empty(&http->servers);
}

void gyre__servers_destroy(gyre__http *http)
{
    while (!gyre__list_is_empty(&http->servers)) {
        gyre_server *server = GYRE_CONTAINER_OF(http->servers.next, gyre_server, link);
        for (gyre__connection *connection; (connection = first_connection(server));)
            gyre__connection_free(connection);
        free_server(server);
    }
}
