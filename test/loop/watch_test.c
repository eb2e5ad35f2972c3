// Watches: which events reach whom, on every kind of descriptor; starts, stops, changes.
#include "test/loop/fixture.h"

#include <pty.h>
#include <termios.h>

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

static void start(gyre_loop *loop, struct record *record, int fd, unsigned want)
{
    *record = (struct record){.calls = 0};
    assert_int_equal(gyre_watch_start(loop, &record->watch, fd, want, on_event), 0);
}

// The events of one turn; 0: none.
static unsigned events_in_turn(gyre_loop *loop, struct record *record)
{
    record->events = 0;
    turn(loop);
    return record->events;
}

// ---- Kinds of descriptors ----------------------------------------------------------------------

static void check_pair(gyre_loop *loop, int end, int peer)
{
    struct record record;
    start(loop, &record, end, READ | WRITE);
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    put(peer);
    assert_int_equal(events_in_turn(loop, &record), READ | WRITE);
    assert_int_equal(events_in_turn(loop, &record), READ | WRITE); // level: as long as it lasts
    gyre_watch_want(&record.watch, READ);
    assert_int_equal(events_in_turn(loop, &record), READ);
    take(end);
    assert_int_equal(events_in_turn(loop, &record), 0);
    real_close(peer);
    unsigned last = events_in_turn(loop, &record);
    assert_int_equal(last & ~HANGUP, READ); // the end is readable; some kinds also say hangup
    assert_int_equal(events_in_turn(loop, &record), last);
    gyre_watch_stop(&record.watch);
    assert_int_equal(events_in_turn(loop, &record), 0);
    real_close(end);
}

static void watch_of_a_socketpair(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    open_pair(fds);
    check_pair(loop, fds[0], fds[1]);
    close_loop(loop);
}

static void watch_of_tcp(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    socket_pair_tcp(fds);
    check_pair(loop, fds[0], fds[1]);
    close_loop(loop);
}

static void watch_of_a_pty(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int master, slave;
    struct termios raw;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    struct record record;
    start(loop, &record, master, READ);
    assert_int_equal(events_in_turn(loop, &record), 0);
    put(slave);
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0); // the kernel hands it over later
    assert_int_equal(record.events, READ);
    take(master);
    real_close(slave);
    assert_int_equal(events_in_turn(loop, &record), READ | HANGUP);
    gyre_watch_stop(&record.watch);
    real_close(master);
    close_loop(loop);
}

static void watch_of_both_ends_of_a_pipe(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record reader, writer;
    open_pipe(fds);
    start(loop, &reader, fds[0], READ);
    start(loop, &writer, fds[1], WRITE);
    assert_int_equal(events_in_turn(loop, &writer), WRITE);
    assert_int_equal(reader.calls, 0);
    char page[4096] = {0};
    while (real_write(fds[1], page, sizeof page) > 0) continue;
    assert_int_equal(events_in_turn(loop, &writer), 0); // full
    assert_int_equal(reader.events, READ);
    gyre_watch_stop(&writer.watch);
    real_close(fds[1]);
    assert_int_equal(events_in_turn(loop, &reader), READ | HANGUP);
    gyre_watch_stop(&reader.watch);
    real_close(fds[0]);
    close_loop(loop);
}

static void writer_of_a_pipe_without_reader_hears_hangup(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record writer;
    open_pipe(fds);
    start(loop, &writer, fds[1], WRITE);
    real_close(fds[0]);
    assert_int_equal(events_in_turn(loop, &writer), WRITE | HANGUP);
    gyre_watch_stop(&writer.watch);
    real_close(fds[1]);
    close_loop(loop);
}

// ---- Refused starts ----------------------------------------------------------------------------

static void second_watch_on_a_descriptor_is_refused(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record first, second = {0};
    open_pair(fds);
    start(loop, &first, fds[0], READ);
    assert_int_equal(gyre_watch_start(loop, &second.watch, fds[0], WRITE, on_event), -EEXIST);
    assert_int_equal(gyre_watch_start(loop, &first.watch, fds[1], READ, on_event), -EEXIST);
    gyre_watch_stop(&second.watch); // idle: fine
    put(fds[1]);
    assert_int_equal(events_in_turn(loop, &first), READ); // the first is as it was
    gyre_watch_stop(&first.watch);
    close_both(fds);
    close_loop(loop);
}

