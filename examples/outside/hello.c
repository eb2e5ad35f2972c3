#include <gyre.h>
#include <stdio.h>

static int hello(gyre_coro *self, void *url)
{
    gyre_response *r;
    int err = gyre_await(gyre_get(gyre_coro_loop(self), url), &r);
    if (err) return err;
    printf("%d %.*s\n", r->status, GYRE_FMT(r->body));
    gyre_response_free(r);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) return gyre_main(hello, argv[1]);
    puts(gyre_version());
    return 0;
}
