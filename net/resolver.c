// From a name to who knows its addresses: "localhost", the hosts file, the cache, DNS.
//
// Design notes. One resolver per loop, made with the first look-up. It has a channel for each text
// of name servers in use; both the hosts file and resolv.conf are looked at on use, at most once a
// second. When resolv.conf has changed, every channel is retired with its cache: queries under way
// end where they began, new ones go to new channels.
//
// Order, and differences from getaddrinfo(3): nsswitch.conf is not read; a name in the hosts file
// is never asked of DNS, also not for the family that the file does not give; addresses are not
// sorted by RFC 6724, since connecting tries them as RFC 8305 says.

#define CARES_NO_DEPRECATED
#include "net/dns_impl.h"
#include "net/net_int.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS_MAX = 8 };

struct gyre__resolver {
    gyre__net_object object;
    gyre_loop *loop;
    gyre__node channels; // most recently used first
    gyre__node retired;  // with queries that run out
    gyre__watched_file resolv_conf;
    gyre__watched_file hosts_file;
    gyre__hosts hosts;
};

// ---- The resolver of a loop ------------------------------------------------------------------

static void free_channels(gyre__node *list)
{
    while (!gyre__list_is_empty(list))
        gyre__channel_free(GYRE_CONTAINER_OF(list->next, gyre__channel, link));
}

// Nothing: waiters end with their owners, and queries hold up nobody.
static void on_cancel(gyre__net_object *object)
{
    (void)object;
}

static void on_destroy(gyre__net_object *object)
{
    gyre__resolver *resolver = GYRE_CONTAINER_OF(object, gyre__resolver, object);
    free_channels(&resolver->channels);
    free_channels(&resolver->retired);
    gyre__hosts_free(&resolver->hosts);
    gyre__net_remove(object);
    gyre__free(gyre__loop_allocator(resolver->loop), resolver);
}

static const gyre__net_class resolver_class = {on_cancel, on_destroy};

static int resolver_of(gyre__resolver **out, gyre_loop *loop)
{
    gyre__net *net;
    int err = gyre__net_open(&net, loop);
    if (err) return err;
    if (!net->resolver) {
        gyre__resolver *resolver = gyre__alloc_zero(net->alloc, sizeof *resolver);
        if (!resolver) return -ENOMEM;
        resolver->loop = loop;
        resolver->resolv_conf.path = "/etc/resolv.conf";
        resolver->hosts_file.path = "/etc/hosts";
        gyre__list_init(&resolver->channels);
        gyre__list_init(&resolver->retired);
        gyre__net_add(net, &resolver->object, &resolver_class);
        net->resolver = resolver;
    }
    *out = net->resolver;
    return 0;
}

int gyre__resolver_files(gyre_loop *loop, const char *resolv_conf, const char *hosts)
{
    gyre__resolver *resolver;
    int err = resolver_of(&resolver, loop);
    if (err) return err;
    resolver->resolv_conf = (gyre__watched_file){.path = resolv_conf};
    resolver->hosts_file = (gyre__watched_file){.path = hosts};
    return 0;
}

// ---- What is known without asking --------------------------------------------------------------

static gyre__dns_answer *loopback(const gyre_allocator *alloc, int family)
{
    gyre__dns_answer *answer = gyre__dns_answer_new(alloc, family, 1);
    if (!answer) return NULL;
    gyre__ip *ip = &answer->list[0];
    memset(ip, 0, sizeof *ip);
    if (family == AF_INET) memcpy(ip->bytes, (const uint8_t[]){127, 0, 0, 1}, 4);
    if (family == AF_INET6) ip->bytes[15] = 1;
    return answer;
}

static gyre__dns_answer *from_hosts(const gyre__resolver *resolver, gyre_view name, int family)
{
    const gyre__hosts *hosts = &resolver->hosts;
    gyre__ip found[GYRE__ADDRESSES_MAX];
    size_t count = 0;
    const gyre__hosts_record *record = gyre__hosts_first(hosts, name);
    for (; record && count < GYRE__ADDRESSES_MAX; record = gyre__hosts_next(hosts, record))
        if (record->family == family) found[count++] = record->ip;
    gyre__dns_answer *answer =
        gyre__dns_answer_new(gyre__loop_allocator(resolver->loop), family, count);
    if (!answer) return NULL;
    memcpy(answer->list, found, count * sizeof found[0]);
    if (count == 0) answer->err = GYRE_ENOADDRESS;
    return answer;
}

