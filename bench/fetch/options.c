#include "bench/fetch/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, WHOLE, REAL };

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    double least;     // of numbers
    const char *help; // NULL: not for people
};

#define AT(member) offsetof(struct options, member)

static const struct option table[] = {
    {"--styles", TEXT, AT(styles), 0, "LIST   of blocking,sync,threads,callback,future,coroutine"},
    {"--delays", TEXT, AT(delays), 0, "LIST   milliseconds that the origin waits"},
    {"--concurrencies", TEXT, AT(concurrencies), 0, "LIST   how many requests at once"},
    {"--rounds", WHOLE, AT(rounds), 1, "N      of each cell; figures are their medians"},
    {"--seconds", REAL, AT(seconds), 0.001, "S      of each run"},
    {"--rate", REAL, AT(rate), 0.001, "R      requests a second of the rows with a schedule"},
    {"--out", TEXT, AT(out), 0, "DIR    where fetch.json, fetch.csv and fetch.html go"},
    {"--url", TEXT, AT(url), 0, "URL    of another server"},
    {"--urls", TEXT, AT(urls_file), 0, "FILE   of URLs, one a line, fetched in turn"},
    {"--once", FLAG, AT(once), 0, "       one run, with --style, --url and:"},
    {"--style", TEXT, AT(style), 0, "STYLE"},
    {"--requests", WHOLE, AT(requests), 1, "N      instead of --seconds"},
    {"--concurrency", WHOLE, AT(concurrency), 1, "C      requests at once"},
    {"--mode", TEXT, AT(mode), 0, "MODE   keep (alive), close, or idle: memory per connection"},
    {"--cacert", TEXT, AT(cacert), 0, "FILE   certificates to trust"},
    {"--json", FLAG, AT(json), 0, "       one line of JSON"},
    {"--help", FLAG, AT(help), 0, ""},
    {"--cpu", WHOLE, AT(cpu), 0, NULL},
    {"--origin-cpu", WHOLE, AT(origin_cpu), 0, NULL},
    {"--origin-pid", WHOLE, AT(origin_pid), 1, NULL},
    {"--result", WHOLE, AT(result), 0, NULL},
};

enum { TABLE_COUNT = sizeof table / sizeof *table };

void options_usage(void)
{
    puts("fetch [OPTION VALUE...]: compares synchronous and asynchronous fetching\n");
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table[i].help) printf("    %-15s %s\n", table[i].name, table[i].help);
    puts("\nEnvironment: QUICK=1, FULL=1, URL=http://host/path, URLS=file.");
}

bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value && strcmp(value, "0") != 0;
}

// ---- The command line -----------------------------------------------------------------------

static bool take_number(const struct option *option, const char *text, void *at)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool whole = value == (double)(long)value;
    if (errno || end == text || *end || !(value >= option->least && value <= 1e12) ||
        (option->kind == WHOLE && !whole)) {
        fprintf(stderr, "fetch: %s %s: not a number of at least %g\n", option->name, text,
                option->least);
        return false;
    }
    if (option->kind == WHOLE)
        *(long *)at = (long)value;
    else
        *(double *)at = value;
    return true;
}

static bool take(struct options *options, char **argv, int *i)
{
    for (size_t k = 0; k < TABLE_COUNT; k++) {
        if (strcmp(argv[*i], table[k].name) != 0) continue;
        void *at = (char *)options + table[k].offset;
        if (table[k].kind == FLAG) {
            *(bool *)at = true;
            return true;
        }
        const char *value = argv[++*i];
        if (!value) {
            fprintf(stderr, "fetch: %s wants a value\n", table[k].name);
            return false;
        }
        if (table[k].kind != TEXT) return take_number(&table[k], value, at);
        *(const char **)at = value;
        return true;
    }
    fprintf(stderr, "fetch: %s: no such option, see --help\n", argv[*i]);
    return false;
}

// ---- URLs -----------------------------------------------------------------------------------

static bool add_url(struct options *options, const char *url)
{
    size_t count = options->url_count;
    char **urls = realloc(options->urls, (count + 1) * sizeof *urls);
    if (!urls) return false;
    options->urls = urls;
    urls[count] = strdup(url);
    if (!urls[count]) return false;
    options->url_count++;
    return true;
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < options->url_count; i++) free(options->urls[i]);
    free(options->urls);
}

static bool read_urls(struct options *options, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "fetch: %s: %s\n", path, strerror(errno));
        return false;
    }
    char *line = NULL;
    size_t cap = 0;
    bool good = true;
    while (good && getline(&line, &cap, file) > 0) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (*line && *line != '#') good = add_url(options, line);
    }
    free(line);
    fclose(file);
    if (good && options->url_count > 0) return true;
    fprintf(stderr, "fetch: %s: no URL in it\n", path);
    return false;
}

static bool gather_urls(struct options *options)
{
    if (!options->url && !options->urls_file && !options->once) {
        if (is_set("URL")) options->url = getenv("URL");
        if (is_set("URLS")) options->urls_file = getenv("URLS");
    }
    if (options->urls_file && !read_urls(options, options->urls_file)) return false;
    return !options->url || add_url(options, options->url);
}

static bool check_once(const struct options *options)
{
    const char *mode = options->mode;
    if (strcmp(mode, "keep") != 0 && strcmp(mode, "close") != 0 && strcmp(mode, "idle") != 0)
        fprintf(stderr, "fetch: --mode %s: not keep, close or idle\n", mode);
    else if (!options->style || options->url_count == 0)
        fputs("fetch: --once wants --style and --url\n", stderr);
    else if (options->concurrency > 100000)
        fputs("fetch: --concurrency: at most 100000\n", stderr);
    else
        return true;
    return false;
}

bool options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .concurrency = 1, .mode = "keep", .cpu = -1, .origin_cpu = -1, .result = -1};
    for (int i = 1; i < argc; i++)
        if (!take(options, argv, &i)) return false;
    if (options->help) return true;
    if (!gather_urls(options)) return false;
    return !options->once || check_once(options);
}
