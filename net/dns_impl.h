// The parts of the resolver: host names, answers, cache, hosts file, c-ares channel; private to
// net/.
#ifndef GYRE_NET_DNS_IMPL_H
#define GYRE_NET_DNS_IMPL_H

#include "net/resolver_int.h"

enum {
    GYRE__HOSTNAME_SIZE = 256, // 253 bytes, the trailing dot, the zero
    GYRE__ADDRESSES_MAX = 512, // of one answer; the rest is left out
    GYRE__NAME_BUCKETS = 64,
};

typedef struct gyre__channel gyre__channel;

// ---- Host names ----------------------------------------------------------------------------

// Writes a host name in lower case, its trailing dot kept. False when it is none: labels of 1 to 63
// letters, digits, hyphens (not at the ends) and underscores, 253 bytes in all, the last label not
// a number (RFC 1123 section 2.1).
bool gyre__hostname_read(char to[GYRE__HOSTNAME_SIZE], gyre_view host);

// A name without its trailing dot.
gyre_view gyre__hostname_bare(const char *name);

// "localhost" and what ends in ".localhost" (RFC 6761 section 6.3).
bool gyre__hostname_is_local(gyre_view bare);

// FNV-1a over the lower-case bytes.
uint32_t gyre__hostname_hash(gyre_view name);

// ---- Answers and the cache -----------------------------------------------------------------

// An answer with room for `count` addresses and one reference; NULL when there is no memory.
gyre__dns_answer *gyre__dns_answer_new(const gyre_allocator *alloc, int family, size_t count);
gyre__dns_answer *gyre__dns_answer_retain(gyre__dns_answer *answer);
void gyre__dns_answer_release(gyre__dns_answer *answer); // NULL is fine

// Answers by name and family, a bounded number, the least recently used dropped first.
typedef struct gyre__cache {
    const gyre_allocator *alloc;
    gyre__node entries; // most recently used first
    size_t count;
} gyre__cache;

void gyre__cache_init(gyre__cache *cache, const gyre_allocator *alloc);
void gyre__cache_clear(gyre__cache *cache);
// An answer that has not expired, with a reference of the caller's own, or NULL.
gyre__dns_answer *gyre__cache_find(gyre__cache *cache, const char *name, int family, gyre_time now);
// Keeps an answer until it expires; when there is no memory it does not.
void gyre__cache_put(gyre__cache *cache, const char *name, gyre__dns_answer *answer);

// ---- Files ---------------------------------------------------------------------------------

// What stat(2) says of a file, to see whether it changed.
typedef struct gyre__stamp {
    int64_t seconds;
    int64_t nanoseconds;
    int64_t size; // -1: there is no such file
    uint64_t inode;
} gyre__stamp;

// A file that is looked at on use, at most once a second.
typedef struct gyre__watched_file {
    const char *path;
    gyre_time checked; // has a meaning when `known`
    bool known;        // looked at before
    gyre__stamp stamp; // has a meaning when `known`
} gyre__watched_file;

// Says whether a file is another than when this was last asked; true the first time.
bool gyre__file_changed(gyre__watched_file *file, gyre_time now);

// ---- The hosts file ------------------------------------------------------------------------

typedef struct gyre__hosts_record {
    gyre_view name; // into the text, in its case
    uint32_t hash;
    uint32_t next; // record of the same bucket, further down in the file; HOSTS_END: none
    int family;
    gyre__ip ip;
} gyre__hosts_record;

typedef struct gyre__hosts {
    const gyre_allocator *alloc;
    char *text; // what the names point into
    gyre__hosts_record *records;
    size_t count;
    uint32_t *buckets;   // first record of each; NULL while there is none
    size_t bucket_count; // a power of two
} gyre__hosts;

// Reads hosts(5) text: "address name name… # comment". Lines that make no sense are left out.
// Takes `text` (of the allocator) on success. 0 or -ENOMEM; on error *hosts is untouched.
int gyre__hosts_parse(gyre__hosts *hosts, const gyre_allocator *alloc, char *text, size_t len);
void gyre__hosts_free(gyre__hosts *hosts);
// The first record of a name, and the one after it; NULL behind the last.
const gyre__hosts_record *gyre__hosts_first(const gyre__hosts *hosts, gyre_view name);
const gyre__hosts_record *gyre__hosts_next(const gyre__hosts *hosts, const gyre__hosts_record *at);
// Loads a file in place of what is there; a file that cannot be read counts as empty, except that
// -EMFILE, -ENFILE and the like are returned. 0 or an error; on error *hosts is untouched.
int gyre__hosts_load(gyre__hosts *hosts, const gyre_allocator *alloc, const char *path);

// ---- Channels ------------------------------------------------------------------------------

// c-ares with one set of name servers, the queries under way and what they brought.
struct gyre__channel {
    gyre__node link; // in the resolver's channels, or among the retired
    gyre_loop *loop;
    char *servers;      // NULL: those of resolv.conf
    void *ares;         // an ares_channel
    bool retired;       // gets no new questions and goes when the last query is done
    bool closing;       // inside ares_destroy: nobody is told any more
    int broken;         // a descriptor could not be watched: every query fails with this
    int socket_err;     // why the last socket could not be made; 0 when it could
    size_t asked;       // queries that c-ares has
    gyre__node queries; // those
    gyre__node queue;   // queries that wait until fewer are under way
    gyre__node names[GYRE__NAME_BUCKETS]; // all of them, by the hash of their name
    gyre__node sockets;                   // c-ares' sockets, watched
    gyre__node spare;                     // watches without a socket
    gyre_timer tick;                      // runs while queries are under way
    gyre_task end;                        // frees a retired channel
    gyre__cache cache;
};

// 0, -EINVAL (the servers' text), -ENOMEM, -EMFILE, GYRE_ERESOLVE.
int gyre__channel_open(gyre__channel **out, gyre_loop *loop, const char *servers,
                       const char *resolv_conf);

// Joins the query of a name and family, or makes one. 0 or -ENOMEM.
int gyre__channel_ask(gyre__channel *channel, const char *name, int family, gyre__lookup *lookup);

// Takes the channel out of its list; it goes by itself when its last query is done.
void gyre__channel_retire(gyre__channel *channel, gyre__node *retired);

void gyre__channel_free(gyre__channel *channel);

// Hands an outcome to a waiter, as a task. `answer` may be NULL; the waiter gets a reference.
void gyre__lookup_tell(gyre_loop *loop, gyre__lookup *lookup, int err, gyre__dns_answer *answer);

// The system calls of c-ares (dnsio.c): close-on-exec, non-blocking, never SIGPIPE.
struct ares_socket_functions;
extern const struct ares_socket_functions gyre__dns_socket_functions;

#endif
