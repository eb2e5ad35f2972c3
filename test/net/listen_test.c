// Listeners: addresses and ports, Unix files, accepting, pauses without descriptors.
#include "test/net/wire.h"

#include "test/support/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

struct server {
    gyre_loop *loop;
    gyre_listener *listener;
    gyre_address address;
    int logged; // lines of log
};

static void count_line(void *arg, gyre_log_level level, const char *where, const char *text)
{
    struct server *s = arg;
    assert_int_equal(level, GYRE_LOG_WARN);
    assert_string_equal(where, "net");
    assert_non_null(strstr(text, "accept on 127.0.0.1:"));
    s->logged++;
}

static void open_server(struct server *s, const char *addr, const gyre_listen_opts *opts)
{
    *s = (struct server){0};
    const gyre_loop_opts loop_opts = {.log = count_line, .log_arg = s};
    assert_int_equal(gyre_loop_open(&s->loop, &loop_opts), 0);
    assert_int_equal(gyre_listen(&s->listener, s->loop, addr, opts), 0);
    s->address = gyre_listener_address(s->listener);
}

static void close_server(struct server *s)
{
    gyre_listener_close(s->listener);
    assert_int_equal(gyre_loop_close(s->loop), 0);
}

// A blocking connection to an address, made before anybody accepts it.
static int dial(const gyre_address *address)
{
    int fd = real_socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (real_connect(fd, (const struct sockaddr *)&address->storage, address->len) != 0) {
        real_close(fd);
        return -errno;
    }
    return fd;
}

static void expect_accept(struct server *s, int client)
{
    gyre_stream *stream;
    assert_int_equal(gyre_run(gyre_accept(s->listener), &stream), 0);
    assert_int_equal(real_write(client, "hello", 5), 5);
    EXPECT_READ(gyre_read_bytes(stream, 5), "hello");
    gyre_stream_close(stream);
    real_close(client);
}

static void a_connection_is_accepted_and_knows_its_peer(void **state)
{
    (void)state;
    struct server s;
    gyre_stream *stream;
    char text[GYRE_ADDRESS_TEXT];
    open_server(&s, "127.0.0.1:0", NULL);
    assert_true(gyre_address_port(&s.address) > 0);
    gyre_stream_future f = gyre_accept(s.listener);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    EXPECT_ERROR(gyre_accept(s.listener), GYRE_EBUSY);
    int client = dial(&s.address);
    assert_int_equal(gyre_run(f, &stream), 0);
    gyre_address peer = gyre_stream_peer(stream), own = gyre__socket_local(client);
    assert_int_equal(gyre_address_port(&peer), gyre_address_port(&own));
    real_close(client);
    EXPECT_ERROR(gyre_read_some(stream, 1), GYRE_EEOF);
    gyre_address_text(&peer, text, sizeof text);
    assert_true(strncmp(text, "127.0.0.1:", 10) == 0);
    gyre_stream_close(stream);
    close_server(&s);
}

static void both_families_share_a_port(void **state)
{
    (void)state;
    if (!has_ipv6()) SKIP("no ::1 on this machine");
    struct server s;
    open_server(&s, ":0", NULL);
    uint16_t port = gyre_address_port(&s.address);
    char text[32];
    for (int i = 0; i < 4; i++) {
        gyre_address to;
        snprintf(text, sizeof text, i % 2 ? "[::1]:%u" : "127.0.0.1:%u", port);
        assert_int_equal(gyre_address_parse(&to, gyre_view_of(text), 0), 0);
        expect_accept(&s, dial(&to));
    }
    // The port is taken in both families now.
    gyre_listener *second = NULL;
    snprintf(text, sizeof text, ":%u", port);
    assert_int_equal(gyre_listen(&second, s.loop, text, NULL), -EADDRINUSE);
    assert_null(second);
    close_server(&s);
}

