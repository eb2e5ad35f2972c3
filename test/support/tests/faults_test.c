// once
#include "test/support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>

#include "test/support/real.h"
#include "test/support/sockets.h"
#include "test/support/tests/outcome.h"

// An errno that none of the calls gives by itself.
enum { ODD = EXFULL };

static void fault_nth_fails_that_call_and_no_other(void **state)
{
    (void)state;
    fault_reset();
    fault_fail_nth(FAULT_GETRANDOM, 2, EAGAIN);
    char byte;
    assert_int_equal(getrandom(&byte, 1, 0), 1);
    errno = 0;
    assert_int_equal(getrandom(&byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    for (int i = 0; i < 10; i++) assert_int_equal(getrandom(&byte, 1, 0), 1);
    assert_int_equal(fault_count(FAULT_GETRANDOM), 12);
    assert_int_equal(fault_hit(), 1);
    fault_fail_nth(FAULT_GETRANDOM, 1, EAGAIN); // counted from now, not from the reset
    assert_int_equal(getrandom(&byte, 1, 0), -1);
}

static void fault_from_fails_every_later_call(void **state)
{
    (void)state;
    fault_reset();
    fault_fail_from(FAULT_GETRANDOM, 3, ENOSYS);
    char byte;
    for (int i = 1; i <= 10; i++) assert_int_equal(getrandom(&byte, 1, 0), i < 3 ? 1 : -1);
    assert_int_equal(fault_hit(), 8);
}

static void fault_every_fails_each_nth_call(void **state)
{
    (void)state;
    fault_reset();
    fault_every(FAULT_GETRANDOM, 3, EINTR);
    char byte;
    for (int i = 1; i <= 30; i++) assert_int_equal(getrandom(&byte, 1, 0), i % 3 ? 1 : -1);
    assert_int_equal(fault_hit(), 10);
}

static void fault_reset_forgets_rules_and_counts(void **state)
{
    (void)state;
    fault_fail_from(FAULT_GETRANDOM, 1, EINTR);
    fault_eintr(0.9, 1);
    char byte[100];
    assert_int_equal(getrandom(byte, 1, 0), -1);
    fault_reset();
    assert_int_equal(fault_count(FAULT_GETRANDOM), 0);
    assert_int_equal(fault_hit(), 0);
    for (int i = 0; i < 20; i++) assert_int_equal(getrandom(byte, 1, 0), 1);
}

static void *draw(void *failed)
{
    char byte;
    for (int i = 0; i < 5000; i++)
        if (getrandom(&byte, 1, 0) < 0) ++*(int *)failed;
    return NULL;
}

static void fault_nth_fails_one_call_of_four_threads(void **state)
{
    (void)state;
    fault_reset();
    fault_fail_nth(FAULT_GETRANDOM, 9000, EINTR);
    pthread_t threads[4];
    int failed[4] = {0}, all = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw, &failed[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) all += failed[i];
    assert_int_equal(all, 1);
    assert_int_equal(fault_count(FAULT_GETRANDOM), 20000);
}

// ---- Every call of the list, with arguments that would be refused with another error -----------

#define CALL(name, expression) \
    static long call_##name(void) \
    { \
        return (long)(expression); \
    }

static char page[16];
static struct iovec part = {page, sizeof page};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static struct epoll_event event;
static struct pollfd nobody = {.fd = -1};
static struct timespec no_time;
static sigset_t no_signals;
static struct sigaction action;
static struct sockaddr_in address = {.sin_family = AF_INET};
static struct sockaddr *to = (struct sockaddr *)&address;
static socklen_t to_len = sizeof address;
static struct stat info;
static pthread_t thread;
static int value, ends[2];

CALL(READ, read(-1, page, sizeof page))
CALL(WRITE, write(-1, page, sizeof page))
CALL(READV, readv(-1, &part, 1))
CALL(WRITEV, writev(-1, &part, 1))
CALL(SEND, send(-1, page, sizeof page, 0))
CALL(SENDTO, sendto(-1, page, sizeof page, 0, to, to_len))
CALL(SENDMSG, sendmsg(-1, &message, 0))
CALL(SENDFILE, sendfile(-1, -1, NULL, 1))
CALL(RECV, recv(-1, page, sizeof page, 0))
CALL(RECVFROM, recvfrom(-1, page, sizeof page, 0, to, &to_len))
CALL(RECVMSG, recvmsg(-1, &message, 0))
CALL(ACCEPT4, accept4(-1, to, &to_len, 0))
CALL(CONNECT, connect(-1, to, to_len))
CALL(SOCKET, socket(-1, 0, 0))
CALL(BIND, bind(-1, to, to_len))
CALL(LISTEN, listen(-1, 1))
CALL(SHUTDOWN, shutdown(-1, SHUT_WR))
CALL(GETSOCKOPT, getsockopt(-1, SOL_SOCKET, SO_ERROR, &value, &to_len))
CALL(SETSOCKOPT, setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value))
CALL(GETSOCKNAME, getsockname(-1, to, &to_len))
CALL(CLOSE, close(socket(AF_INET, SOCK_STREAM, 0)))
CALL(EPOLL_CREATE1, epoll_create1(-1))
CALL(EPOLL_CTL, epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event))
CALL(EPOLL_WAIT, epoll_wait(-1, &event, 1, 0))
CALL(EPOLL_PWAIT2, epoll_pwait2(-1, &event, 1, &no_time, NULL))
CALL(POLL, poll(&nobody, 1, 0))
CALL(PPOLL, ppoll(&nobody, 1, &no_time, NULL))
CALL(EVENTFD, eventfd(0, -1))
CALL(SIGNALFD, signalfd(-1, &no_signals, -1))
CALL(PIPE2, pipe2(ends, -1))
CALL(MMAP, (intptr_t)mmap(NULL, 0, PROT_NONE, 0, -1, 0))
CALL(MMAP64, (intptr_t)mmap64(NULL, 0, PROT_NONE, 0, -1, 0))
CALL(MUNMAP, munmap(page + 1, 0))
CALL(MPROTECT, mprotect(page + 1, 1, PROT_READ))
CALL(MADVISE, madvise(page + 1, 1, MADV_NORMAL))
CALL(SIGACTION, sigaction(-1, &action, NULL))
CALL(OPEN, open("", O_RDONLY))
CALL(OPEN64, open64("", O_RDONLY))
CALL(STAT, stat("", &info))
CALL(STAT64, stat64("", (struct stat64 *)&info))
CALL(FCNTL, fcntl(-1, F_GETFD))
CALL(FCNTL64, fcntl64(-1, F_GETFD))
CALL(GETRANDOM, getrandom(page, 1, ~0u))
CALL(PTHREAD_CREATE, (errno = pthread_create(&thread, NULL, draw, NULL)) ? -1 : 0)

