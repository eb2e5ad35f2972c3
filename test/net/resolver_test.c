// What gyre_resolve makes of what a name server says.

#include "test/net/names.h"

#include <errno.h>

static const struct dns_rule rules[] = {
    {"both.test", DNS_A, .data = "192.0.2.1 192.0.2.2 192.0.2.3", .ttl = 60},
    {"both.test", DNS_AAAA, .data = "2001:db8::1 2001:db8::2", .ttl = 60},
    {"four.test", DNS_A, .data = "192.0.2.4", .ttl = 60},
    {"four.test", DNS_AAAA, .act = DNS_NODATA},
    {"six.test", DNS_AAAA, .data = "2001:db8::6", .ttl = 60},
    {"six.test", DNS_A, .act = DNS_NXDOMAIN},
    {"none.test", .act = DNS_NODATA},
    {"broken.test", .act = DNS_SERVFAIL},
    {"half.test", DNS_A, .data = "192.0.2.5", .ttl = 60},
    {"half.test", DNS_AAAA, .act = DNS_SERVFAIL},
    {"refused.test", .act = DNS_REFUSED},
    {"truncated.test", .act = DNS_TRUNCATED, .data = "192.0.2.7 2001:db8::7", .ttl = 60},
    {"reset.test", .act = DNS_TCP_RESET},
    {"id.test", .act = DNS_WRONG_ID, .data = "192.0.2.8 2001:db8::8", .ttl = 60},
    {"question.test", .act = DNS_WRONG_QUESTION, .data = "192.0.2.9 2001:db8::9", .ttl = 60},
    {"empty.test", .act = DNS_EMPTY, .data = "192.0.2.10 2001:db8::10", .ttl = 60},
    {"garbage.test", .act = DNS_GARBAGE, .data = "192.0.2.11 2001:db8::11", .ttl = 60},
    {"cut.test", .act = DNS_CUT, .data = "192.0.2.12 2001:db8::12", .ttl = 60},
    {"pointer.test", .act = DNS_POINTER_LOOP},
    {"chain.test", .data = "cname a.test cname b.test 192.0.2.13 2001:db8::13", .ttl = 60},
    {"loop.test", .data = "cname other.test cname loop.test", .ttl = 60},
    {"many.test", DNS_A, .many = 400, .ttl = 60},
    {"many.test", DNS_AAAA, .act = DNS_NODATA},
    {"crowd.test", DNS_A, .many = 3000, .ttl = 60},
    {"crowd.test", DNS_AAAA, .act = DNS_NODATA},
    {"slow.test", .data = "192.0.2.14 2001:db8::14", .ttl = 60, .delay = 50},
    {"silent.test", .act = DNS_SILENCE},
    {"deaf.test", DNS_A, .data = "192.0.2.15", .ttl = 60},
    {"deaf.test", DNS_AAAA, .act = DNS_SILENCE},
    {"upper.test", .data = "192.0.2.16 2001:db8::16", .ttl = 60},
    {"short.corp.test", .data = "192.0.2.17", .ttl = 60},
};

static void expect_of_server(const char *host, const char *want)
{
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, host, want);
    names_close(&names);
}

static void both_families_of_a_name_come_in_turn(void **state)
{
    (void)state;
    expect_of_server("both.test", "[2001:db8::1]:80 192.0.2.1:80 [2001:db8::2]:80 192.0.2.2:80 "
                                  "192.0.2.3:80");
}

static void one_family_alone_is_asked_for(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect_in(&names, "both.test", AF_INET, "192.0.2.1:80 192.0.2.2:80 192.0.2.3:80");
    expect_in(&names, "six.test", AF_INET6, "[2001:db8::6]:80");
    assert_int_equal(dns_asked(&names.dns, "both.test", DNS_AAAA), 0);
    assert_int_equal(dns_asked(&names.dns, "both.test", DNS_A), 1);
    assert_int_equal(dns_asked(&names.dns, "six.test", DNS_A), 0);
    names_close(&names);
}

static void a_name_of_one_family_only_resolves(void **state)
{
    (void)state;
    expect_of_server("four.test", "192.0.2.4:80");
    expect_of_server("six.test", "[2001:db8::6]:80");
}

