// A c-ares channel on the loop, and the queries on it.
//
// Design notes. c-ares calls back in the middle of its own work, where calling it again can free
// what it still uses. So its callbacks do two things only: a reply is copied into its query, whose
// task is queued; a change of a socket is passed to the watch. Everything else, parsing and telling
// the waiters first of all, happens in that task. ares_destroy is called from tasks and from the
// closing loop only.
//
// A query belongs to its channel, not to its waiters: these come and go, and a query without any
// runs out and still feeds the cache. At most QUERIES_MAX are under way (c-ares numbers them with
// 16 bits); the others wait in line.
//
// ares_library_init is not called: on POSIX systems it only counts its calls, without a lock, and
// nothing depends on the count; so two loops on two threads share nothing writable here.

#define CARES_NO_DEPRECATED
#include "net/dns_impl.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
    TRY_MS = 2000, // of the first round; doubles with each
    TRIES = 3,
    QUERIES_MAX = 256,
    SERVERS_MAX = 8,
    CLASS_IN = 1,
    TYPE_A = 1,
    TYPE_AAAA = 28,
};

// Looks after queries even if c-ares gives no time-out: a safety net, also for watches that fail.
static const gyre_duration TICK_MAX = GYRE_SECONDS(1);
static const gyre_duration TTL_MAX = GYRE_SECONDS(3600);
static const gyre_duration TTL_NEGATIVE = GYRE_SECONDS(1);

struct query {
    gyre__node link;  // in the channel's queries or queue
    gyre__node named; // in one of the channel's buckets
    gyre__channel *channel;
    gyre__node waiters;
    gyre_task task; // queued once c-ares has called back
    int family;
    int status;           // c-ares'; with a meaning once the task is queued
    int err;              // a local failure that explains the status, or 0
    unsigned char *reply; // a copy, when the status is ARES_SUCCESS
    int reply_len;
    char name[GYRE__HOSTNAME_SIZE];
};

struct dns_socket {
    gyre__node link; // in the channel's sockets or spares
    gyre_watch watch;
    gyre__channel *channel;
};

static const gyre_allocator *allocator(const gyre__channel *channel)
{
    return gyre__loop_allocator(channel->loop);
}

// ---- Outcomes ------------------------------------------------------------------------------

void gyre__lookup_tell(gyre_loop *loop, gyre__lookup *lookup, int err, gyre__dns_answer *answer)
{
    lookup->err = answer ? answer->err : err;
    lookup->status = answer ? answer->status : 0;
    lookup->answer = answer && !answer->err ? gyre__dns_answer_retain(answer) : NULL;
    gyre_soon(loop, &lookup->task);
}

static void tell_all(struct query *query, int err, gyre__dns_answer *answer)
{
    for (gyre__node *node; (node = gyre__list_pop(&query->waiters));) {
        gyre__lookup *lookup = GYRE_CONTAINER_OF(node, gyre__lookup, link);
        gyre__lookup_tell(query->channel->loop, lookup, err, answer);
    }
}

static int error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS: return 0;
    case ARES_ENOTFOUND: return GYRE_ENOTFOUND;
    case ARES_ENODATA: return GYRE_ENOADDRESS;
    case ARES_ETIMEOUT: return GYRE_ETIMEDOUT_RESOLVE;
    case ARES_ENOMEM: return -ENOMEM;
    default: return GYRE_ERESOLVE;
    }
}

// How long an answer may be kept: its shortest TTL (RFC 2181 section 8: a negative one is 0).
static gyre_duration lifetime(int ttl, gyre_duration so_far)
{
    gyre_duration own = GYRE_SECONDS(ttl > 0 ? ttl : 0);
    return own < so_far ? own : so_far;
}

static int parse_a(const struct query *query, gyre__ip *to, size_t *count, gyre_duration *ttl)
{
    struct ares_addrttl found[GYRE__ADDRESSES_MAX];
    int n = GYRE__ADDRESSES_MAX;
    int status = ares_parse_a_reply(query->reply, query->reply_len, NULL, found, &n);
    if (status != ARES_SUCCESS) return status;
    for (int i = 0; i < n; i++) {
        memcpy(to[i].bytes, &found[i].ipaddr, 4);
        *ttl = lifetime(found[i].ttl, *ttl);
    }
    *count = (size_t)n;
    return status;
}

static int parse_aaaa(const struct query *query, gyre__ip *to, size_t *count, gyre_duration *ttl)
{
    struct ares_addr6ttl found[GYRE__ADDRESSES_MAX];
    int n = GYRE__ADDRESSES_MAX;
    int status = ares_parse_aaaa_reply(query->reply, query->reply_len, NULL, found, &n);
    if (status != ARES_SUCCESS) return status;
    for (int i = 0; i < n; i++) {
        memcpy(to[i].bytes, &found[i].ip6addr, 16);
        *ttl = lifetime(found[i].ttl, *ttl);
    }
    *count = (size_t)n;
    return status;
}

