// gyre_connect: targets, errors and their details, deadlines, options, cancel.

#include "test/net/connect_setup.h"

#include "test/support/faults.h"

#define TEN(n) \
    "127.0." n ".1 127.0." n ".2 127.0." n ".3 127.0." n ".4 127.0." n ".5 127.0." n ".6 127.0." n \
    ".7 127.0." n ".8 127.0." n ".9 127.0." n ".10 "

static const struct dns_rule rules[] = {
    {"one.test", DNS_A, .data = "127.0.0.1", .ttl = 60},
    {"one.test", DNS_AAAA, .act = DNS_NODATA},
    {"two.test", DNS_A, .data = "127.0.0.1 127.0.0.2", .ttl = 60},
    {"two.test", DNS_AAAA, .act = DNS_NODATA},
    {"mixed.test", DNS_A, .data = "127.0.0.1 224.0.0.1", .ttl = 60},
    {"mixed.test", DNS_AAAA, .act = DNS_NODATA},
    {"crowd.test", DNS_A, .data = TEN("1") TEN("2") TEN("3") TEN("4") TEN("5"), .ttl = 60},
    {"crowd.test", DNS_AAAA, .act = DNS_NODATA},
    {"silent.test", .act = DNS_SILENCE},
    {"slow.test", DNS_A, .data = "127.0.0.1", .ttl = 60, .delay = 50},
    {"slow.test", DNS_AAAA, .act = DNS_NODATA, .delay = 50},
    {"none.test", .act = DNS_NODATA},
};

static const gyre_connect_opts plain;

// ---- Targets -------------------------------------------------------------------------------

static void expect_peer(struct names *names, const char *host, uint16_t port, const char *ip)
{
    char got[GYRE_ADDRESS_TEXT], want[GYRE_ADDRESS_TEXT];
    assert_int_equal(try_connect(names, host, port, plain, got), 0);
    assert_string_equal(got, with_port(want, ip, port));
}

static void a_literal_is_connected_to(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, NULL, 0);
    int listener = bound_to("127.0.0.1", 0, 8);
    expect_peer(&names, "127.0.0.1", port_of(listener), "127.0.0.1");
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    close(listener);
    names_close(&names);
}

static void an_ipv6_literal_is_connected_to(void **state)
{
    (void)state;
    if (!has_ipv6()) SKIP("no IPv6 on the loopback");
    struct names names;
    names_open(&names, NULL, 0);
    int listener = bound_to("::1", 0, 8);
    expect_peer(&names, "::1", port_of(listener), "[::1]");
    expect_peer(&names, "[::1]", port_of(listener), "[::1]");
    close(listener);
    names_close(&names);
}

static void a_unix_path_is_connected_to(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, NULL, 0);
    char path[100];
    snprintf(path, sizeof path, "unix:%s/socket", names.dir);
    int listener = bound_to(path, 0, 8);
    gyre_stream *stream;
    assert_int_equal(gyre_run(gyre_connect(names.loop, path, 0, NULL), &stream), 0);
    gyre_stream_close(stream);
    close(listener);
    assert_int_equal(try_connect(&names, path, 0, plain, NULL), -ECONNREFUSED);
    unlink(path + strlen("unix:"));
    assert_int_equal(try_connect(&names, path, 0, plain, NULL), -ENOENT);
    assert_int_equal(try_connect(&names, "unix:", 0, plain, NULL), -EINVAL);
    assert_string_equal(gyre_why_last(names.loop), "connect to \"unix:\": not a path");
    names_close(&names);
}

static void a_name_is_looked_up_and_connected_to(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int listener = bound_to("127.0.0.1", 0, 8);
    expect_peer(&names, "one.test", port_of(listener), "127.0.0.1");
    expect_peer(&names, "slow.test", port_of(listener), "127.0.0.1");
    expect_peer(&names, "localhost", port_of(listener), "127.0.0.1");
    close(listener);
    names_close(&names);
}

// ---- Errors --------------------------------------------------------------------------------

static void expect_error(struct names *names, const char *host, uint16_t port, int err,
                         const char *why)
{
    assert_int_equal(try_connect(names, host, port, plain, NULL), err);
    assert_string_equal(gyre_why_last(names->loop), why);
}