static void a_name_that_does_not_exist_is_asked_for_once(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "nosuch.test", "GYRE_ENOTFOUND");
    assert_string_equal(gyre_why_last(names.loop), "resolve nosuch.test: name does not exist");
    assert_int_equal(dns_asked(&names.dns, "nosuch.test", DNS_A), 1);
    assert_int_equal(dns_asked(&names.dns, "nosuch.test", DNS_AAAA), 1);
    names_close(&names);
}

static void a_name_without_addresses_is_told_from_none(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "none.test", "GYRE_ENOADDRESS");
    assert_string_equal(gyre_why_last(names.loop), "resolve none.test: name has no address");
    names_close(&names);
}

static void a_server_that_fails_is_an_error_of_its_own(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "broken.test", "GYRE_ERESOLVE");
    assert_non_null(strstr(gyre_why_last(names.loop), "resolve broken.test: name servers gave no"));
    expect(&names, "refused.test", "GYRE_ERESOLVE");
    names_close(&names);
}

static void one_family_is_enough_when_the_other_fails(void **state)
{
    (void)state;
    expect_of_server("half.test", "192.0.2.5:80");
}

static void a_truncated_answer_is_asked_for_over_tcp(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "truncated.test", "[2001:db8::7]:80 192.0.2.7:80");
    assert_true(dns_asked(&names.dns, "truncated.test", DNS_A) >= 2);
    names_close(&names);
}

static void a_tcp_connection_reset_by_the_server_is_an_error(void **state)
{
    (void)state;
    expect_of_server("reset.test", "GYRE_ERESOLVE");
}

static void answers_to_other_questions_are_ignored(void **state)
{
    (void)state;
    expect_of_server("id.test", "[2001:db8::8]:80 192.0.2.8:80");
    expect_of_server("question.test", "[2001:db8::9]:80 192.0.2.9:80");
}

static void a_datagram_of_no_bytes_is_ignored(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "empty.test", "[2001:db8::10]:80 192.0.2.10:80");
    assert_int_equal(dns_asked(&names.dns, "empty.test", DNS_A), 1);
    names_close(&names);
}

static void garbage_is_ignored(void **state)
{
    (void)state;
    expect_of_server("garbage.test", "[2001:db8::11]:80 192.0.2.11:80");
}

static void malformed_answers_are_an_error(void **state)
{
    (void)state;
    expect_of_server("cut.test", "GYRE_ERESOLVE");
    expect_of_server("pointer.test", "GYRE_ERESOLVE");
}

static void a_chain_of_aliases_leads_to_the_addresses(void **state)
{
    (void)state;
    expect_of_server("chain.test", "[2001:db8::13]:80 192.0.2.13:80");
}

static void a_loop_of_aliases_ends_without_address(void **state)
{
    (void)state;
    expect_of_server("loop.test", "GYRE_ENOADDRESS");
}

static size_t count_of(struct names *names, const char *host)
{
    gyre_addrs *addrs;
    assert_int_equal(gyre_run(resolve_in(names, host, AF_INET), &addrs), 0);
    size_t count = addrs->count;
    gyre_addrs_free(addrs);
    return count;
}

static void hundreds_of_addresses_are_taken_and_thousands_cut(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    assert_int_equal(count_of(&names, "many.test"), 400);
    assert_int_equal(count_of(&names, "crowd.test"), 512);
    names_close(&names);
}

static void a_late_answer_is_waited_for(void **state)
{
    (void)state;
    expect_of_server("slow.test", "[2001:db8::14]:80 192.0.2.14:80");
}

static void the_search_list_of_resolv_conf_is_used(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    names_point(&names, "search corp.test\n", "");
    expect_in(&names, "short", AF_INET, "192.0.2.17:80");
    names_close(&names);
}

static void the_case_of_a_name_says_nothing(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "UpPer.TEST", "[2001:db8::16]:80 192.0.2.16:80");
    expect(&names, "upper.test", "[2001:db8::16]:80 192.0.2.16:80");
    assert_int_equal(dns_asked(&names.dns, "upper.test", DNS_A), 1);
    names_close(&names);
}