// Makes an answer of what c-ares said; NULL when there is no memory.
static gyre__dns_answer *read_reply(struct query *query)
{
    gyre__ip found[GYRE__ADDRESSES_MAX] = {0};
    size_t count = 0;
    gyre_duration ttl = TTL_MAX;
    int status = query->status;
    if (status == ARES_SUCCESS)
        status = query->family == AF_INET ? parse_a(query, found, &count, &ttl)
                                          : parse_aaaa(query, found, &count, &ttl);
    if (status == ARES_SUCCESS && count == 0) status = ARES_ENODATA; // nothing but CNAMEs
    gyre__dns_answer *answer =
        gyre__dns_answer_new(allocator(query->channel), query->family, count);
    if (!answer) return NULL;
    memcpy(answer->list, found, count * sizeof found[0]);
    answer->status = status;
    answer->err = error_of(status);
    answer->expires = gyre_now(query->channel->loop) + (answer->err ? TTL_NEGATIVE : ttl);
    return answer;
}

// Lets go of waiters that are not told: their loop closes.
static void detach_all(gyre__node *waiters)
{
    for (gyre__node *next, *node = waiters->next; node != waiters; node = next) {
        next = node->next;
        node->next = node->prev = NULL;
    }
}

static void free_query(struct query *query)
{
    const gyre_allocator *alloc = allocator(query->channel);
    gyre_task_stop(&query->task);
    gyre__list_remove(&query->link);
    gyre__list_remove(&query->named);
    detach_all(&query->waiters);
    gyre__free(alloc, query->reply);
    gyre__free(alloc, query);
}

static void ask_next(gyre__channel *channel);

// The task of a query: c-ares is done with it.
static void on_done(gyre_loop *loop, gyre_task *task)
{
    struct query *query = GYRE_CONTAINER_OF(task, struct query, task);
    gyre__channel *channel = query->channel;
    gyre__dns_answer *answer = query->err ? NULL : read_reply(query);
    tell_all(query, query->err ? query->err : -ENOMEM, answer);
    // What this machine lacks at the moment says nothing of the name.
    if (answer && answer->err != -ENOMEM && answer->expires > gyre_now(loop))
        gyre__cache_put(&channel->cache, query->name, answer);
    gyre__dns_answer_release(answer);
    free_query(query);
    channel->asked--;
    ask_next(channel);
    if (channel->asked == 0) gyre_timer_stop(&channel->tick);
    if (channel->asked == 0 && channel->retired) gyre__channel_free(channel);
}

// ---- What c-ares calls ---------------------------------------------------------------------

static void on_reply(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
    (void)timeouts;
    struct query *query = arg;
    gyre__channel *channel = query->channel;
    if (channel->closing) return;
    query->status = status;
    if (status == ARES_ECONNREFUSED) query->err = channel->socket_err;
    if (status == ARES_SUCCESS) {
        query->reply = gyre__alloc(allocator(channel), (size_t)len);
        if (query->reply) memcpy(query->reply, reply, (size_t)len);
        if (!query->reply) query->status = ARES_ENOMEM;
        query->reply_len = len;
    }
    gyre_soon(channel->loop, &query->task);
}

static struct dns_socket *find_socket(gyre__channel *channel, int fd)
{
    for (gyre__node *node = channel->sockets.next; node != &channel->sockets; node = node->next) {
        struct dns_socket *sock = GYRE_CONTAINER_OF(node, struct dns_socket, link);
        if (sock->watch.fd == fd) return sock;
    }
    return NULL;
}

static void on_ready(gyre_loop *loop, gyre_watch *watch, unsigned events);

static int watch_socket(gyre__channel *channel, int fd, unsigned want)
{
    gyre__node *node = gyre__list_pop(&channel->spare);
    struct dns_socket *sock = node ? GYRE_CONTAINER_OF(node, struct dns_socket, link)
                                   : gyre__alloc(allocator(channel), sizeof *sock);
    if (!sock) return -ENOMEM;
    *sock = (struct dns_socket){.channel = channel};
    int err = gyre_watch_start(channel->loop, &sock->watch, fd, want, on_ready);
    gyre__list_append(err ? &channel->spare : &channel->sockets, &sock->link);
    return err;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    gyre__channel *channel = arg;
    struct dns_socket *sock = find_socket(channel, fd);
    unsigned want = (readable ? GYRE_READABLE : 0u) | (writable ? GYRE_WRITABLE : 0u);
    if (want && sock) gyre_watch_want(&sock->watch, want);
    if (want && !sock) {
        int err = watch_socket(channel, fd, want);
        if (err) channel->broken = err;
    }
    if (want || !sock) return;
    gyre_watch_stop(&sock->watch);
    gyre__list_remove(&sock->link);
    gyre__list_append(&channel->spare, &sock->link);
}

