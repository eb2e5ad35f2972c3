// One fetch, consumed in four styles: synchronous, callback, future, coroutine. All print the same.
//
//     four_styles URL

#include <gyre.h>
#include <stdio.h>

static gyre_loop *loop;

static void show(const char *style, int err, gyre_response *response)
{
    if (err) {
        printf("%s: %s: %s\n", style, gyre_errname(err), gyre_why_last(loop));
        return;
    }
    printf("%s: ", style);
    fwrite(response->body.ptr, 1, response->body.len, stdout);
    gyre_response_free(response);
}

static void on_response(void *style, int err, gyre_response **response)
{
    show(style, err, err ? NULL : *response);
    gyre_loop_stop(loop);
}

static int coroutine(gyre_coro *self, void *url)
{
    gyre_response *response = NULL;
    int err = gyre_await(gyre_get(gyre_coro_loop(self), url), &response);
    show("coroutine", err, response);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || gyre_loop_open(&loop, NULL) != 0) return 1;
    gyre_response *response = NULL;

    int err = gyre_run(gyre_get(loop, argv[1]), &response);
    show("synchronous", err, response);

    char style[] = "callback";
    gyre_then(gyre_get(loop, argv[1]), on_response, style);
    gyre_loop_run(loop);

    gyre_response_future future = gyre_with_timeout(gyre_get(loop, argv[1]), GYRE_SECONDS(10));
    err = gyre_run(future, &response);
    show("future", err, response);

    err = gyre_run(gyre_spawn(gyre_void, loop, coroutine, argv[1]));
    gyre_loop_close(loop);
    return err ? 1 : 0;
}