static void a_refused_connection_is_told_with_its_address(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int holder;
    uint16_t port = refusing_port(&holder);
    char why[300];
    snprintf(why, sizeof why, "connect to 127.0.0.1:%u: refused", port);
    expect_error(&names, "127.0.0.1", port, -ECONNREFUSED, why);
    snprintf(why, sizeof why, "connect to 127.0.0.1:%u (one.test): refused, 1 of 1 addresses tried",
             port);
    expect_error(&names, "one.test", port, -ECONNREFUSED, why);
    snprintf(why, sizeof why,
             "connect to 127.0.0.1:%u (two.test): refused; 127.0.0.2:%u: refused, "
             "2 of 2 addresses tried",
             port, port);
    expect_error(&names, "two.test", port, -ECONNREFUSED, why);
    close(holder);
    names_close(&names);
}

static void details_of_many_failures_are_cut(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int holder;
    uint16_t port = refusing_port(&holder);
    assert_int_equal(try_connect(&names, "crowd.test", port, plain, NULL), -ECONNREFUSED);
    const char *why = gyre_why_last(names.loop);
    assert_true(strlen(why) < 1100);
    assert_non_null(strstr(why, ": refused; ..., 50 of 50 addresses tried"));
    close(holder);
    names_close(&names);
}

static void different_failures_of_the_addresses_are_one_error(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int holder;
    uint16_t port = refusing_port(&holder);
    assert_int_equal(try_connect(&names, "mixed.test", port, plain, NULL), GYRE_ECONNECT);
    const char *why = gyre_why_last(names.loop);
    assert_non_null(strstr(why, "(mixed.test): refused; 224.0.0.1:"));
    assert_non_null(strstr(why, "2 of 2 addresses tried"));
    close(holder);
    names_close(&names);
}

static void a_name_that_cannot_be_resolved_is_its_own_error(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect_error(&names, "nosuch.test", 80, GYRE_ENOTFOUND,
                 "resolve nosuch.test: name does not exist");
    expect_error(&names, "none.test", 80, GYRE_ENOADDRESS,
                 "resolve none.test: name has no address");
    expect_error(&names, "no name", 80, -EINVAL, "resolve \"no name\": not a host name");
    names_close(&names);
}

static void a_connection_to_itself_counts_as_refused(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, NULL, 0);
    uint16_t port = free_port();
    char source[GYRE_ADDRESS_TEXT];
    const gyre_connect_opts opts = {.source = with_port(source, "127.0.0.1", port)};
    assert_int_equal(try_connect(&names, "127.0.0.1", port, opts, NULL), -ECONNREFUSED);
    names_close(&names);
}

// ---- Deadlines -----------------------------------------------------------------------------

// Checks that a connect fails with `err` when `limit` has passed, no later than 50 ms in the best
// of three.
static void expect_late(struct names *names, const char *host, uint16_t port,
                        gyre_connect_opts opts, int err)
{
    gyre_duration limit = opts.resolve.timeout ? opts.resolve.timeout : opts.timeout;
    gyre_duration best = GYRE_FOREVER;
    for (int i = 0; i < 3 && best > limit + GYRE_MS(50); i++) {
        gyre_time began = gyre_now_exact();
        assert_int_equal(try_connect(names, host, port, opts, NULL), err);
        gyre_duration took = gyre_now_exact() - began;
        assert_true(took >= limit);
        if (took < best) best = took;
    }
    assert_true(best <= limit + GYRE_MS(50));
    assert_string_equal(gyre_err_class(err), "timeout");
}

static void a_deadline_that_passes_before_any_answer_is_the_resolvers(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    gyre_connect_opts opts = {.timeout = GYRE_MS(100)};
    expect_late(&names, "silent.test", 80, opts, GYRE_ETIMEDOUT_RESOLVE);
    assert_string_equal(gyre_why_last(names.loop),
                        "resolve silent.test: no name server answered within 100 ms");
    opts = (gyre_connect_opts){.timeout = GYRE_SECONDS(5), .resolve.timeout = GYRE_MS(150)};
    expect_late(&names, "silent.test", 80, opts, GYRE_ETIMEDOUT_RESOLVE);
    assert_string_equal(gyre_why_last(names.loop),
                        "resolve silent.test: no name server answered within 150 ms");
    names_close(&names);
}

