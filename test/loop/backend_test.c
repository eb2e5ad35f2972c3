// What the two pollers must do alike: edges, failures of every call while opening, interruptions.
#include "test/loop/fixture.h"

#include <sys/socket.h>

struct record {
    gyre_watch watch;
    int calls;
    unsigned events; // of the last call
};

static void on_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop;
    struct record *record = GYRE_CONTAINER_OF(watch, struct record, watch);
    record->calls++;
    record->events = events;
}

static unsigned events_in_turn(gyre_loop *loop, struct record *record)
{
    record->events = 0;
    turn(loop);
    return record->events;
}

static void start_edge(gyre_loop *loop, struct record *record, int fd, unsigned want)
{
    *record = (struct record){.calls = 0};
    assert_int_equal(gyre_watch_start(loop, &record->watch, fd, want | GYRE__EDGE, on_event), 0);
}

static void drain(struct record *record, unsigned bits)
{
    char space[256];
    if (bits & READ)
        while (real_read(record->watch.fd, space, sizeof space) > 0) continue;
    gyre__watch_drained(&record->watch, bits);
}

// ---- Choosing ----------------------------------------------------------------------------------

static void backend_is_chosen_by_option_then_environment(void **state)
{
    (void)state;
    gyre_loop *loop = NULL;
    const char *wanted = getenv("GYRE_BACKEND");
    loop = open_loop();
    if (wanted) assert_string_equal(gyre_loop_backend(loop), wanted);
    close_loop(loop);
    loop = open_loop_with(&(gyre_loop_opts){.backend = "poll"});
    assert_string_equal(gyre_loop_backend(loop), "poll");
    close_loop(loop);
    loop = NULL;
    assert_int_equal(gyre_loop_open(&loop, &(gyre_loop_opts){.backend = "select"}), -EINVAL);
    setenv("GYRE_BACKEND", "kqueue-of-another-system", 1);
    assert_int_equal(gyre_loop_open(&loop, NULL), -EINVAL);
    assert_null(loop); // untouched
    setenv("GYRE_BACKEND", "", 1);
    close_loop(open_loop());
}

// ---- Edges -------------------------------------------------------------------------------------

static void check_edges(gyre_loop *loop, int end, int peer)
{
    struct record record;
    start_edge(loop, &record, end, READ | WRITE);
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    assert_int_equal(events_in_turn(loop, &record), 0); // once
    put(peer);
    assert_int_equal(events_in_turn(loop, &record) & READ, READ);
    for (int i = 0; i < 3; i++) assert_int_equal(events_in_turn(loop, &record), 0);
    drain(&record, READ);
    assert_int_equal(events_in_turn(loop, &record), 0);
    put(peer);
    assert_int_equal(events_in_turn(loop, &record) & READ, READ); // a new edge after draining
    drain(&record, READ);
    real_shutdown(peer, SHUT_WR);
    unsigned end_events = events_in_turn(loop, &record);
    assert_int_equal(end_events & (READ | GYRE__PEER_SHUT), READ | GYRE__PEER_SHUT);
    assert_int_equal(events_in_turn(loop, &record), 0);
    gyre_watch_stop(&record.watch);
    real_close(end);
    real_close(peer);
}

static void edge_watch_of_tcp_reports_each_change_once(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    socket_pair_tcp(fds);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    check_edges(loop, fds[0], fds[1]);
    close_loop(loop);
}

static void edge_watch_of_a_socketpair_reports_each_change_once(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    open_pair(fds);
    check_edges(loop, fds[0], fds[1]);
    close_loop(loop);
}

static void unread_edge_watch_causes_one_wake_up_and_still_hears_the_fin(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    socket_pair_tcp(fds);
    start_edge(loop, &record, fds[0], READ);
    put(fds[1]);
    assert_int_equal(events_in_turn(loop, &record), READ);
    clock_virtual_start();
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(3)), 0);
    assert_int_equal(clock_now() - began, GYRE_SECONDS(3)); // asleep with a byte unread
    clock_virtual_stop();
    real_shutdown(fds[1], SHUT_WR);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0);
    assert_int_equal(record.calls, 2);
    assert_true(record.events & GYRE__PEER_SHUT);
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

static void edge_watch_hears_of_out_of_band_data(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    socket_pair_tcp(fds);
    start_edge(loop, &record, fds[0], READ);
    assert_int_equal(real_send(fds[1], "!", 1, MSG_OOB), 1);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0);
    assert_true(record.events & GYRE__URGENT);
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

