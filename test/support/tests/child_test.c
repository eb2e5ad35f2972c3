// once
#include "test/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test/support/sockets.h"
#include "test/support/tests/outcome.h"

static void start_shell(child *c, const char *script)
{
    child_start(c, (const char *const[]){"sh", "-c", script, NULL});
}

static void child_ends_with_its_status(void **state)
{
    (void)state;
    child c;
    start_shell(&c, "exit 3");
    int status = child_join(&c, 5000);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(child_stop(&c), 0); // nothing is left to stop
}

// A pipe that children inherit: it ends when the last of them is gone.
static int lifeline[2];

static void lifeline_open(void)
{
    assert_int_equal(pipe2(lifeline, 0), 0);
    fcntl(lifeline[0], F_SETFD, FD_CLOEXEC);
    char number[8];
    snprintf(number, sizeof number, "%d", lifeline[1]);
    setenv("LIFELINE", number, 1);
}

// Starts a script that says through the pipe when it is where the test wants it.
static void start_until_ready(child *c, const char *script)
{
    char byte;
    start_shell(c, script);
    assert_int_equal(read(lifeline[0], &byte, 1), 1);
}

static bool lifeline_ends(int ms)
{
    close(lifeline[1]);
    struct pollfd wait = {.fd = lifeline[0], .events = POLLIN};
    bool ended = poll(&wait, 1, ms) == 1 && wait.revents & POLLHUP;
    close(lifeline[0]);
    return ended;
}

static void child_stop_ends_the_whole_group(void **state)
{
    (void)state;
    lifeline_open();
    child c;
    start_until_ready(&c, "(trap '' TERM; echo >/proc/self/fd/$LIFELINE; sleep 1000) & wait");
    int status = child_stop(&c);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_true(lifeline_ends(5000));
}

static void child_stop_kills_what_does_not_end(void **state)
{
    (void)state;
    lifeline_open();
    child c;
    start_until_ready(&c, "trap '' TERM; echo >/proc/self/fd/$LIFELINE; sleep 1000; exit 1");
    int status = child_stop(&c);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(lifeline_ends(5000));
}

static child forgotten;

static void forget(void **state)
{
    (void)state;
    start_until_ready(&forgotten, "(echo >/proc/self/fd/$LIFELINE; sleep 1000) & wait");
    exit(0);
}

static void child_is_killed_when_the_test_exits(void **state)
{
    (void)state;
    lifeline_open();
    outcome_of(forget);
    assert_true(lifeline_ends(5000));
}

static void die(void **state)
{
    (void)state;
    start_until_ready(&forgotten, "echo >/proc/self/fd/$LIFELINE; exec sleep 1000");
    kill(getpid(), SIGKILL);
}

static void child_is_killed_when_the_test_is(void **state)
{
    (void)state;
    lifeline_open();
    struct outcome outcome = outcome_of(die);
    assert_true(WIFSIGNALED(outcome.status));
    assert_true(lifeline_ends(5000));
}

static void start_what_is_not_there(void **state)
{
    (void)state;
    child c;
    child_start(&c, (const char *const[]){"no-such-program", NULL});
}

static void child_skips_the_test_when_the_program_is_missing(void **state)
{
    (void)state;
    assert_false(child_is_installed("no-such-program"));
    assert_true(child_is_installed("sh"));
    struct outcome outcome = outcome_of(start_what_is_not_there);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.output, "skipped: no-such-program is not installed"));
}

// The port is in use by a connection, but nobody listens there.
static void wait_for_one_that_ends(void **state)
{
    (void)state;
    child c;
    int fds[2];
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof addr;
    socket_pair_tcp(fds);
    assert_int_equal(getsockname(fds[1], (struct sockaddr *)&addr, &len), 0);
    start_shell(&c, "echo no such option >&2; exit 4");
    child_wait_port(&c, ntohs(addr.sin_port));
}

