// main03: a fetch returns a future. It can be kept, looked at, combined, cancelled; its value is
// taken when it is wanted, here in the order of completion by gyre_any.
//
//     main03_future URL URL

#include <gyre.h>
#include <stdio.h>

static int print_result(gyre_loop *loop, int err, gyre_response *response)
{
    if (err) {
        fprintf(stderr, "%s (%s)\n", gyre_errname(err), gyre_why_last(loop));
        return 1;
    }
    fwrite(response->body.ptr, 1, response->body.len, stdout);
    gyre_response_free(response);
    return 0;
}

int main(int argc, char **argv)
{
    gyre_loop *loop;
    if (argc != 3 || gyre_loop_open(&loop, NULL) != 0) return 1;

    gyre_response_future fetches[2] = {gyre_get(loop, argv[1]), gyre_get(loop, argv[2])};
    fprintf(stderr, "states: %s, %s\n", gyre_state_name(gyre_future_state(fetches[0])),
            gyre_state_name(gyre_future_state(fetches[1])));

    // A second reference to each, so that the one that gyre_any leaves behind is not cancelled.
    gyre_response_future kept[2] = {gyre_retain(fetches[0]), gyre_retain(fetches[1])};
    gyre_response *response = NULL;
    size_t first = 0;
    int err = gyre_run(gyre_any(loop, fetches, 2, &first), &response);
    int failed = print_result(loop, err, response);
    gyre_release(kept[first]);
    err = gyre_run(kept[1 - first], &response);
    failed |= print_result(loop, err, response);
    gyre_loop_close(loop);
    return failed;
}