// ---- Calling c-ares --------------------------------------------------------------------------

static void fail_all(gyre__node *queries, int err)
{
    for (gyre__node *node = queries->next; node != queries; node = node->next)
        tell_all(GYRE_CONTAINER_OF(node, struct query, link), err, NULL);
}

static void on_end(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre__channel_free(GYRE_CONTAINER_OF(task, gyre__channel, end));
}

// After each call of c-ares: a channel with a socket that nobody watches is given up.
static void check(gyre__channel *channel)
{
    if (!channel->broken) return;
    fail_all(&channel->queries, channel->broken);
    fail_all(&channel->queue, channel->broken);
    gyre_soon(channel->loop, &channel->end);
}

static void on_ready(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop;
    struct dns_socket *sock = GYRE_CONTAINER_OF(watch, struct dns_socket, watch);
    gyre__channel *channel = sock->channel; // the socket may be another's afterwards
    channel->socket_err = 0;
    ares_process_fd(channel->ares, events & GYRE_READABLE ? watch->fd : ARES_SOCKET_BAD,
                    events & GYRE_WRITABLE ? watch->fd : ARES_SOCKET_BAD);
    check(channel);
}

static void on_tick(gyre_loop *loop, gyre_timer *timer)
{
    gyre__channel *channel = GYRE_CONTAINER_OF(timer, gyre__channel, tick);
    channel->socket_err = 0;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    check(channel);
    struct timeval left;
    gyre_duration delay = TICK_MAX;
    if (ares_timeout(channel->ares, NULL, &left)) {
        gyre_duration until = GYRE_SECONDS(left.tv_sec) + GYRE_US(left.tv_usec) + GYRE_MS(1);
        if (until < delay) delay = until;
    }
    gyre_timer_start(loop, timer, delay, on_tick);
}

static void ask(gyre__channel *channel, struct query *query)
{
    gyre__list_append(&channel->queries, &query->link);
    channel->asked++;
    channel->socket_err = 0;
    ares_search(channel->ares, query->name, CLASS_IN, query->family == AF_INET ? TYPE_A : TYPE_AAAA,
                on_reply, query);
    check(channel);
    // No query times out sooner than the longest tick, so a tick under way will do.
    if (!gyre_timer_is_active(&channel->tick))
        gyre_timer_start(channel->loop, &channel->tick, TICK_MAX, on_tick);
}

static void ask_next(gyre__channel *channel)
{
    if (channel->broken || channel->asked >= QUERIES_MAX) return;
    gyre__node *node = gyre__list_pop(&channel->queue);
    if (node) ask(channel, GYRE_CONTAINER_OF(node, struct query, link));
}

static struct query *find_query(const gyre__node *bucket, const char *name, int family)
{
    for (gyre__node *node = bucket->next; node != bucket; node = node->next) {
        struct query *query = GYRE_CONTAINER_OF(node, struct query, named);
        if (query->family == family && !strcmp(query->name, name)) return query;
    }
    return NULL;
}

static struct query *new_query(gyre__channel *channel, const char *name, int family)
{
    struct query *query = gyre__alloc_zero(allocator(channel), sizeof *query);
    if (!query) return NULL;
    query->channel = channel;
    query->family = family;
    query->task.fn = on_done;
    memcpy(query->name, name, strlen(name) + 1);
    gyre__list_init(&query->waiters);
    gyre__list_append(&channel->queue, &query->link);
    return query;
}

int gyre__channel_ask(gyre__channel *channel, const char *name, int family, gyre__lookup *lookup)
{
    uint32_t hash = gyre__hostname_hash(gyre_view_of(name));
    gyre__node *bucket = &channel->names[hash % GYRE__NAME_BUCKETS];
    struct query *query = find_query(bucket, name, family);
    bool is_new = !query;
    if (is_new) query = new_query(channel, name, family);
    if (!query) return -ENOMEM;
    gyre__list_append(&query->waiters, &lookup->link);
    if (!is_new) return 0;
    gyre__list_append(bucket, &query->named);
    ask_next(channel);
    return 0;
}

// ---- Opening and closing -----------------------------------------------------------------------

static int read_server(struct ares_addr_port_node *node, gyre_view text)
{
    gyre_address address;
    int err = gyre_address_parse(&address, text, 53);
    if (err) return err;
    *node = (struct ares_addr_port_node){.family = address.storage.ss_family};
    node->udp_port = node->tcp_port = gyre_address_port(&address);
    struct sockaddr_in sin;
    struct sockaddr_in6 sin6;
    memcpy(&sin, &address.storage, sizeof sin);
    memcpy(&sin6, &address.storage, sizeof sin6);
    if (node->family == AF_INET) memcpy(&node->addr.addr4, &sin.sin_addr, 4);
    if (node->family == AF_INET6) memcpy(&node->addr.addr6, &sin6.sin6_addr, 16);
    return node->family == AF_UNIX ? -EINVAL : 0;
}

