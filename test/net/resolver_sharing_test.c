// What look-ups share: the cache, queries under way, channels; and how they end early.

#include "test/net/names.h"

#include "test/support/clock.h"

static const struct dns_rule rules[] = {
    {"minute.test", .data = "192.0.2.1 2001:db8::1", .ttl = 60},
    {"week.test", .data = "192.0.2.1 2001:db8::1", .ttl = 604800},
    {"negative.test", .data = "192.0.2.1 2001:db8::1", .ttl = -5},
    {"never.test", .data = "192.0.2.1 2001:db8::1", .ttl = 0},
    {"none.test", .act = DNS_NODATA},
    {"broken.test", .act = DNS_SERVFAIL},
    {"alias.test", .data = "cname far.test 192.0.2.1 2001:db8::1", .ttl = 10},
    {"slow.test", .data = "192.0.2.2 2001:db8::2", .ttl = 60, .delay = 100},
    {"silent.test", .act = DNS_SILENCE},
    {"short.one.test", .data = "192.0.2.11", .ttl = 60},
    {"short.two.test", .data = "192.0.2.12", .ttl = 60},
    {NULL, .data = "192.0.2.9 2001:db8::9", .ttl = 60},
};

// ---- Keeping -------------------------------------------------------------------------------

// Asks for a name after `wait` of virtual time; how many A questions the server has seen by then.
static unsigned asked_after(struct names *names, const char *host, gyre_duration wait)
{
    clock_advance(wait);
    assert_int_equal(gyre_loop_turn(names->loop, 0), 0);
    gyre_addrs *addrs = NULL;
    int err = gyre_run(resolve_in(names, host, 0), &addrs);
    assert_true(err == 0 || !addrs);
    gyre_addrs_free(addrs);
    return dns_asked(&names->dns, host, DNS_A);
}

static void open_virtual(struct names *names)
{
    names_open(names, RULES(rules));
    clock_virtual_start();
    clock_grace(1000); // for the server's thread
}

static void close_virtual(struct names *names)
{
    clock_virtual_stop();
    names_close(names);
}

static void an_answer_is_kept_as_long_as_its_ttl(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    assert_int_equal(asked_after(&names, "minute.test", 0), 1);
    assert_int_equal(asked_after(&names, "minute.test", GYRE_SECONDS(59)), 1);
    assert_int_equal(asked_after(&names, "minute.test", GYRE_SECONDS(2)), 2);
    close_virtual(&names);
}

static void an_answer_is_kept_for_an_hour_at_most(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    assert_int_equal(asked_after(&names, "week.test", 0), 1);
    assert_int_equal(asked_after(&names, "week.test", GYRE_SECONDS(3599)), 1);
    assert_int_equal(asked_after(&names, "week.test", GYRE_SECONDS(2)), 2);
    close_virtual(&names);
}

static void an_answer_without_ttl_is_not_kept(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    assert_int_equal(asked_after(&names, "never.test", 0), 1);
    assert_int_equal(asked_after(&names, "never.test", 0), 2);
    assert_int_equal(asked_after(&names, "negative.test", 0), 1);
    assert_int_equal(asked_after(&names, "negative.test", 0), 2);
    close_virtual(&names);
}

static void the_ttl_of_an_alias_counts(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    assert_int_equal(asked_after(&names, "alias.test", 0), 1);
    assert_int_equal(asked_after(&names, "alias.test", GYRE_SECONDS(9)), 1);
    assert_int_equal(asked_after(&names, "alias.test", GYRE_SECONDS(2)), 2);
    close_virtual(&names);
}

static void a_failure_is_kept_for_a_second(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    assert_int_equal(asked_after(&names, "none.test", 0), 1);
    assert_int_equal(asked_after(&names, "none.test", GYRE_MS(900)), 1);
    assert_int_equal(asked_after(&names, "none.test", GYRE_MS(200)), 2);
    unsigned tries = asked_after(&names, "broken.test", 0);
    assert_int_equal(asked_after(&names, "broken.test", GYRE_MS(900)), tries);
    assert_int_equal(asked_after(&names, "broken.test", GYRE_MS(200)), 2 * tries);
    close_virtual(&names);
}

