// A loop whose resolver reads files of the test's own, and a scripted name server beside it.
#ifndef TEST_NET_NAMES_H
#define TEST_NET_NAMES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/resolver_int.h"
#include "test/support/dns.h"
#include "test/support/test.h"

struct names {
    gyre_loop *loop;
    struct dns dns;
    char dir[32];
    char resolv_conf[64];
    char hosts[64];
};

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void names_point(struct names *names, const char *resolv_conf, const char *hosts)
{
    write_file(names->resolv_conf, resolv_conf);
    write_file(names->hosts, hosts);
}

#define RULES(array) array, sizeof(array) / sizeof((array)[0])

// A loop with an empty hosts file, and a resolv.conf that names the server. `alloc` may be NULL.
static inline void names_open_with(struct names *names, const gyre_allocator *alloc,
                                   const struct dns_rule *rules, size_t count)
{
    dns_start(&names->dns, rules, count);
    strcpy(names->dir, "/tmp/names.XXXXXX");
    assert_non_null(mkdtemp(names->dir));
    snprintf(names->resolv_conf, sizeof names->resolv_conf, "%s/resolv.conf", names->dir);
    snprintf(names->hosts, sizeof names->hosts, "%s/hosts", names->dir);
    names_point(names, "nameserver 127.0.0.1\n", "# nobody\n");
    const gyre_loop_opts opts = {.allocator = alloc};
    assert_int_equal(gyre_loop_open(&names->loop, &opts), 0);
    assert_int_equal(gyre__resolver_files(names->loop, names->resolv_conf, names->hosts), 0);
}

static inline void names_open(struct names *names, const struct dns_rule *rules, size_t count)
{
    names_open_with(names, NULL, rules, count);
}

static inline void names_close(struct names *names)
{
    assert_int_equal(gyre_loop_close(names->loop), 0);
    dns_stop(&names->dns);
    unlink(names->resolv_conf);
    unlink(names->hosts);
    rmdir(names->dir);
}

static inline gyre_addrs_future resolve_in(struct names *names, const char *host, int family)
{
    const gyre_resolve_opts opts = {.servers = names->dns.text, .family = family};
    return gyre_resolve(names->loop, host, 80, &opts);
}

// Looks a name up in a family (0: both) and compares the outcome: "192.0.2.1:80 [::1]:80", or the
// name of an error.
static inline void expect_in(struct names *names, const char *host, int family, const char *want)
{
    gyre_addrs *addrs = NULL;
    int err = gyre_run(resolve_in(names, host, family), &addrs);
    char got[2000] = "";
    for (size_t i = 0; !err && i < addrs->count; i++) {
        char text[GYRE_ADDRESS_TEXT];
        size_t len = strlen(got);
        snprintf(got + len, sizeof got - len, "%s%s", i ? " " : "",
                 gyre_address_text(&addrs->list[i], text, sizeof text));
    }
    if (err) snprintf(got, sizeof got, "%s", gyre_errname(err));
    gyre_addrs_free(addrs);
    assert_string_equal(got, want);
}

static inline void expect(struct names *names, const char *host, const char *want)
{
    expect_in(names, host, 0, want);
}

#endif