static void a_port_taken_in_one_family_is_tried_anew(void **state)
{
    (void)state;
    if (!has_ipv6()) SKIP("no ::1 on this machine");
    struct server s;
    fault_reset();
    fault_fail_nth(FAULT_BIND, 2, EADDRINUSE); // the first bind of IPv6
    open_server(&s, ":0", NULL);
    assert_int_equal(fault_count(FAULT_BIND), 4);
    fault_reset();
    close_server(&s);
    fault_fail_nth(FAULT_SOCKET, 2, EAFNOSUPPORT); // a machine without IPv6
    open_server(&s, ":0", NULL);
    gyre_address v4;
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", gyre_address_port(&s.address));
    assert_int_equal(gyre_address_parse(&v4, gyre_view_of(text), 0), 0);
    expect_accept(&s, dial(&v4));
    fault_reset();
    close_server(&s);
}

static void listeners_share_a_port_when_told(void **state)
{
    (void)state;
    struct server s;
    gyre_listener *second;
    char text[GYRE_ADDRESS_TEXT];
    const gyre_listen_opts opts = {.reuse_port = true, .backlog = 5};
    open_server(&s, "127.0.0.1:0", &opts);
    gyre_address_text(&s.address, text, sizeof text);
    assert_int_equal(gyre_listen(&second, s.loop, text, &opts), 0);
    gyre_listener_close(second);
    close_server(&s);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "127.0.0.1", "localhost:80", ":",
                                      ":65536",    ":8o",       "[::]",         "::1",
                                      "1.2.3.4:x", "unix:",     "[::1]:",       "127.0.0.1:",
                                      ":080000",   "*:80",      "[::1:80",      "300.1.1.1:80"};
    gyre_loop *loop;
    gyre_listener *listener = NULL;
    assert_int_equal(gyre_loop_open(&loop, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(gyre_listen(&listener, loop, bad[i], NULL), -EINVAL);
    const gyre_listen_opts opts = {.backlog = -2};
    assert_int_equal(gyre_listen(&listener, loop, ":0", &opts), -EINVAL);
    assert_int_equal(gyre_listen(&listener, loop, NULL, NULL), -EINVAL);
    assert_int_equal(gyre_listen(&listener, loop, "192.0.2.1:0", NULL), -EADDRNOTAVAIL);
    assert_null(listener);
    assert_int_equal(gyre_loop_close(loop), 0);
}

// ---- Unix sockets --------------------------------------------------------------------------

static const char *path_in_tmp(char *text, size_t size)
{
    const char *dir = getenv("TEST_TMP");
    snprintf(text, size, "unix:%s/listen-%d.sock", dir ? dir : "/tmp", (int)getpid());
    return text + strlen("unix:");
}

static void a_unix_socket_has_its_mode_and_goes_with_its_listener(void **state)
{
    (void)state;
    struct server s;
    struct stat status;
    char addr[108];
    const char *path = path_in_tmp(addr, sizeof addr);
    for (int i = 0; i < 2; i++) {
        const gyre_listen_opts opts = {.mode = i ? 0666 : 0};
        open_server(&s, addr, &opts);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, i ? 0666 : 0600);
        expect_accept(&s, dial(&s.address));
        close_server(&s);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void a_stale_unix_socket_is_replaced_and_no_other_file(void **state)
{
    (void)state;
    struct server s;
    gyre_listener *second = NULL;
    char addr[108];
    const char *path = path_in_tmp(addr, sizeof addr);
    open_server(&s, addr, NULL);
    assert_int_equal(gyre_listen(&second, s.loop, addr, NULL), -EADDRINUSE); // alive
    assert_int_equal(unlink(path), 0); // somebody puts another file in its place
    int file = real_open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    real_close(file);
    assert_int_equal(gyre_listen(&second, s.loop, addr, NULL), -EEXIST);
    close_server(&s);
    assert_int_equal(access(path, F_OK), 0); // not ours to take away
    assert_int_equal(unlink(path), 0);

    int fd = real_socket(AF_UNIX, SOCK_STREAM, 0); // left behind by a crash
    assert_int_equal(real_bind(fd, (struct sockaddr *)&s.address.storage, s.address.len), 0);
    real_close(fd);
    open_server(&s, addr, NULL);
    expect_accept(&s, dial(&s.address));
    close_server(&s);
}

static void an_abstract_name_needs_no_file(void **state)
{
    (void)state;
    struct server s;
    char addr[64];
    snprintf(addr, sizeof addr, "unix:@gyre-listen-%d", (int)getpid());
    open_server(&s, addr, NULL);
    expect_accept(&s, dial(&s.address));
    close_server(&s);
}

// ---- Accepting -----------------------------------------------------------------------------

static void connections_wait_until_they_are_wanted(void **state)
{
    (void)state;
    struct server s;
    int clients[5];
    open_server(&s, "127.0.0.1:0", NULL);
    for (int i = 0; i < 5; i++) clients[i] = dial(&s.address);
    for (int i = 0; i < 20; i++) assert_int_equal(gyre_loop_turn(s.loop, 0), 0);
    for (int i = 0; i < 5; i++) expect_accept(&s, clients[i]);
    close_server(&s);
}

static void a_cancelled_accept_loses_no_connection(void **state)
{
    (void)state;
    struct server s;
    open_server(&s, "127.0.0.1:0", NULL);
    gyre_stream_future f = gyre_accept(s.listener);
    assert_true(gyre_cancel(f));
    EXPECT_ERROR(f, GYRE_ECANCELED);
    expect_accept(&s, dial(&s.address));
    // An accepted stream that nobody takes is closed.
    int client = dial(&s.address);
    f = gyre_accept(s.listener);
    while (gyre_future_state(f) == GYRE_PENDING)
        assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(100)), 0);
    gyre_release(f);
    char byte;
    assert_int_equal(real_read(client, &byte, 1), 0);
    real_close(client);
    // Nor is one that is still in its future when the loop closes.
    client = dial(&s.address);
    f = gyre_accept(s.listener);
    while (gyre_future_state(f) == GYRE_PENDING)
        assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(100)), 0);
    close_server(&s);
    assert_int_equal(real_read(client, &byte, 1), 0);
    real_close(client);
}

