// Closing: what still runs, what is unlinked, in which order the floors go (rows S58, U12).
#include "test/loop/fixture.h"

#include <signal.h>

static void note_task(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    note('k');
}

static void note_posted(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    static gyre_task behind = {.fn = note_task};
    note('p');
    gyre_soon(loop, &behind);
}

static void on_timer(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop, (void)timer;
    note('t');
}

static void on_event(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)loop, (void)watch, (void)events;
    note('i');
}

static void on_signal(gyre_loop *loop, gyre_signal_watch *watch, int signo)
{
    (void)loop, (void)watch, (void)signo;
    note('s');
}

static void close_of_null_is_fine(void **state)
{
    (void)state;
    assert_int_equal(gyre_loop_close(NULL), 0);
}

static void accepted_tasks_run_at_close_and_so_does_what_they_queue(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task task = {.fn = note_task}, posted = {.fn = note_posted};
    gyre_soon(loop, &task);
    assert_int_equal(gyre_post(loop, &posted), 0);
    close_loop(loop);
    assert_int_equal(strlen(trace), 3);
    assert_non_null(strstr(trace, "pk"));
}

static unsigned runs;

static void count_run(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    runs++;
}

static void close_without_grace_still_runs_every_accepted_task(void **state)
{
    (void)state;
    static gyre_task tasks[5000];
    gyre_loop *loop = open_loop_with(&(gyre_loop_opts){.close_grace = GYRE_NONE});
    runs = 0;
    for (int i = 0; i < 5000; i++) {
        tasks[i] = (gyre_task){.fn = count_run};
        if (i % 2)
            gyre_soon(loop, &tasks[i]);
        else
            assert_int_equal(gyre_post(loop, &tasks[i]), 0);
    }
    close_loop(loop);
    assert_int_equal(runs, 5000);
}

static void run_for_ever(gyre_loop *loop, gyre_task *task)
{
    clock_advance(GYRE_US(100));
    runs++;
    gyre_soon(loop, task);
}

static void task_that_queues_itself_for_ever_ends_with_the_grace(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    gyre_task task = {.fn = run_for_ever};
    gyre_soon(loop, &task);
    gyre_time began = clock_now();
    close_loop(loop);
    assert_in_range(clock_now() - began, GYRE_SECONDS(2), GYRE_MS(2100));
    gyre_task_stop(&task); // unlinked: touches nothing
    clock_virtual_stop();
}

static void endless_grace_does_not_overflow(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop_with(&(gyre_loop_opts){.close_grace = GYRE_FOREVER});
    gyre_task task = {.fn = note_task};
    gyre_soon(loop, &task);
    close_loop(loop);
    assert_string_equal(trace, "k");
    loop = NULL;
    assert_int_equal(gyre_loop_open(&loop, &(gyre_loop_opts){.close_grace = -2}), -EINVAL);
}

// ---- What is still started ---------------------------------------------------------------------

static void everything_started_may_be_stopped_after_the_close(void **state)
{
    (void)state;
    struct memory memory;
    memory_open(&memory);
    gyre_loop *loop = open_loop_with(&(gyre_loop_opts){.allocator = &memory.alloc});
    // In the heap, so that touching the loop through them is seen.
    struct leaves {
        gyre_timer timers[6];
        gyre_watch watches[3];
        gyre_signal_watch signal;
        gyre_task task;
    } *leaves = calloc(1, sizeof *leaves);
    static const gyre_duration delays[] = {GYRE_US(500),           GYRE_MS(100),
                                           GYRE_SECONDS(100),      GYRE_SECONDS(100000),
                                           GYRE_SECONDS(10000000), GYRE_FOREVER};
    for (int i = 0; i < 6; i++) gyre_timer_start(loop, &leaves->timers[i], delays[i], on_timer);
    int fds[2];
    open_pair(fds);
    assert_int_equal(gyre_watch_start(loop, &leaves->watches[0], fds[0], READ, on_event), 0);
    assert_int_equal(gyre_watch_start(loop, &leaves->watches[1], fds[1], READ, on_event), 0);
    gyre_watch_want(&leaves->watches[1], 0); // waits to be told to the kernel
    assert_int_equal(gyre_on_signal(loop, &leaves->signal, SIGUSR1, on_signal), 0);
    close_loop(loop);
    memory_close(&memory); // every block was returned
    for (int i = 0; i < 6; i++) {
        assert_false(gyre_timer_is_active(&leaves->timers[i]));
        gyre_timer_stop(&leaves->timers[i]);
    }
    for (int i = 0; i < 3; i++) {
        gyre_watch_want(&leaves->watches[i], WRITE);
        gyre_watch_stop(&leaves->watches[i]);
    }
    gyre_signal_stop(&leaves->signal);
    gyre_task_stop(&leaves->task);
    assert_string_equal(trace, "");
    loop = open_loop(); // and started again
    gyre_timer_start(loop, &leaves->timers[3], 0, on_timer);
    assert_int_equal(gyre_watch_start(loop, &leaves->watches[1], fds[0], WRITE, on_event), 0);
    turn(loop);
    assert_string_equal(trace, "ti");
    close_loop(loop);
    free(leaves);
    close_both(fds);
}

