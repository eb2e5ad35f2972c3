// A line server: sends every line back with its number. One coroutine per connection.
//
//     line_echo [ADDRESS]      "127.0.0.1:7000" unless said; also ":0", "[::1]:7000", "unix:/path"
//
// It prints the address that it listens on. Try it with: socat - tcp:127.0.0.1:7000
#include <gyre.h>
#include <stdio.h>

enum { LONGEST_LINE = 64 * 1024 };

// Talks to one client until it ends; the stream is ours.
static int talk(gyre_coro *self, void *arg)
{
    gyre_stream *stream = arg;
    gyre_view line;
    char number[32];
    int err = 0;
    (void)self;

    for (int n = 1; err == 0; n++) {
        err = gyre_await(gyre_read_until(stream, GYRE_VIEW("\n"), LONGEST_LINE), &line);
        if (err) break;
        int len = snprintf(number, sizeof number, "%d: ", n);
        const gyre_view answer[] = {{number, (size_t)len}, line};
        err = gyre_await(gyre_writev(stream, answer, 2)); // waits while the client does not read
    }
    // The client has sent its end: let what is still under way arrive before closing.
    if (err == GYRE_EEOF) err = gyre_await(gyre_stream_shutdown(stream));
    if (err == GYRE_ELIMIT) fprintf(stderr, "line_echo: a line was longer than 64 KiB\n");
    gyre_stream_close(stream);
    return 0; // a client that went away is nobody's mistake
}

static int serve(gyre_coro *self, void *address)
{
    gyre_loop *loop = gyre_coro_loop(self);
    gyre_listener *listener;
    char text[GYRE_ADDRESS_TEXT];

    int err = gyre_listen(&listener, loop, address, NULL);
    if (err) {
        fprintf(stderr, "line_echo: %s: %s\n", (const char *)address, gyre_strerror(err));
        return err;
    }
    gyre_address at = gyre_listener_address(listener);
    printf("%s\n", gyre_address_text(&at, text, sizeof text));
    fflush(stdout);

    while (err == 0) {
        gyre_stream *stream;
        err = gyre_await(gyre_accept(listener), &stream);
        if (!err) gyre_detach(gyre_spawn(gyre_void, loop, talk, stream));
    }
    gyre_listener_close(listener);
    return err;
}

int main(int argc, char **argv)
{
    static char usual[] = "127.0.0.1:7000";
    return gyre_main(serve, argc > 1 ? argv[1] : usual);
}
