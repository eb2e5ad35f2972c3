// Tasks: order, rounds, the budget.
#include "test/loop/fixture.h"

static void add_letter(gyre_loop *loop, gyre_task *task);

struct letter {
    gyre_task task;
    char name;
    gyre_task *then; // queued by this one; NULL: none
};

static struct letter letters[] = {{{.fn = add_letter}, 'a', NULL},
                                  {{.fn = add_letter}, 'b', NULL},
                                  {{.fn = add_letter}, 'c', NULL}};

static void add_letter(gyre_loop *loop, gyre_task *task)
{
    struct letter *letter = GYRE_CONTAINER_OF(task, struct letter, task);
    note(letter->name);
    if (letter->then) gyre_soon(loop, letter->then);
}

static void tasks_run_first_in_first_out(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_soon(loop, &letters[1].task);
    gyre_soon(loop, &letters[0].task);
    gyre_soon(loop, &letters[2].task);
    gyre_soon(loop, &letters[1].task); // queued already: changes nothing
    turn(loop);
    assert_string_equal(trace, "bac");
    turn(loop);
    assert_string_equal(trace, "bac"); // each once
    close_loop(loop);
}

static void task_queued_by_a_task_runs_in_the_same_turn_behind_the_others(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    letters[0].then = &letters[2].task;
    gyre_soon(loop, &letters[0].task);
    gyre_soon(loop, &letters[1].task);
    fault_reset();
    turn(loop);
    letters[0].then = NULL;
    assert_string_equal(trace, "abc");
    assert_int_equal(polls(), 1);
    close_loop(loop);
}

static void stopped_task_does_not_run_and_may_be_queued_again(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task_stop(&letters[0].task); // idle: fine
    gyre_soon(loop, &letters[0].task);
    gyre_soon(loop, &letters[1].task);
    gyre_task_stop(&letters[0].task);
    turn(loop);
    assert_string_equal(trace, "b");
    gyre_soon(loop, &letters[0].task);
    turn(loop);
    assert_string_equal(trace, "ba");
    close_loop(loop);
}

static void stop_next(gyre_loop *loop, gyre_task *task)
{
    (void)loop, (void)task;
    gyre_task_stop(&letters[0].task);
}

static void task_stopped_by_an_earlier_one_does_not_run(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    gyre_task first = {.fn = stop_next};
    gyre_soon(loop, &first);
    gyre_soon(loop, &letters[0].task);
    gyre_soon(loop, &letters[1].task);
    turn(loop);
    assert_string_equal(trace, "b");
    close_loop(loop);
}

// ---- Budget ------------------------------------------------------------------------------------

static unsigned runs;
static int64_t cost; // virtual time that each run takes

static void run_again(gyre_loop *loop, gyre_task *task)
{
    runs++;
    if (cost) clock_advance(cost);
    gyre_soon(loop, task);
}

static void on_readable(gyre_loop *loop, gyre_watch *watch, unsigned events)
{
    (void)events;
    take(watch->fd);
    gyre_loop_stop(loop);
}

static void endless_tasks_stop_at_1024_and_do_not_starve_io(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    int fds[2];
    open_pipe(fds);
    gyre_watch watch = {0};
    assert_int_equal(gyre_watch_start(loop, &watch, fds[0], READ, on_readable), 0);
    gyre_task task = {.fn = run_again};
    runs = 0, cost = 0;
    gyre_soon(loop, &task);
    turn(loop);
    assert_int_equal(runs, 1024);
    put(fds[1]);
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_run(loop), 0); // the event is seen in the very next turn
    assert_int_equal(runs, 2048);
    assert_int_equal(clock_now() - began, 0); // with work left the poll does not wait
    gyre_task_stop(&task);
    clock_virtual_stop();
    gyre_watch_stop(&watch);
    close_both(fds);
    close_loop(loop);
}

static void tasks_that_take_long_stop_at_a_millisecond(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    gyre_task task = {.fn = run_again};
    runs = 0, cost = GYRE_US(20);
    gyre_soon(loop, &task);
    turn(loop);
    assert_in_range(runs, 50, 64);
    gyre_task_stop(&task);
    clock_virtual_stop();
    close_loop(loop);
}

static void few_tasks_of_ten_milliseconds_do_not_keep_the_loop_for_a_third_of_a_second(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    gyre_task task = {.fn = run_again};
    runs = 0, cost = GYRE_MS(10);
    gyre_soon(loop, &task);
    turn(loop);
    assert_int_equal(runs, 1); // not 32, the distance of the regular looks at the clock
    gyre_task_stop(&task);
    clock_virtual_stop();
    close_loop(loop);
}

static void what_the_budget_left_runs_first_and_in_order(void **state)
{
    (void)state;
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    gyre_task task = {.fn = run_again};
    runs = 0, cost = GYRE_MS(2);
    gyre_soon(loop, &task);
    gyre_soon(loop, &letters[0].task);
    gyre_soon(loop, &letters[1].task);
    turn(loop);
    assert_string_equal(trace, "");
    cost = 0;
    gyre_task_stop(&task);
    gyre_time began = clock_now();
    assert_int_equal(gyre_loop_turn(loop, GYRE_SECONDS(5)), 0);
    assert_int_equal(clock_now() - began, 0); // the poll did not wait
    assert_string_equal(trace, "ab");
    clock_virtual_stop();
    close_loop(loop);
}

static gyre_time seen;

static void read_time(gyre_loop *loop, gyre_task *task)
{
    (void)task;
    seen = gyre_now(loop);
}

static void time_is_read_again_within_long_rounds(void **state)
{
    (void)state;
    static struct letter many[64];
    gyre_loop *loop = open_loop();
    clock_virtual_start();
    turn(loop);
    gyre_time began = gyre_now(loop);
    gyre_task slow = {.fn = run_again}, last = {.fn = read_time};
    runs = 0, cost = GYRE_US(300);
    gyre_soon(loop, &slow);
    for (int i = 0; i < 40; i++) {
        many[i].task.fn = add_letter;
        many[i].name = '.';
        gyre_soon(loop, &many[i].task);
    }
    gyre_soon(loop, &last);
    turn(loop);
    gyre_task_stop(&slow);
    assert_true(seen - began >= GYRE_US(300));
    clock_virtual_stop();
    close_loop(loop);
}

TESTS(cmocka_unit_test(tasks_run_first_in_first_out),
      cmocka_unit_test(task_queued_by_a_task_runs_in_the_same_turn_behind_the_others),
      cmocka_unit_test(stopped_task_does_not_run_and_may_be_queued_again),
      cmocka_unit_test(task_stopped_by_an_earlier_one_does_not_run),
      cmocka_unit_test(endless_tasks_stop_at_1024_and_do_not_starve_io),
      cmocka_unit_test(tasks_that_take_long_stop_at_a_millisecond),
      cmocka_unit_test(few_tasks_of_ten_milliseconds_do_not_keep_the_loop_for_a_third_of_a_second),
      cmocka_unit_test(what_the_budget_left_runs_first_and_in_order),
      cmocka_unit_test(time_is_read_again_within_long_rounds))
