// Connecting by RFC 8305: both families looked up at once, attempts started one after the other.
//
// Design notes. The state is plain: two look-ups, the attempts under way, the deadline, and `pace`,
// the timer that holds the next attempt back (50 ms for IPv6 addresses to come when IPv4 came
// first, then 250 ms from attempt to attempt). `advance` is called whenever one of them has changed
// and the pace allows it: it begins the next attempt, or ends when there is nothing left to wait
// for. Only `finish` calls the owner, after everything was stopped; nothing is touched afterwards.
//
// Addresses are not put into a list: the answers stay where they are, and the next one is taken
// from the family whose turn it is. So late answers find their place by themselves (section 5).

#include "net/connect_int.h"
#include "net/net_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { IPV6, IPV4, FAMILIES };

enum { TEXT_MAX = 1000 }; // bytes of details; a name may have hundreds of addresses

static const int families[FAMILIES] = {AF_INET6, AF_INET};
static const gyre_duration RESOLUTION_DELAY = GYRE_MS(50);

struct attempt {
    gyre__node link;
    gyre__connector *connector;
    gyre_stream *stream;
    gyre__reader reader; // attends to the stream until it is connected
    gyre_address peer;
};

static const gyre_allocator *allocator(const gyre__connector *c)
{
    return gyre__loop_allocator(c->loop);
}

// ---- Details -------------------------------------------------------------------------------

static const char *reason(int err)
{
    if (err == -ECONNREFUSED) return "refused";
    if (err == -ETIMEDOUT) return "timed out";
    return gyre_strerror(err);
}

static size_t known(const gyre__connector *c, int family)
{
    const gyre__dns_answer *answer = c->lookups[family].answer;
    return answer ? answer->count : 0;
}

static size_t known_in_all(const gyre__connector *c)
{
    return c->is_literal ? 1 : known(c, IPV6) + known(c, IPV4);
}

// Adds what became of one address: "connect to 127.0.0.1:81 (localhost): refused", later ones
// shorter.
static void note(gyre__connector *c, const gyre_address *address, const char *what)
{
    char text[GYRE_ADDRESS_TEXT];
    gyre_address_text(address, text, sizeof text);
    int err;
    if (gyre__buf_len(&c->text) > 0)
        err = gyre__buf_printf(&c->text, "; %s: %s", text, what);
    else if (c->is_literal)
        err = gyre__buf_printf(&c->text, "connect to %s: %s", text, what);
    else
        err = gyre__buf_printf(&c->text, "connect to %s (%s): %s", text, c->host, what);
    if (err) c->is_cut = true;
}

static void note_failure(gyre__connector *c, const gyre_address *address, int err)
{
    note(c, address, reason(err));
    if (err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM)
        c->resource_err = err;
    if (!c->attempt_err) c->attempt_err = err;
    if (c->attempt_err != err) c->attempt_err = GYRE_ECONNECT;
}

static char *why_not_connected(gyre__connector *c, int err)
{
    for (gyre__node *node = c->attempts.next; node != &c->attempts; node = node->next)
        note(c, &GYRE_CONTAINER_OF(node, struct attempt, link)->peer, "no answer");
    char count[64] = "", limit[64] = "", within[80] = "";
    if (!c->is_literal)
        snprintf(count, sizeof count, ", %zu of %zu addresses tried", c->tried, known_in_all(c));
    if (err == GYRE_ETIMEDOUT_CONNECT)
        snprintf(within, sizeof within, " within %s",
                 gyre__limit_text(limit, sizeof limit, c->limit));
    return gyre__format(allocator(c), "%.*s%s%s%s", GYRE_FMT(gyre__buf_view(&c->text)),
                        c->is_cut ? "; ..." : "", count, within);
}

