// The reference: plain sockets, no library. Sends the same bytes, checks the same things.
//
// Design notes. One connection for each URL, kept alive; where several URLs lead to one server the
// column of connections says so. The reader knows what it needs of RFC 9112: Content-Length,
// chunked, or up to the close. A connection that the server closed between two requests is opened
// once more.

#include "bench/fetch/job.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 10, BUFFER = 65536 };

struct target {
    struct addrinfo *address;
    char *request;
    int fd; // -1 while there is no connection
};

// What has been received and not been read.
struct input {
    int fd;
    size_t begin;
    size_t end;
    char bytes[BUFFER];
};

// ---- Targets --------------------------------------------------------------------------------

// Splits "http://host:port/path"; the library is the judge of URLs, this only has to read good
// ones.
static int parse_url(const char *url, char *host, char *port, const char **rest)
{
    if (strncasecmp(url, "http://", 7) != 0) return -EPROTONOSUPPORT;
    const char *begin = url + 7;
    size_t len = strcspn(begin, "/?#");
    *rest = begin + len;
    size_t host_len = len;
    size_t bracket = *begin == '[' ? strcspn(begin, "]") : 0;
    const char *colon = memchr(begin + bracket, ':', len - bracket);
    snprintf(port, 8, "80");
    if (colon) {
        host_len = (size_t)(colon - begin);
        snprintf(port, 8, "%.*s", (int)(len - host_len - 1), colon + 1);
    }
    if (bracket) {
        begin++;
        host_len -= 2;
    }
    snprintf(host, 256, "%.*s", (int)host_len, begin);
    return 0;
}

static int open_target(struct target *target, const char *url, bool close_each)
{
    char host[256];
    char port[8];
    const char *rest;
    int err = parse_url(url, host, port, &rest);
    if (err) return err;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, port, &hints, &target->address) != 0) return -EHOSTUNREACH;
    const char *authority = url + 7;
    int written =
        asprintf(&target->request,
                 "GET %s%.*s HTTP/1.1\r\n"
                 "Host: %.*s\r\n"
                 "User-Agent: " USER_AGENT "\r\n"
                 "Accept: */*\r\n"
                 "%s\r\n",
                 *rest == '/' ? "" : "/", (int)strcspn(rest, "#"), rest, (int)(rest - authority),
                 authority, close_each ? "Connection: close\r\n" : "");
    target->fd = -1;
    return written < 0 ? -ENOMEM : 0;
}

static int connect_target(struct target *target)
{
    for (struct addrinfo *try = target->address; try; try = try->ai_next) {
        int fd = socket(try->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
        int on = 1;
        if (fd < 0) continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(fd, try->ai_addr, try->ai_addrlen) == 0) {
            target->fd = fd;
            return 0;
        }
        close(fd);
    }
    return -1;
}

static void close_target(struct target *target)
{
    if (target->fd >= 0) close(target->fd);
    target->fd = -1;
}

// ---- Reading a response ---------------------------------------------------------------------

// Receives more; false at the end, on an error, and when there is no room.
static bool fill(struct input *input)
{
    if (input->begin > 0) {
        memmove(input->bytes, input->bytes + input->begin, input->end - input->begin);
        input->end -= input->begin;
        input->begin = 0;
    }
    if (input->end == BUFFER) return false;
    ssize_t got = recv(input->fd, input->bytes + input->end, BUFFER - input->end, 0);
    if (got <= 0) return false;
    input->end += (size_t)got;
    return true;
}

// The bytes up to and with `mark`, or NULL; they are read then.
static char *read_to(struct input *input, const char *mark, size_t *len)
{
    for (;;) {
        char *begin = input->bytes + input->begin;
        char *found = memmem(begin, input->end - input->begin, mark, strlen(mark));
        if (found) {
            *len = (size_t)(found - begin) + strlen(mark);
            input->begin += *len;
            return begin;
        }
        if (!fill(input)) return NULL;
    }
}

static bool skip(struct input *input, int64_t len)
{
    while (len > 0) {
        int64_t there = (int64_t)(input->end - input->begin);
        if (there > len) there = len;
        input->begin += (size_t)there;
        len -= there;
        if (input->begin == input->end) input->begin = input->end = 0;
        if (len > 0 && !fill(input)) return false;
    }
    return true;
}

