// main01: synchronous fetching. The second request starts when the first has ended.
//
//     main01_sync URL...

#include <gyre.h>
#include <stdio.h>

static int fetch(gyre_loop *loop, const char *url)
{
    gyre_response *response;
    int err = gyre_run(gyre_get(loop, url), &response);
    if (err) {
        fprintf(stderr, "%s: %s (%s)\n", url, gyre_errname(err), gyre_why_last(loop));
        return err;
    }
    fwrite(response->body.ptr, 1, response->body.len, stdout);
    gyre_response_free(response);
    return 0;
}

int main(int argc, char **argv)
{
    gyre_loop *loop;
    if (gyre_loop_open(&loop, NULL) != 0) return 1;
    int failed = 0;
    for (int i = 1; i < argc; i++)
        if (fetch(loop, argv[i]) != 0) failed = 1;
    gyre_loop_close(loop);
    return failed;
}
