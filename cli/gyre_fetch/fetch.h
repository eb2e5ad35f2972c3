// gyre-fetch: what its parts share.
#ifndef CLI_GYRE_FETCH_FETCH_H
#define CLI_GYRE_FETCH_FETCH_H

#include <gyre.h>
#include <stdio.h>

// What was asked for on the command line.
struct options {
    gyre_fetch_opts fetch;
    gyre_client_opts client;
    char **urls;
    int url_count;
    int parallel;
    bool json;
    const char *output; // a file; NULL: stdout
    char *body;         // what fetch.body points to, when it was read from a file
    gyre_field *fields; // what fetch.fields points to
};

// Reads the command line. 0, 1 when help was printed, 2 (with a message on stderr) for bad usage.
int options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

// How one URL ended.
struct result {
    bool done;
    int err; // 0: there is a response
    gyre_response *response;
    char *message; // details of an error; or NULL
};

// Writes one line of JSON for a URL.
void json_write(FILE *to, const char *url, const struct result *result);

#endif