static int64_t skip_chunks(struct input *input)
{
    int64_t sum = 0;
    for (;;) {
        size_t len;
        const char *line = read_to(input, "\r\n", &len);
        if (!line || !isxdigit((unsigned char)*line)) return -1;
        long long chunk = strtoll(line, NULL, 16);
        if (chunk == 0) break;
        if (chunk < 0 || !skip(input, chunk + 2)) return -1;
        sum += chunk;
    }
    size_t len;
    do {
        if (!read_to(input, "\r\n", &len)) return -1;
    } while (len > 2);
    return sum;
}

// The value of a field in a head that ends with an empty line, or NULL.
static const char *find_field(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = head + len;
    for (const char *line = memchr(head, '\n', len); line && line + 1 < end;) {
        line++;
        if ((size_t)(end - line) > name_len && strncasecmp(line, name, name_len) == 0 &&
            line[name_len] == ':')
            return line + name_len + 1 + strspn(line + name_len + 1, " \t");
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

// Reads one response; the length of its body, or -1. *keep: the connection may serve again.
static int64_t read_response(struct input *input, int *status, bool *keep)
{
    size_t len;
    const char *head = read_to(input, "\r\n\r\n", &len);
    if (!head || strncmp(head, "HTTP/1.", 7) != 0) return -1;
    *status = (int)strtol(head + 9, NULL, 10);
    const char *connection = find_field(head, len, "Connection");
    const char *coding = find_field(head, len, "Transfer-Encoding");
    const char *length = find_field(head, len, "Content-Length");
    *keep = head[7] == '1' && !(connection && strncasecmp(connection, "close", 5) == 0);
    if (coding) return skip_chunks(input);
    if (length) {
        int64_t body = strtoll(length, NULL, 10);
        return skip(input, body) ? body : -1;
    }
    int64_t body = (int64_t)(input->end - input->begin);
    *keep = false;
    for (input->begin = input->end = 0; fill(input); input->begin = input->end = 0)
        body += (int64_t)input->end;
    return body;
}

// ---- A fetch --------------------------------------------------------------------------------

// One request on the target's connection; the length of the body, or -1.
static int64_t exchange(struct target *target, struct input *input, int *status)
{
    size_t len = strlen(target->request);
    bool keep = false;
    int64_t body = -1;
    if (send(target->fd, target->request, len, MSG_NOSIGNAL) == (ssize_t)len) {
        input->fd = target->fd;
        input->begin = input->end = 0;
        body = read_response(input, status, &keep);
    }
    if (body < 0 || !keep) close_target(target);
    return body;
}

static void fetch(struct slot *slot, struct input *input)
{
    struct target *target = &slot->job->targets[slot->url_index];
    int status = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        bool fresh = target->fd < 0;
        if (fresh && connect_target(target) != 0) {
            slot_done_plain(slot, 0, 0, strerror(errno));
            return;
        }
        slot->connections += fresh;
        int64_t body = exchange(target, input, &status);
        if (body >= 0) {
            slot_done_plain(slot, status, body, NULL);
            return;
        }
        if (fresh) break;
    }
    slot_done_plain(slot, 0, 0, "no complete response");
}

// ---- The style ------------------------------------------------------------------------------

int blocking_open(struct job *job)
{
    job->targets = calloc(job->url_count, sizeof *job->targets);
    if (!job->targets) return -ENOMEM;
    int err = 0;
    for (size_t i = 0; !err && i < job->url_count; i++)
        err = open_target(&job->targets[i], job->urls[i], job->close_each);
    return err;
}

void blocking_run(struct job *job)
{
    struct slot *slot = &job->slots[0];
    struct input input = {.fd = -1};
    while (slot_next(slot)) {
        struct timespec wait = {slot->wait / GYRE_SECONDS(1), slot->wait % GYRE_SECONDS(1)};
        if (slot->wait) nanosleep(&wait, NULL);
        fetch(slot, &input);
    }
}

void blocking_close(struct job *job)
{
    for (size_t i = 0; i < job->url_count; i++) {
        close_target(&job->targets[i]);
        freeaddrinfo(job->targets[i].address);
        free(job->targets[i].request);
    }
    free(job->targets);
}