static void the_cache_is_bounded_and_drops_what_is_not_used(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect_in(&names, "old.test", AF_INET, "192.0.2.9:80");
    expect_in(&names, "used.test", AF_INET, "192.0.2.9:80");
    for (int i = 0; i < 255; i++) {
        char host[32];
        snprintf(host, sizeof host, "n%d.test", i);
        expect_in(&names, host, AF_INET, "192.0.2.9:80");
        expect_in(&names, "used.test", AF_INET, "192.0.2.9:80");
    }
    expect_in(&names, "old.test", AF_INET, "192.0.2.9:80");
    assert_int_equal(dns_asked(&names.dns, "used.test", DNS_A), 1);
    assert_int_equal(dns_asked(&names.dns, "old.test", DNS_A), 2);
    names_close(&names);
}

// ---- Queries under way ---------------------------------------------------------------------

static void a_hundred_look_ups_of_one_name_are_one_query(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct names names;
    names_open(&names, RULES(rules));
    gyre_addrs_future futures[MANY];
    gyre_addrs *found[MANY];
    for (int i = 0; i < MANY; i++) futures[i] = resolve_in(&names, "slow.test", 0);
    assert_int_equal(gyre_run(gyre_all(names.loop, futures, MANY, found)), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(found[i]->count, 2);
        gyre_addrs_free(found[i]);
    }
    assert_int_equal(dns_asked(&names.dns, "slow.test", DNS_A), 1);
    assert_int_equal(dns_asked(&names.dns, "slow.test", DNS_AAAA), 1);
    names_close(&names);
}

static void a_thousand_names_at_once_wait_in_line(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct names names;
    names_open(&names, RULES(rules));
    gyre_addrs_future futures[MANY];
    gyre_addrs *found[MANY];
    for (int i = 0; i < MANY; i++) {
        char host[32];
        snprintf(host, sizeof host, "n%d.test", i);
        futures[i] = resolve_in(&names, host, AF_INET);
    }
    assert_int_equal(gyre_run(gyre_all(names.loop, futures, MANY, found)), 0);
    for (int i = 0; i < MANY; i++) gyre_addrs_free(found[i]);
    names_close(&names);
}

static void a_cancelled_look_up_is_detached_and_its_query_feeds_the_cache(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    gyre_addrs_future gone = resolve_in(&names, "slow.test", 0);
    gyre_addrs_future stays = resolve_in(&names, "slow.test", 0);
    assert_true(gyre_cancel(gone));
    assert_int_equal(gyre_future_state(gone), GYRE_CANCELED);
    assert_int_equal(gyre_run(gone), GYRE_ECANCELED);
    gyre_addrs *found;
    assert_int_equal(gyre_run(stays, &found), 0);
    gyre_addrs_free(found);

    gyre_release(resolve_in(&names, "alone.test", 0));
    assert_int_equal(gyre_run(gyre_sleep(names.loop, GYRE_MS(50))), 0);
    expect(&names, "alone.test", "[2001:db8::9]:80 192.0.2.9:80");
    assert_int_equal(dns_asked(&names.dns, "alone.test", DNS_A), 1);
    names_close(&names);
}

static void a_look_up_cancelled_between_answer_and_wake_up_keeps_nothing(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    expect(&names, "minute.test", "[2001:db8::1]:80 192.0.2.1:80");
    gyre_addrs_future cached = resolve_in(&names, "minute.test", 0);
    assert_int_equal(gyre_future_state(cached), GYRE_PENDING);
    assert_true(gyre_cancel(cached));
    assert_int_equal(gyre_run(cached), GYRE_ECANCELED);
    gyre_addrs_future done = resolve_in(&names, "minute.test", 0);
    assert_int_equal(gyre_run(gyre_sleep(names.loop, 0)), 0);
    assert_int_equal(gyre_future_state(done), GYRE_DONE);
    assert_false(gyre_cancel(done));
    gyre_release(done);
    names_close(&names);
}

static void a_loop_closes_with_queries_under_way(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    gyre_detach(resolve_in(&names, "silent.test", 0));
    gyre_detach(resolve_in(&names, "slow.test", 0));
    gyre_detach(resolve_in(&names, "minute.test", 0));
    assert_int_equal(gyre_loop_turn(names.loop, 0), 0);
    gyre_time began = gyre_now_exact();
    names_close(&names);
    assert_true(gyre_now_exact() - began < GYRE_MS(500));
}

