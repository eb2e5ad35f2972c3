// What a stream costs: system calls of a keep-alive exchange, memory, turns; search is not
// quadratic.
// alone
#include "test/net/wire.h"

#include "coro/coro.h"
#include "test/support/memory.h"

#include <time.h>

static unsigned long polls(void)
{
    return fault_count(FAULT_EPOLL_WAIT) + fault_count(FAULT_EPOLL_PWAIT2) +
           fault_count(FAULT_PPOLL) + fault_count(FAULT_POLL);
}

static unsigned long sends(void)
{
    return fault_count(FAULT_SEND) + fault_count(FAULT_SENDMSG) + fault_count(FAULT_WRITEV) +
           fault_count(FAULT_WRITE);
}

static unsigned long reads(void)
{
    return fault_count(FAULT_RECV) + fault_count(FAULT_READ) + fault_count(FAULT_RECVMSG);
}

// One request and its answer, the peer answering between our write and our poll.
static void exchange(struct wire *w)
{
    EXPECT_ERROR(gyre_write(w->stream, GYRE_VIEW("ping\n")), 0);
    gyre_view_future f = gyre_read_until(w->stream, GYRE_VIEW("\n"), 99);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    wire_expect(w, "ping\n");
    wire_say(w, "pong\n");
    EXPECT_READ(f, "pong\n");
}

static void a_kept_alive_exchange_is_one_write_one_poll_one_read(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, WIRE_TCP);
    for (int i = 0; i < 3; i++) exchange(&w);
    for (int i = 0; i < 100; i++) {
        fault_reset();
        exchange(&w);
        assert_int_equal(sends(), 1);
        assert_int_equal(polls(), 1);
        assert_int_equal(reads(), 1);
        assert_int_equal(fault_count(FAULT_EPOLL_CTL), 0);
    }
    wire_close(&w);
}

// The same by a coroutine without futures.
struct client {
    struct wire w;
    int exchanges;
    bool counted;
};

static int talk(gyre_coro *self, void *arg)
{
    (void)self;
    struct client *c = arg;
    gyre_stream *s = c->w.stream;
    for (int i = 0; i < c->exchanges; i++) {
        if (i == 3) fault_reset();
        const gyre_view ping = GYRE_VIEW("ping\n");
        gyre__send send = {.pieces = &ping, .count = 1, .deadline = GYRE_FOREVER};
        assert_int_equal(gyre__stream_send(s, &send), 0);
        assert_int_equal(send.sent, 5);
        assert_int_equal(gyre__stream_peek(s).len, 0);
        wire_expect(&c->w, "ping\n");
        wire_say(&c->w, "pong\n");
        if (i == 0) continue; // let one answer lie, so that both come together once
        size_t want = i == 1 ? 10 : 5;
        while (gyre__stream_peek(s).len < want)
            assert_int_equal(gyre__stream_fill(s, GYRE_FOREVER), 0);
        gyre__stream_consume(s, want);
    }
    return 0;
}

static void a_coroutine_needs_no_more_calls(void **state)
{
    (void)state;
    struct client c = {.exchanges = 103};
    wire_open(&c.w, WIRE_TCP);
    EXPECT_ERROR(gyre_spawn(gyre_void, c.w.loop, talk, &c), 0);
    assert_int_equal(sends(), 100);
    assert_int_equal(reads(), 100);
    assert_in_range(polls(), 99, 101); // the last consumer runs in the turn of the last poll
    assert_int_equal(fault_count(FAULT_EPOLL_CTL), 0);
    wire_close(&c.w);
}

static void exchanges_allocate_nothing_after_the_first(void **state)
{
    (void)state;
    struct memory memory;
    struct wire w;
    int fds[2];
    memory_open(&memory);
    const gyre_loop_opts opts = {.allocator = &memory.alloc};
    wire_pair(WIRE_TCP, fds);
    w.fd = fds[0];
    w.peer = fds[1];
    assert_int_equal(gyre_loop_open(&w.loop, &opts), 0);
    assert_int_equal(gyre_stream_open(&w.stream, w.loop, w.fd, NULL), 0);
    for (int i = 0; i < 3; i++) exchange(&w);
    unsigned long before = memory.calls;
    for (int i = 0; i < 50; i++) exchange(&w);
    // Debug builds keep no futures: two for each exchange, and nothing for buffers.
    assert_true(memory.calls - before <= 100);
    wire_close(&w);
    memory_close(&memory);
}

static void never_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    (void)err;
    reader->ready = NULL;
}

