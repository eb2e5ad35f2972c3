// once
#include "test/support/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "test/support/faults.h"
#include "test/support/real.h"
#include "test/support/tests/outcome.h"

#define MS INT64_C(1000000)

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_monotonic(void)
{
    struct timespec now;
    real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_really(int ms)
{
    real_poll(NULL, 0, ms);
}

static void virtual_time_stands_still_until_it_is_advanced(void **state)
{
    (void)state;
    clock_virtual_start();
    int64_t start = clock_now(), wall = read_clock(CLOCK_REALTIME);
    int64_t boot = read_clock(CLOCK_BOOTTIME);
    pause_really(3);
    assert_int_equal(read_clock(CLOCK_MONOTONIC), start);
    assert_true(read_clock(CLOCK_REALTIME) > wall); // other clocks go on
    assert_true(read_clock(CLOCK_BOOTTIME) > boot);
    clock_advance(3600 * 1000 * MS + 1);
    assert_int_equal(read_clock(CLOCK_MONOTONIC), start + 3600 * 1000 * MS + 1);
    assert_int_equal(clock_now(), start + 3600 * 1000 * MS + 1);
    clock_virtual_stop();
    assert_true(read_clock(CLOCK_MONOTONIC) < start + 1000 * 1000 * MS);
}

// ---- The four waits, each on an eventfd --------------------------------------------------------

static int wait_epoll(int epfd, int fd, int64_t ns)
{
    (void)fd;
    struct epoll_event event;
    return epoll_wait(epfd, &event, 1, ns < 0 ? -1 : (int)(ns / MS));
}

static struct timespec *timespec_of(struct timespec *timeout, int64_t ns)
{
    *timeout = (struct timespec){.tv_sec = ns / (1000 * MS), .tv_nsec = ns % (1000 * MS)};
    return ns < 0 ? NULL : timeout;
}

static int wait_epoll_pwait2(int epfd, int fd, int64_t ns)
{
    (void)fd;
    struct epoll_event event;
    struct timespec timeout;
    return epoll_pwait2(epfd, &event, 1, timespec_of(&timeout, ns), NULL);
}

static int wait_epoll_pwait2_masked(int epfd, int fd, int64_t ns)
{
    (void)fd;
    struct epoll_event event;
    struct timespec timeout;
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait2(epfd, &event, 1, timespec_of(&timeout, ns), &none);
}

static int wait_poll(int epfd, int fd, int64_t ns)
{
    (void)epfd;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, ns < 0 ? -1 : (int)(ns / MS));
}

static int wait_ppoll(int epfd, int fd, int64_t ns)
{
    (void)epfd;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct timespec timeout;
    return ppoll(&wait, 1, timespec_of(&timeout, ns), NULL);
}

typedef int wait_fn(int epfd, int fd, int64_t ns);
static wait_fn *const all_waits[] = {wait_epoll, wait_epoll_pwait2, wait_epoll_pwait2_masked,
                                     wait_poll, wait_ppoll};
enum { WAITS = 5 };

static int epfd, fd;

static void open_both(void)
{
    epfd = epoll_create1(EPOLL_CLOEXEC);
    fd = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
}

static void close_both(void)
{
    clock_virtual_stop();
    close(fd);
    close(epfd);
}

static void make_ready(void)
{
    assert_int_equal(eventfd_write(fd, 1), 0);
}

static void virtual_wait_without_event_advances_by_its_timeout(void **state)
{
    (void)state;
    open_both();
    for (int i = 0; i < WAITS; i++) {
        clock_virtual_start();
        int64_t start = clock_now(), real_start = real_monotonic();
        assert_int_equal(all_waits[i](epfd, fd, 3600 * 1000 * MS), 0);
        assert_int_equal(read_clock(CLOCK_MONOTONIC), start + 3600 * 1000 * MS);
        assert_int_equal(all_waits[i](epfd, fd, 0), 0);
        assert_int_equal(clock_now(), start + 3600 * 1000 * MS);
        assert_int_equal(clock_waits(), 2);
        assert_true(real_monotonic() - real_start < 1000 * MS);
    }
    int64_t before = clock_now();
    assert_int_equal(wait_ppoll(epfd, fd, 1234), 0); // nanoseconds are not rounded
    assert_int_equal(wait_epoll_pwait2(epfd, fd, 1), 0);
    assert_int_equal(clock_now(), before + 1235);
    close_both();
}

