// Which texts are host names, and which are literals.

#include "net/dns_impl.h"
#include "test/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const char label63[] = "a23456789012345678901234567890123456789012345678901234567890123";

static void host_names_are_read_in_lower_case(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"a", "a"},
        {"WWW.Example.COM", "www.example.com"},
        {"example.com.", "example.com."},
        {"_dmarc.example", "_dmarc.example"},
        {"x_y.test", "x_y.test"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"3com.test", "3com.test"},
        {"1.2.3.4.test", "1.2.3.4.test"},
        {"a--b", "a--b"},
        {label63, label63},
    };
    char name[GYRE__HOSTNAME_SIZE];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_true(gyre__hostname_read(name, gyre_view_of(table[i][0])));
        assert_string_equal(name, table[i][1]);
    }
}

static void what_breaks_the_rules_of_host_names_is_refused(void **state)
{
    (void)state;
    static const gyre_view table[] = {
        GYRE_VIEW(""),       GYRE_VIEW("."),       GYRE_VIEW(".."),    GYRE_VIEW(".a"),
        GYRE_VIEW("a.."),    GYRE_VIEW("a..b"),    GYRE_VIEW("-a"),    GYRE_VIEW("a-"),
        GYRE_VIEW("a.-b.c"), GYRE_VIEW("a b"),     GYRE_VIEW("a\0b"),  GYRE_VIEW("a\0"),
        GYRE_VIEW("a/b"),    GYRE_VIEW("a:b"),     GYRE_VIEW("a@b"),   GYRE_VIEW("a%62"),
        GYRE_VIEW("*.a"),    GYRE_VIEW("\xe4.de"), GYRE_VIEW("1"),     GYRE_VIEW("1.2.3.4"),
        GYRE_VIEW("a.1"),    GYRE_VIEW("a.0x1f"),  GYRE_VIEW("a.0X"),  GYRE_VIEW("127.1."),
        GYRE_VIEW("[::1]"),  GYRE_VIEW("a\n"),     GYRE_VIEW("a\x7f"), GYRE_VIEW("a,b"),
    };
    char name[GYRE__HOSTNAME_SIZE];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_false(gyre__hostname_read(name, table[i]));
}

static void host_names_have_a_length_of_253_at_most(void **state)
{
    (void)state;
    char text[300], name[GYRE__HOSTNAME_SIZE];
    snprintf(text, sizeof text, "%s.%s.%s.%.61s", label63, label63, label63, label63);
    assert_int_equal(strlen(text), 253);
    assert_true(gyre__hostname_read(name, gyre_view_of(text)));
    strcat(text, ".");
    assert_true(gyre__hostname_read(name, gyre_view_of(text)));
    text[253] = 'x';
    assert_false(gyre__hostname_read(name, gyre_view_of(text)));
    snprintf(text, sizeof text, "%sx.test", label63);
    assert_false(gyre__hostname_read(name, gyre_view_of(text)));
}

static void names_are_read_up_to_a_guard_page_and_no_further(void **state)
{
    (void)state;
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    const char *const texts[] = {"www.example.com", "example.com.", "a..", "a.0x", "-",
                                 "localhost"};
    char name[GYRE__HOSTNAME_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t len = 0; len <= strlen(texts[i]); len++) {
            gyre_view view = {pages + 4096 - len, len};
            memcpy(pages + 4096 - len, texts[i], len);
            (void)gyre__hostname_read(name, view);
            (void)gyre__hostname_is_local(view);
            (void)gyre__hostname_hash(view);
        }
    }
    munmap(pages, 8192);
}

static void localhost_and_what_is_below_it_is_local(void **state)
{
    (void)state;
    assert_true(gyre__hostname_is_local(GYRE_VIEW("localhost")));
    assert_true(gyre__hostname_is_local(GYRE_VIEW("LOCALHOST")));
    assert_true(gyre__hostname_is_local(GYRE_VIEW("a.b.localhost")));
    assert_false(gyre__hostname_is_local(GYRE_VIEW("mylocalhost")));
    assert_false(gyre__hostname_is_local(GYRE_VIEW("localhost.test")));
    assert_false(gyre__hostname_is_local(GYRE_VIEW("ocalhost")));
    assert_false(gyre__hostname_is_local(GYRE_VIEW("")));
}

static void literals_are_told_from_names(void **state)
{
    (void)state;
    static const char *const literals[] = {"1.2.3.4", "::1", "[::1]", "::ffff:1.2.3.4",
                                           "fe80::1%1"};
    static const char *const others[] = {
        "",         "a",    "1.2.3", "1.2.3.4:80", "[::1]:80",        "[1.2.3.4]", "unix:/tmp/x",
        "1.2.3.4.", "[::1", "::1]",  "01.2.3.4",   "fe80::1%nosuchif"};
    gyre_address address;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        assert_true(gyre__host_literal(&address, literals[i], 7));
        assert_int_equal(gyre_address_port(&address), 7);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(gyre__host_literal(&address, others[i], 7));
}

static void limits_are_written_as_a_person_would(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(gyre__limit_text(text, sizeof text, GYRE_SECONDS(10)), "10 s");
    assert_string_equal(gyre__limit_text(text, sizeof text, GYRE_MS(250)), "250 ms");
    assert_string_equal(gyre__limit_text(text, sizeof text, GYRE_MS(1500)), "1500 ms");
    assert_string_equal(gyre__limit_text(text, sizeof text, 0), "0 s");
}

TESTS(cmocka_unit_test(host_names_are_read_in_lower_case),
      cmocka_unit_test(what_breaks_the_rules_of_host_names_is_refused),
      cmocka_unit_test(host_names_have_a_length_of_253_at_most),
      cmocka_unit_test(names_are_read_up_to_a_guard_page_and_no_further),
      cmocka_unit_test(localhost_and_what_is_below_it_is_local),
      cmocka_unit_test(literals_are_told_from_names),
      cmocka_unit_test(limits_are_written_as_a_person_would))
