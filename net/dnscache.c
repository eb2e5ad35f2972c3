// Answers and their cache.
//
// Design notes. An answer is immutable and counted: the cache holds one reference, every waiter
// that got it another, so dropping it from the cache pulls nothing away from anybody. The cache is
// one list in order of use; a few hundred entries compared by hash first cost less than a
// connection.

#include "net/dns_impl.h"

#include <netinet/in.h>
#include <string.h>

enum { CACHE_MAX = 256 };

struct entry {
    gyre__node link;
    uint32_t hash;
    gyre__dns_answer *answer;
    char name[];
};

// ---- Answers -------------------------------------------------------------------------------

gyre__dns_answer *gyre__dns_answer_new(const gyre_allocator *alloc, int family, size_t count)
{
    gyre__dns_answer *answer = gyre__alloc(alloc, sizeof *answer + count * sizeof answer->list[0]);
    if (!answer) return NULL;
    *answer = (gyre__dns_answer){.refs = 1, .alloc = alloc, .family = family, .count = count};
    return answer;
}

gyre__dns_answer *gyre__dns_answer_retain(gyre__dns_answer *answer)
{
    answer->refs++;
    return answer;
}

void gyre__dns_answer_release(gyre__dns_answer *answer)
{
    if (answer && --answer->refs == 0) gyre__free(answer->alloc, answer);
}

gyre_address gyre__dns_answer_address(const gyre__dns_answer *answer, size_t index, uint16_t port)
{
    gyre_address address = {0};
    const uint8_t *bytes = answer->list[index].bytes;
    if (answer->family == AF_INET) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&sin.sin_addr, bytes, sizeof sin.sin_addr);
        memcpy(&address.storage, &sin, address.len = sizeof sin);
    } else {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&sin6.sin6_addr, bytes, sizeof sin6.sin6_addr);
        memcpy(&address.storage, &sin6, address.len = sizeof sin6);
    }
    return address;
}

// ---- The cache -----------------------------------------------------------------------------

void gyre__cache_init(gyre__cache *cache, const gyre_allocator *alloc)
{
    cache->alloc = alloc;
    cache->count = 0;
    gyre__list_init(&cache->entries);
}

static void drop(gyre__cache *cache, struct entry *entry)
{
    gyre__list_remove(&entry->link);
    cache->count--;
    gyre__dns_answer_release(entry->answer);
    gyre__free(cache->alloc, entry);
}

void gyre__cache_clear(gyre__cache *cache)
{
    while (!gyre__list_is_empty(&cache->entries))
        drop(cache, GYRE_CONTAINER_OF(cache->entries.next, struct entry, link));
}

static struct entry *find(gyre__cache *cache, const char *name, int family)
{
    uint32_t hash = gyre__hostname_hash(gyre_view_of(name));
    for (gyre__node *node = cache->entries.next; node != &cache->entries; node = node->next) {
        struct entry *entry = GYRE_CONTAINER_OF(node, struct entry, link);
        if (entry->hash == hash && entry->answer->family == family && !strcmp(entry->name, name))
            return entry;
    }
    return NULL;
}

gyre__dns_answer *gyre__cache_find(gyre__cache *cache, const char *name, int family, gyre_time now)
{
    struct entry *entry = find(cache, name, family);
    if (!entry) return NULL;
    if (entry->answer->expires <= now) {
        drop(cache, entry);
        return NULL;
    }
    gyre__list_remove(&entry->link);
    gyre__list_insert_after(&cache->entries, &entry->link);
    return gyre__dns_answer_retain(entry->answer);
}

void gyre__cache_put(gyre__cache *cache, const char *name, gyre__dns_answer *answer)
{
    struct entry *entry = find(cache, name, answer->family);
    if (entry) drop(cache, entry);
    size_t len = strlen(name);
    entry = gyre__alloc(cache->alloc, sizeof *entry + len + 1);
    if (!entry) return;
    *entry = (struct entry){.answer = gyre__dns_answer_retain(answer)};
    memcpy(entry->name, name, len + 1);
    entry->hash = gyre__hostname_hash((gyre_view){name, len});
    gyre__list_insert_after(&cache->entries, &entry->link);
    if (++cache->count > CACHE_MAX)
        drop(cache, GYRE_CONTAINER_OF(cache->entries.prev, struct entry, link));
}