static char *why(gyre__connector *c, int err, int status)
{
    char host[256];
    if (!c->host) return NULL; // no memory for it
    if (c->tried > 0) return why_not_connected(c, err);
    if (err == -EINVAL && !c->lookups[IPV4].done)
        return gyre__format(allocator(c), "connect to \"%s\": %s",
                            gyre__printable(host, sizeof host, c->host),
                            c->is_literal ? "not a path" : "an option is out of range");
    if (err == GYRE_ETIMEDOUT_RESOLVE && !status)
        return gyre__lookup_why_late(c->loop, c->host, c->resolve_limit);
    if (err == GYRE_ETIMEDOUT_CONNECT) // while it waited for the other family
        return gyre__format(allocator(c), "connect to %s: no time left to try", c->host);
    return gyre__lookup_why(c->loop, c->host, err, status);
}

// ---- The end -------------------------------------------------------------------------------

// Forgets an attempt; its stream stays.
static gyre_stream *end_attempt(struct attempt *attempt)
{
    gyre_stream *stream = attempt->stream;
    gyre__stream_unattend(stream, &attempt->reader);
    gyre__list_remove(&attempt->link);
    gyre__free(allocator(attempt->connector), attempt);
    return stream;
}

void gyre__connect_stop(gyre__connector *c)
{
    if (!c->loop) return;
    gyre_task_stop(&c->task);
    gyre_timer_stop(&c->deadline);
    gyre_timer_stop(&c->pace);
    for (int f = 0; f < FAMILIES; f++) gyre__lookup_stop(&c->lookups[f]);
    while (!gyre__list_is_empty(&c->attempts))
        gyre_stream_close(end_attempt(GYRE_CONTAINER_OF(c->attempts.next, struct attempt, link)));
    gyre__buf_release(&c->text);
    gyre__free(allocator(c), c->host);
    c->host = NULL;
    c->loop = NULL;
}

static void finish(gyre__connector *c, int err, int status)
{
    c->err = err;
    c->why = err ? why(c, err, status) : NULL;
    gyre__connect_stop(c);
    c->done(c);
}

static void win(gyre__connector *c, gyre_stream *stream, const gyre_address *peer)
{
    c->stream = stream;
    c->peer = *peer;
    c->connected = gyre_now(c->loop);
    finish(c, 0, 0);
}

// Nothing is left to wait for.
static void give_up(gyre__connector *c)
{
    int err = c->resource_err ? c->resource_err : c->attempt_err;
    int status = 0;
    if (!err) {
        for (int f = 0; f < FAMILIES; f++) {
            err = gyre__lookup_worse(err, c->lookups[f].err);
            if (err == c->lookups[f].err) status = c->lookups[f].status;
        }
    }
    finish(c, err, status);
}

// ---- Attempts ------------------------------------------------------------------------------

// Takes the next address of the family whose turn it is, else of the other.
static bool next_address(gyre__connector *c, gyre_address *out)
{
    if (c->is_literal) {
        *out = c->literal;
        return c->tried++ == 0;
    }
    int family = c->next[c->turn] < known(c, c->turn) ? c->turn : !c->turn;
    if (c->next[family] >= known(c, family)) return false;
    *out = gyre__dns_answer_address(c->lookups[family].answer, c->next[family]++, c->port);
    c->turn = !family;
    c->tried++;
    return true;
}

// A connect to a local port that nobody listens on may be given that very port as its own, and then
// meets itself (RFC 9293 section 3.5, simultaneous open).
static bool is_connected_to_itself(const gyre_stream *stream, const gyre_address *peer)
{
    if (peer->storage.ss_family == AF_UNIX) return false;
    gyre_address local = gyre_stream_local(stream);
    return local.len == peer->len && !memcmp(&local.storage, &peer->storage, peer->len);
}

static int prepare(const gyre__connector *c, int fd, const gyre_address *peer)
{
    // Without it small writes are slower; that is no reason to fail.
    if (!c->nagle && peer->storage.ss_family != AF_UNIX) gyre__socket_no_delay(fd);
    if (!c->source.len) return 0;
    const struct sockaddr *source = (const struct sockaddr *)&c->source.storage;
    return bind(fd, source, c->source.len) < 0 ? -errno : 0;
}

