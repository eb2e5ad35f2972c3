// The origin: the server that the benchmark and the tests fetch from.
//
//     build/bench/origin [--port N] [--unix PATH]
//
// Prints "listening on 127.0.0.1:PORT" (and "listening on unix:PATH") and serves until SIGTERM or
// SIGINT, then exits with 0. It keeps its own record, so that what a client claims can be checked
// against what arrived:
//
//     /hello                     14 bytes
//     /delay?ms=N[&tag=X]        after N milliseconds: the tag, or "ok"
//     /bytes?n=N[&chunked=1]     N bytes, up to 64 MiB; byte i is (i * 31 + 7) mod 251
//     /echo                      the body of the request
//     /status?code=N             that status
//     /redirect?to=URL&code=N    a redirect (302) to the percent-decoded URL
//     /headers                   the head of the request
//     /close                     an answer with "Connection: close"
//     /count, /record, /reset    what was seen (JSON); these three are not counted themselves

#include <gyre.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    RECORDS_MAX = 1 << 17, // requests recorded since the last /reset; later ones are only counted
    TARGET_MAX = 95,       // bytes of a target that are recorded
    BODY_MAX = 64 << 20,
    PIECE = 16384,
};

typedef struct record {
    gyre_time arrived, answered; // since the start
    size_t open;                 // requests under way when it arrived, itself included
    char target[TARGET_MAX + 1];
} record;

typedef struct origin {
    gyre_loop *loop;
    gyre_server *servers[2]; // TCP, Unix
    gyre_signal_watch term, interrupt;
    gyre_time began;
    size_t requests, open, most_open;
    unsigned resets;
    uint64_t connections_before; // accepted before the last /reset
    record *records;             // RECORDS_MAX of them, touched as they are used
    size_t record_count;
    char *bytes;   // BODY_MAX of them
    size_t filled; // of these have their value
} origin;

// ---- The record ----------------------------------------------------------------------------

// The target of the request line, with its query.
static gyre_view target_of(gyre_request *request)
{
    gyre_view head = gyre_request_head(request);
    size_t first = gyre_request_method(request).len + 1, len = 0;
    while (head.ptr[first + len] != ' ') len++;
    return (gyre_view){head.ptr + first, len};
}

static record *arrive(gyre_request *request)
{
    origin *o = gyre_request_arg(request);
    o->requests++;
    if (++o->open > o->most_open) o->most_open = o->open;
    if (o->record_count == RECORDS_MAX) return NULL;
    record *r = &o->records[o->record_count++];
    gyre_view target = target_of(request);
    size_t len = target.len < TARGET_MAX ? target.len : TARGET_MAX;
    r->arrived = gyre_now(o->loop) - o->began;
    r->answered = -1;
    r->open = o->open;
    memcpy(r->target, target.ptr, len);
    r->target[len] = '\0';
    return r;
}

static int recorded(gyre_request *request, gyre_handler_fn *handler)
{
    origin *o = gyre_request_arg(request);
    unsigned resets = o->resets;
    record *r = arrive(request);
    int err = handler(request);
    o->open--;
    // After a reset the record is somebody else's, or nobody's.
    if (r && resets == o->resets) r->answered = gyre_now(o->loop) - o->began;
    return err;
}

#define RECORDED(name) \
    static int name(gyre_request *request) \
    { \
        return recorded(request, answer_##name); \
    }

// ---- Parameters ----------------------------------------------------------------------------

static size_t number_of(gyre_request *request, const char *name, size_t normal, size_t most)
{
    gyre_view text = gyre_request_query(request, name);
    size_t number = 0;
    if (text.len == 0) return normal;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return normal;
        number = number * 10 + (size_t)(text.ptr[i] - '0');
        if (number > most) return most;
    }
    return number;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static size_t percent_decode(char *to, gyre_view text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool coded = text.ptr[i] == '%' && i + 2 < text.len;
        int high = coded ? hex_digit(text.ptr[i + 1]) : -1;
        int low = coded ? hex_digit(text.ptr[i + 2]) : -1;
        to[len++] = high >= 0 && low >= 0 ? (char)(high * 16 + low) : text.ptr[i];
        if (high >= 0 && low >= 0) i += 2;
    }
    return len;
}

// ---- Answers -------------------------------------------------------------------------------

static int answer_hello(gyre_request *request)
{
    return gyre_reply(request, 200, "text/plain", GYRE_VIEW("Hello, world!\n"));
}
RECORDED(hello)