// Reads "127.0.0.1:5353,[::1]" into at most SERVERS_MAX nodes, chained. 0 or -EINVAL.
static int read_servers(struct ares_addr_port_node nodes[SERVERS_MAX], const char *text)
{
    gyre_view rest = gyre_view_of(text);
    for (int count = 0; count < SERVERS_MAX; count++) {
        const char *comma = rest.len ? memchr(rest.ptr, ',', rest.len) : NULL;
        gyre_view one = {rest.ptr, comma ? (size_t)(comma - rest.ptr) : rest.len};
        int err = read_server(&nodes[count], one);
        if (err) return err;
        if (count > 0) nodes[count - 1].next = &nodes[count];
        if (!comma) return 0;
        rest = (gyre_view){comma + 1, rest.len - one.len - 1};
    }
    return -EINVAL;
}

static int error_of_open(int status, int saved_errno)
{
    if (status == ARES_ENOMEM) return -ENOMEM;
    return status == ARES_EFILE && saved_errno ? -saved_errno : GYRE_ERESOLVE;
}

static int open_ares(gyre__channel *channel, struct ares_addr_port_node *servers,
                     const char *resolv_conf)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOALIASES, // no file named by $HOSTALIASES is read for each query
        .timeout = TRY_MS,
        .tries = TRIES,
        .lookups = "b", // the hosts file is ours
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
        .resolvconf_path = (char *)resolv_conf,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
    ares_channel ares;
    errno = 0;
    int status = ares_init_options(&ares, &options, mask);
    if (status != ARES_SUCCESS) return error_of_open(status, errno);
    if (servers) status = ares_set_servers_ports(ares, servers);
    if (status != ARES_SUCCESS) {
        ares_destroy(ares);
        return error_of_open(status, 0);
    }
    ares_set_socket_functions(ares, &gyre__dns_socket_functions, channel);
    channel->ares = ares;
    return 0;
}

int gyre__channel_open(gyre__channel **out, gyre_loop *loop, const char *servers,
                       const char *resolv_conf)
{
    struct ares_addr_port_node nodes[SERVERS_MAX];
    if (servers && read_servers(nodes, servers) != 0) return -EINVAL;
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    gyre__channel *channel = gyre__alloc_zero(alloc, sizeof *channel);
    if (!channel) return -ENOMEM;
    channel->loop = loop;
    channel->end.fn = on_end;
    gyre__list_init(&channel->queries);
    gyre__list_init(&channel->queue);
    gyre__list_init(&channel->sockets);
    gyre__list_init(&channel->spare);
    for (int i = 0; i < GYRE__NAME_BUCKETS; i++) gyre__list_init(&channel->names[i]);
    gyre__cache_init(&channel->cache, alloc);
    if (servers) channel->servers = gyre__copy_text(alloc, gyre_view_of(servers));
    int err = servers && !channel->servers
                  ? -ENOMEM
                  : open_ares(channel, servers ? nodes : NULL, resolv_conf);
    if (err) {
        gyre__free(alloc, channel->servers);
        gyre__free(alloc, channel);
        return err;
    }
    *out = channel;
    return 0;
}

void gyre__channel_retire(gyre__channel *channel, gyre__node *retired)
{
    gyre__list_remove(&channel->link);
    gyre__list_append(retired, &channel->link);
    channel->retired = true;
    if (channel->asked == 0) gyre_soon(channel->loop, &channel->end);
}

static void free_sockets(gyre__channel *channel, gyre__node *list)
{
    for (gyre__node *node; (node = gyre__list_pop(list));) {
        struct dns_socket *sock = GYRE_CONTAINER_OF(node, struct dns_socket, link);
        gyre_watch_stop(&sock->watch);
        gyre__free(allocator(channel), sock);
    }
}

static void free_queries(gyre__node *list)
{
    while (!gyre__list_is_empty(list))
        free_query(GYRE_CONTAINER_OF(list->next, struct query, link));
}

void gyre__channel_free(gyre__channel *channel)
{
    const gyre_allocator *alloc = allocator(channel);
    channel->closing = true;
    gyre__list_remove(&channel->link);
    gyre_task_stop(&channel->end);
    gyre_timer_stop(&channel->tick);
    ares_destroy(channel->ares);
    free_queries(&channel->queries);
    free_queries(&channel->queue);
    free_sockets(channel, &channel->sockets);
    free_sockets(channel, &channel->spare);
    gyre__cache_clear(&channel->cache);
    gyre__free(alloc, channel->servers);
    gyre__free(alloc, channel);
}