// 0 when connected at once, -EINPROGRESS, or why it failed; with a stream in the first two cases.
static int open_stream(const gyre__connector *c, const gyre_address *peer, gyre_stream **out)
{
    int fd = gyre__socket_open(peer->storage.ss_family);
    if (fd < 0) return fd;
    int connected = prepare(c, fd, peer);
    if (!connected) connected = gyre__socket_connect(fd, peer);
    bool is_unix = peer->storage.ss_family == AF_UNIX;
    const gyre__origin origin = {
        .fd = fd,
        .kind = is_unix ? GYRE__UNIX : GYRE__TCP,
        .peer = is_unix ? NULL : peer,
        .bits = connected ? 0 : GYRE_WRITABLE,
        .connecting = connected == -EINPROGRESS,
    };
    int err = connected && connected != -EINPROGRESS
                  ? connected
                  : gyre__stream_adopt(out, c->loop, &origin, &c->stream_opts);
    if (err) gyre__socket_close(fd);
    return err ? err : connected;
}

static void on_ready(gyre__reader *reader, gyre_stream *stream, int err);

static int await_stream(gyre__connector *c, const gyre_address *peer, gyre_stream *stream)
{
    struct attempt *attempt = gyre__alloc_zero(allocator(c), sizeof *attempt);
    if (!attempt) return -ENOMEM;
    *attempt =
        (struct attempt){.connector = c, .stream = stream, .reader.ready = on_ready, .peer = *peer};
    gyre__list_append(&c->attempts, &attempt->link);
    int err = gyre__stream_attend(stream, &attempt->reader);
    if (err) end_attempt(attempt);
    return err;
}

static void on_pace(gyre_loop *loop, gyre_timer *timer);

static void advance(gyre__connector *c)
{
    gyre_address peer;
    while (next_address(c, &peer)) {
        if (!c->resolved) c->resolved = gyre_now(c->loop);
        gyre_stream *stream = NULL;
        int err = open_stream(c, &peer, &stream);
        if (!err && is_connected_to_itself(stream, &peer)) err = -ECONNREFUSED;
        if (!err) {
            win(c, stream, &peer);
            return;
        }
        if (err == -EINPROGRESS) err = await_stream(c, &peer, stream);
        if (!err) {
            gyre_timer_start(c->loop, &c->pace, c->attempt_delay, on_pace);
            return;
        }
        gyre_stream_close(stream);
        note_failure(c, &peer, err);
    }
    if (gyre__list_is_empty(&c->attempts) && !c->open[IPV6] && !c->open[IPV4]) give_up(c);
}

static void on_pace(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    advance(GYRE_CONTAINER_OF(timer, gyre__connector, pace));
}

// An attempt has ended.
static void on_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    struct attempt *attempt = GYRE_CONTAINER_OF(reader, struct attempt, reader);
    gyre__connector *c = attempt->connector;
    gyre_address peer = attempt->peer;
    end_attempt(attempt);
    if (!err && is_connected_to_itself(stream, &peer)) err = -ECONNREFUSED;
    if (!err) {
        win(c, stream, &peer);
        return;
    }
    gyre_stream_close(stream);
    note_failure(c, &peer, err);
    gyre_timer_stop(&c->pace);
    advance(c);
}

// ---- Answers and deadlines ---------------------------------------------------------------------

static void on_deadline(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre__connector *c = GYRE_CONTAINER_OF(timer, gyre__connector, deadline);
    finish(c, known_in_all(c) > 0 ? GYRE_ETIMEDOUT_CONNECT : GYRE_ETIMEDOUT_RESOLVE, 0);
}

static void set_deadline(gyre__connector *c, gyre_duration limit)
{
    if (limit == GYRE_FOREVER)
        gyre_timer_stop(&c->deadline);
    else
        gyre_timer_start(c->loop, &c->deadline, c->began + limit - gyre_now(c->loop), on_deadline);
}

static void on_answer(gyre__connector *c, int family)
{
    c->open[family] = false;
    // What this machine lacks is the reason for whatever follows from not knowing the addresses.
    if (c->lookups[family].err < 0 && c->lookups[family].err > -4096)
        c->resource_err = c->lookups[family].err;
    bool is_first = known(c, family) > 0 && known(c, !family) == 0;
    if (is_first && c->resolve_limit != c->limit) set_deadline(c, c->limit);
    if (is_first && family == IPV4 && c->open[IPV6]) {
        gyre_timer_start(c->loop, &c->pace, RESOLUTION_DELAY, on_pace);
        return;
    }
    if (c->tried == 0) gyre_timer_stop(&c->pace);
    if (!gyre_timer_is_active(&c->pace)) advance(c);
}

