// The parser of the hosts file and its table.

#include "net/dns_impl.h"
#include "test/support/faults.h"
#include "test/support/memory.h"
#include "test/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void parse(gyre__hosts *hosts, const gyre_allocator *alloc, const char *text, size_t len)
{
    char *copy = gyre__alloc(alloc, len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    *hosts = (gyre__hosts){0};
    assert_int_equal(gyre__hosts_parse(hosts, alloc, copy, len), 0);
}

// "192.0.2.1 ::1": the addresses of a name, in order.
static const char *addresses(const gyre__hosts *hosts, const char *name, char *to, size_t size)
{
    to[0] = '\0';
    const gyre__hosts_record *record = gyre__hosts_first(hosts, gyre_view_of(name));
    for (; record; record = gyre__hosts_next(hosts, record)) {
        size_t len = strlen(to);
        if (len > 0) to[len++] = ' ';
        assert_non_null(inet_ntop(record->family, record->ip.bytes, to + len, size - len));
    }
    return to;
}

static void expect_of(const char *text, const char *name, const char *want)
{
    gyre__hosts hosts;
    char got[500];
    parse(&hosts, &gyre__allocator_default, text, strlen(text));
    assert_string_equal(addresses(&hosts, name, got, sizeof got), want);
    gyre__hosts_free(&hosts);
}

static void lines_of_the_hosts_file_are_read(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        {"192.0.2.1 a", "a", "192.0.2.1"},
        {"192.0.2.1 a\n", "a", "192.0.2.1"},
        {"192.0.2.1\ta b\tc\r\n", "c", "192.0.2.1"},
        {"  192.0.2.1   a  ", "a", "192.0.2.1"},
        {"2001:db8::1 a", "a", "2001:db8::1"},
        {"192.0.2.1 A.Test", "a.tEST", "192.0.2.1"},
        {"192.0.2.1 a.test.", "a.test", "192.0.2.1"},
        {"192.0.2.1 a # b", "b", ""},
        {"192.0.2.1 a#b", "a", "192.0.2.1"},
        {"#192.0.2.1 a", "a", ""},
        {"192.0.2.1 a\n192.0.2.2 a\n::2 b a\n", "a", "192.0.2.1 192.0.2.2 ::2"},
        {"\n\n192.0.2.1 a\n\n", "a", "192.0.2.1"},
        {"192.0.2.1", "192.0.2.1", ""},
        {"a 192.0.2.1", "a", ""},
        {"192.0.2.256 a", "a", ""},
        {"192.0.2 a", "a", ""},
        {"fe80::1%lo a", "a", ""},
        {"192.0.2.1 -a a_b a..b", "a_b", "192.0.2.1"},
        {"192.0.2.1 -a", "-a", ""},
        {"192.0.2.1000000000000000000000000000000000000000000000000000000 a", "a", ""},
        {"192.0.2.1 a\nnonsense\n192.0.2.2 b", "b", "192.0.2.2"},
        {"", "a", ""},
        {"\n", "a", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_of(table[i][0], table[i][1], table[i][2]);
}

static void a_zero_in_the_hosts_file_ends_nothing(void **state)
{
    (void)state;
    static const char text[] = "192.0.2.1 a\0b c\n192.0.2.2 d\n";
    gyre__hosts hosts;
    char got[100];
    parse(&hosts, &gyre__allocator_default, text, sizeof text - 1);
    assert_string_equal(addresses(&hosts, "a", got, sizeof got), "");
    assert_string_equal(addresses(&hosts, "c", got, sizeof got), "192.0.2.1");
    assert_string_equal(addresses(&hosts, "d", got, sizeof got), "192.0.2.2");
    gyre__hosts_free(&hosts);
}

// An allocator of one page, whose block ends at one that cannot be touched, would have to be of the
// parser's own tables too; so the text alone is put there, and not handed over.
static void the_hosts_file_is_read_up_to_its_end_and_no_further(void **state)
{
    (void)state;
    static const char text[] = "192.0.2.1 a.b # c\r\n::1 d\n1.2.3.4";
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    for (size_t len = 0; len < sizeof text; len++) {
        char *at = pages + 4096 - len;
        memcpy(at, text, len);
        gyre__hosts hosts = {0};
        assert_int_equal(gyre__hosts_parse(&hosts, &gyre__allocator_default, at, len), 0);
        hosts.text = NULL;
        gyre__hosts_free(&hosts);
    }
    munmap(pages, 8192);
}

static double seconds_for(size_t lines)
{
    size_t room = lines * 40, len = 0;
    char *text = malloc(room);
    assert_non_null(text);
    for (size_t i = 0; i < lines; i++)
        len += (size_t)snprintf(text + len, room - len, "10.0.0.1 host%zu.example.test\n", i);
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    gyre__hosts hosts = {0};
    assert_int_equal(gyre__hosts_parse(&hosts, &gyre__allocator_default, text, len), 0);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    gyre__hosts_free(&hosts);
    return (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
}

static void twice_the_hosts_file_costs_twice_the_time(void **state)
{
    (void)state;
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        double ratio = seconds_for(40000) / seconds_for(20000);
        if (ratio < best) best = ratio;
    }
    assert_true(best < 2.5);
}

static int parse_with(const gyre_allocator *alloc, void *arg)
{
    const char *text = arg;
    char *copy = gyre__copy_text(alloc, gyre_view_of(text));
    if (!copy) return -ENOMEM;
    gyre__hosts hosts = {0};
    int err = gyre__hosts_parse(&hosts, alloc, copy, strlen(copy));
    if (err) {
        gyre__free(alloc, copy);
        return err;
    }
    bool is_whole = gyre__hosts_first(&hosts, GYRE_VIEW("w")) != NULL;
    gyre__hosts_free(&hosts);
    return is_whole ? 0 : -EIO;
}

static void parsing_the_hosts_file_survives_every_failing_allocation(void **state)
{
    (void)state;
    MEMORY_TORTURE(parse_with, "192.0.2.1 a b c d e f g h i j k l m n o p q r s t u v\n::1 w\n");
}

static void load_file(gyre__hosts *hosts, const char *path, int want)
{
    assert_int_equal(gyre__hosts_load(hosts, &gyre__allocator_default, path), want);
}

static void a_hosts_file_that_cannot_be_read_counts_as_empty(void **state)
{
    (void)state;
    gyre__hosts hosts = {0};
    load_file(&hosts, "/nonexistent/hosts", 0);
    load_file(&hosts, "/tmp", 0);
    assert_null(gyre__hosts_first(&hosts, GYRE_VIEW("a")));
    gyre__hosts_free(&hosts);
}

static void without_descriptors_the_table_stays_as_it_was(void **state)
{
    (void)state;
    char path[] = "/tmp/hosts.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "192.0.2.1 a\n", 12) == 12 && close(fd) == 0);
    gyre__hosts hosts = {0};
    load_file(&hosts, path, 0);
    fault_fail_nth(FAULT_OPEN, 1, EMFILE);
    load_file(&hosts, path, -EMFILE);
    assert_non_null(gyre__hosts_first(&hosts, GYRE_VIEW("a")));
    fault_fail_nth(FAULT_READ, 1, EIO);
    load_file(&hosts, path, -EIO);
    assert_non_null(gyre__hosts_first(&hosts, GYRE_VIEW("a")));
    fault_fail_nth(FAULT_READ, 1, EINTR);
    load_file(&hosts, path, 0);
    fault_short(FAULT_READ, 1);
    load_file(&hosts, path, 0);
    fault_reset();
    assert_non_null(gyre__hosts_first(&hosts, GYRE_VIEW("a")));
    gyre__hosts_free(&hosts);
    unlink(path);
}

static void a_hosts_file_is_looked_at_once_a_second(void **state)
{
    (void)state;
    char path[] = "/tmp/hosts.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    gyre__watched_file file = {.path = path};
    fault_reset();
    assert_true(gyre__file_changed(&file, GYRE_SECONDS(5)));
    assert_false(gyre__file_changed(&file, GYRE_SECONDS(5)));
    assert_int_equal(write(fd, "x", 1), 1);
    assert_false(gyre__file_changed(&file, GYRE_SECONDS(6) - 1));
    assert_int_equal(fault_count(FAULT_STAT), 1);
    assert_true(gyre__file_changed(&file, GYRE_SECONDS(6)));
    assert_false(gyre__file_changed(&file, GYRE_SECONDS(8)));
    assert_int_equal(unlink(path), 0);
    assert_true(gyre__file_changed(&file, GYRE_SECONDS(9)));
    assert_false(gyre__file_changed(&file, GYRE_SECONDS(10)));
    close(fd);
}

TESTS(cmocka_unit_test(lines_of_the_hosts_file_are_read),
      cmocka_unit_test(a_zero_in_the_hosts_file_ends_nothing),
      cmocka_unit_test(the_hosts_file_is_read_up_to_its_end_and_no_further),
      cmocka_unit_test(twice_the_hosts_file_costs_twice_the_time),
      cmocka_unit_test(parsing_the_hosts_file_survives_every_failing_allocation),
      cmocka_unit_test(a_hosts_file_that_cannot_be_read_counts_as_empty),
      cmocka_unit_test(without_descriptors_the_table_stays_as_it_was),
      cmocka_unit_test(a_hosts_file_is_looked_at_once_a_second))