static void closing_fails_the_accept(void **state)
{
    (void)state;
    struct server s;
    open_server(&s, "127.0.0.1:0", NULL);
    gyre_stream_future f = gyre_accept(s.listener);
    gyre_listener_close(s.listener);
    gyre_listener_close(NULL);
    s.listener = NULL;
    EXPECT_ERROR(f, GYRE_ECLOSED);
    assert_int_equal(dial(&s.address), -ECONNREFUSED);
    close_server(&s);
    open_server(&s, "127.0.0.1:0", NULL); // a closing loop does the same
    f = gyre_accept(s.listener);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    assert_int_equal(gyre_loop_close(s.loop), 0);
}

static void an_aborted_connection_is_skipped(void **state)
{
    (void)state;
    static const int errors[] = {ECONNABORTED, EINTR, EPROTO, EPERM, EAGAIN};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct server s;
        open_server(&s, "127.0.0.1:0", NULL);
        fault_reset();
        fault_fail_nth(FAULT_ACCEPT4, 1, errors[i]);
        expect_accept(&s, dial(&s.address));
        assert_int_equal(fault_hit(), 1);
        assert_int_equal(s.logged, 0);
        fault_reset();
        close_server(&s);
    }
}

static unsigned long waits(void)
{
    return fault_count(FAULT_EPOLL_WAIT) + fault_count(FAULT_EPOLL_PWAIT2) +
           fault_count(FAULT_PPOLL);
}

static void accepting_pauses_without_descriptors(void **state)
{
    (void)state;
    struct server s;
    open_server(&s, "127.0.0.1:0", NULL);
    int client = dial(&s.address);
    clock_virtual_start();
    fault_reset();
    fault_fail_from(FAULT_ACCEPT4, 1, EMFILE);
    gyre_stream_future f = gyre_accept(s.listener);
    int64_t began = clock_now();
    while (clock_now() - began < GYRE_MS(2500))
        assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(50)), 0);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    assert_in_range(fault_count(FAULT_ACCEPT4), 24, 27); // ten tries a second
    assert_true(waits() < 150);                          // and no spinning in between
    assert_int_equal(s.logged, 3);                       // once a second
    fault_reset();
    gyre_stream *stream;
    assert_int_equal(gyre_run(f, &stream), 0);
    clock_virtual_stop();
    gyre_stream_close(stream);
    real_close(client);
    close_server(&s);
}