static int refresh_hosts(gyre__resolver *resolver)
{
    if (!gyre__file_changed(&resolver->hosts_file, gyre_now(resolver->loop))) return 0;
    const gyre_allocator *alloc = gyre__loop_allocator(resolver->loop);
    int err = gyre__hosts_load(&resolver->hosts, alloc, resolver->hosts_file.path);
    if (err) resolver->hosts_file.stamp.size = -2; // differs from any: tried again in a second
    return err == -ENOMEM ? err : 0;
}

// *out: the answer, or NULL when DNS must be asked.
static int known_locally(gyre__dns_answer **out, gyre__resolver *resolver, const char *name,
                         int family)
{
    gyre_view bare = gyre__hostname_bare(name);
    gyre__dns_answer *answer;
    *out = NULL;
    if (gyre__hostname_is_local(bare)) {
        answer = loopback(gyre__loop_allocator(resolver->loop), family);
    } else {
        int err = refresh_hosts(resolver);
        if (err) return err;
        if (!gyre__hosts_first(&resolver->hosts, bare)) return 0;
        answer = from_hosts(resolver, bare, family);
    }
    if (!answer) return -ENOMEM;
    *out = answer;
    return 0;
}

// ---- Channels ------------------------------------------------------------------------------

static void refresh_channels(gyre__resolver *resolver)
{
    if (!gyre__file_changed(&resolver->resolv_conf, gyre_now(resolver->loop))) return;
    while (!gyre__list_is_empty(&resolver->channels))
        gyre__channel_retire(GYRE_CONTAINER_OF(resolver->channels.next, gyre__channel, link),
                             &resolver->retired);
}

static bool has_servers(const gyre__channel *channel, const char *servers)
{
    if (!channel->servers || !servers) return channel->servers == servers;
    return !strcmp(channel->servers, servers);
}

static gyre__channel *find_channel(gyre__resolver *resolver, const char *servers)
{
    gyre__node *head = &resolver->channels;
    for (gyre__node *node = head->next; node != head; node = node->next) {
        gyre__channel *channel = GYRE_CONTAINER_OF(node, gyre__channel, link);
        if (has_servers(channel, servers)) return channel;
    }
    return NULL;
}

static size_t length(const gyre__node *list)
{
    size_t count = 0;
    for (gyre__node *node = list->next; node != list; node = node->next) count++;
    return count;
}

static int channel_of(gyre__channel **out, gyre__resolver *resolver, const char *servers)
{
    refresh_channels(resolver);
    gyre__channel *channel = find_channel(resolver, servers);
    if (channel && channel->broken) {
        gyre__channel_retire(channel, &resolver->retired);
        channel = NULL;
    }
    if (channel) {
        gyre__list_remove(&channel->link);
    } else {
        const char *path = resolver->resolv_conf.path;
        int err = gyre__channel_open(&channel, resolver->loop, servers, path);
        if (err) return err;
    }
    gyre__list_insert_after(&resolver->channels, &channel->link);
    if (length(&resolver->channels) > CHANNELS_MAX)
        gyre__channel_retire(GYRE_CONTAINER_OF(resolver->channels.prev, gyre__channel, link),
                             &resolver->retired);
    *out = channel;
    return 0;
}

// ---- Look-ups ------------------------------------------------------------------------------

static void on_told(gyre_loop *loop, gyre_task *task)
{
    (void)loop;
    gyre__lookup *lookup = GYRE_CONTAINER_OF(task, gyre__lookup, task);
    lookup->done(lookup);
}

struct question {
    const char *host;
    const char *servers;
    int family;
};

