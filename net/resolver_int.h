// Looking names up inside the library: one family at a time, told by a callback.
//
// gyre_connect starts two of these and feeds each answer to its attempts as it comes; gyre_resolve
// starts two and waits for both. Literals are not looked up: ask gyre__host_literal first.
#ifndef GYRE_NET_RESOLVER_INT_H
#define GYRE_NET_RESOLVER_INT_H

#include "net/net.h"

#include "loop/loop_int.h"

typedef struct gyre__resolver gyre__resolver;

// The bytes of an IPv4 address (the first four) or an IPv6 address.
typedef struct gyre__ip {
    uint8_t bytes[16];
} gyre__ip;

// What is known of one name in one family. Immutable, shared, counted.
typedef struct gyre__dns_answer {
    unsigned refs;
    const gyre_allocator *alloc;
    int family;        // AF_INET, AF_INET6
    int err;           // 0 when there are addresses
    int status;        // c-ares' own code behind `err`, for the details; 0 when it was not asked
    gyre_time expires; // no new look-up is served from then on
    size_t count;
    gyre__ip list[];
} gyre__dns_answer;

// One look-up of one waiter, embedded in it. {0} with `done` set is idle.
typedef struct gyre__lookup {
    void (*done)(struct gyre__lookup *lookup); // called once, as a task; may stop, start and free
    gyre_task task;                            // queued once the outcome is there
    gyre__node link;                           // among the waiters of a query under way
    int err;                                   // the outcome: 0 or an error
    int status;                                // as in gyre__dns_answer
    gyre__dns_answer *answer;                  // with the addresses, when err is 0; counted
} gyre__lookup;

// Looks up the addresses of `host` in one family: "localhost", /etc/hosts, the cache, DNS by
// `servers` (NULL: resolv.conf's). Every outcome comes through `done`, later; see gyre_resolve for
// the errors. There is no deadline but c-ares' own: stop the look-up when yours has passed.
void gyre__lookup_start(gyre_loop *loop, gyre__lookup *lookup, const char *host, int family,
                        const char *servers);

// Detaches a look-up at once and lets go of its answer; the query behind it runs out by itself. An
// idle one is fine.
void gyre__lookup_stop(gyre__lookup *lookup);

// One address of an answer as a socket address.
gyre_address gyre__dns_answer_address(const gyre__dns_answer *answer, size_t index, uint16_t port);

// Details of a failed look-up, of the loop's allocator; NULL when there is no memory.
char *gyre__lookup_why(gyre_loop *loop, const char *host, int err, int status);

// The same when a deadline of `limit` has passed.
char *gyre__lookup_why_late(gyre_loop *loop, const char *host, gyre_duration limit);

// Copies what came from a user or the network for a text of one line: bytes that do not print
// become '?'. Returns `to`.
const char *gyre__printable(char *to, size_t size, const char *from);

// Writes a duration as a person would: "10 s", "250 ms". Returns `text`.
const char *gyre__limit_text(char *text, size_t size, gyre_duration limit);

// Which of two failures of one name says more: 0 less than "not found" less than … "no memory".
int gyre__lookup_worse(int a, int b);

// Reads an IPv4 or IPv6 literal, the latter with or without brackets. False: a name, or nonsense.
bool gyre__host_literal(gyre_address *out, const char *host, uint16_t port);

// ---- For tests ------------------------------------------------------------------------------

// Reads other files than /etc/resolv.conf and /etc/hosts from now on. The texts must outlive
// the loop. 0 or -ENOMEM.
int gyre__resolver_files(gyre_loop *loop, const char *resolv_conf, const char *hosts) GYRE_MUST_USE;

#endif
