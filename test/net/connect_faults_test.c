// Names looked up and connected to while memory and system calls fail.

#include "test/net/connect_setup.h"

#include <ares.h>

#include "test/support/faults.h"
#include "test/support/memory.h"

static const struct dns_rule rules[] = {
    {"one.test", DNS_A, .data = "127.0.0.1", .ttl = 60},
    {"one.test", DNS_AAAA, .act = DNS_NODATA},
    {"big.test", DNS_A, .act = DNS_TRUNCATED, .data = "127.0.0.1", .ttl = 60},
    {"big.test", DNS_AAAA, .act = DNS_NODATA},
};

struct scene {
    struct dns dns;
    int listener;
    uint16_t port;
    const char *host;
    const char *hosts; // file
    gyre_duration limit;
};

static void scene_open(struct scene *scene, const char *host)
{
    dns_start(&scene->dns, RULES(rules));
    scene->listener = bound_to("127.0.0.1", 0, 128);
    scene->port = port_of(scene->listener);
    scene->host = host;
    scene->hosts = "/nonexistent/hosts";
    scene->limit = GYRE_SECONDS(2);
}

static void scene_close(struct scene *scene)
{
    close(scene->listener);
    dns_stop(&scene->dns);
}

// Opens a loop, resolves, connects, closes both. Whatever fails, its error is the result.
static int play(const gyre_allocator *alloc, void *arg)
{
    struct scene *scene = arg;
    gyre_loop *loop;
    const gyre_loop_opts loop_opts = {.allocator = alloc, .log_level = GYRE_LOG_OFF};
    int err = gyre_loop_open(&loop, &loop_opts);
    if (err) return err;
    const gyre_connect_opts opts = {.resolve.servers = scene->dns.text,
                                    .timeout = scene->limit,
                                    .resolve.timeout = scene->limit};
    gyre_stream *stream = NULL;
    gyre_addrs *addrs = NULL;
    err = gyre__resolver_files(loop, "/nonexistent/resolv.conf", scene->hosts);
    if (!err) err = gyre_run(gyre_resolve(loop, scene->host, 1, &opts.resolve), &addrs);
    if (!err) err = gyre_run(gyre_connect(loop, scene->host, scene->port, &opts), &stream);
    gyre_stream_close(stream);
    int closed = gyre_loop_close(loop);
    gyre_addrs_free(addrs); // from the loop's allocator, after the loop
    return err ? err : closed;
}

static void every_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, "one.test");
    MEMORY_TORTURE(play, &scene);
    scene.host = "localhost";
    MEMORY_TORTURE(play, &scene);
    char path[] = "/tmp/hosts.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "127.0.0.1 own.test\n", 19) == 19 && close(fd) == 0);
    scene.host = "own.test";
    scene.hosts = path;
    MEMORY_TORTURE(play, &scene);
    unlink(path);
    scene_close(&scene);
}

// ---- c-ares' memory ------------------------------------------------------------------------

static unsigned long ares_calls, ares_fails_at;

static int ares_may(void)
{
    return ++ares_calls != ares_fails_at;
}

static void *ares_test_malloc(size_t size)
{
    return size && ares_may() ? malloc(size) : NULL;
}

static void *ares_test_realloc(void *ptr, size_t size)
{
    return ares_may() ? realloc(ptr, size) : NULL;
}

static void every_failing_allocation_of_c_ares_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(
        ares_library_init_mem(ARES_LIB_INIT_ALL, ares_test_malloc, free, ares_test_realloc), 0);
    struct scene scene;
    scene_open(&scene, "one.test");
    scene.limit = GYRE_MS(200); // for a question that c-ares would send again after two seconds
    ares_fails_at = 0;
    ares_calls = 0;
    assert_int_equal(play(NULL, &scene), 0);
    unsigned long most = ares_calls, nomem = 0;
    assert_true(most > 10);
    for (unsigned long n = 1; n <= most; n++) {
        ares_calls = 0;
        ares_fails_at = n;
        int err = play(NULL, &scene);
        // c-ares makes up for some of them, and takes some for a dead server.
        if (err) assert_true(err == -ENOMEM || !strcmp(gyre_err_phase(err), "resolve"));
        if (err == -ENOMEM) nomem++;
    }
    assert_true(nomem > most / 4);
    scene_close(&scene);
    ares_library_cleanup();
}

