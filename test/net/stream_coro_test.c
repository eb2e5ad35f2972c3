// Coroutines of the library that wait for streams without futures: deadlines, cancel, interleaving.
#include "test/net/wire.h"

#include "coro/coro.h"
#include "test/support/clock.h"

struct job {
    struct wire w;
    int step; // what the coroutine came to
    int err;
    gyre_time deadline;
    gyre__send send;
    const char *bytes;
    size_t len;
};

static int fill_once(gyre_coro *self, void *arg)
{
    (void)self;
    struct job *job = arg;
    job->step = 1;
    job->err = gyre__stream_fill(job->w.stream, job->deadline);
    job->step = 2;
    return 0;
}

static int send_all(gyre_coro *self, void *arg)
{
    (void)self;
    struct job *job = arg;
    const gyre_view view = {job->bytes, job->len};
    job->send.pieces = &view;
    job->send.count = 1;
    job->send.deadline = job->deadline;
    job->step = 1;
    job->err = gyre__stream_send(job->w.stream, &job->send);
    job->step = 2;
    return 0;
}

static gyre_void_future start(struct job *job, gyre_coro_fn *fn)
{
    gyre_void_future f = gyre_spawn(gyre_void, job->w.loop, fn, job);
    assert_int_equal(job->step, 1);
    return f;
}

static void a_fill_waits_for_bytes_and_for_the_end(void **state)
{
    (void)state;
    for (enum wire_kind kind = 0; kind < WIRE_KINDS; kind++) {
        struct job job = {.deadline = GYRE_FOREVER};
        wire_open(&job.w, kind);
        gyre_void_future f = start(&job, fill_once);
        wire_settle(&job.w);
        assert_int_equal(job.step, 1);
        wire_say(&job.w, "abc");
        EXPECT_ERROR(f, 0);
        assert_int_equal(job.err, 0);
        assert_view(gyre__stream_peek(job.w.stream), "abc");
        gyre__stream_consume(job.w.stream, 1);
        wire_hang_up(&job.w);
        f = gyre_spawn(gyre_void, job.w.loop, fill_once, &job);
        EXPECT_ERROR(f, 0);
        assert_int_equal(job.err, GYRE_EEOF);
        assert_view(gyre__stream_peek(job.w.stream), "bc");
        wire_close(&job.w);
    }
}

static void a_fill_ends_at_its_deadline(void **state)
{
    (void)state;
    struct job job = {0};
    clock_virtual_start();
    wire_open(&job.w, WIRE_TCP);
    wire_settle(&job.w);
    job.deadline = gyre_now(job.w.loop) + GYRE_SECONDS(3);
    gyre_void_future f = start(&job, fill_once);
    int64_t began = clock_now();
    EXPECT_ERROR(f, 0);
    assert_int_equal(job.err, GYRE_ETIMEDOUT);
    assert_in_range(clock_now() - began, GYRE_SECONDS(3), GYRE_SECONDS(3) + GYRE_MS(2));
    wire_say(&job.w, "late"); // the stream is as it was
    EXPECT_READ(gyre_read_bytes(job.w.stream, 4), "late");
    wire_close(&job.w);
    clock_virtual_stop();
}

static void a_cancelled_fill_leaves_the_stream(void **state)
{
    (void)state;
    struct job job = {.deadline = GYRE_FOREVER};
    wire_open(&job.w, WIRE_TCP);
    gyre_void_future f = start(&job, fill_once);
    EXPECT_ERROR(gyre_read_some(job.w.stream, 1), GYRE_EBUSY);
    gyre_cancel(f);
    EXPECT_ERROR(f, GYRE_ECANCELED);
    assert_int_equal(job.err, GYRE_ECANCELED);
    wire_say(&job.w, "still here");
    EXPECT_READ(gyre_read_bytes(job.w.stream, 10), "still here");
    wire_close(&job.w);
}

static void closing_wakes_who_fills_and_who_sends(void **state)
{
    (void)state;
    char *bytes = wire_pattern(8 << 20);
    for (int sends = 0; sends < 2; sends++) {
        struct job job = {.deadline = GYRE_FOREVER, .bytes = bytes, .len = 8 << 20};
        wire_open(&job.w, WIRE_UNIX);
        gyre_void_future f = start(&job, sends ? send_all : fill_once);
        gyre_stream_close(job.w.stream);
        job.w.stream = NULL;
        EXPECT_ERROR(f, 0);
        assert_int_equal(job.err, GYRE_ECLOSED);
        wire_close(&job.w);
    }
    free(bytes);
}

