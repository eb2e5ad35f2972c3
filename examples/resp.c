// A client of the Redis protocol (RESP2): sends commands in one go and prints the replies.
//
//     resp HOST PORT COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...
//     resp unix:/path 0 PING
//
// Exit status: 0 every command was answered, 1 the connection failed, 2 bad usage.
#include <errno.h>
#include <gyre.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 64 * 1024, DEEPEST = 8 };

struct call {
    const char *host;
    uint16_t port;
    char **words; // NULL-terminated; "--" parts the commands
};

// Reads the decimal number of a reply line; false when it is none.
static bool read_number(gyre_view text, long long *out)
{
    char copy[24], *end;
    if (text.len == 0 || text.len >= sizeof copy) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = strtoll(copy, &end, 10);
    return *end == '\0';
}

// Reads "<len>" bytes and the line's end behind them.
static int print_bulk(gyre_stream *stream, long long len)
{
    gyre_view bytes;
    if (len < 0) return puts("(nil)") < 0 ? -EIO : 0;
    int err = gyre_await(gyre_read_bytes(stream, (size_t)len + 2), &bytes);
    if (err) return err;
    printf("\"%.*s\"\n", (int)len, bytes.ptr);
    return 0;
}

static int print_reply(gyre_stream *stream, int depth)
{
    gyre_view line;
    long long number = 0;
    int err = gyre_await(gyre_read_until(stream, GYRE_VIEW("\r\n"), LONGEST_LINE), &line);
    if (err) return err;
    char kind = line.ptr[0];
    gyre_view rest = {line.ptr + 1, line.len - 3}; // without the kind and "\r\n"
    if (line.len < 3 || depth > DEEPEST) return -EPROTO;
    if (strchr(":$*", kind) && !read_number(rest, &number)) return -EPROTO;
    switch (kind) {
    case '+': printf("%.*s\n", GYRE_FMT(rest)); return 0;
    case '-': printf("(error) %.*s\n", GYRE_FMT(rest)); return 0;
    case ':': printf("(integer) %lld\n", number); return 0;
    case '$': return number > 512 << 20 ? -EPROTO : print_bulk(stream, number);
    case '*':
        if (number <= 0) puts(number ? "(nil)" : "(empty array)");
        for (long long i = 0; i < number && err == 0; i++) {
            printf("%*s%lld) ", depth * 3, "", i + 1);
            err = print_reply(stream, depth + 1);
        }
        return err;
    default: return -EPROTO;
    }
}

// Sends one command as an array of bulk strings; *words is left behind it.
static int send_command(gyre_stream *stream, char ***words)
{
    char head[32];
    int count = 0, err;
    while ((*words)[count] && strcmp((*words)[count], "--") != 0) count++;
    int len = snprintf(head, sizeof head, "*%d\r\n", count);
    err = gyre_await(gyre_write(stream, (gyre_view){head, (size_t)len}));
    for (int i = 0; i < count && err == 0; i++, ++*words) {
        gyre_view word = gyre_view_of(**words);
        len = snprintf(head, sizeof head, "$%zu\r\n", word.len);
        const gyre_view pieces[] = {{head, (size_t)len}, word, GYRE_VIEW("\r\n")};
        err = gyre_await(gyre_writev(stream, pieces, 3));
    }
    if (**words && err == 0) ++*words; // the "--"
    return err;
}

static int talk(gyre_coro *self, void *arg)
{
    const struct call *call = arg;
    gyre_loop *loop = gyre_coro_loop(self);
    gyre_stream *stream = NULL;
    int commands = 0;

    int err = gyre_await(gyre_connect(loop, call->host, call->port, NULL), &stream);
    for (char **words = call->words; *words && err == 0; commands++)
        err = send_command(stream, &words);
    while (commands-- > 0 && err == 0) err = print_reply(stream, 0);
    if (err) fprintf(stderr, "resp: %s (%s)\n", gyre_strerror(err), gyre_why_last(loop));
    gyre_stream_close(stream);
    return err;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long port = argc > 3 ? strtol(argv[2], &end, 10) : -1;
    if (argc < 4 || *end != '\0' || port < 0 || port > 65535) {
        fprintf(stderr, "usage: resp HOST PORT COMMAND [ARGUMENT...] [-- COMMAND...]\n");
        return 2;
    }
    struct call call = {argv[1], (uint16_t)port, argv + 3};
    gyre_loop *loop;
    int err = gyre_loop_open(&loop, NULL);
    if (err) return 1;
    err = gyre_run(gyre_spawn(gyre_void, loop, talk, &call));
    gyre_loop_close(loop);
    return err ? 1 : 0;
}