static int error_in(struct names *names, const char *host, const gyre_resolve_opts *opts)
{
    gyre_addrs *addrs;
    return gyre_run(gyre_resolve(names->loop, host, 80, opts), &addrs);
}

static void the_deadline_of_a_look_up_is_kept(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    const gyre_resolve_opts opts = {.servers = names.dns.text, .timeout = GYRE_MS(150)};
    gyre_duration best = GYRE_FOREVER;
    for (int i = 0; i < 3 && best >= GYRE_MS(200); i++) {
        gyre_time began = gyre_now_exact();
        assert_int_equal(error_in(&names, "silent.test", &opts), GYRE_ETIMEDOUT_RESOLVE);
        gyre_duration took = gyre_now_exact() - began;
        assert_true(took >= GYRE_MS(150));
        if (took < best) best = took;
    }
    assert_true(best < GYRE_MS(200));
    assert_string_equal(gyre_why_last(names.loop),
                        "resolve silent.test: no name server answered within 150 ms");
    assert_true(dns_asked(&names.dns, "silent.test", DNS_ANY) > 0);
    names_close(&names);
}

static void one_family_is_enough_when_the_other_is_silent(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    const gyre_resolve_opts opts = {.servers = names.dns.text, .timeout = GYRE_MS(100)};
    gyre_addrs *addrs;
    assert_int_equal(gyre_run(gyre_resolve(names.loop, "deaf.test", 80, &opts), &addrs), 0);
    assert_int_equal(addrs->count, 1);
    gyre_addrs_free(addrs);
    names_close(&names);
}

static void a_server_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    struct dns other;
    dns_start(&other, NULL, 0);
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", other.port);
    dns_stop(&other);
    const gyre_resolve_opts opts = {.servers = text};
    assert_int_equal(error_in(&names, "both.test", &opts), GYRE_ERESOLVE);
    assert_string_equal(gyre_err_class(GYRE_ERESOLVE), "resolve");
    names_close(&names);
}

static void the_next_server_is_asked_when_one_fails(void **state)
{
    (void)state;
    static const struct dns_rule failing[] = {{.act = DNS_SERVFAIL}};
    struct names names;
    struct dns first;
    names_open(&names, RULES(rules));
    dns_start(&first, RULES(failing));
    char text[80];
    snprintf(text, sizeof text, "%s,%s", first.text, names.dns.text);
    const gyre_resolve_opts opts = {.servers = text};
    gyre_addrs *addrs;
    assert_int_equal(gyre_run(gyre_resolve(names.loop, "four.test", 80, &opts), &addrs), 0);
    assert_int_equal(addrs->count, 1);
    gyre_addrs_free(addrs);
    assert_int_equal(dns_asked(&first, "four.test", DNS_A), 1);
    names_close(&names);
    dns_stop(&first);
}

static void literals_are_never_asked_about(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, NULL, 0);
    expect(&names, "192.0.2.1", "192.0.2.1:80");
    expect(&names, "2001:db8::1", "[2001:db8::1]:80");
    expect(&names, "[2001:db8::1]", "[2001:db8::1]:80");
    expect_in(&names, "192.0.2.1", AF_INET6, "GYRE_ENOADDRESS");
    expect_in(&names, "::1", AF_INET, "GYRE_ENOADDRESS");
    gyre_addrs_future done = resolve_in(&names, "192.0.2.1", 0);
    assert_int_equal(gyre_future_state(done), GYRE_DONE);
    gyre_release(done);
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    names_close(&names);
}

static void what_is_no_host_name_is_refused_before_anybody_is_asked(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          ".",        "a..b",       "a b",
                                      "-a.test",   "a-.test",  "a.test:80",  "[::1]:80",
                                      "unix:/tmp", "127.1",    "0x7f.1",     "2130706433",
                                      "1.2.3.256", "a\n.test", "\xc3\xa9.fr"};
    struct names names;
    names_open(&names, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(&names, bad[i], "EINVAL");
    expect(&names, "a\nb", "EINVAL");
    assert_string_equal(gyre_why_last(names.loop), "resolve \"a?b\": not a host name");
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    names_close(&names);
}

