// The scripted name server: one thread, one poll over all of its sockets.
//
// Messages follow RFC 1035 section 4. A question is copied into its answer as it came, so that the
// case of its letters stays.
#include "test/support/dns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/real.h"

enum { HEADER = 12, UDP_MAX = 512, MESSAGE_MAX = 65535, CLIENTS = 8 };

struct message {
    size_t len;
    uint8_t bytes[MESSAGE_MAX];
};

struct question {
    char name[256]; // lower case, dots between the labels
    int type;
    size_t end; // offset behind it
};

// Whom to answer: a client's descriptor, or the UDP socket and an address.
struct peer {
    int fd;
    int is_tcp;
    struct sockaddr_in address;
};

struct dns_reply {
    struct dns_reply *next;
    int64_t due; // ms
    struct peer peer;
    size_t len;
    uint8_t bytes[];
};

struct dns_client {
    int fd; // -1: none
    size_t len;
    uint8_t bytes[2048]; // of the question, with its length in front
};

static void must(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "dns: %s: %s\n", what, strerror(errno));
    abort();
}

static int64_t now_ms(void)
{
    struct timespec now;
    real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- Reading questions ---------------------------------------------------------------------

static int read_question(struct question *to, const uint8_t *bytes, size_t len)
{
    size_t at = HEADER, out = 0;
    while (at < len && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (label > 63 || at + label > len || out + label + 1 >= sizeof to->name) return 0;
        if (out > 0) to->name[out++] = '.';
        for (size_t i = 0; i < label; i++) to->name[out++] = (char)tolower(bytes[at++]);
    }
    to->name[out] = '\0';
    if (at + 5 > len) return 0;
    to->type = bytes[at + 1] << 8 | bytes[at + 2];
    to->end = at + 5;
    return 1;
}

static void note(struct dns *dns, const struct question *question)
{
    pthread_mutex_lock(&dns->lock);
    size_t i = 0;
    while (i < dns->count &&
           (dns->counts[i].type != question->type || strcmp(dns->counts[i].name, question->name)))
        i++;
    if (i == dns->count && i < sizeof dns->counts / sizeof dns->counts[0]) {
        dns->count++;
        memcpy(dns->counts[i].name, question->name, sizeof question->name);
        dns->counts[i].type = question->type;
        dns->counts[i].questions = 0;
    }
    if (i < dns->count) dns->counts[i].questions++;
    pthread_mutex_unlock(&dns->lock);
}

unsigned dns_asked(struct dns *dns, const char *name, enum dns_type type)
{
    unsigned sum = 0;
    pthread_mutex_lock(&dns->lock);
    for (size_t i = 0; i < dns->count; i++) {
        const struct dns_count *count = &dns->counts[i];
        if (name && strcmp(count->name, name) != 0) continue;
        if (type == DNS_ANY || count->type == (int)type) sum += count->questions;
    }
    pthread_mutex_unlock(&dns->lock);
    return sum;
}

static const struct dns_rule *find_rule(const struct dns *dns, const struct question *question)
{
    static const struct dns_rule none = {.act = DNS_NXDOMAIN};
    for (size_t i = 0; i < dns->rule_count; i++) {
        const struct dns_rule *rule = &dns->rules[i];
        if (rule->name && strcmp(rule->name, question->name) != 0) continue;
        if (rule->type == DNS_ANY || (int)rule->type == question->type) return rule;
    }
    return &none;
}

// ---- Writing answers -----------------------------------------------------------------------

static void put(struct message *message, const void *bytes, size_t len)
{
    if (message->len + len > MESSAGE_MAX) return;
    memcpy(message->bytes + message->len, bytes, len);
    message->len += len;
}

static void put16(struct message *message, unsigned value)
{
    put(message, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_name(struct message *message, const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        put(message, (const uint8_t[]){(uint8_t)label}, 1);
        put(message, name, label);
        name += label + (name[label] == '.');
    }
    put(message, "", 1);
}

// One record, its data being `len` bytes; counts it in the header.
static void put_record(struct message *message, const char *owner, int type, int ttl,
                       const struct message *data)
{
    if (message->len + strlen(owner) + data->len + 12 > MESSAGE_MAX) return;
    put_name(message, owner);
    put16(message, (unsigned)type);
    put16(message, 1);
    put16(message, (unsigned)ttl >> 16);
    put16(message, (unsigned)ttl & 0xffff);
    put16(message, (unsigned)data->len);
    put(message, data->bytes, data->len);
    unsigned count = (unsigned)(message->bytes[6] << 8 | message->bytes[7]) + 1;
    message->bytes[6] = (uint8_t)(count >> 8);
    message->bytes[7] = (uint8_t)count;
}

static void put_many(struct message *message, const char *owner, const struct dns_rule *rule,
                     int type)
{
    struct message *data = calloc(1, sizeof *data);
    must(data != NULL, "memory");
    for (int i = 1; i <= rule->many; i++) {
        uint8_t bytes[16] = {10};
        data->len = type == DNS_A ? 4 : 16;
        if (type != DNS_A) bytes[0] = 0xfd;
        bytes[data->len - 1] = (uint8_t)i;
        bytes[data->len - 2] = (uint8_t)(i >> 8);
        memcpy(data->bytes, bytes, data->len);
        put_record(message, owner, type, rule->ttl, data);
    }
    free(data);
}

static void put_records(struct message *message, const struct question *question,
                        const struct dns_rule *rule)
{
    struct message *data = calloc(1, sizeof *data);
    char *text = strdup(rule->data ? rule->data : "");
    must(data && text, "memory");
    char owner[256], *rest = text;
    snprintf(owner, sizeof owner, "%s", question->name);
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        data->len = 0;
        if (!strcmp(word, "cname")) {
            word = strtok_r(rest, " ", &rest);
            put_name(data, word);
            put_record(message, owner, 5, rule->ttl, data);
            snprintf(owner, sizeof owner, "%s", word);
        } else if (question->type == DNS_A && inet_pton(AF_INET, word, data->bytes) == 1) {
            data->len = 4;
            put_record(message, owner, DNS_A, rule->ttl, data);
        } else if (question->type == DNS_AAAA && inet_pton(AF_INET6, word, data->bytes) == 1) {
            data->len = 16;
            put_record(message, owner, DNS_AAAA, rule->ttl, data);
        }
    }
    put_many(message, owner, rule, question->type);
    free(text);
    free(data);
}

// A header with the question behind it.
static void begin(struct message *message, const uint8_t *query, const struct question *question,
                  unsigned rcode)
{
    message->len = 0;
    put(message, query, 2);
    put16(message, 0x8180 | rcode);
    put16(message, 1);
    put(message, "\0\0\0\0\0", 6);
    put(message, query + HEADER, question->end - HEADER);
}

static void compose(struct message *message, const uint8_t *query, const struct question *question,
                    const struct dns_rule *rule, int is_tcp)
{
    static const uint8_t rcodes[] = {
        [DNS_NXDOMAIN] = 3, [DNS_SERVFAIL] = 2, [DNS_REFUSED] = 5, [DNS_POINTER_LOOP] = 0};
    begin(message, query, question, rcodes[rule->act]);
    if (rule->act == DNS_NXDOMAIN || rule->act == DNS_NODATA || rcodes[rule->act]) return;
    put_records(message, question, rule);
    int is_short = rule->act == DNS_TRUNCATED || rule->act == DNS_TCP_RESET;
    if (!is_tcp && (is_short || message->len > UDP_MAX)) {
        begin(message, query, question, 0);
        message->bytes[2] |= 2;
    }
    if (rule->act == DNS_CUT) message->len -= 3;
    if (rule->act == DNS_POINTER_LOOP) {
        begin(message, query, question, 0);
        message->bytes[7] = 1;
        put16(message, 0xc000 | (unsigned)message->len);
        put(message, "\0\1\0\1\0\0\0\0\0\4abcd", 14);
    }
}

// ---- Sending -------------------------------------------------------------------------------

static void send_now(struct dns *dns, const struct peer *peer, const void *bytes, size_t len)
{
    if (!peer->is_tcp) {
        real_sendto(dns->udp, bytes, len, 0, (const struct sockaddr *)&peer->address,
                    sizeof peer->address);
        return;
    }
    uint8_t prefix[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    real_send(peer->fd, prefix, 2, MSG_NOSIGNAL | MSG_MORE);
    real_send(peer->fd, bytes, len, MSG_NOSIGNAL);
    real_shutdown(peer->fd, SHUT_WR);
}

static void send_at(struct dns *dns, const struct peer *peer, const struct message *message,
                    int delay)
{
    if (delay == 0) {
        send_now(dns, peer, message->bytes, message->len);
        return;
    }
    struct dns_reply *reply = malloc(sizeof *reply + message->len);
    must(reply != NULL, "memory");
    *reply = (struct dns_reply){dns->replies, now_ms() + delay + 1, *peer, message->len};
    memcpy(reply->bytes, message->bytes, message->len);
    dns->replies = reply;
}

// Sends what is due; when the next will be, in ms, or -1.
static int send_due(struct dns *dns)
{
    int64_t now = now_ms(), next = -1;
    for (struct dns_reply **link = &dns->replies; *link;) {
        struct dns_reply *reply = *link;
        if (reply->due <= now) {
            *link = reply->next;
            send_now(dns, &reply->peer, reply->bytes, reply->len);
            free(reply);
            continue;
        }
        if (next < 0 || reply->due - now < next) next = reply->due - now;
        link = &reply->next;
    }
    return (int)next;
}

static void send_wrong(struct dns *dns, const struct peer *peer, const struct message *right,
                       const struct dns_rule *rule)
{
    struct message *wrong = malloc(sizeof *wrong);
    must(wrong != NULL, "memory");
    *wrong = *right;
    if (rule->act == DNS_EMPTY) wrong->len = 0;
    if (rule->act == DNS_GARBAGE) memset(wrong->bytes, 0xff, wrong->len);
    if (rule->act == DNS_WRONG_ID) wrong->bytes[0] ^= 0x55;
    if (rule->act == DNS_WRONG_QUESTION) wrong->bytes[HEADER + 1] ^= 1;
    // Another address, so that believing it shows.
    if (wrong->len > 4) wrong->bytes[wrong->len - 1] ^= 0x40;
    send_now(dns, peer, wrong->bytes, wrong->len);
    free(wrong);
}

static void answer(struct dns *dns, const struct peer *peer, const uint8_t *query, size_t len)
{
    struct question question;
    if (len < HEADER || !read_question(&question, query, len)) return;
    note(dns, &question);
    const struct dns_rule *rule = find_rule(dns, &question);
    if (rule->act == DNS_SILENCE) return;
    if (rule->act == DNS_TCP_RESET && peer->is_tcp) {
        struct linger hard = {1, 0};
        real_setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        real_shutdown(peer->fd, SHUT_RDWR);
        return;
    }
    struct message *message = malloc(sizeof *message);
    must(message != NULL, "memory");
    compose(message, query, &question, rule, peer->is_tcp);
    int is_wrong_first = rule->act >= DNS_WRONG_ID && rule->act <= DNS_GARBAGE;
    if (is_wrong_first && !peer->is_tcp) send_wrong(dns, peer, message, rule);
    send_at(dns, peer, message, rule->delay);
    free(message);
}

// ---- The thread ----------------------------------------------------------------------------

static void on_udp(struct dns *dns)
{
    uint8_t bytes[2048];
    struct peer peer = {0};
    socklen_t len = sizeof peer.address;
    ssize_t n =
        real_recvfrom(dns->udp, bytes, sizeof bytes, 0, (struct sockaddr *)&peer.address, &len);
    if (n > 0) answer(dns, &peer, bytes, (size_t)n);
}

static void on_accept(struct dns *dns)
{
    int fd = real_accept4(dns->tcp, NULL, NULL, SOCK_CLOEXEC);
    int i = 0;
    while (i < CLIENTS && dns->clients[i].fd >= 0) i++;
    if (i < CLIENTS) {
        dns->clients[i].fd = fd;
        dns->clients[i].len = 0;
    } else {
        real_close(fd);
    }
}

static void drop_client(struct dns *dns, struct dns_client *client)
{
    for (struct dns_reply *reply = dns->replies; reply; reply = reply->next)
        if (reply->peer.is_tcp && reply->peer.fd == client->fd) reply->peer.fd = -1;
    real_close(client->fd);
    client->fd = -1;
}

static void on_client(struct dns *dns, struct dns_client *client)
{
    uint8_t *bytes = client->bytes;
    ssize_t n = real_recv(client->fd, bytes + client->len, sizeof client->bytes - client->len, 0);
    if (n <= 0) {
        drop_client(dns, client);
        return;
    }
    client->len += (size_t)n;
    if (client->len < 2 || client->len < 2u + (unsigned)(bytes[0] << 8 | bytes[1])) return;
    struct peer peer = {.fd = client->fd, .is_tcp = 1};
    answer(dns, &peer, bytes + 2, client->len - 2);
    client->len = 0;
}

static void *serve(void *arg)
{
    struct dns *dns = arg;
    for (;;) {
        struct pollfd fds[3 + CLIENTS] = {
            {dns->wake[0], POLLIN, 0}, {dns->udp, POLLIN, 0}, {dns->tcp, POLLIN, 0}};
        for (int i = 0; i < CLIENTS; i++)
            fds[3 + i] = (struct pollfd){dns->clients[i].fd, POLLIN, 0};
        real_poll(fds, 3 + CLIENTS, send_due(dns));
        if (fds[0].revents) return NULL;
        if (fds[1].revents) on_udp(dns);
        for (int i = 0; i < CLIENTS; i++)
            if (fds[3 + i].revents) on_client(dns, &dns->clients[i]);
        if (fds[2].revents) on_accept(dns);
    }
}

// UDP and TCP on one port: the kernel chooses it for UDP, and it may be taken for TCP.
static int bind_both(struct dns *dns)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    dns->udp = real_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    dns->tcp = real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(dns->udp >= 0 && dns->tcp >= 0, "socket");
    must(real_bind(dns->udp, (struct sockaddr *)&address, len) == 0, "bind");
    must(real_getsockname(dns->udp, (struct sockaddr *)&address, &len) == 0, "getsockname");
    dns->port = ntohs(address.sin_port);
    if (real_bind(dns->tcp, (struct sockaddr *)&address, len) == 0) return 1;
    real_close(dns->udp);
    real_close(dns->tcp);
    return 0;
}

void dns_start(struct dns *dns, const struct dns_rule *rules, size_t count)
{
    *dns = (struct dns){.rules = rules, .rule_count = count};
    dns->clients = calloc(CLIENTS, sizeof *dns->clients);
    must(dns->clients != NULL, "memory");
    for (int i = 0; i < CLIENTS; i++) dns->clients[i].fd = -1;
    pthread_mutex_init(&dns->lock, NULL);
    while (!bind_both(dns)) continue;
    must(real_listen(dns->tcp, 16) == 0, "listen");
    must(real_pipe2(dns->wake, O_CLOEXEC) == 0, "pipe");
    snprintf(dns->text, sizeof dns->text, "127.0.0.1:%u", dns->port);
    must(real_pthread_create(&dns->thread, NULL, serve, dns) == 0, "thread");
}

void dns_stop(struct dns *dns)
{
    real_close(dns->wake[1]);
    pthread_join(dns->thread, NULL);
    for (int i = 0; i < CLIENTS; i++)
        if (dns->clients[i].fd >= 0) real_close(dns->clients[i].fd);
    free(dns->clients);
    for (struct dns_reply *next, *reply = dns->replies; reply; reply = next) {
        next = reply->next;
        free(reply);
    }
    real_close(dns->wake[0]);
    real_close(dns->udp);
    real_close(dns->tcp);
    pthread_mutex_destroy(&dns->lock);
}