static void virtual_wait_with_an_event_keeps_the_time(void **state)
{
    (void)state;
    open_both();
    make_ready();
    clock_virtual_start();
    int64_t start = clock_now();
    for (int i = 0; i < WAITS; i++) {
        assert_int_equal(all_waits[i](epfd, fd, 1000 * MS), 1);
        assert_int_equal(all_waits[i](epfd, fd, -1), 1);
        assert_int_equal(clock_now(), start);
    }
    assert_int_equal(clock_waits(), 2 * WAITS);
    close_both();
}

static void *ready_soon(void *arg)
{
    (void)arg;
    pause_really(30);
    eventfd_write(fd, 1);
    return NULL;
}

static void virtual_endless_wait_really_waits_for_others(void **state)
{
    (void)state;
    open_both();
    clock_virtual_start();
    int64_t start = clock_now();
    for (int i = 0; i < WAITS; i++) {
        eventfd_t drained;
        pthread_t other;
        assert_int_equal(pthread_create(&other, NULL, ready_soon, NULL), 0);
        assert_int_equal(all_waits[i](epfd, fd, -1), 1);
        pthread_join(other, NULL);
        assert_int_equal(eventfd_read(fd, &drained), 0);
    }
    assert_int_equal(clock_now(), start);
    close_both();
}

static void virtual_wait_with_grace_lets_others_come_first(void **state)
{
    (void)state;
    open_both();
    clock_virtual_start();
    clock_grace(5000);
    int64_t start = clock_now();
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, ready_soon, NULL), 0);
    assert_int_equal(wait_epoll(epfd, fd, 10 * MS), 1);
    assert_int_equal(clock_now(), start);
    pthread_join(other, NULL);
    close_both();
}

static void hang(void **state)
{
    (void)state;
    open_both();
    clock_virtual_start();
    wait_epoll(epfd, fd, -1);
}

static void virtual_endless_wait_without_event_aborts_as_a_hang(void **state)
{
    (void)state;
    int64_t start = real_monotonic();
    assert_aborts_with(hang, "an endless wait in virtual time: nothing became ready in 5 s");
    assert_true(real_monotonic() - start >= 4900 * MS);
}

static void virtual_wait_that_a_fault_interrupts_keeps_the_time(void **state)
{
    (void)state;
    open_both();
    clock_virtual_start();
    int64_t start = clock_now();
    fault_reset();
    fault_fail_nth(FAULT_EPOLL_WAIT, 1, EINTR);
    assert_int_equal(wait_epoll(epfd, fd, 10 * MS), -1);
    assert_int_equal(errno, EINTR);
    assert_int_equal(clock_now(), start);
    close_both();
}

static void waits_are_real_when_virtual_time_is_off(void **state)
{
    (void)state;
    open_both();
    clock_virtual_start();
    clock_virtual_stop();
    for (int i = 0; i < WAITS; i++) {
        int64_t start = read_clock(CLOCK_MONOTONIC);
        assert_int_equal(all_waits[i](epfd, fd, 20 * MS), 0);
        assert_true(read_clock(CLOCK_MONOTONIC) - start >= 20 * MS);
    }
    assert_int_equal(clock_waits(), 0);
    close_both();
}

TESTS(cmocka_unit_test(virtual_time_stands_still_until_it_is_advanced),
      cmocka_unit_test(virtual_wait_without_event_advances_by_its_timeout),
      cmocka_unit_test(virtual_wait_with_an_event_keeps_the_time),
      cmocka_unit_test(virtual_endless_wait_really_waits_for_others),
      cmocka_unit_test(virtual_wait_with_grace_lets_others_come_first),
      cmocka_unit_test(virtual_endless_wait_without_event_aborts_as_a_hang),
      cmocka_unit_test(virtual_wait_that_a_fault_interrupts_keeps_the_time),
      cmocka_unit_test(waits_are_real_when_virtual_time_is_off))