static const struct {
    enum fault_call call;
    long (*make)(void);
} all_calls[] = {
#define FAULT_ROW(name, text, interruptible) {FAULT_##name, call_##name},
    FAULT_LIST(FAULT_ROW)
    // The same calls under the names that -D_FILE_OFFSET_BITS=64 gives them.
    {FAULT_MMAP, call_MMAP64},
    {FAULT_OPEN, call_OPEN64},
    {FAULT_STAT, call_STAT64},
    {FAULT_FCNTL, call_FCNTL64},
};

static void fault_can_fail_every_call_of_the_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_calls / sizeof *all_calls; i++) {
        enum fault_call call = all_calls[i].call;
        fault_reset();
        fault_fail_nth(call, 1, ODD);
        errno = 0;
        long result = all_calls[i].make();
        int err = errno;
        if (result != -1 || err != ODD || fault_count(call) != 1 || fault_hit() != 1)
            fail_msg("%s: %ld, errno %d, %lu calls, %lu hits", fault_name(call), result, err,
                     fault_count(call), fault_hit());
        errno = 0;
        if (call == FAULT_CLOSE || call == FAULT_POLL || call == FAULT_PPOLL ||
            call == FAULT_PTHREAD_CREATE || call == FAULT_MUNMAP)
            continue;
        if (all_calls[i].make() != -1 || errno == ODD || errno == 0)
            fail_msg("%s does not reach the kernel", fault_name(call));
    }
    fault_reset();
}

