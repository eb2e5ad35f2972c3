// gyre_resolve: both families of a name, as one value.
//
// Design notes. The future's operation holds the two look-ups and the deadline; `finish` is the
// only place that settles it, and stops all three first. When the deadline passes with one family
// answered, that answer is the result.

#include "net/resolver_int.h"

#include "future/future_int.h"

#include <errno.h>
#include <stdio.h>

enum { FAMILIES = 2 };

static const int families[FAMILIES] = {AF_INET6, AF_INET};

struct resolve {
    gyre_future *future;
    char *host;
    uint16_t port;
    gyre_allocator alloc; // of the value
    gyre_duration limit;
    gyre_timer deadline;
    gyre__lookup lookups[FAMILIES];
    bool open[FAMILIES]; // asked and not answered yet
};

// The allocator stands in front of the value: it is freed after the loop, maybe.
struct block {
    gyre_allocator alloc;
    gyre_addrs addrs;
    gyre_address list[];
};

void gyre_addrs_free(gyre_addrs *addrs)
{
    if (!addrs) return;
    struct block *block = GYRE_CONTAINER_OF(addrs, struct block, addrs);
    gyre_allocator alloc = block->alloc;
    gyre__free(&alloc, block);
}

static struct block *new_block(const gyre_allocator *alloc, size_t count)
{
    struct block *block = gyre__alloc(alloc, sizeof *block + count * sizeof block->list[0]);
    if (!block) return NULL;
    block->alloc = *alloc;
    block->addrs = (gyre_addrs){count, block->list};
    return block;
}

static void stop(struct resolve *resolve)
{
    gyre_timer_stop(&resolve->deadline);
    for (int i = 0; i < FAMILIES; i++) gyre__lookup_stop(&resolve->lookups[i]);
}

static size_t count_of(const gyre__lookup *lookup)
{
    return lookup->answer ? lookup->answer->count : 0;
}

// IPv6 and IPv4 in turn, as RFC 8305 section 4 orders them for connecting.
static void interleave(struct block *block, const struct resolve *resolve)
{
    size_t at = 0;
    for (size_t i = 0; at < block->addrs.count; i++)
        for (int f = 0; f < FAMILIES; f++)
            if (i < count_of(&resolve->lookups[f]))
                block->list[at++] =
                    gyre__dns_answer_address(resolve->lookups[f].answer, i, resolve->port);
}

static void fail(struct resolve *resolve, int err, int status)
{
    gyre_loop *loop = gyre__future_loop(resolve->future);
    bool is_late = err == GYRE_ETIMEDOUT_RESOLVE && !status;
    char *why = is_late ? gyre__lookup_why_late(loop, resolve->host, resolve->limit)
                        : gyre__lookup_why(loop, resolve->host, err, status);
    stop(resolve);
    gyre__future_settle(resolve->future, err, why, NULL);
}

static void give(struct resolve *resolve, struct block *block)
{
    gyre_addrs *addrs = &block->addrs;
    stop(resolve);
    if (!gyre__future_settle(resolve->future, 0, NULL, &addrs)) gyre_addrs_free(addrs);
}

static void finish(struct resolve *resolve, int err)
{
    int status = 0;
    size_t count = 0;
    for (int i = 0; i < FAMILIES; i++) {
        const gyre__lookup *lookup = &resolve->lookups[i];
        count += count_of(lookup);
        err = gyre__lookup_worse(err, lookup->err);
        if (err == lookup->err) status = lookup->status;
    }
    struct block *block = count ? new_block(&resolve->alloc, count) : NULL;
    if (!block) {
        fail(resolve, count ? -ENOMEM : err, status);
        return;
    }
    interleave(block, resolve);
    give(resolve, block);
}

static void on_answer(struct resolve *resolve, int family)
{
    resolve->open[family] = false;
    if (!resolve->open[0] && !resolve->open[1]) finish(resolve, 0);
}

static void on_ipv6(gyre__lookup *lookup)
{
    on_answer(GYRE_CONTAINER_OF(lookup, struct resolve, lookups[0]), 0);
}