static void edge_watch_of_a_dead_peer_does_not_spin(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    open_pair(fds);
    start_edge(loop, &record, fds[0], READ | WRITE);
    turn(loop);
    real_close(fds[1]);
    assert_true(events_in_turn(loop, &record) & HANGUP);
    for (int i = 0; i < 5; i++) assert_int_equal(events_in_turn(loop, &record), 0);
    gyre_watch_stop(&record.watch);
    real_close(fds[0]);
    close_loop(loop);
}

static void full_edge_watch_hears_when_it_may_write_again(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    static char block[65536];
    open_pair(fds);
    start_edge(loop, &record, fds[0], READ | WRITE);
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    while (real_write(fds[0], block, sizeof block) > 0) continue;
    gyre__watch_drained(&record.watch, WRITE);
    assert_int_equal(events_in_turn(loop, &record), 0);
    while (real_read(fds[1], block, sizeof block) > 0) continue;
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    gyre_watch_stop(&record.watch);
    gyre__watch_drained(&record.watch, READ); // stopped: nothing
    close_both(fds);
    close_loop(loop);
}

static void drained_inside_the_callback_counts(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    open_pair(fds);
    start_edge(loop, &record, fds[0], READ);
    for (int i = 0; i < 100; i++) {
        put(fds[1]);
        assert_int_equal(events_in_turn(loop, &record), READ);
        drain(&record, READ);
    }
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

// ---- Many descriptors --------------------------------------------------------------------------

static void more_events_than_one_poll_takes_all_arrive(void **state)
{
    (void)state;
    enum { PAIRS = 700 };
    static struct record records[PAIRS];
    static int fds[PAIRS][2];
    gyre_loop *loop = open_loop();
    for (int i = 0; i < PAIRS; i++) {
        open_pair(fds[i]);
        records[i] = (struct record){.calls = 0};
        assert_int_equal(gyre_watch_start(loop, &records[i].watch, fds[i][0], READ, on_event), 0);
        put(fds[i][1]);
    }
    for (int i = 0; i < 4; i++) turn(loop);
    for (int i = 0; i < PAIRS; i++) {
        assert_true(records[i].calls >= 2); // nobody starves behind the first ones
        gyre_watch_stop(&records[i].watch);
        close_both(fds[i]);
    }
    close_loop(loop);
}

// Stops move poll's arrays about: whatever is stopped, the others keep their events.
static void random_starts_and_stops_keep_each_event_with_its_watch(void **state)
{
    (void)state;
    enum { PAIRS = 24 };
    struct record records[PAIRS] = {0};
    int fds[PAIRS][2];
    uint64_t seed = 99;
    gyre_loop *loop = open_loop();
    for (int i = 0; i < PAIRS; i++) open_pair(fds[i]);
    for (int round = 0; round < 3000; round++) {
        int i = (int)(fault_random(&seed) % PAIRS), k = (int)(fault_random(&seed) % PAIRS);
        struct record *record = &records[i];
        if (record->watch.loop)
            gyre_watch_stop(&record->watch);
        else
            assert_int_equal(gyre_watch_start(loop, &record->watch, fds[i][0], READ, on_event), 0);
        int before = records[k].calls, all = 0;
        for (int n = 0; n < PAIRS; n++) all -= records[n].calls;
        put(fds[k][1]);
        turn(loop);
        take(fds[k][0]);
        for (int n = 0; n < PAIRS; n++) all += records[n].calls;
        assert_int_equal(records[k].calls - before, records[k].watch.loop ? 1 : 0);
        assert_int_equal(all, records[k].watch.loop ? 1 : 0);
    }
    for (int i = 0; i < PAIRS; i++) {
        gyre_watch_stop(&records[i].watch);
        close_both(fds[i]);
    }
    close_loop(loop);
}

// ---- Failures ----------------------------------------------------------------------------------

static int open_and_close(void *arg)
{
    (void)arg;
    gyre_loop *loop = NULL;
    int err = gyre_loop_open(&loop, NULL);
    if (err) assert_null(loop);
    return err ? err : gyre_loop_close(loop);
}

static void open_with_each_system_call_failing_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        enum fault_call call;
        int err;
    } faults[] = {{FAULT_EPOLL_CREATE1, EMFILE}, {FAULT_EVENTFD, EMFILE}, {FAULT_EPOLL_CTL, ENOSPC},
                  {FAULT_PIPE2, EMFILE},         {FAULT_PIPE2, ENFILE},   {FAULT_MMAP, ENOMEM}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        fault_torture(faults[i].call, faults[i].err, open_and_close, NULL);
}