static void bad_starts_are_refused_and_leave_the_watch_idle(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    struct record record = {0};
    gyre_watch *watch = &record.watch;
    int fds[2], file = real_open("Makefile", O_RDONLY | O_CLOEXEC), dir;
    dir = real_open("/", O_RDONLY | O_CLOEXEC);
    open_pair(fds);
    assert_true(file >= 0 && dir >= 0);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(gyre_watch_start(loop, watch, file, READ, on_event), -EPERM);
        assert_int_equal(gyre_watch_start(loop, watch, file, 0, on_event), -EPERM);
        assert_int_equal(gyre_watch_start(loop, watch, dir, READ, on_event), -EPERM);
        assert_int_equal(gyre_watch_start(loop, watch, -1, READ, on_event), -EBADF);
        assert_int_equal(gyre_watch_start(loop, watch, 999, READ, on_event), -EBADF);
        assert_int_equal(gyre_watch_start(loop, watch, 999, 0, on_event), -EBADF);
        assert_int_equal(gyre_watch_start(loop, watch, fds[0], HANGUP, on_event), -EINVAL);
        assert_int_equal(gyre_watch_start(loop, watch, fds[0], 0x4000, on_event), -EINVAL);
    }
    start(loop, &record, fds[0], READ);
    gyre_watch_stop(watch);
    close_both(fds);
    real_close(file);
    real_close(dir);
    close_loop(loop);
}

static void wild_descriptor_number_does_not_make_a_table_of_gigabytes(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    gyre_loop *loop = open_loop_with(&(gyre_loop_opts){.allocator = &memory.alloc});
    gyre_watch watch = {0};
    assert_int_equal(gyre_watch_start(loop, &watch, 30000000, READ, on_event), -EBADF);
    assert_true(memory.peak_bytes < 1000000);
    close_loop(loop);
    memory_close(&memory);
}

// ---- Changes -----------------------------------------------------------------------------------

static void changes_of_want_are_told_once_before_the_poll(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    open_pair(fds);
    start(loop, &record, fds[0], READ);
    fault_reset();
    for (int i = 0; i < 100; i++) {
        gyre_watch_want(&record.watch, WRITE);
        gyre_watch_want(&record.watch, READ | WRITE);
    }
    assert_int_equal(fault_count(FAULT_EPOLL_CTL), 0);
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    assert_int_equal(fault_count(FAULT_EPOLL_CTL), is_epoll(loop));
    gyre_watch_want(&record.watch, READ);
    gyre_watch_want(&record.watch, READ | WRITE); // there and back: nothing to tell
    assert_int_equal(events_in_turn(loop, &record), WRITE);
    assert_int_equal(fault_count(FAULT_EPOLL_CTL), is_epoll(loop));
    gyre_watch_stop(&record.watch);
    gyre_watch_want(&record.watch, READ); // stopped: nothing
    turn(loop);
    close_both(fds);
    close_loop(loop);
}

static void want_ignores_bits_that_are_only_reported(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    open_pair(fds);
    start(loop, &record, fds[0], READ);
    gyre_watch_want(&record.watch, HANGUP | GYRE__EDGE);
    real_close(fds[1]);
    assert_int_equal(events_in_turn(loop, &record), 0); // as good as 0: paused
    gyre_watch_want(&record.watch, READ | HANGUP);
    assert_int_equal(events_in_turn(loop, &record), READ | HANGUP);
    assert_int_equal(events_in_turn(loop, &record), READ | HANGUP); // and did not become an edge
    gyre_watch_stop(&record.watch);
    real_close(fds[0]);
    close_loop(loop);
}

static void paused_watch_does_not_spin_on_a_dead_peer(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record;
    open_pair(fds);
    start(loop, &record, fds[0], READ);
    gyre_watch_want(&record.watch, 0);
    real_close(fds[1]);
    clock_virtual_start();
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(7)), 0);
    assert_int_equal(clock_now() - began, GYRE_SECONDS(7)); // it slept
    assert_int_equal(record.calls, 0);
    clock_virtual_stop();
    gyre_watch_want(&record.watch, READ);
    assert_int_equal(events_in_turn(loop, &record), READ | HANGUP);
    gyre_watch_stop(&record.watch);
    start(loop, &record, fds[0], 0); // also when it begins paused
    assert_int_equal(events_in_turn(loop, &record), 0);
    gyre_watch_want(&record.watch, READ);
    assert_int_equal(events_in_turn(loop, &record), READ | HANGUP);
    gyre_watch_want(&record.watch, 0);
    turn(loop);
    gyre_watch_stop(&record.watch); // and may be stopped while paused
    real_close(fds[0]);
    close_loop(loop);
}

static void pause_in(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    on_event(loop, watch, events);
    gyre_watch_want(watch, 0);
}

