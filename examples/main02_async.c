// main02: asynchronous fetching with callbacks. All requests are under way at once, and each answer
// is printed when it comes.
//
//     main02_async URL...

#include <gyre.h>
#include <stdio.h>

struct app {
    gyre_loop *loop;
    int left;
    int failed;
};

static void on_response(void *arg, int err, gyre_response **response)
{
    struct app *app = arg;
    if (err) {
        fprintf(stderr, "%s (%s)\n", gyre_errname(err), gyre_why_last(app->loop));
        app->failed = 1;
    } else {
        fwrite((*response)->body.ptr, 1, (*response)->body.len, stdout);
        gyre_response_free(*response);
    }
    if (--app->left == 0) gyre_loop_stop(app->loop);
}

int main(int argc, char **argv)
{
    struct app app = {.left = argc - 1};
    if (argc < 2 || gyre_loop_open(&app.loop, NULL) != 0) return 1;
    for (int i = 1; i < argc; i++) gyre_then(gyre_get(app.loop, argv[i]), on_response, &app);
    gyre_loop_run(app.loop);
    gyre_loop_close(app.loop);
    return app.failed;
}