static void on_ipv6(gyre__lookup *lookup)
{
    on_answer(GYRE_CONTAINER_OF(lookup, gyre__connector, lookups[IPV6]), IPV6);
}

static void on_ipv4(gyre__lookup *lookup)
{
    on_answer(GYRE_CONTAINER_OF(lookup, gyre__connector, lookups[IPV4]), IPV4);
}

// ---- The start -----------------------------------------------------------------------------

// The task of a start that looks nothing up: `err` says whether it went well.
static void on_begin(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre__connector *c = GYRE_CONTAINER_OF(task, gyre__connector, task);
    if (c->err)
        finish(c, c->err, 0);
    else
        advance(c);
}

// The default for 0, nothing for GYRE_NONE; false for another negative.
static bool read_duration(gyre_duration *to, gyre_duration given, gyre_duration preset)
{
    *to = given == 0 ? preset : given == GYRE_NONE ? 0 : given;
    return *to >= 0;
}

static bool read_source(gyre_address *to, const char *source)
{
    if (!source || gyre__host_literal(to, source, 0)) return true;
    return gyre_address_parse(to, gyre_view_of(source), 0) == 0 && to->storage.ss_family != AF_UNIX;
}

static bool read_target(gyre__connector *c)
{
    if (gyre__host_literal(&c->literal, c->host, c->port)) return true;
    if (strncmp(c->host, "unix:", 5) != 0) return false;
    if (gyre_address_parse(&c->literal, gyre_view_of(c->host), 0) != 0) c->err = -EINVAL;
    return true;
}

static int read_options(gyre__connector *c, const gyre_connect_opts *opts)
{
    int family = opts->resolve.family;
    bool sound = read_duration(&c->limit, opts->timeout, GYRE_SECONDS(10)) &&
                 read_duration(&c->resolve_limit, opts->resolve.timeout, c->limit) &&
                 read_duration(&c->attempt_delay, opts->attempt_delay, GYRE_MS(250)) &&
                 read_source(&c->source, opts->source) &&
                 gyre__stream_check_opts(&opts->stream) == 0 &&
                 (!family || family == AF_INET || family == AF_INET6);
    if (c->source.len && family && family != c->source.storage.ss_family) sound = false;
    if (c->resolve_limit > c->limit) c->resolve_limit = c->limit;
    c->nagle = opts->nagle;
    c->stream_opts = opts->stream;
    return sound ? 0 : -EINVAL;
}

static void look_up(gyre__connector *c, const gyre_resolve_opts *opts)
{
    int only = c->source.len ? c->source.storage.ss_family : opts->family;
    c->lookups[IPV6].done = on_ipv6;
    c->lookups[IPV4].done = on_ipv4;
    for (int f = 0; f < FAMILIES; f++) {
        if (only && only != families[f]) continue;
        c->open[f] = true;
        gyre__lookup_start(c->loop, &c->lookups[f], c->host, families[f], opts->servers);
    }
}

void gyre__connect_start(gyre__connector *c, gyre_loop *loop, const char *host, uint16_t port,
                         const gyre_connect_opts *opts)
{
    *c = (gyre__connector){.done = c->done, .loop = loop, .port = port};
    c->task.fn = on_begin;
    c->began = gyre_now(loop);
    gyre__list_init(&c->attempts);
    gyre__buf_init(&c->text, allocator(c), TEXT_MAX);
    c->err = read_options(c, opts);
    c->host = gyre__copy_text(allocator(c), gyre_view_of(host));
    if (!c->host) c->err = -ENOMEM;
    if (!c->err) c->is_literal = read_target(c);
    if (!c->err) set_deadline(c, c->is_literal ? c->limit : c->resolve_limit);
    if (c->err || c->is_literal)
        gyre_soon(loop, &c->task);
    else
        look_up(c, &opts->resolve);
}