// *out: the answer if there is one now; else the look-up has joined a query.
static int begin(gyre__dns_answer **out, gyre_loop *loop, gyre__lookup *lookup,
                 const struct question *question)
{
    char name[GYRE__HOSTNAME_SIZE];
    if (!gyre__hostname_read(name, gyre_view_of(question->host))) return -EINVAL;
    gyre__resolver *resolver;
    int err = resolver_of(&resolver, loop);
    if (!err) err = known_locally(out, resolver, name, question->family);
    if (err || *out) return err;
    gyre__channel *channel;
    err = channel_of(&channel, resolver, question->servers);
    if (err) return err;
    *out = gyre__cache_find(&channel->cache, name, question->family, gyre_now(loop));
    return *out ? 0 : gyre__channel_ask(channel, name, question->family, lookup);
}

void gyre__lookup_start(gyre_loop *loop, gyre__lookup *lookup, const char *host, int family,
                        const char *servers)
{
    *lookup = (gyre__lookup){.done = lookup->done, .task.fn = on_told};
    const struct question question = {host, servers, family};
    gyre__dns_answer *answer = NULL;
    int err = begin(&answer, loop, lookup, &question);
    if (err || answer) gyre__lookup_tell(loop, lookup, err, answer);
    gyre__dns_answer_release(answer);
}

void gyre__lookup_stop(gyre__lookup *lookup)
{
    if (gyre__node_is_linked(&lookup->link)) gyre__list_remove(&lookup->link);
    gyre_task_stop(&lookup->task);
    gyre__dns_answer_release(lookup->answer);
    lookup->answer = NULL;
}

// ---- Details -------------------------------------------------------------------------------

int gyre__lookup_worse(int a, int b)
{
    static const int order[] = {0, GYRE_ENOTFOUND, GYRE_ENOADDRESS, GYRE_ERESOLVE,
                                GYRE_ETIMEDOUT_RESOLVE};
    enum { KNOWN = sizeof order / sizeof order[0] };
    int rank_a = 0, rank_b = 0;
    while (rank_a < KNOWN && order[rank_a] != a) rank_a++;
    while (rank_b < KNOWN && order[rank_b] != b) rank_b++;
    return rank_b > rank_a ? b : a;
}

const char *gyre__printable(char *to, size_t size, const char *from)
{
    size_t len = 0;
    for (; from[len] && len < size - 1; len++)
        to[len] = from[len] >= ' ' && from[len] <= '~' ? from[len] : '?';
    to[len] = '\0';
    return to;
}

const char *gyre__limit_text(char *text, size_t size, gyre_duration limit)
{
    if (limit % GYRE_SECONDS(1) == 0)
        snprintf(text, size, "%lld s", (long long)(limit / GYRE_SECONDS(1)));
    else
        snprintf(text, size, "%lld ms", (long long)(limit / GYRE_MS(1)));
    return text;
}

char *gyre__lookup_why_late(gyre_loop *loop, const char *host, gyre_duration limit)
{
    char name[GYRE__HOSTNAME_SIZE], text[32];
    gyre__printable(name, sizeof name, host);
    return gyre__format(gyre__loop_allocator(loop), "resolve %s: no name server answered within %s",
                        name, gyre__limit_text(text, sizeof text, limit));
}

char *gyre__lookup_why(gyre_loop *loop, const char *host, int err, int status)
{
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    char name[GYRE__HOSTNAME_SIZE];
    bool is_name = gyre__hostname_read(name, gyre_view_of(host));
    gyre__printable(name, sizeof name, host);
    if (err == -EINVAL && !is_name)
        return gyre__format(alloc, "resolve \"%s\": not a host name", name);
    if (err == -EINVAL)
        return gyre__format(alloc, "resolve %s: malformed list of name servers", name);
    if (err == GYRE_ETIMEDOUT_RESOLVE)
        return gyre__format(alloc, "resolve %s: no name server answered", name);
    if (err == GYRE_ERESOLVE && status)
        return gyre__format(alloc, "resolve %s: %s (%s)", name, gyre_strerror(err),
                            ares_strerror(status));
    return gyre__format(alloc, "resolve %s: %s", name, gyre_strerror(err));
}
