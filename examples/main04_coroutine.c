// main04: coroutines. The code reads like the synchronous program, and the requests still overlap:
// each URL has a coroutine of its own.
//
//     main04_coroutine URL...

#include <gyre.h>
#include <stdio.h>

static int fetch(gyre_coro *self, void *url)
{
    gyre_loop *loop = gyre_coro_loop(self);
    gyre_response *response;
    int err = gyre_await(gyre_get(loop, url), &response);
    if (err) {
        fprintf(stderr, "%s: %s (%s)\n", (char *)url, gyre_errname(err), gyre_why_last(loop));
        return err;
    }
    fwrite(response->body.ptr, 1, response->body.len, stdout);
    int status = response->status;
    gyre_response_free(response);
    return gyre_give(self, &status); // the coroutine's value: Tornado's gen.Return
}

static int fetch_all(gyre_coro *self, void *arg)
{
    gyre_int_future fetches[64];
    int statuses[64];
    size_t count = 0;
    for (char **url = arg; *url && count < 64; url++)
        fetches[count++] = gyre_spawn(gyre_int, gyre_coro_loop(self), fetch, *url);
    int err = gyre_await(gyre_all(gyre_coro_loop(self), fetches, count, statuses));
    for (size_t i = 0; !err && i < count; i++) fprintf(stderr, "%d\n", statuses[i]);
    return err;
}

int main(int argc, char **argv)
{
    (void)argc;
    return gyre_main(fetch_all, argv + 1);
}
