// Callback-style functions as futures (Tornado's gen.Task).
#include "test/future/rig.h"

#include <pthread.h>

GYRE_FUTURE_TYPE(answer, int);

// A foreign function of the callback style: keeps callback and argument, and calls later.
struct foreign {
    void (*callback)(void *arg, int err, int *value);
    void *arg;
};

static void ask(struct foreign *foreign, void (*callback)(void *, int, int *), void *arg)
{
    foreign->callback = callback;
    foreign->arg = arg;
}

static void reply(struct foreign *foreign, int err, int value)
{
    foreign->callback(foreign->arg, err, err ? NULL : &value);
}

static void a_callback_gives_the_future_its_value(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    int value = 0;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    assert_int_equal(gyre_future_state(f), GYRE_PENDING);
    reply(&foreign, 0, 42);
    assert_int_equal(gyre_run(f, &value), 0);
    assert_int_equal(value, 42);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_gives_the_future_its_error(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    int value = 7;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    reply(&foreign, -ENOENT, 0);
    assert_int_equal(gyre_run(f, &value), -ENOENT);
    assert_int_equal(value, 7);
    f = gyre_from_callback(answer, rig.loop, &token);
    answer_settle(token, 3, NULL); // not an error of this house
    assert_int_equal(gyre_run(f, &value), -EINVAL);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_without_a_value_gives_zero_bytes(void **state)
{
    (void)state;
    struct rig rig;
    void *token;
    int value = 7;
    rig_open(&rig);
    gyre_void_future done = gyre_from_callback(gyre_void, rig.loop, &token);
    gyre_void_settle(token, 0, NULL);
    assert_int_equal(gyre_run(done), 0);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    answer_settle(token, 0, NULL);
    assert_int_equal(gyre_run(f, &value), 0);
    assert_int_equal(value, 0);
    rig_close(&rig);
}

static void replies_inside(struct rig *rig, void *arg)
{
    (void)rig;
    struct foreign *foreign = arg;
    reply(foreign, 0, 1);
    reply(foreign, 0, 2);
    reply(foreign, -EIO, 0);
}

static void a_second_callback_is_refused_and_logged(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    int value = 0;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    in_loop(&rig, replies_inside, &foreign);
    assert_true(rig.lines >= 1);
    assert_non_null(strstr(rig.log, "a callback came a second time"));
    int before = rig.lines;
    reply(&foreign, 0, 3); // and outside a turn
    turns(&rig);
    assert_int_equal(rig.lines, before + 1);
    assert_int_equal(gyre_run(f, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void *replies_elsewhere(void *arg)
{
    reply(arg, 0, 11);
    return NULL;
}

static void *replies_twice_elsewhere(void *arg)
{
    reply(arg, 0, 11);
    reply(arg, 0, 12);
    return NULL;
}

static void a_callback_may_come_from_another_thread(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    int value = 0;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    pthread_t thread;
    pthread_create(&thread, NULL, replies_elsewhere, &foreign);
    assert_int_equal(gyre_run(f, &value), 0);
    pthread_join(thread, NULL);
    assert_int_equal(value, 11);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_second_callback_from_another_thread_is_logged_too(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    int value = 0;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    pthread_t thread;
    pthread_create(&thread, NULL, replies_twice_elsewhere, &foreign);
    pthread_join(thread, NULL);
    turns(&rig);
    assert_int_equal(rig.lines, 1);
    assert_int_equal(gyre_run(f, &value), 0);
    assert_int_equal(value, 11);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_that_comes_after_a_cancel_does_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct foreign foreign;
    void *token;
    rig_open(&rig);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    ask(&foreign, answer_settle, token);
    gyre_release(f);
    reply(&foreign, 0, 5);
    turns(&rig);
    assert_int_equal(rig.lines, 0);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

static void a_callback_without_memory_does_nothing(void **state)
{
    (void)state;
    struct rig rig;
    void *token = &rig;
    rig_open(&rig);
    memory_fail_nth(&rig.memory, 2);
    answer_future f = gyre_from_callback(answer, rig.loop, &token);
    assert_null(token);
    answer_settle(token, 0, &(int){1});
    assert_int_equal(gyre_run(f), -ENOMEM);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

enum { RACES = 20000 };

struct racer {
    struct foreign foreign;
    pthread_barrier_t gate;
};

static void *replies_at_the_gate(void *arg)
{
    struct racer *racer = arg;
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&racer->gate);
        reply(&racer->foreign, 0, 11);
        pthread_barrier_wait(&racer->gate);
    }
    return NULL;
}

// The task of the second one, which is to be logged, was in the way of the first one's result.
static void a_callback_that_comes_twice_at_once_still_gives_its_value(void **state)
{
    (void)state;
    struct rig rig;
    struct racer racer;
    rig_open(&rig);
    pthread_barrier_init(&racer.gate, NULL, 3);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, replies_at_the_gate, &racer);
    int lost = 0;
    for (int i = 0; i < RACES; i++) {
        void *token;
        answer_future f = gyre_from_callback(answer, rig.loop, &token);
        ask(&racer.foreign, answer_settle, token);
        pthread_barrier_wait(&racer.gate);
        pthread_barrier_wait(&racer.gate);
        assert_int_equal(gyre_loop_turn(rig.loop, 0), 0);
        lost += gyre_future_state(f) != GYRE_DONE;
        gyre_release(f);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&racer.gate);
    assert_int_equal(lost, 0);
    assert_int_equal(rig.lines, RACES);
    assert_int_equal(rig_live(&rig), 0);
    rig_close(&rig);
}

TESTS(cmocka_unit_test(a_callback_gives_the_future_its_value),
      cmocka_unit_test(a_callback_gives_the_future_its_error),
      cmocka_unit_test(a_callback_without_a_value_gives_zero_bytes),
      cmocka_unit_test(a_second_callback_is_refused_and_logged),
      cmocka_unit_test(a_callback_may_come_from_another_thread),
      cmocka_unit_test(a_second_callback_from_another_thread_is_logged_too),
      cmocka_unit_test(a_callback_that_comes_after_a_cancel_does_nothing),
      cmocka_unit_test(a_callback_without_memory_does_nothing),
      cmocka_unit_test(a_callback_that_comes_twice_at_once_still_gives_its_value))