static void child_that_ends_early_fails_the_test_with_its_output(void **state)
{
    (void)state;
    assert_fails_with(wait_for_one_that_ends, "sh: no such option");
    assert_fails_with(wait_for_one_that_ends, "sh ended with wait status 0x400 before it listened");
}

static void join_one_that_goes_on(void **state)
{
    (void)state;
    child c;
    start_shell(&c, "sleep 1000");
    child_join(&c, 50);
}

static void child_that_goes_on_fails_a_join(void **state)
{
    (void)state;
    assert_fails_with(join_one_that_goes_on, "sh did not end within 50 ms");
}

// ---- Real programs -----------------------------------------------------------------------------

// Sends `text` and reads an answer of the length of `answer`.
static void assert_answers(int fd, const char *text, const char *answer)
{
    char in[64] = "";
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    assert_int_equal(recv(fd, in, strlen(answer), MSG_WAITALL), strlen(answer));
    assert_string_equal(in, answer);
    close(fd);
}

static int connect_socket(int type, uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

// It serves a single connection: the wait must not have used it up.
static void child_socat_listens_on_tcp(void **state)
{
    (void)state;
    child c;
    uint16_t port = free_port();
    char listen[64];
    snprintf(listen, sizeof listen, "TCP4-LISTEN:%u,bind=127.0.0.1", port);
    child_start(&c, (const char *const[]){"socat", listen, "PIPE", NULL});
    child_wait_port(&c, port);
    assert_answers(connect_socket(SOCK_STREAM, port), "echo\n", "echo\n");
    child_join(&c, 5000);
}

static void child_socat_listens_on_udp(void **state)
{
    (void)state;
    child c;
    uint16_t port = free_port();
    char listen[64];
    snprintf(listen, sizeof listen, "UDP4-LISTEN:%u,bind=127.0.0.1", port);
    child_start(&c, (const char *const[]){"socat", listen, "PIPE", NULL});
    child_wait_udp(&c, port);
    assert_answers(connect_socket(SOCK_DGRAM, port), "echo\n", "echo\n");
    child_stop(&c);
}

static void child_socat_listens_on_a_unix_socket(void **state)
{
    (void)state;
    child c;
    const char *parent = getenv("TEST_TMP");
    char directory[96], listen[128];
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(directory, sizeof directory, "%s/child-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(directory));
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/socket", directory);
    snprintf(listen, sizeof listen, "UNIX-LISTEN:%s", addr.sun_path);
    child_start(&c, (const char *const[]){"socat", listen, "PIPE", NULL});
    child_wait_unix(&c, addr.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_answers(fd, "echo\n", "echo\n");
    child_join(&c, 5000);
    unlink(addr.sun_path);
    rmdir(directory);
}

static void child_redis_server_answers(void **state)
{
    (void)state;
    child c;
    uint16_t port = free_port();
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    child_start(&c, (const char *const[]){"redis-server", "--port", text, "--bind", "127.0.0.1",
                                          "--save", "", "--appendonly", "no", NULL});
    child_wait_port(&c, port);
    assert_answers(connect_socket(SOCK_STREAM, port), "PING\r\n", "+PONG\r\n");
    int status = child_stop(&c);
    assert_true(WIFEXITED(status));
}

TESTS(cmocka_unit_test(child_ends_with_its_status),
      cmocka_unit_test(child_stop_ends_the_whole_group),
      cmocka_unit_test(child_stop_kills_what_does_not_end),
      cmocka_unit_test(child_is_killed_when_the_test_exits),
      cmocka_unit_test(child_is_killed_when_the_test_is),
      cmocka_unit_test(child_skips_the_test_when_the_program_is_missing),
      cmocka_unit_test(child_that_ends_early_fails_the_test_with_its_output),
      cmocka_unit_test(child_that_goes_on_fails_a_join),
      cmocka_unit_test(child_socat_listens_on_tcp), cmocka_unit_test(child_socat_listens_on_udp),
      cmocka_unit_test(child_socat_listens_on_a_unix_socket),
      cmocka_unit_test(child_redis_server_answers))