static void resolve_options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const gyre_resolve_opts bad[] = {
        {.family = AF_UNIX},
        {.timeout = -2},
        {.servers = ""},
        {.servers = "name.test"},
        {.servers = "127.0.0.1,"},
        {.servers = "127.0.0.1:70000"},
        {.servers = "unix:/tmp/x"},
        {.servers = "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
                    "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1"},
    };
    struct names names;
    names_open(&names, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(error_in(&names, "both.test", &bad[i]), -EINVAL);
    assert_string_equal(gyre_why_last(names.loop),
                        "resolve both.test: malformed list of name servers");
    names_close(&names);
}

static void localhost_is_the_loopback_and_asked_of_nobody(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, NULL, 0);
    names_point(&names, "", "192.0.2.66 localhost\n");
    expect(&names, "localhost", "[::1]:80 127.0.0.1:80");
    expect(&names, "LocalHost.", "[::1]:80 127.0.0.1:80");
    expect_in(&names, "app.localhost", AF_INET, "127.0.0.1:80");
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    names_close(&names);
}

static void the_hosts_file_answers_before_dns(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    names_point(&names, "", "192.0.2.70 here.test four.test\n2001:db8::70 here.test\n");
    expect(&names, "here.test", "[2001:db8::70]:80 192.0.2.70:80");
    expect(&names, "HERE.test.", "[2001:db8::70]:80 192.0.2.70:80");
    expect(&names, "four.test", "192.0.2.70:80");
    expect_in(&names, "four.test", AF_INET6, "GYRE_ENOADDRESS");
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    expect(&names, "six.test", "[2001:db8::6]:80");
    names_close(&names);
}

static void an_answer_outlives_its_loop(void **state)
{
    (void)state;
    struct names names;
    gyre_addrs *addrs;
    names_open(&names, RULES(rules));
    assert_int_equal(gyre_run(resolve_in(&names, "four.test", 0), &addrs), 0);
    names_close(&names);
    assert_int_equal(gyre_address_port(&addrs->list[0]), 80);
    gyre_addrs_free(addrs);
    gyre_addrs_free(NULL);
}

TESTS(cmocka_unit_test(both_families_of_a_name_come_in_turn),
      cmocka_unit_test(one_family_alone_is_asked_for),
      cmocka_unit_test(a_name_of_one_family_only_resolves),
      cmocka_unit_test(a_name_that_does_not_exist_is_asked_for_once),
      cmocka_unit_test(a_name_without_addresses_is_told_from_none),
      cmocka_unit_test(a_server_that_fails_is_an_error_of_its_own),
      cmocka_unit_test(one_family_is_enough_when_the_other_fails),
      cmocka_unit_test(a_truncated_answer_is_asked_for_over_tcp),
      cmocka_unit_test(a_tcp_connection_reset_by_the_server_is_an_error),
      cmocka_unit_test(answers_to_other_questions_are_ignored),
      cmocka_unit_test(a_datagram_of_no_bytes_is_ignored), cmocka_unit_test(garbage_is_ignored),
      cmocka_unit_test(malformed_answers_are_an_error),
      cmocka_unit_test(a_chain_of_aliases_leads_to_the_addresses),
      cmocka_unit_test(a_loop_of_aliases_ends_without_address),
      cmocka_unit_test(hundreds_of_addresses_are_taken_and_thousands_cut),
      cmocka_unit_test(a_late_answer_is_waited_for),
      cmocka_unit_test(the_search_list_of_resolv_conf_is_used),
      cmocka_unit_test(the_case_of_a_name_says_nothing),
      cmocka_unit_test(the_deadline_of_a_look_up_is_kept),
      cmocka_unit_test(one_family_is_enough_when_the_other_is_silent),
      cmocka_unit_test(a_server_that_is_not_there_is_an_error),
      cmocka_unit_test(the_next_server_is_asked_when_one_fails),
      cmocka_unit_test(literals_are_never_asked_about),
      cmocka_unit_test(what_is_no_host_name_is_refused_before_anybody_is_asked),
      cmocka_unit_test(resolve_options_out_of_range_are_refused),
      cmocka_unit_test(localhost_is_the_loopback_and_asked_of_nobody),
      cmocka_unit_test(the_hosts_file_answers_before_dns),
      cmocka_unit_test(an_answer_outlives_its_loop))