// The mark that tells a forked child is made by the first loop of a process only.
static int open_without_a_page(void *arg)
{
    (void)arg;
    gyre_loop *loop = NULL;
    fault_reset();
    fault_fail_nth(FAULT_MMAP, 1, ENOMEM);
    int err = gyre_loop_open(&loop, NULL);
    if (err != -ENOMEM || loop) return 1;
    return open_and_close(NULL) == 0 ? 0 : 2;
}

static void first_open_without_a_page_is_enomem_and_the_next_one_works(void **state)
{
    (void)state;
    assert_int_equal(in_child(open_without_a_page, NULL), 0);
}

static int watch_in_memory(const gyre_allocator *alloc, void *arg)
{
    (void)arg;
    int fds[40][2];
    struct record records[40] = {0};
    gyre_loop *loop;
    int err = gyre_loop_open(&loop, &(gyre_loop_opts){.allocator = alloc});
    if (err) return err;
    for (int i = 0; i < 40; i++) {
        open_pair(fds[i]);
        int failed = gyre_watch_start(loop, &records[i].watch, fds[i][0], READ, on_event);
        if (!err) err = failed;
        if (failed) assert_null(records[i].watch.loop);
    }
    put(fds[0][1]);
    turn(loop);
    // A watch that could be started works.
    if (records[0].watch.loop) assert_int_equal(records[0].calls, 1);
    for (int i = 0; i < 40; i++) close_both(fds[i]);
    assert_int_equal(gyre_loop_close(loop), 0);
    return err;
}

static void open_and_watches_with_each_allocation_failing_leave_nothing(void **state)
{
    (void)state;
    MEMORY_TORTURE(watch_in_memory, NULL);
}

static void start_that_the_kernel_refuses_leaves_the_watch_idle(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record = {0};
    open_pair(fds);
    if (is_epoll(loop)) {
        fault_reset();
        fault_fail_nth(FAULT_EPOLL_CTL, 1, ENOSPC);
        assert_int_equal(gyre_watch_start(loop, &record.watch, fds[0], READ, on_event), -ENOSPC);
    }
    start_edge(loop, &record, fds[0], READ);
    put(fds[1]);
    assert_int_equal(events_in_turn(loop, &record), READ);
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

static void interrupted_poll_is_a_turn_without_events(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record = {0};
    open_pair(fds);
    assert_int_equal(gyre_watch_start(loop, &record.watch, fds[0], READ, on_event), 0);
    put(fds[1]);
    fault_reset();
    fault_fail_nth(is_epoll(loop) ? FAULT_EPOLL_WAIT : FAULT_PPOLL, 1, EINTR);
    assert_int_equal(events_in_turn(loop, &record), 0);
    assert_int_equal(fault_hit(), 1);
    assert_int_equal(events_in_turn(loop, &record), READ);
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

TESTS(cmocka_unit_test(backend_is_chosen_by_option_then_environment),
      cmocka_unit_test(edge_watch_of_tcp_reports_each_change_once),
      cmocka_unit_test(edge_watch_of_a_socketpair_reports_each_change_once),
      cmocka_unit_test(unread_edge_watch_causes_one_wake_up_and_still_hears_the_fin),
      cmocka_unit_test(edge_watch_hears_of_out_of_band_data),
      cmocka_unit_test(edge_watch_of_a_dead_peer_does_not_spin),
      cmocka_unit_test(full_edge_watch_hears_when_it_may_write_again),
      cmocka_unit_test(drained_inside_the_callback_counts),
      cmocka_unit_test(more_events_than_one_poll_takes_all_arrive),
      cmocka_unit_test(random_starts_and_stops_keep_each_event_with_its_watch),
      cmocka_unit_test(open_with_each_system_call_failing_leaves_nothing),
      cmocka_unit_test(first_open_without_a_page_is_enomem_and_the_next_one_works),
      cmocka_unit_test(open_and_watches_with_each_allocation_failing_leave_nothing),
      cmocka_unit_test(start_that_the_kernel_refuses_leaves_the_watch_idle),
      cmocka_unit_test(interrupted_poll_is_a_turn_without_events))