static void an_abandoned_query_does_not_keep_the_loop_from_closing(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    gyre_release(resolve_in(&names, "silent.test", 0));
    assert_int_equal(gyre_run(gyre_sleep(names.loop, GYRE_MS(10))), 0);
    gyre_time began = gyre_now_exact();
    names_close(&names);
    assert_true(gyre_now_exact() - began < GYRE_MS(500));
}

static void a_deadline_counts_from_the_call_also_after_a_pause(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    clock_advance(GYRE_SECONDS(20)); // in which the loop did not run
    expect_in(&names, "minute.test", AF_INET, "192.0.2.1:80");
    close_virtual(&names);
}

// ---- Channels and files ----------------------------------------------------------------------

static void each_list_of_servers_has_a_cache_of_its_own(void **state)
{
    (void)state;
    static const struct dns_rule others[] = {{"minute.test", .data = "192.0.2.99", .ttl = 60}};
    struct names names;
    struct dns other;
    names_open(&names, RULES(rules));
    dns_start(&other, RULES(others));
    expect_in(&names, "minute.test", AF_INET, "192.0.2.1:80");
    char own[sizeof names.dns.text];
    memcpy(own, names.dns.text, sizeof own);
    memcpy(names.dns.text, other.text, sizeof names.dns.text);
    expect_in(&names, "minute.test", AF_INET, "192.0.2.99:80");
    memcpy(names.dns.text, own, sizeof own);
    expect_in(&names, "minute.test", AF_INET, "192.0.2.1:80");
    assert_int_equal(dns_asked(&names.dns, "minute.test", DNS_A), 1);
    names_close(&names);
    dns_stop(&other);
}

// The ninth text pushes the first one's channel out, whose query goes on all the same.
static void channels_are_bounded_and_queries_end_where_they_began(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    gyre_addrs_future first = resolve_in(&names, "slow.test", AF_INET);
    for (int i = 1; i <= 8; i++) {
        char text[32];
        snprintf(text, sizeof text, "127.0.1.%d:9", i);
        const gyre_resolve_opts opts = {.servers = text, .timeout = GYRE_MS(1)};
        gyre_addrs *addrs;
        int err = gyre_run(gyre_resolve(names.loop, "minute.test", 80, &opts), &addrs);
        assert_true(err == GYRE_ERESOLVE || err == GYRE_ETIMEDOUT_RESOLVE);
    }
    gyre_addrs *found;
    assert_int_equal(gyre_run(first, &found), 0);
    gyre_addrs_free(found);
    expect_in(&names, "slow.test", AF_INET, "192.0.2.2:80");
    assert_int_equal(dns_asked(&names.dns, "slow.test", DNS_A), 2); // the cache went with it
    names_close(&names);
}

static void a_change_of_resolv_conf_is_seen_within_a_second(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    write_file(names.resolv_conf, "search one.test\n");
    expect_in(&names, "short", AF_INET, "192.0.2.11:80");
    gyre_addrs_future under_way = resolve_in(&names, "slow.test", AF_INET);
    write_file(names.resolv_conf, "search two.test # and longer\n");
    expect_in(&names, "short", AF_INET, "192.0.2.11:80"); // not looked at again yet
    clock_advance(GYRE_MS(1100));
    assert_int_equal(gyre_loop_turn(names.loop, 0), 0);
    expect_in(&names, "short", AF_INET, "192.0.2.12:80");
    gyre_addrs *found;
    assert_int_equal(gyre_run(under_way, &found), 0);
    gyre_addrs_free(found);
    close_virtual(&names);
}

static void a_change_of_the_hosts_file_is_seen_within_a_second(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    write_file(names.hosts, "192.0.2.21 a.host\n");
    expect_in(&names, "a.host", AF_INET, "192.0.2.21:80");
    write_file(names.hosts, "192.0.2.22 a.host # now\n");
    expect_in(&names, "a.host", AF_INET, "192.0.2.21:80");
    clock_advance(GYRE_MS(1100));
    assert_int_equal(gyre_loop_turn(names.loop, 0), 0);
    expect_in(&names, "a.host", AF_INET, "192.0.2.22:80");
    unlink(names.hosts);
    clock_advance(GYRE_MS(1100));
    assert_int_equal(gyre_loop_turn(names.loop, 0), 0);
    expect_in(&names, "a.host", AF_INET, "192.0.2.9:80"); // the server's
    close_virtual(&names);
}