static void a_deadline_that_passes_afterwards_is_the_connections(void **state)
{
    (void)state;
    struct names names;
    struct syn_drop drop;
    names_open(&names, RULES(rules));
    syn_drop_start(&drop);
    gyre_connect_opts opts = {.timeout = GYRE_MS(150), .attempt_delay = GYRE_MS(50)};
    char why[300];
    expect_late(&names, "127.0.0.1", drop.port, opts, GYRE_ETIMEDOUT_CONNECT);
    snprintf(why, sizeof why, "connect to 127.0.0.1:%u: no answer within 150 ms", drop.port);
    assert_string_equal(gyre_why_last(names.loop), why);
    expect_late(&names, "two.test", drop.port, opts, GYRE_ETIMEDOUT_CONNECT);
    snprintf(why, sizeof why,
             "connect to 127.0.0.2:%u (two.test): refused; 127.0.0.1:%u: no answer, "
             "2 of 2 addresses tried within 150 ms",
             drop.port, drop.port);
    assert_string_equal(gyre_why_last(names.loop), why);
    syn_drop_stop(&drop);
    names_close(&names);
}

static void a_limit_of_the_look_up_does_not_hold_for_the_connection(void **state)
{
    (void)state;
    struct names names;
    struct syn_drop drop;
    names_open(&names, RULES(rules));
    syn_drop_start(&drop);
    const gyre_connect_opts opts = {.timeout = GYRE_MS(200), .resolve.timeout = GYRE_MS(100)};
    gyre_time began = gyre_now_exact();
    assert_int_equal(try_connect(&names, "one.test", drop.port, opts, NULL),
                     GYRE_ETIMEDOUT_CONNECT);
    assert_true(gyre_now_exact() - began >= GYRE_MS(200));
    syn_drop_stop(&drop);
    names_close(&names);
}

// ---- Options -------------------------------------------------------------------------------

static void a_connection_comes_from_the_source_asked_for(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int listener = bound_to("127.0.0.1", 0, 8);
    const gyre_connect_opts opts = {.source = "127.0.0.3"};
    assert_int_equal(try_connect(&names, "one.test", port_of(listener), opts, NULL), 0);
    assert_int_equal(dns_asked(&names.dns, "one.test", DNS_AAAA), 0); // no use without a source
    gyre_address from = {.len = sizeof from.storage};
    int fd = real_accept4(listener, (struct sockaddr *)&from.storage, &from.len, SOCK_CLOEXEC);
    char text[GYRE_ADDRESS_TEXT];
    assert_memory_equal(gyre_address_text(&from, text, sizeof text), "127.0.0.3:", 10);
    close(fd);
    const gyre_connect_opts foreign = {.source = "192.0.2.1"};
    assert_int_equal(try_connect(&names, "one.test", port_of(listener), foreign, NULL),
                     -EADDRNOTAVAIL);
    close(listener);
    names_close(&names);
}

static void connect_options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const gyre_connect_opts bad[] = {
        {.timeout = -2},
        {.attempt_delay = -3},
        {.resolve.timeout = -2},
        {.resolve.family = 99},
        {.source = "name.test"},
        {.source = "unix:/tmp/x"},
        {.source = ""},
        {.source = "127.0.0.1", .resolve.family = AF_INET6},
        {.stream.read_buffer = -5},
    };
    struct names names;
    names_open(&names, RULES(rules));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(try_connect(&names, "one.test", 80, bad[i], NULL), -EINVAL);
    assert_string_equal(gyre_why_last(names.loop),
                        "connect to \"one.test\": an option is out of range");
    assert_int_equal(dns_asked(&names.dns, NULL, DNS_ANY), 0);
    names_close(&names);
}

static void without_descriptors_connecting_fails_with_that_error(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    int holder;
    uint16_t port = refusing_port(&holder);
    fault_fail_nth(FAULT_SOCKET, 1, EMFILE);
    assert_int_equal(try_connect(&names, "127.0.0.1", port, plain, NULL), -EMFILE);
    assert_string_equal(gyre_err_class(-EMFILE), "resource");
    fault_fail_from(FAULT_SOCKET, 1, EMFILE);
    assert_int_equal(try_connect(&names, "one.test", port, plain, NULL), -EMFILE);
    fault_fail_from(FAULT_SOCKET, 2, EMFILE); // the resolver has its own then
    assert_int_equal(try_connect(&names, "two.test", port, plain, NULL), -EMFILE);
    fault_reset();
    close(holder);
    names_close(&names);
}

// ---- Cancel --------------------------------------------------------------------------------

