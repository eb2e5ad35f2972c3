// gyre-fetch: fetches URLs, several at once, and prints them in the order they were given.
//
// Design notes. `parallel` coroutines take one URL after the other; a result is printed as soon as
// all before it have been, so output starts early and its order never depends on the servers.

#include "cli/gyre_fetch/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct app {
    struct options options;
    gyre_client *client;
    struct result *results;
    FILE *to;
    int next;    // first URL that nobody has taken
    int printed; // results written
    int ended;
    int failed;
    unsigned long long bytes;
    bool progress; // a person watches
};

// ---- Output ----------------------------------------------------------------------------------

static void show_progress(const struct app *app)
{
    if (!app->progress) return;
    fprintf(stderr, "\r%d of %d, %llu bytes, %d failed", app->ended, app->options.url_count,
            app->bytes, app->failed);
    if (app->ended == app->options.url_count) putc('\n', stderr);
}

// Makes room for a line of output on the terminal.
static void hide_progress(const struct app *app)
{
    if (app->progress) fputs("\r\033[K", stderr);
}

static void print_result(struct app *app, int index)
{
    hide_progress(app);
    struct result *result = &app->results[index];
    const char *url = app->options.urls[index];
    if (app->options.json)
        json_write(app->to, url, result);
    else if (result->response)
        fwrite(result->response->body.ptr, 1, result->response->body.len, app->to);
    else
        fprintf(stderr, "gyre-fetch: %s: %s\n", url,
                result->message && *result->message ? result->message : gyre_strerror(result->err));
    gyre_response_free(result->response);
    free(result->message);
    *result = (struct result){.done = true};
}

static void print_ready(struct app *app)
{
    while (app->printed < app->options.url_count && app->results[app->printed].done)
        print_result(app, app->printed++);
    fflush(app->to);
}

// ---- Fetching --------------------------------------------------------------------------------

static void keep(struct app *app, int index, int err, gyre_response *response, const char *why)
{
    struct result *result = &app->results[index];
    *result = (struct result){.done = true, .err = err, .response = response};
    if (err) result->message = strdup(why);
    app->ended++;
    if (err) app->failed++;
    if (response) app->bytes += response->body.len;
    print_ready(app);
    show_progress(app);
}

static int work(gyre_coro *self, void *arg)
{
    struct app *app = arg;
    while (app->next < app->options.url_count) {
        int index = app->next++;
        gyre_response *response = NULL;
        int err = gyre_await(gyre_fetch(app->client, app->options.urls[index], &app->options.fetch),
                             &response);
        if (err == GYRE_ECANCELED) return err;
        keep(app, index, err, response, err ? gyre_why_last(gyre_coro_loop(self)) : NULL);
    }
    return 0;
}

static int run_all(gyre_coro *self, void *arg)
{
    struct app *app = arg;
    gyre_loop *loop = gyre_coro_loop(self);
    int count = app->options.parallel < app->options.url_count ? app->options.parallel
                                                               : app->options.url_count;
    gyre_void_future *workers = calloc((size_t)count, sizeof *workers);
    if (!workers) return -ENOMEM;
    for (int i = 0; i < count; i++) workers[i] = gyre_spawn(gyre_void, loop, work, app);
    int err = gyre_await(gyre_all(loop, workers, (size_t)count));
    free(workers);
    return err;
}

static int run(struct app *app)
{
    gyre_loop *loop;
    int err = gyre_loop_open(&loop, NULL);
    if (err) return err;
    err = gyre_client_open(&app->client, loop, &app->options.client);
    if (!err) err = gyre_run(gyre_spawn(gyre_void, loop, run_all, app));
    gyre_loop_close(loop);
    return err;
}

// Opens the output and runs; says on stderr what went wrong outside a fetch.
static int run_with_output(struct app *app)
{
    if (app->options.output) app->to = fopen(app->options.output, "wb");
    if (!app->to) {
        fprintf(stderr, "gyre-fetch: cannot open %s: %s\n", app->options.output, strerror(errno));
        return 2;
    }
    app->progress = isatty(STDERR_FILENO) && app->options.url_count > 1;
    int err = run(app);
    if (err) fprintf(stderr, "gyre-fetch: %s\n", gyre_strerror(err));
    bool lost = ferror(app->to) != 0;
    if (fclose(app->to) != 0) lost = true;
    if (lost) fprintf(stderr, "gyre-fetch: cannot write the output\n");
    return err || lost || app->failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct app app = {.to = stdout};
    int status = options_read(&app.options, argc, argv);
    if (status != 0) {
        options_free(&app.options);
        return status == 2 ? 2 : 0;
    }
    app.results = calloc((size_t)app.options.url_count, sizeof *app.results);
    if (app.results) {
        status = run_with_output(&app);
    } else {
        fprintf(stderr, "gyre-fetch: no memory\n");
        status = 1;
    }
    free(app.results);
    options_free(&app.options);
    return status;
}