static void a_real_shortage_of_descriptors_passes(void **state)
{
    (void)state;
    struct server s;
    struct rlimit before, tight;
    int fillers[64], count = 0;
    open_server(&s, "127.0.0.1:0", NULL);
    int client = dial(&s.address);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = (struct rlimit){.rlim_cur = 24, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (count < 64 && (fillers[count] = dup(client)) >= 0) count++;
    gyre_stream_future f = gyre_accept(s.listener);
    gyre_time began = gyre_now_exact();
    fault_reset();
    while (gyre_now_exact() - began < GYRE_MS(250))
        assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(50)), 0);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    assert_in_range(fault_count(FAULT_ACCEPT4), 2, 4);
    assert_true(waits() < 30);
    while (count > 0) real_close(fillers[--count]);
    gyre_stream *stream;
    began = gyre_now_exact();
    assert_int_equal(gyre_run(f, &stream), 0);
    assert_true(gyre_now_exact() - began < GYRE_MS(500)); // by itself
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    gyre_stream_close(stream);
    real_close(client);
    close_server(&s);
}

struct collector {
    gyre__acceptor acceptor;
    gyre_listener *close; // by the callback; or NULL
    int count;
};

static void collect(gyre__acceptor *acceptor, gyre_stream *stream)
{
    struct collector *c = GYRE_CONTAINER_OF(acceptor, struct collector, acceptor);
    c->count++;
    gyre_stream_close(stream);
    gyre_listener_close(c->close);
}

static void an_acceptor_takes_every_connection(void **state)
{
    (void)state;
    struct server s;
    struct collector c = {.acceptor = {collect}};
    int clients[200];
    open_server(&s, "127.0.0.1:0", NULL);
    for (int i = 0; i < 200; i++) clients[i] = dial(&s.address);
    assert_int_equal(gyre__listener_serve(s.listener, &c.acceptor), 0);
    assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(100)), 0);
    assert_int_equal(c.count, 128); // a turn's worth
    EXPECT_ERROR(gyre_accept(s.listener), GYRE_EBUSY);
    while (c.count < 200) assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(100)), 0);
    for (int i = 0; i < 200; i++) real_close(clients[i]);
    c.close = s.listener;
    clients[0] = dial(&s.address);
    clients[1] = dial(&s.address);
    while (c.count < 201) assert_int_equal(gyre_loop_turn(s.loop, GYRE_MS(100)), 0);
    for (int i = 0; i < 5; i++) assert_int_equal(gyre_loop_turn(s.loop, 0), 0);
    assert_int_equal(c.count, 201); // closed in its own callback: no more
    real_close(clients[0]);
    real_close(clients[1]);
    s.listener = NULL;
    close_server(&s);
}

TESTS(cmocka_unit_test(a_connection_is_accepted_and_knows_its_peer),
      cmocka_unit_test(both_families_share_a_port),
      cmocka_unit_test(a_port_taken_in_one_family_is_tried_anew),
      cmocka_unit_test(listeners_share_a_port_when_told),
      cmocka_unit_test(bad_addresses_are_refused),
      cmocka_unit_test(a_unix_socket_has_its_mode_and_goes_with_its_listener),
      cmocka_unit_test(a_stale_unix_socket_is_replaced_and_no_other_file),
      cmocka_unit_test(an_abstract_name_needs_no_file),
      cmocka_unit_test(connections_wait_until_they_are_wanted),
      cmocka_unit_test(a_cancelled_accept_loses_no_connection),
      cmocka_unit_test(closing_fails_the_accept),
      cmocka_unit_test(an_aborted_connection_is_skipped),
      cmocka_unit_test(accepting_pauses_without_descriptors),
      cmocka_unit_test(a_real_shortage_of_descriptors_passes),
      cmocka_unit_test(an_acceptor_takes_every_connection))