// ---- System calls --------------------------------------------------------------------------

static int play_with_malloc(void *arg)
{
    return play(NULL, arg);
}

static void torture(enum fault_call call, int err)
{
    struct scene scene;
    scene_open(&scene, "one.test");
    fault_torture(call, err, play_with_malloc, &scene);
    scene.host = "big.test"; // over TCP
    fault_torture(call, err, play_with_malloc, &scene);
    scene_close(&scene);
}

static void every_failing_call_of_a_look_up_and_a_connect_is_survived(void **state)
{
    (void)state;
    static const struct {
        enum fault_call call;
        int err;
    } table[] = {
        {FAULT_SOCKET, EMFILE},       {FAULT_SOCKET, ENOBUFS},
        {FAULT_CONNECT, ENETUNREACH}, {FAULT_SETSOCKOPT, ENOPROTOOPT},
        {FAULT_GETSOCKOPT, ENOTCONN}, {FAULT_EPOLL_CTL, ENOSPC},
        {FAULT_SENDMSG, EPIPE},       {FAULT_SENDMSG, ENETDOWN},
        {FAULT_RECVFROM, ECONNRESET}, {FAULT_GETSOCKNAME, ENOBUFS},
        {FAULT_OPEN, EMFILE},         {FAULT_STAT, EACCES},
        {FAULT_CLOSE, EIO},           {FAULT_EPOLL_CREATE1, EMFILE},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) torture(table[i].call, table[i].err);
}

static void interruptions_and_false_alarms_change_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, "one.test");
    for (uint64_t seed = 1; seed <= 30; seed++) {
        fault_eintr(0.5, seed);
        scene.host = seed % 2 ? "one.test" : "big.test";
        assert_int_equal(play(NULL, &scene), 0);
    }
    fault_reset();
    fault_every(FAULT_RECVFROM, 2, EAGAIN);
    for (int i = 0; i < 5; i++) assert_int_equal(play(NULL, &scene), 0);
    fault_reset();
    fault_short_all(1);
    scene.host = "big.test";
    for (int i = 0; i < 5; i++) assert_int_equal(play(NULL, &scene), 0);
    fault_reset();
    scene_close(&scene);
}

static void a_socket_that_cannot_be_watched_fails_its_look_ups_and_no_later_ones(void **state)
{
    (void)state;
    struct names names;
    names_open(&names, RULES(rules));
    if (strcmp(gyre_loop_backend(names.loop), "epoll") != 0) {
        names_close(&names);
        SKIP("only epoll can refuse to watch");
    }
    gyre_addrs_future together[2] = {resolve_in(&names, "big.test", AF_INET)};
    fault_fail_nth(FAULT_EPOLL_CTL, 1, ENOSPC); // for the TCP socket
    together[1] = resolve_in(&names, "big.test", AF_INET);
    assert_int_equal(gyre_run(together[0]), -ENOSPC);
    assert_int_equal(gyre_run(together[1]), -ENOSPC);
    fault_reset();
    expect_in(&names, "one.test", AF_INET, "127.0.0.1:80");
    names_close(&names);

    // The first family's socket cannot be watched; the second gets another channel at once.
    names_open(&names, RULES(rules));
    fault_fail_nth(FAULT_EPOLL_CTL, 1, ENOSPC);
    expect(&names, "one.test", "127.0.0.1:80");
    fault_reset();
    names_close(&names);
}

TESTS(cmocka_unit_test(every_failing_allocation_is_an_error_and_leaks_nothing),
      cmocka_unit_test(every_failing_allocation_of_c_ares_is_an_error),
      cmocka_unit_test(every_failing_call_of_a_look_up_and_a_connect_is_survived),
      cmocka_unit_test(interruptions_and_false_alarms_change_nothing),
      cmocka_unit_test(a_socket_that_cannot_be_watched_fails_its_look_ups_and_no_later_ones))