static int answer_delay(gyre_request *request)
{
    size_t ms = number_of(request, "ms", 0, 3600000);
    int err = gyre_await(gyre_sleep(gyre_request_loop(request), GYRE_MS((int64_t)ms)));
    if (err) return err;
    gyre_view tag = gyre_request_query(request, "tag");
    return gyre_reply(request, 200, "text/plain", tag.len > 0 ? tag : GYRE_VIEW("ok\n"));
}
RECORDED(delay)

// The memory stays where it is: another answer may be on its way out of it.
static gyre_view bytes_up_to(origin *o, size_t count)
{
    for (; o->filled < count; o->filled++) o->bytes[o->filled] = (char)((o->filled * 31 + 7) % 251);
    return (gyre_view){o->bytes, count};
}

static int answer_in_pieces(gyre_request *request, gyre_view rest)
{
    int err = gyre_reply_start(request, 200, "application/octet-stream");
    while (!err && rest.len > 0) {
        gyre_view piece = {rest.ptr, rest.len < PIECE ? rest.len : PIECE};
        err = gyre_reply_write(request, piece);
        rest.ptr += piece.len;
        rest.len -= piece.len;
    }
    return err ? err : gyre_reply_end(request);
}

static int answer_bytes(gyre_request *request)
{
    gyre_view body = bytes_up_to(gyre_request_arg(request), number_of(request, "n", 0, BODY_MAX));
    if (number_of(request, "chunked", 0, 1)) return answer_in_pieces(request, body);
    return gyre_reply(request, 200, "application/octet-stream", body);
}
RECORDED(bytes)

static int answer_echo(gyre_request *request)
{
    char type[128];
    gyre_view given = gyre_request_header(request, "Content-Type");
    gyre_view body;
    int err = gyre_await(gyre_body(request, BODY_MAX), &body);
    if (err) return err;
    snprintf(type, sizeof type, "%.*s", GYRE_FMT(given));
    return gyre_reply(request, 200, *type ? type : NULL, body);
}
RECORDED(echo)

static int answer_status(gyre_request *request)
{
    int code = (int)number_of(request, "code", 200, 599);
    return gyre_reply(request, code, "text/plain", GYRE_VIEW("status\n"));
}
RECORDED(status)

static int answer_redirect(gyre_request *request)
{
    char to[4096];
    gyre_view text = gyre_request_query(request, "to");
    if (text.len == 0 || text.len > sizeof to)
        return gyre_reply(request, 400, "text/plain", GYRE_VIEW("to=URL is missing\n"));
    gyre_view location = {to, percent_decode(to, text)};
    int code = (int)number_of(request, "code", 302, 599);
    if (gyre_reply_field(request, "Location", location))
        return gyre_reply(request, 400, "text/plain", GYRE_VIEW("to=URL cannot be sent\n"));
    return gyre_reply(request, code, "text/plain", GYRE_VIEW("see Location\n"));
}
RECORDED(redirect)

static int answer_headers(gyre_request *request)
{
    return gyre_reply(request, 200, "text/plain", gyre_request_head(request));
}
RECORDED(headers)

static int answer_close_after(gyre_request *request)
{
    int err = gyre_reply_field(request, "Connection", GYRE_VIEW("close"));
    return err ? err : gyre_reply(request, 200, "text/plain", GYRE_VIEW("closing\n"));
}
RECORDED(close_after)

// ---- What was seen -------------------------------------------------------------------------

static uint64_t connections_of(const origin *o)
{
    uint64_t count = 0;
    for (size_t i = 0; i < 2; i++)
        if (o->servers[i]) count += gyre_server_count(o->servers[i]).connections;
    return count;
}

static int count(gyre_request *request)
{
    const origin *o = gyre_request_arg(request);
    char text[256];
    int len =
        snprintf(text, sizeof text,
                 "{\"requests\": %zu, \"open\": %zu, \"most_open\": %zu, "
                 "\"connections\": %llu, \"recorded\": %zu}\n",
                 o->requests, o->open, o->most_open,
                 (unsigned long long)(connections_of(o) - o->connections_before), o->record_count);
    return gyre_reply(request, 200, "application/json", (gyre_view){text, (size_t)len});
}

// What JSON must escape in a target, which has neither blanks nor control bytes.
static size_t escape(char *to, const char *text, size_t len)
{
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') to[written++] = '\\';
        to[written++] = text[i];
    }
    return written;
}