// Cancels after so many turns of the loop; says whether it was still under way.
static bool cancel_after(struct names *names, uint16_t port, int turns)
{
    gyre_stream_future f = connect_to(names, "two.test", port, plain);
    for (int i = 0; i < turns; i++) assert_int_equal(gyre_loop_turn(names->loop, GYRE_MS(20)), 0);
    bool was_pending = gyre_cancel(f);
    if (was_pending) assert_int_equal(gyre_future_state(f), GYRE_CANCELED);
    gyre_release(f);
    return was_pending;
}

static void a_connection_is_cancelled_at_every_moment(void **state)
{
    (void)state;
    int most = 0;
    for (int turns = 0; turns < 30; turns++) {
        struct names names;
        names_open(&names, RULES(rules));
        int listener = bound_to("127.0.0.1", 0, 8);
        if (cancel_after(&names, port_of(listener), turns)) most = turns;
        close(listener);
        names_close(&names);
    }
    assert_in_range(most, 1, 28);
}

static void a_cancelled_connection_leaves_no_descriptor(void **state)
{
    (void)state;
    struct names names;
    struct syn_drop drop;
    names_open(&names, RULES(rules));
    syn_drop_start(&drop);
    const gyre_connect_opts opts = {.attempt_delay = GYRE_MS(1)};
    gyre_stream_future f = connect_to(&names, "127.0.0.1", drop.port, opts);
    assert_int_equal(gyre_run(gyre_sleep(names.loop, GYRE_MS(20))), 0);
    fault_reset();
    assert_true(gyre_cancel(f));
    assert_int_equal(fault_count(FAULT_CLOSE), 1); // before gyre_cancel returned
    gyre_release(f);
    syn_drop_stop(&drop);
    names_close(&names);
}

static void a_loop_closes_while_connecting(void **state)
{
    (void)state;
    struct names names;
    struct syn_drop drop;
    names_open(&names, RULES(rules));
    syn_drop_start(&drop);
    gyre_detach(connect_to(&names, "127.0.0.1", drop.port, plain));
    gyre_detach(connect_to(&names, "silent.test", drop.port, plain));
    gyre_detach(connect_to(&names, "one.test", drop.port, plain));
    assert_int_equal(gyre_loop_turn(names.loop, GYRE_MS(20)), 0);
    names_close(&names);
    syn_drop_stop(&drop);
}

// The net floor frees the stream before the future that still holds it is dropped.
static void a_stream_that_nobody_took_goes_with_its_loop(void **state)
{
    (void)state;
    uint16_t port;
    int fd = listen_on_loopback(AF_INET, 8, &port);
    gyre_loop *loop;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    gyre_stream_future f = gyre_connect(loop, "127.0.0.1", port, NULL);
    while (gyre_future_state(f) == GYRE_PENDING)
        assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(1)), 0);
    assert_int_equal(gyre_future_state(f), GYRE_DONE);
    assert_int_equal(gyre_loop_close(loop), 0);
    real_close(fd);
}

TESTS(cmocka_unit_test(a_stream_that_nobody_took_goes_with_its_loop),
      cmocka_unit_test(a_literal_is_connected_to),
      cmocka_unit_test(an_ipv6_literal_is_connected_to),
      cmocka_unit_test(a_unix_path_is_connected_to),
      cmocka_unit_test(a_name_is_looked_up_and_connected_to),
      cmocka_unit_test(a_refused_connection_is_told_with_its_address),
      cmocka_unit_test(details_of_many_failures_are_cut),
      cmocka_unit_test(different_failures_of_the_addresses_are_one_error),
      cmocka_unit_test(a_name_that_cannot_be_resolved_is_its_own_error),
      cmocka_unit_test(a_connection_to_itself_counts_as_refused),
      cmocka_unit_test(a_deadline_that_passes_before_any_answer_is_the_resolvers),
      cmocka_unit_test(a_deadline_that_passes_afterwards_is_the_connections),
      cmocka_unit_test(a_limit_of_the_look_up_does_not_hold_for_the_connection),
      cmocka_unit_test(a_connection_comes_from_the_source_asked_for),
      cmocka_unit_test(connect_options_out_of_range_are_refused),
      cmocka_unit_test(without_descriptors_connecting_fails_with_that_error),
      cmocka_unit_test(a_connection_is_cancelled_at_every_moment),
      cmocka_unit_test(a_cancelled_connection_leaves_no_descriptor),
      cmocka_unit_test(a_loop_closes_while_connecting))
