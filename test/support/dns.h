// A name server that says what a test wants it to say, and counts what it is asked.
//
//     static const struct dns_rule rules[] = {
//         {.name = "both.test", .type = DNS_A, .data = "192.0.2.1 192.0.2.2", .ttl = 60},
//         {.name = "both.test", .type = DNS_AAAA, .act = DNS_NODATA},
//     };
//     struct dns dns;
//     dns_start(&dns, rules, 2);
//     … gyre_resolve(loop, "both.test", 80, &(gyre_resolve_opts){.servers = dns.text}) …
//     dns_stop(&dns);
//
// It serves UDP and TCP on one port of 127.0.0.1, on a thread of its own, in real time. What no
// rule names does not exist. A TCP connection is closed after each answer.
#ifndef TEST_SUPPORT_DNS_H
#define TEST_SUPPORT_DNS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type { DNS_ANY = 0, DNS_A = 1, DNS_AAAA = 28 };

enum dns_act {
    DNS_ANSWER,         // `data`; truncated to nothing over UDP when it does not fit into 512 bytes
    DNS_NXDOMAIN,       // the name does not exist
    DNS_NODATA,         // it does, without such records
    DNS_SERVFAIL,       // over and over
    DNS_REFUSED,        //
    DNS_SILENCE,        // counted, never answered
    DNS_TRUNCATED,      // over UDP nothing but the bit that says so; `data` over TCP
    DNS_TCP_RESET,      // the same, but the TCP connection is reset
    DNS_WRONG_ID,       // these send something wrong first, and then `data`
    DNS_WRONG_QUESTION, //
    DNS_EMPTY,          // a datagram of no bytes
    DNS_GARBAGE,        //
    DNS_CUT,            // these send only something wrong: a packet that ends too soon
    DNS_POINTER_LOOP,   // a name that points at itself
};

struct dns_rule {
    const char *name;   // in lower case; NULL: any
    enum dns_type type; // DNS_ANY: each
    enum dns_act act;
    const char *data; // "192.0.2.1 192.0.2.2", "cname other.test 192.0.2.1"; NULL: none
    int many;         // so many addresses more, counted up from 10.0.0.1 or fd00::1
    int ttl;          // in seconds
    int delay;        // of the answer, in milliseconds
};

struct dns_count {
    char name[256];
    int type;
    unsigned questions;
};

struct dns_reply;  // one that waits for its time
struct dns_client; // a TCP connection

struct dns {
    uint16_t port;
    char text[32]; // "127.0.0.1:port", for options
    const struct dns_rule *rules;
    size_t rule_count;
    // The rest is dns.c's.
    pthread_t thread;
    int udp;
    int tcp;
    int wake[2];                // closing the second ends the thread
    struct dns_client *clients; // 8 of them
    struct dns_reply *replies;
    pthread_mutex_t lock; // guards what follows
    struct dns_count counts[256];
    size_t count;
};

// `rules` must live until dns_stop.
void dns_start(struct dns *dns, const struct dns_rule *rules, size_t count);
void dns_stop(struct dns *dns);

// How often a question was asked, UDP and TCP together; name NULL: all names, type DNS_ANY: all
// types.
unsigned dns_asked(struct dns *dns, const char *name, enum dns_type type);

#endif
