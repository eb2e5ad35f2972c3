// alone
// A name server that never answers: the loop goes on as if nobody waited for it.

#include "test/http/client_rig.h"
#include "test/support/dns.h"
#include "test/support/real.h"

#include <sys/time.h>

enum { BEAT_MS = 5, LIMIT_MS = 600 };

// ---- The heartbeat ---------------------------------------------------------------------------

struct heart {
    gyre_timer timer;
    gyre_time last;
    gyre_duration gap; // the largest from one beat to the next
    unsigned beats;
};

static void beat(gyre_loop *loop, gyre_timer *timer)
{
    struct heart *heart = GYRE_CONTAINER_OF(timer, struct heart, timer);
    gyre_time now = gyre_now_exact();
    if (now - heart->last > heart->gap) heart->gap = now - heart->last;
    heart->last = now;
    heart->beats++;
    gyre_timer_start(loop, timer, GYRE_MS(BEAT_MS), beat);
}

static void heart_start(struct heart *heart, gyre_loop *loop)
{
    *heart = (struct heart){.last = gyre_now_exact()};
    gyre_timer_start(loop, &heart->timer, GYRE_MS(BEAT_MS), beat);
}

// ---- Runs ------------------------------------------------------------------------------------

// The largest gap of a run that only sleeps.
static gyre_duration gap_of_nothing(void)
{
    struct rig rig;
    struct heart heart;
    rig_open(&rig, NULL);
    heart_start(&heart, rig.loop);
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(LIMIT_MS))), 0);
    gyre_timer_stop(&heart.timer);
    rig_close(&rig);
    return heart.gap;
}

// That of one with a fetch whose name nobody answers for; checks how the fetch ends.
static gyre_duration gap_of_fetch(void)
{
    static const struct dns_rule rules[] = {{.act = DNS_SILENCE}};
    struct dns dns;
    struct rig rig;
    struct heart heart;
    dns_start(&dns, rules, 1);
    rig_open(&rig, &(gyre_client_opts){.connect.resolve.servers = dns.text});
    snprintf(rig.url, sizeof rig.url, "http://silent.test/");
    heart_start(&heart, rig.loop);
    gyre_response *response;
    gyre_time began = gyre_now_exact();
    int err = rig_fetch(&rig, &(gyre_fetch_opts){.timeout = GYRE_MS(LIMIT_MS)}, &response);
    gyre_duration took = gyre_now_exact() - began;
    gyre_timer_stop(&heart.timer);
    assert_string_equal(gyre_err_class(err), "timeout");
    assert_string_equal(gyre_err_phase(err), "resolve");
    assert_true(took >= GYRE_MS(LIMIT_MS - 50) && took <= GYRE_MS(LIMIT_MS + 50));
    assert_true(heart.beats >= LIMIT_MS / BEAT_MS / 4);
    assert_true(dns_asked(&dns, "silent.test", DNS_ANY) >= 1);
    rig_close(&rig);
    dns_stop(&dns);
    return heart.gap;
}

static void fetch_with_a_silent_name_server_does_not_hold_the_loop(void **state)
{
    (void)state;
    gyre_duration best = GYRE_FOREVER;
    for (int i = 0; i < 3; i++) {
        gyre_duration without = gap_of_nothing(), with = gap_of_fetch();
        printf("largest gap: %lld us without, %lld us with\n", (long long)(without / 1000),
               (long long)(with / 1000));
        if (with - without < best) best = with - without;
    }
    assert_true(best <= GYRE_MS(20));
}

// ---- The control -----------------------------------------------------------------------------

// What getaddrinfo does inside: asks and waits for the answer.
static void look_up_and_block(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    (void)timer;
    const struct timeval limit = {.tv_sec = 1, .tv_usec = 100000};
    char answer[512];
    int fd = real_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(real_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_true(real_recv(fd, answer, sizeof answer, 0) < 0);
    real_close(fd);
}

static void heartbeat_sees_a_look_up_that_blocks(void **state)
{
    (void)state;
    struct rig rig;
    struct heart heart;
    gyre_timer timer = {0};
    rig_open(&rig, NULL);
    heart_start(&heart, rig.loop);
    gyre_timer_start(rig.loop, &timer, GYRE_MS(20), look_up_and_block);
    assert_int_equal(gyre_run(gyre_sleep(rig.loop, GYRE_MS(60))), 0);
    gyre_timer_stop(&heart.timer);
    assert_true(heart.gap > GYRE_SECONDS(1));
    rig_close(&rig);
}

TESTS(cmocka_unit_test(fetch_with_a_silent_name_server_does_not_hold_the_loop),
      cmocka_unit_test(heartbeat_sees_a_look_up_that_blocks))