static void an_idle_resolver_wakes_nobody(void **state)
{
    (void)state;
    struct names names;
    open_virtual(&names);
    expect_in(&names, "minute.test", AF_INET, "192.0.2.1:80");
    clock_grace(0);
    unsigned long before = clock_waits();
    assert_int_equal(gyre_run(gyre_sleep(names.loop, GYRE_SECONDS(100))), 0);
    assert_true(clock_waits() - before < 20);
    close_virtual(&names);
}

// ---- The loop goes on ----------------------------------------------------------------------

struct heart {
    gyre_timer timer;
    gyre_time last;
    gyre_duration worst;
};

static void on_beat(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    struct heart *heart = GYRE_CONTAINER_OF(timer, struct heart, timer);
    gyre_time now = gyre_now_exact();
    if (now - heart->last > heart->worst) heart->worst = now - heart->last;
    heart->last = now;
}

// The longest gap of a heart that beats every 5 ms, while a name is looked up or nothing is; *late
// (unless NULL) becomes how much later than its deadline the look-up failed, if that is less.
static gyre_duration worst_gap(gyre_duration *late)
{
    struct names names;
    names_open(&names, RULES(rules));
    struct heart heart = {.last = gyre_now_exact()};
    gyre_timer_every(names.loop, &heart.timer, GYRE_MS(5), on_beat);
    if (late) {
        const gyre_resolve_opts opts = {.servers = names.dns.text, .timeout = GYRE_MS(500)};
        gyre_time began = gyre_now_exact();
        gyre_addrs *addrs;
        int err = gyre_run(gyre_resolve(names.loop, "silent.test", 80, &opts), &addrs);
        gyre_duration took = gyre_now_exact() - began;
        assert_int_equal(err, GYRE_ETIMEDOUT_RESOLVE);
        assert_string_equal(gyre_err_class(err), "timeout");
        assert_string_equal(gyre_err_phase(err), "resolve");
        assert_true(took >= GYRE_MS(500));
        if (took - GYRE_MS(500) < *late) *late = took - GYRE_MS(500);
        assert_true(dns_asked(&names.dns, "silent.test", DNS_ANY) > 0);
    } else {
        assert_int_equal(gyre_run(gyre_sleep(names.loop, GYRE_MS(500))), 0);
    }
    gyre_timer_stop(&heart.timer);
    names_close(&names);
    return heart.worst;
}

static void a_server_that_never_answers_does_not_hold_the_loop_up(void **state)
{
    (void)state;
    gyre_duration best = GYRE_FOREVER, late = GYRE_FOREVER;
    for (int i = 0; i < 3; i++) {
        gyre_duration more = worst_gap(&late) - worst_gap(NULL);
        if (more < best) best = more;
    }
    assert_true(best < GYRE_MS(20));
    assert_true(late <= GYRE_MS(50));
}

TESTS(cmocka_unit_test(an_answer_is_kept_as_long_as_its_ttl),
      cmocka_unit_test(an_answer_is_kept_for_an_hour_at_most),
      cmocka_unit_test(an_answer_without_ttl_is_not_kept),
      cmocka_unit_test(the_ttl_of_an_alias_counts),
      cmocka_unit_test(a_failure_is_kept_for_a_second),
      cmocka_unit_test(the_cache_is_bounded_and_drops_what_is_not_used),
      cmocka_unit_test(a_hundred_look_ups_of_one_name_are_one_query),
      cmocka_unit_test(a_thousand_names_at_once_wait_in_line),
      cmocka_unit_test(a_cancelled_look_up_is_detached_and_its_query_feeds_the_cache),
      cmocka_unit_test(a_look_up_cancelled_between_answer_and_wake_up_keeps_nothing),
      cmocka_unit_test(a_loop_closes_with_queries_under_way),
      cmocka_unit_test(an_abandoned_query_does_not_keep_the_loop_from_closing),
      cmocka_unit_test(a_deadline_counts_from_the_call_also_after_a_pause),
      cmocka_unit_test(each_list_of_servers_has_a_cache_of_its_own),
      cmocka_unit_test(channels_are_bounded_and_queries_end_where_they_began),
      cmocka_unit_test(a_change_of_resolv_conf_is_seen_within_a_second),
      cmocka_unit_test(a_change_of_the_hosts_file_is_seen_within_a_second),
      cmocka_unit_test(an_idle_resolver_wakes_nobody),
      cmocka_unit_test(a_server_that_never_answers_does_not_hold_the_loop_up))