static void an_idle_stream_holds_no_buffer(void **state)
{
    (void)state;
    struct memory memory;
    struct wire w;
    int fds[2];
    gyre__reader idle = {never_ready};
    memory_open(&memory);
    const gyre_loop_opts opts = {.allocator = &memory.alloc};
    wire_pair(WIRE_TCP, fds);
    w.fd = fds[0];
    w.peer = fds[1];
    assert_int_equal(gyre_loop_open(&w.loop, &opts), 0);
    size_t without = memory.live_bytes;
    assert_int_equal(gyre_stream_open(&w.stream, w.loop, w.fd, NULL), 0);
    exchange(&w);
    wire_settle(&w);
    assert_true(gyre__stream_idle(w.stream, &idle));
    assert_false(gyre__stream_idle(w.stream, &idle));        // somebody attends
    assert_true(memory.live_bytes - without < 65536 + 4096); // the block is in the loop's list
    gyre_stream *more[3];
    int peers[3];
    size_t before = memory.live_bytes;
    for (int i = 0; i < 3; i++) {
        socket_pair_tcp(fds);
        peers[i] = fds[1];
        assert_int_equal(gyre_stream_open(&more[i], w.loop, fds[0], NULL), 0);
    }
    assert_true(memory.live_bytes - before <= 3 * 448); // resident bytes of an idle connection
    // Nor does one that is waited for, although each has looked once.
    gyre_view_future waiting[3];
    for (int i = 0; i < 3; i++) waiting[i] = gyre_read_some(more[i], 9);
    wire_settle(&w);
    assert_true(memory.live_bytes - before <= 3 * 1024);
    for (int i = 0; i < 3; i++) gyre_release(waiting[i]);
    wire_say(&w, "!");
    wire_settle(&w);
    assert_null(idle.ready); // told
    for (int i = 0; i < 3; i++) {
        gyre_stream_close(more[i]);
        real_close(peers[i]);
    }
    wire_close(&w);
    memory_close(&memory);
}

static void an_idle_stream_tells_of_its_end(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct wire w;
        gyre__reader idle = {never_ready};
        wire_open(&w, kind);
        assert_true(gyre__stream_idle(w.stream, &idle));
        wire_hang_up(&w);
        wire_settle(&w);
        assert_null(idle.ready);
        idle.ready = never_ready;
        assert_false(gyre__stream_idle(w.stream, &idle));
        wire_close(&w);
    }
}

// ---- Taking turns --------------------------------------------------------------------------

static void a_hot_stream_gives_way(void **state)
{
    (void)state;
    struct wire w;
    size_t len = 2 << 20;
    int size = 4 << 20, turns = 0;
    wire_open(&w, WIRE_TCP);
    real_setsockopt(w.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    real_setsockopt(w.peer, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    char *bytes = wire_pattern(len);
    wire_send(&w, bytes, len);
    gyre_view_future f = gyre_read_bytes(w.stream, len);
    for (; gyre_future_state(f) == GYRE_PENDING; turns++) {
        fault_reset();
        assert_int_equal(gyre_loop_turn(w.loop, GYRE_SECONDS(1)), 0);
        assert_true(fault_count(FAULT_RECV) <= 16);
    }
    assert_in_range(turns, 6, 200);
    gyre_view view;
    assert_int_equal(gyre_run(f, &view), 0);
    assert_memory_equal(view.ptr, bytes, len);
    free(bytes);
    wire_close(&w);
}

static void a_hot_writer_gives_way(void **state)
{
    (void)state;
    struct wire w;
    size_t len = 2 << 20;
    int size = 4 << 20;
    wire_open(&w, WIRE_TCP);
    real_setsockopt(w.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    real_setsockopt(w.peer, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    char *bytes = wire_pattern(len);
    gyre_void_future f = gyre_write(w.stream, (gyre_view){bytes, len});
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    int turns = 0;
    for (; gyre_future_state(f) == GYRE_PENDING; turns++) {
        assert_true(turns < 1000);
        assert_int_equal(gyre_loop_turn(w.loop, GYRE_MS(5)), 0);
        char part[65536];
        if (turns > 20) (void)real_recv(w.peer, part, sizeof part, MSG_DONTWAIT);
    }
    assert_true(turns >= 4);
    EXPECT_ERROR(f, 0);
    free(bytes);
    wire_close(&w);
}

// ---- Searching -----------------------------------------------------------------------------

static int64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// The time to find a delimiter behind `len` bytes that come in small portions.
static int64_t time_search(size_t len)
{
    struct wire w;
    char portion[100];
    memset(portion, '\r', sizeof portion);
    wire_open(&w, WIRE_UNIX);
    gyre_view_future f = gyre_read_until(w.stream, GYRE_VIEW("\r\n\r\n"), SIZE_MAX / 2);
    int64_t began = cpu_now();
    for (size_t sent = 0; sent < len; sent += sizeof portion) {
        wire_send(&w, portion, sizeof portion);
        assert_int_equal(gyre_loop_turn(w.loop, 0), 0);
    }
    int64_t took = cpu_now() - began;
    wire_say(&w, "\n\r\n");
    gyre_view view;
    assert_int_equal(gyre_run(f, &view), 0);
    wire_close(&w);
    return took;
}

static void a_search_is_not_quadratic(void **state)
{
    (void)state;
    int64_t once = INT64_MAX, twice = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t t = time_search(400000);
        if (t < once) once = t;
        t = time_search(800000);
        if (t < twice) twice = t;
    }
    if (twice >= once * 5 / 2) print_error("%lld ns, %lld ns\n", (long long)once, (long long)twice);
    assert_true(twice < once * 5 / 2);
}

TESTS(cmocka_unit_test(a_kept_alive_exchange_is_one_write_one_poll_one_read),
      cmocka_unit_test(a_coroutine_needs_no_more_calls),
      cmocka_unit_test(exchanges_allocate_nothing_after_the_first),
      cmocka_unit_test(an_idle_stream_holds_no_buffer),
      cmocka_unit_test(an_idle_stream_tells_of_its_end), cmocka_unit_test(a_hot_stream_gives_way),
      cmocka_unit_test(a_hot_writer_gives_way), cmocka_unit_test(a_search_is_not_quadratic))