static void pause_inside_its_own_callback_holds(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    int fds[2];
    struct record record = {0};
    open_pair(fds);
    put(fds[1]);
    assert_int_equal(gyre_watch_start(loop, &record.watch, fds[0], READ, pause_in), 0);
    for (int i = 0; i < 3; i++) turn(loop);
    assert_int_equal(record.calls, 1);
    gyre_watch_stop(&record.watch);
    close_both(fds);
    close_loop(loop);
}

// ---- Stops inside one batch --------------------------------------------------------------------

static struct record pair[2];
static int pair_fds[2][2];

static void stop_both(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    on_event(loop, watch, events);
    gyre_watch_stop(&pair[0].watch);
    gyre_watch_stop(&pair[1].watch);
}

static void open_two(gyre_loop *loop, gyre_watch_fn *fn)
{
    for (int i = 0; i < 2; i++) {
        pair[i] = (struct record){.calls = 0};
        open_pair(pair_fds[i]);
        assert_int_equal(gyre_watch_start(loop, &pair[i].watch, pair_fds[i][0], READ, fn), 0);
        put(pair_fds[i][1]);
    }
}

static void watch_stopped_by_itself_or_another_in_the_batch_is_not_called(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    open_two(loop, stop_both);
    for (int i = 0; i < 3; i++) turn(loop);
    assert_int_equal(pair[0].calls + pair[1].calls, 1);
    close_both(pair_fds[0]);
    close_both(pair_fds[1]);
    close_loop(loop);
}

// Closes the other descriptor and starts a new one, which gets its number, in its place.
static void reuse_other(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    on_event(loop, watch, events);
    int me = GYRE_CONTAINER_OF(watch, struct record, watch) == &pair[1];
    int *fds = pair_fds[!me], old = fds[0];
    gyre_watch_want(watch, 0);
    gyre_watch_stop(&pair[!me].watch);
    close_both(fds);
    open_pair(fds);
    assert_int_equal(fds[0], old);
    start(loop, &pair[!me], fds[0], READ);
}

static void descriptor_reused_in_the_turn_hears_no_stale_event(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    open_two(loop, reuse_other);
    for (int i = 0; i < 3; i++) turn(loop);
    assert_int_equal(pair[0].calls + pair[1].calls, 1); // the new one has nothing to read
    for (int i = 0; i < 2; i++) {
        gyre_watch_stop(&pair[i].watch);
        close_both(pair_fds[i]);
    }
    close_loop(loop);
}

enum { HIGH = 2000 }; // far above what is open

static struct record many[300];

static void start_many(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    on_event(loop, watch, events);
    gyre_watch_stop(watch);
    for (int i = 0; i < 300; i++) start(loop, &many[i], HIGH + i, WRITE);
}

static void callback_may_grow_the_tables_that_its_event_came_from(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    open_two(loop, start_many);
    gyre_watch_stop(&pair[1].watch);
    int fd = pair_fds[1][0];
    for (int i = 0; i < 300; i++) assert_int_equal(dup2(fd, HIGH + i), HIGH + i);
    turn(loop);
    assert_int_equal(pair[0].calls, 1);
    turn(loop);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(many[i].calls, 1);
        gyre_watch_stop(&many[i].watch);
        real_close(HIGH + i);
    }
    close_both(pair_fds[0]);
    close_both(pair_fds[1]);
    close_loop(loop);
}

TESTS(cmocka_unit_test(watch_of_a_socketpair), cmocka_unit_test(watch_of_tcp),
      cmocka_unit_test(watch_of_a_pty), cmocka_unit_test(watch_of_both_ends_of_a_pipe),
      cmocka_unit_test(writer_of_a_pipe_without_reader_hears_hangup),
      cmocka_unit_test(second_watch_on_a_descriptor_is_refused),
      cmocka_unit_test(bad_starts_are_refused_and_leave_the_watch_idle),
      cmocka_unit_test(wild_descriptor_number_does_not_make_a_table_of_gigabytes),
      cmocka_unit_test(changes_of_want_are_told_once_before_the_poll),
      cmocka_unit_test(want_ignores_bits_that_are_only_reported),
      cmocka_unit_test(paused_watch_does_not_spin_on_a_dead_peer),
      cmocka_unit_test(pause_inside_its_own_callback_holds),
      cmocka_unit_test(watch_stopped_by_itself_or_another_in_the_batch_is_not_called),
      cmocka_unit_test(descriptor_reused_in_the_turn_hears_no_stale_event),
      cmocka_unit_test(callback_may_grow_the_tables_that_its_event_came_from))