static void on_ipv4(gyre__lookup *lookup)
{
    on_answer(GYRE_CONTAINER_OF(lookup, struct resolve, lookups[1]), 1);
}

static void on_deadline(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    finish(GYRE_CONTAINER_OF(timer, struct resolve, deadline), GYRE_ETIMEDOUT_RESOLVE);
}

// ---- The future ----------------------------------------------------------------------------

static void on_drop(void *value, void *op)
{
    (void)op;
    gyre_addrs_free(*(gyre_addrs **)value);
}

static void on_cancel(gyre_future *future, void *op)
{
    stop(op);
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
}

static void on_describe(void *op, char *text, size_t size)
{
    const struct resolve *resolve = op;
    snprintf(text, size, "resolves %s", resolve->host);
}

static void on_destroy(void *op)
{
    struct resolve *resolve = op;
    stop(resolve);
    gyre__free(gyre__loop_allocator(gyre__future_loop(resolve->future)), resolve->host);
}

static const gyre__future_ops ops = {on_drop, on_cancel, on_describe, on_destroy};

// A literal is its own answer, or the wrong family.
static void take_literal(struct resolve *resolve, const gyre_address *literal, int family)
{
    if (family && family != literal->storage.ss_family) {
        fail(resolve, GYRE_ENOADDRESS, 0);
        return;
    }
    struct block *block = new_block(&resolve->alloc, 1);
    if (!block) {
        fail(resolve, -ENOMEM, 0);
        return;
    }
    block->list[0] = *literal;
    give(resolve, block);
}

static void begin(struct resolve *resolve, const gyre_resolve_opts *opts)
{
    gyre_loop *loop = gyre__future_loop(resolve->future);
    gyre_duration limit = opts->timeout ? opts->timeout : GYRE_SECONDS(10);
    resolve->limit = limit == GYRE_NONE ? 0 : limit;
    if (limit != GYRE_FOREVER)
        gyre_timer_start(loop, &resolve->deadline, resolve->limit, on_deadline);
    resolve->lookups[0].done = on_ipv6;
    resolve->lookups[1].done = on_ipv4;
    for (int i = 0; i < FAMILIES; i++) {
        if (opts->family && opts->family != families[i]) continue;
        resolve->open[i] = true;
        gyre__lookup_start(loop, &resolve->lookups[i], resolve->host, families[i], opts->servers);
    }
}

static bool is_sound(const gyre_resolve_opts *opts)
{
    if (opts->family && opts->family != AF_INET && opts->family != AF_INET6) return false;
    return opts->timeout >= 0 || opts->timeout == GYRE_NONE;
}

gyre_addrs_future gyre_resolve(gyre_loop *loop, const char *host, uint16_t port,
                               const gyre_resolve_opts *opts)
{
    static const gyre_resolve_opts defaults;
    if (!opts) opts = &defaults;
    gyre_future *f = gyre__future_open(loop, &gyre_addrs_type, &ops, sizeof(struct resolve));
    if (!gyre__future_is_pending(f)) return GYRE__MAKE(gyre_addrs_future, f);
    struct resolve *resolve = gyre__future_op(f);
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    resolve->future = f;
    resolve->port = port;
    resolve->alloc = opts->allocator ? *opts->allocator : *alloc;
    resolve->host = gyre__copy_text(alloc, gyre_view_of(host));

    gyre_address literal;
    if (!resolve->host) {
        gyre__future_settle(f, -ENOMEM, NULL, NULL);
    } else if (!is_sound(opts)) {
        char *why = gyre__copy_text(alloc, GYRE_VIEW("resolve: an option is out of range"));
        gyre__future_settle(f, -EINVAL, why, NULL);
    } else if (gyre__host_literal(&literal, host, port)) {
        take_literal(resolve, &literal, opts->family);
    } else {
        begin(resolve, opts);
    }
    return GYRE__MAKE(gyre_addrs_future, f);
}