static void a_send_waits_while_the_kernel_is_full(void **state)
{
    (void)state;
    size_t len = 3 << 20, got = 0;
    char *bytes = wire_pattern(len), part[65536];
    struct job job = {.deadline = GYRE_FOREVER, .bytes = bytes, .len = len};
    wire_open(&job.w, WIRE_UNIX);
    gyre_void_future f = start(&job, send_all);
    gyre_void_future behind = gyre_write(job.w.stream, GYRE_VIEW("."));
    assert_int_equal(gyre_future_state(behind), GYRE_PENDING);
    while (got < len + 1) {
        wire_settle(&job.w);
        ssize_t n = real_recv(job.w.peer, part, sizeof part, MSG_DONTWAIT);
        if (n < 0) continue;
        size_t own = got + (size_t)n > len ? len - got : (size_t)n;
        assert_memory_equal(part, bytes + got, own);
        got += (size_t)n;
    }
    EXPECT_ERROR(f, 0);
    EXPECT_ERROR(behind, 0);
    assert_int_equal(job.err, 0);
    assert_int_equal(job.send.sent, len);
    assert_false(job.send.stopped);
    free(bytes);
    wire_close(&job.w);
}

static void a_send_that_ends_early_closes_the_stream(void **state)
{
    (void)state;
    char *bytes = wire_pattern(8 << 20);
    for (int cancel = 0; cancel < 2; cancel++) {
        struct job job = {.bytes = bytes, .len = 8 << 20};
        clock_virtual_start();
        wire_open(&job.w, WIRE_UNIX);
        wire_settle(&job.w);
        job.deadline = gyre_now(job.w.loop) + GYRE_SECONDS(1);
        gyre_void_future f = start(&job, send_all);
        if (cancel) gyre_cancel(f);
        EXPECT_ERROR(f, cancel ? GYRE_ECANCELED : 0);
        assert_int_equal(job.err, cancel ? GYRE_ECANCELED : GYRE_ETIMEDOUT);
        assert_in_range(job.send.sent, 1, (8 << 20) - 1);
        EXPECT_ERROR(gyre_write(job.w.stream, GYRE_VIEW("x")), GYRE_ECLOSED);
        wire_close(&job.w);
        clock_virtual_stop();
    }
    free(bytes);
}

static void a_send_stops_for_an_early_answer(void **state)
{
    (void)state;
    char *bytes = wire_pattern(8 << 20);
    struct job job = {.deadline = GYRE_FOREVER, .bytes = bytes, .len = 8 << 20};
    job.send.stop_on_read = true;
    wire_open(&job.w, WIRE_UNIX);
    gyre_void_future f = start(&job, send_all);
    wire_settle(&job.w);
    assert_int_equal(job.step, 1);
    wire_say(&job.w, "413");
    EXPECT_ERROR(f, 0);
    assert_int_equal(job.err, 0);
    assert_true(job.send.stopped);
    assert_in_range(job.send.sent, 1, (8 << 20) - 1);
    assert_false(gyre__stream_has_output(job.w.stream));
    EXPECT_READ(gyre_read_bytes(job.w.stream, 3), "413");
    free(bytes);
    wire_close(&job.w);
}

static int receive_rest(gyre_coro *self, void *arg)
{
    (void)self;
    struct job *job = arg;
    char into[1000];
    size_t got;
    for (;;) {
        int err = gyre__stream_receive(job->w.stream, into, sizeof into, &got, GYRE_FOREVER);
        if (err) return err == GYRE_EEOF ? 0 : err;
        assert_memory_equal(into, job->bytes + job->len, got);
        job->len += got;
    }
}

static void receive_takes_the_buffer_first(void **state)
{
    (void)state;
    char *bytes = wire_pattern(5000);
    struct job job = {.bytes = bytes};
    wire_open(&job.w, WIRE_TCP);
    wire_send(&job.w, bytes, 2500);
    gyre_view view;
    assert_int_equal(gyre_run(gyre_read_bytes(job.w.stream, 10), &view), 0);
    job.len = 10;
    gyre_void_future f = gyre_spawn(gyre_void, job.w.loop, receive_rest, &job);
    wire_settle(&job.w);
    wire_send(&job.w, bytes + 2500, 2500);
    wire_hang_up(&job.w);
    EXPECT_ERROR(f, 0);
    assert_int_equal(job.len, 5000);
    free(bytes);
    wire_close(&job.w);
}

TESTS(cmocka_unit_test(a_fill_waits_for_bytes_and_for_the_end),
      cmocka_unit_test(a_fill_ends_at_its_deadline),
      cmocka_unit_test(a_cancelled_fill_leaves_the_stream),
      cmocka_unit_test(closing_wakes_who_fills_and_who_sends),
      cmocka_unit_test(a_send_waits_while_the_kernel_is_full),
      cmocka_unit_test(a_send_that_ends_early_closes_the_stream),
      cmocka_unit_test(a_send_stops_for_an_early_answer),
      cmocka_unit_test(receive_takes_the_buffer_first))