static size_t write_record(char *to, size_t size, const record *r)
{
    char path[2 * TARGET_MAX], query[2 * TARGET_MAX];
    size_t len = strcspn(r->target, "?");
    const char *rest = r->target + len + (r->target[len] == '?');
    int path_len = (int)escape(path, r->target, len);
    int query_len = (int)escape(query, rest, strlen(rest));
    int written = snprintf(to, size,
                           "{\"path\": \"%.*s\", \"query\": \"%.*s\", \"arrived\": %lld, "
                           "\"answered\": %lld, \"open\": %zu}\n",
                           path_len, path, query_len, query, (long long)r->arrived,
                           (long long)r->answered, r->open);
    return (size_t)written;
}

static int record_lines(gyre_request *request)
{
    const origin *o = gyre_request_arg(request);
    char text[PIECE];
    size_t len = 0;
    int err = gyre_reply_start(request, 200, "application/x-ndjson");
    for (size_t i = 0; !err && i < o->record_count; i++) {
        if (sizeof text - len < 512) {
            err = gyre_reply_write(request, (gyre_view){text, len});
            len = 0;
        }
        len += write_record(text + len, sizeof text - len, &o->records[i]);
    }
    if (!err) err = gyre_reply_write(request, (gyre_view){text, len});
    return err ? err : gyre_reply_end(request);
}

static int reset(gyre_request *request)
{
    origin *o = gyre_request_arg(request);
    o->resets++;
    o->requests = 0;
    o->most_open = o->open;
    o->record_count = 0;
    o->connections_before = connections_of(o);
    return gyre_reply(request, 200, "text/plain", GYRE_VIEW("reset\n"));
}

// ---- Running -------------------------------------------------------------------------------

static const gyre_route routes[] = {
    GYRE_GET("/hello", hello),     GYRE_GET("/delay", delay),
    GYRE_GET("/bytes", bytes),     GYRE_ANY("/echo", echo),
    GYRE_ANY("/status", status),   GYRE_ANY("/redirect", redirect),
    GYRE_ANY("/headers", headers), GYRE_GET("/close", close_after),
    GYRE_GET("/count", count),     GYRE_GET("/record", record_lines),
    GYRE_ANY("/reset", reset),     GYRE_ROUTES_END,
};

static void on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)watch;
    (void)signo;
    gyre_loop_stop(loop);
}

static int serve_on(origin *o, size_t which, const char *address)
{
    char text[GYRE_ADDRESS_TEXT];
    gyre_server_opts opts = {.address = address, .routes = routes, .arg = o};
    opts.listen.backlog = 4096;
    int err = gyre_server_open(&o->servers[which], o->loop, &opts);
    if (err) {
        fprintf(stderr, "origin: %s: %s\n", address, gyre_strerror(err));
        return err;
    }
    gyre_address real = gyre_server_address(o->servers[which]);
    printf("listening on %s\n", gyre_address_text(&real, text, sizeof text));
    return 0;
}

static int run(origin *o, const char *tcp, const char *local)
{
    o->began = gyre_now(o->loop);
    int err = gyre_on_signal(o->loop, &o->term, SIGTERM, on_signal);
    if (!err) err = gyre_on_signal(o->loop, &o->interrupt, SIGINT, on_signal);
    if (!err && tcp) err = serve_on(o, 0, tcp);
    if (!err && local) err = serve_on(o, 1, local);
    fflush(stdout);
    if (!err) err = gyre_loop_run(o->loop);
    gyre_signal_stop(&o->term);
    gyre_signal_stop(&o->interrupt);
    gyre_loop_close(o->loop);
    return err;
}

// Address space that costs memory only where it is used.
static void *reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static int usage(void)
{
    fputs("usage: origin [--port N] [--unix PATH]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    char tcp[64] = "127.0.0.1:0", local[256] = "";
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--port") == 0)
            snprintf(tcp, sizeof tcp, "127.0.0.1:%s", argv[i + 1]);
        else if (strcmp(argv[i], "--unix") == 0)
            snprintf(local, sizeof local, "unix:%s", argv[i + 1]);
        else
            return usage();
    }
    static origin o;
    o.records = reserve(RECORDS_MAX * sizeof *o.records);
    o.bytes = reserve(BODY_MAX);
    int err = o.records && o.bytes ? gyre_loop_open(&o.loop, NULL) : -1;
    if (err) {
        fputs("origin: no memory for a loop\n", stderr);
        return 1;
    }
    return run(&o, tcp, *local ? local : NULL) ? 1 : 0;
}
