// Addresses: text to address and back.
#include "net/net_int.h"
#include "test/support/test.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct row {
    const char *text;
    const char *canonical; // NULL: refused
};

static const struct row rows[] = {
    {"127.0.0.1:80", "127.0.0.1:80"},
    {"0.0.0.0:0", "0.0.0.0:0"},
    {"255.255.255.255:65535", "255.255.255.255:65535"},
    {"1.2.3.4", "1.2.3.4:7"},
    {"1.2.3.4:00080", "1.2.3.4:80"},
    {"[::1]:80", "[::1]:80"},
    {"[::1]", "[::1]:7"},
    {"::1", "[::1]:7"},
    {"[::]:0", "[::]:0"},
    {"[2001:DB8:0:0:1:0:0:1]:443", "[2001:db8::1:0:0:1]:443"},
    {"[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"},
    {"[2001:0:0:1:0:0:0:1]:1", "[2001:0:0:1::1]:1"},
    {"[1:2:3:4:5:6:7:0]:1", "[1:2:3:4:5:6:7:0]:1"},
    {"[1:2:3:4:5:6:0:0]:1", "[1:2:3:4:5:6::]:1"},
    {"[0:0:3:4:5:6:7:8]:1", "[::3:4:5:6:7:8]:1"},
    {"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1"},
    {"[::192.0.2.1]:1", "[::c000:201]:1"},
    {"[::ffff:0:0]:1", "[::ffff:0.0.0.0]:1"},
    {"[fe80::1%3]:80", "[fe80::1%3]:80"},
    {"fe80::1%3", "[fe80::1%3]:7"},
    {"unix:/tmp/x", "unix:/tmp/x"},
    {"unix:rel/x", "unix:rel/x"},
    {"unix:@name", "unix:@name"},
    {"", NULL},
    {":80", NULL},
    {"localhost", NULL},
    {"localhost:80", NULL},
    {"127.1:80", NULL},
    {"127.0.0.01:80", NULL},
    {"0x7f.0.0.1:80", NULL},
    {"2130706433:80", NULL},
    {"256.0.0.1:80", NULL},
    {"1.2.3.4.5:80", NULL},
    {" 1.2.3.4:80", NULL},
    {"1.2.3.4 :80", NULL},
    {"1.2.3.4:", NULL},
    {"1.2.3.4:65536", NULL},
    {"1.2.3.4:+80", NULL},
    {"1.2.3.4:-1", NULL},
    {"1.2.3.4: 80", NULL},
    {"1.2.3.4:000080", NULL},
    {"1.2.3.4:8a", NULL},
    {"[::1", NULL},
    {"[::1]80", NULL},
    {"[::1]:", NULL},
    {"[]:80", NULL},
    {"[1.2.3.4]:80", NULL},
    {"[::1%]:80", NULL},
    {"[::1%no-such-device]:80", NULL},
    {"[::1%99999999999]:80", NULL},
    {"[:::1]:80", NULL},
    {"[1::2::3]:80", NULL},
    {"[12345::]:80", NULL},
    {"::1]:80", NULL},
    {"unix:", NULL},
    {"unix:@", NULL},
};

static void check_row(const struct row *row)
{
    gyre_address address;
    char text[GYRE_ADDRESS_TEXT];
    memset(&address, 0x55, sizeof address);
    int err = gyre_address_parse(&address, gyre_view_of(row->text), 7);
    if (err != (row->canonical ? 0 : -EINVAL)) print_error("%s\n", row->text);
    assert_int_equal(err, row->canonical ? 0 : -EINVAL);
    if (!row->canonical) {
        assert_int_equal(address.len, 0x55555555); // untouched
        return;
    }
    assert_string_equal(gyre_address_text(&address, text, sizeof text), row->canonical);
    gyre_address again;
    assert_int_equal(gyre_address_parse(&again, gyre_view_of(text), 9), 0);
    assert_int_equal(again.len, address.len);
    assert_memory_equal(&again.storage, &address.storage, address.len);
}

static void address_text_goes_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(&rows[i]);
}

static void an_interface_has_a_name_or_a_number(void **state)
{
    (void)state;
    unsigned lo = if_nametoindex("lo");
    if (!lo) SKIP("no interface named lo");
    gyre_address address;
    char text[GYRE_ADDRESS_TEXT], want[64];
    assert_int_equal(gyre_address_parse(&address, GYRE_VIEW("[fe80::2%lo]:1"), 0), 0);
    snprintf(want, sizeof want, "[fe80::2%%%u]:1", lo);
    assert_string_equal(gyre_address_text(&address, text, sizeof text), want);
}

static void a_unix_path_may_fill_its_place(void **state)
{
    (void)state;
    char path[5 + 109] = "unix:";
    gyre_address address;
    char text[GYRE_ADDRESS_TEXT];
    memset(path + 5, 'p', 108);
    assert_int_equal(gyre_address_parse(&address, (gyre_view){path, 5 + 107}, 0), 0);
    assert_int_equal(strlen(gyre_address_text(&address, text, sizeof text)), 5 + 107);
    assert_int_equal(gyre_address_parse(&address, (gyre_view){path, 5 + 108}, 0), -EINVAL);
    assert_int_equal(gyre_address_parse(&address, (gyre_view){"unix:a\0b", 8}, 0), -EINVAL);
    assert_int_equal(gyre_address_parse(&address, (gyre_view){"1.2.3.4\0:1", 10}, 0), -EINVAL);
    assert_int_equal(gyre_address_port(&address), 0);
}

static void a_text_is_cut_to_its_room(void **state)
{
    (void)state;
    gyre_address address, none = {0};
    char text[8] = "untouch";
    assert_int_equal(gyre_address_parse(&address, GYRE_VIEW("127.0.0.1:80"), 0), 0);
    assert_string_equal(gyre_address_text(&address, text, sizeof text), "127.0.0");
    assert_string_equal(gyre_address_text(&address, text, 1), "");
    text[0] = 'x';
    assert_ptr_equal(gyre_address_text(&address, text, 0), text);
    assert_int_equal(text[0], 'x');
    assert_string_equal(gyre_address_text(&none, text, sizeof text), "");
    assert_int_equal(gyre_address_port(&none), 0);
}

// Every text, and every beginning of it, ends at a page that cannot be read.
static void parsing_reads_nothing_behind_the_text(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            gyre_address address;
            char *at = pages + page - len;
            memcpy(at, rows[i].text, len);
            (void)!gyre_address_parse(&address, (gyre_view){at, len}, 1);
        }
    munmap(pages, 2 * page);
}

TESTS(cmocka_unit_test(address_text_goes_there_and_back),
      cmocka_unit_test(an_interface_has_a_name_or_a_number),
      cmocka_unit_test(a_unix_path_may_fill_its_place), cmocka_unit_test(a_text_is_cut_to_its_room),
      cmocka_unit_test(parsing_reads_nothing_behind_the_text))