static void fault_of_close_closes_all_the_same(void **state)
{
    (void)state;
    int fd = eventfd(0, EFD_CLOEXEC);
    fault_reset();
    fault_fail_nth(FAULT_CLOSE, 1, EINTR);
    assert_int_equal(close(fd), -1);
    assert_int_equal(errno, EINTR);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static void fault_of_interrupted_connect_goes_on_in_the_background(void **state)
{
    (void)state;
    uint16_t port;
    int listener = listen_on_loopback(AF_INET, 1, &port);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    fault_reset();
    fault_fail_nth(FAULT_CONNECT, 1, EINTR);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), -1);
    assert_int_equal(errno, EINTR);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_int_equal(wait.revents, POLLOUT);
    assert_int_equal(close(fd) | close(listener), 0);
}

static void fault_passes_the_variadic_arguments_on(void **state)
{
    (void)state;
    const char *directory = getenv("TEST_TMP");
    char file[256];
    snprintf(file, sizeof file, "%s/gyre-faults-%d", directory ? directory : "/tmp", getpid());
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    int err = stat(file, &info);
    unlink(file);
    assert_int_equal(err, 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
    assert_int_equal(fcntl(fd, F_GETFD), 0);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_GETLK, &range), 0);
    assert_int_equal(range.l_type, F_UNLCK);
    close(fd);
}

static void fault_eintr_hits_its_share_of_the_interruptible_calls(void **state)
{
    (void)state;
    char byte, first[1000];
    for (int round = 0; round < 2; round++) {
        fault_reset();
        fault_eintr(0.5, 42);
        for (int i = 0; i < 1000; i++) {
            char got = (char)(getrandom(&byte, 1, 0) == 1);
            if (round) assert_int_equal(got, first[i]); // the same seed, the same sequence
            first[i] = got;
        }
        assert_in_range(fault_hit(), 430, 570);
    }
    unsigned long before = fault_hit();
    for (int i = 0; i < 100; i++) assert_true(fcntl(0, F_GETFD) >= 0);
    assert_int_equal(fault_hit(), before);
    fault_reset();
}

static int runs;

static int three_draws(void *arg)
{
    char byte;
    runs++;
    for (int i = 0; i < 3; i++)
        if (getrandom(&byte, 1, 0) < 0) return -errno;
    return *(int *)arg;
}

static void fault_torture_fails_each_call_in_turn(void **state)
{
    (void)state;
    int result = 0;
    runs = 0;
    fault_torture(FAULT_GETRANDOM, EIO, three_draws, &result);
    assert_int_equal(runs, 4);
}

static void torture_something_broken(void **state)
{
    (void)state;
    int result = -EPROTO;
    fault_torture(FAULT_GETRANDOM, EIO, three_draws, &result);
}

static void fault_torture_wants_the_clean_run_to_succeed(void **state)
{
    (void)state;
    assert_fails_with(torture_something_broken, "no getrandom failed, yet the run ended with -71");
}

TESTS(cmocka_unit_test(fault_nth_fails_that_call_and_no_other),
      cmocka_unit_test(fault_from_fails_every_later_call),
      cmocka_unit_test(fault_every_fails_each_nth_call),
      cmocka_unit_test(fault_reset_forgets_rules_and_counts),
      cmocka_unit_test(fault_nth_fails_one_call_of_four_threads),
      cmocka_unit_test(fault_can_fail_every_call_of_the_list),
      cmocka_unit_test(fault_of_close_closes_all_the_same),
      cmocka_unit_test(fault_of_interrupted_connect_goes_on_in_the_background),
      cmocka_unit_test(fault_passes_the_variadic_arguments_on),
      cmocka_unit_test(fault_eintr_hits_its_share_of_the_interruptible_calls),
      cmocka_unit_test(fault_torture_fails_each_call_in_turn),
      cmocka_unit_test(fault_torture_wants_the_clean_run_to_succeed))
