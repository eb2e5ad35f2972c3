// The command line of gyre-fetch.

#include "cli/gyre_fetch/fetch.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: gyre-fetch [options] URL...\n"
    "  --json                 one line of JSON per URL instead of the bodies\n"
    "  -X, --method METHOD    default: GET, or POST with -d\n"
    "  -d, --data DATA        the request's body; @FILE reads a file, @- the standard input\n"
    "  -H, --header 'N: V'    a header field; may be repeated\n"
    "  --timeout S            seconds for a whole fetch (30)\n"
    "  --connect-timeout S    seconds for name and connection (10)\n"
    "  --max-redirects N      redirects to follow (5)\n"
    "  --no-follow            give redirects as they are\n"
    "  --max-body N           largest body in bytes (104857600)\n"
    "  --parallel N           fetches at once (10); 1: one after the other\n"
    "  -o, --output FILE      write the bodies to a file\n"
    "  --dns-server ADDR:PORT ask this name server\n"
    "  --version, --help\n"
    "Exit: 0 when every URL got a response, 1 when one did not, 2 for bad usage.\n";

enum {
    JSON = 256,
    TIMEOUT,
    CONNECT_TIMEOUT,
    MAX_REDIRECTS,
    NO_FOLLOW,
    MAX_BODY,
    PARALLEL,
    DNS_SERVER,
    VERSION,
    HELP
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, JSON},
    {"method", required_argument, NULL, 'X'},
    {"data", required_argument, NULL, 'd'},
    {"header", required_argument, NULL, 'H'},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"connect-timeout", required_argument, NULL, CONNECT_TIMEOUT},
    {"max-redirects", required_argument, NULL, MAX_REDIRECTS},
    {"no-follow", no_argument, NULL, NO_FOLLOW},
    {"max-body", required_argument, NULL, MAX_BODY},
    {"parallel", required_argument, NULL, PARALLEL},
    {"output", required_argument, NULL, 'o'},
    {"dns-server", required_argument, NULL, DNS_SERVER},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "gyre-fetch: %s: %s\n", what, value);
    return 2;
}

// ---- Values ----------------------------------------------------------------------------------

static int read_count(const char *name, const char *text, long long least, long long *out)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < least) return complain(name, text);
    *out = value;
    return 0;
}

static int read_int(const char *name, const char *text, int least, int *out)
{
    long long value;
    if (read_count(name, text, least, &value) != 0) return 2;
    if (value > 1000000) return complain(name, text);
    *out = (int)value;
    return 0;
}

static int read_seconds(const char *name, const char *text, gyre_duration *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value > 0) || value > 1e9) return complain(name, text);
    *out = (gyre_duration)(value * 1e9);
    if (*out == 0) *out = 1;
    return 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static int read_server(struct options *options, const char *text)
{
    gyre_address address;
    int err = gyre_address_parse(&address, gyre_view_of(text), 53);
    if (err || address.storage.ss_family == AF_UNIX) return complain("--dns-server", text);
    options->client.connect.resolve.servers = text;
    return 0;
}

static gyre_view trimmed(const char *text)
{
    while (is_blank(*text)) text++;
    size_t len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) len--;
    return (gyre_view){text, len};
}

// "Name: value"; what may be sent is the library's to say.
static int add_field(struct options *options, const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon) return complain("a header field is 'Name: value', not", text);
    size_t count = options->fetch.field_count;
    gyre_field *fields = realloc(options->fields, (count + 1) * sizeof *fields);
    if (!fields) return complain("no memory for", text);
    fields[count].name = (gyre_view){text, (size_t)(colon - text)};
    fields[count].value = trimmed(colon + 1);
    options->fields = fields;
    options->fetch.fields = fields;
    options->fetch.field_count = count + 1;
    return 0;
}

static int read_all(struct options *options, FILE *file)
{
    size_t len = 0, cap = 0;
    for (;;) {
        if (len == cap) {
            cap = cap ? cap * 2 : 65536;
            char *grown = realloc(options->body, cap);
            if (!grown) return complain("no memory for", "the body");
            options->body = grown;
        }
        size_t got = fread(options->body + len, 1, cap - len, file);
        len += got;
        if (got == 0) break;
    }
    options->fetch.body = (gyre_view){options->body, len};
    return ferror(file) ? complain("cannot read", "the body") : 0;
}

static int read_body(struct options *options, const char *text)
{
    if (!options->fetch.method) options->fetch.method = "POST";
    if (*text != '@') {
        options->fetch.body = gyre_view_of(text);
        return 0;
    }
    if (strcmp(text, "@-") == 0) return read_all(options, stdin);
    FILE *file = fopen(text + 1, "rb");
    if (!file) return complain("cannot open", text + 1);
    int err = read_all(options, file);
    fclose(file);
    return err;
}

// ---- The whole -------------------------------------------------------------------------------

static int read_limit(struct options *options, int option, const char *value)
{
    long long count;
    int err;
    switch (option) {
    case TIMEOUT: return read_seconds("--timeout", value, &options->fetch.timeout);
    case CONNECT_TIMEOUT:
        return read_seconds("--connect-timeout", value, &options->fetch.connect_timeout);
    case MAX_REDIRECTS:
        err = read_int("--max-redirects", value, 0, &options->fetch.max_redirects);
        if (!err && options->fetch.max_redirects == 0) options->fetch.max_redirects = GYRE_NONE;
        return err;
    case MAX_BODY:
        err = read_count("--max-body", value, 0, &count);
        if (!err) options->fetch.max_body = count ? count : GYRE_NONE;
        return err;
    default: return read_int("--parallel", value, 1, &options->parallel);
    }
}

static int print_and_stop(const char *text)
{
    fputs(text, stdout);
    return 1;
}

static int read_option(struct options *options, int option, const char *value)
{
    if (!value) value = ""; // of an option without argument
    switch (option) {
    case JSON: options->json = true; return 0;
    case 'X': options->fetch.method = value; return 0;
    case 'd': return read_body(options, value);
    case 'H': return add_field(options, value);
    case NO_FOLLOW: options->fetch.max_redirects = GYRE_NONE; return 0;
    case 'o': options->output = value; return 0;
    case DNS_SERVER: return read_server(options, value);
    case VERSION: printf("gyre-fetch, %s\n", gyre_version()); return 1;
    case HELP: return print_and_stop(usage);
    case '?': fputs(usage, stderr); return 2;
    default: return read_limit(options, option, value);
    }
}

int options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){.parallel = 10};
    int option, err = 0;
    while (!err && (option = getopt_long(argc, argv, "X:d:H:o:", long_options, NULL)) != -1)
        err = read_option(options, option, optarg);
    if (err) return err;
    options->urls = argv + optind;
    options->url_count = argc - optind;
    options->client.max_requests = options->client.max_per_origin = options->parallel;
    if (options->url_count == 0) {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}

void options_free(struct options *options)
{
    free(options->fields);
    free(options->body);
}