static gyre_timer first, second;

static void close_all_descriptors(gyre_loop *loop, gyre_timer *timer)
{
    (void)timer;
    gyre_loop_stop(loop);
}

// Row S58; that no descriptor is left is seen by the program that runs the test.
static void stop_from_a_callback_ends_the_program_with_all_descriptors_closed(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_timer_start(loop, &first, GYRE_US(10), close_all_descriptors);
    gyre_timer_start(loop, &second, GYRE_SECONDS(1000), on_timer);
    assert_int_equal(gyre_loop_run(loop), 0);
    close_loop(loop);
}

// ---- Floors ------------------------------------------------------------------------------------

static int live; // turns that a floor still wants

#define NOTE_AS(letter, name) \
    static void name(gyre_loop *loop) \
    { \
        (void)loop; \
        note(letter); \
    }
NOTE_AS('c', cancel_left)
NOTE_AS('C', cancel_right)
NOTE_AS('d', destroy_left)
NOTE_AS('D', destroy_right)
NOTE_AS('S', stop_right)

static void stop_left(gyre_loop *loop)
{
    // Completions of what was stopped run before the floors are destroyed.
    static gyre_task completions[100];
    for (int i = 0; i < 100; i++) {
        completions[i] = (gyre_task){.fn = count_run};
        gyre_soon(loop, &completions[i]);
    }
    note('s');
}

static bool is_live(gyre_loop *loop)
{
    (void)loop;
    return live != 0;
}

static const gyre__floor left = {cancel_left, is_live, stop_left, destroy_left};
static const gyre__floor right = {cancel_right, NULL, stop_right, destroy_right};

static gyre_loop *open_with_floors(void)
{
    gyre_loop *loop = open_loop();
    gyre__loop_slot(loop, GYRE__SLOT_FUTURE)->floor = &left;
    gyre__loop_slot(loop, GYRE__SLOT_NET)->floor = &right;
    clock_virtual_start();
    runs = 0;
    return loop;
}

static void floors_are_closed_from_right_to_left_and_completions_run_before_the_end(void **state)
{
    (void)state;
    gyre_loop *loop = open_with_floors();
    live = 0;
    close_loop(loop);
    assert_string_equal(trace, "CcSsDd");
    assert_int_equal(runs, 100);
    clock_virtual_stop();
}

static void floor_that_stays_live_ends_with_one_grace(void **state)
{
    (void)state;
    gyre_loop *loop = open_with_floors();
    live = 1;
    gyre_time began = clock_now();
    close_loop(loop);
    assert_int_equal(clock_now() - began,
                     GYRE_SECONDS(2)); // not one before the posts and one after
    assert_string_equal(trace, "CcSsDd");
    clock_virtual_stop();
}

static void end_life(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop, (void)timer;
    live = 0;
}

static void floor_that_ends_in_time_ends_the_close(void **state)
{
    (void)state;
    gyre_loop *loop = open_with_floors();
    gyre_timer timer = {0};
    live = 1;
    gyre_timer_start(loop, &timer, GYRE_MS(300), end_life);
    gyre_time began = clock_now();
    close_loop(loop);
    assert_in_range(clock_now() - began, GYRE_MS(300), GYRE_MS(301));
    clock_virtual_stop();
}

TESTS(cmocka_unit_test(close_of_null_is_fine),
      cmocka_unit_test(accepted_tasks_run_at_close_and_so_does_what_they_queue),
      cmocka_unit_test(close_without_grace_still_runs_every_accepted_task),
      cmocka_unit_test(task_that_queues_itself_for_ever_ends_with_the_grace),
      cmocka_unit_test(endless_grace_does_not_overflow),
      cmocka_unit_test(everything_started_may_be_stopped_after_the_close),
      cmocka_unit_test(stop_from_a_callback_ends_the_program_with_all_descriptors_closed),
      cmocka_unit_test(floors_are_closed_from_right_to_left_and_completions_run_before_the_end),
      cmocka_unit_test(floor_that_stays_live_ends_with_one_grace),
      cmocka_unit_test(floor_that_ends_in_time_ends_the_close))
