// The log: levels, where lines go, the limit.
#include "test/loop/fixture.h"

static char lines[4096]; // what the loop's own function was given

static void keep(void *arg, gyre_log_level level, const char *where, const char *text)
{
    assert_ptr_equal(arg, lines);
    size_t len = strlen(lines);
    snprintf(lines + len, sizeof lines - len, "%d %s: %s\n", (int)level, where, text);
}

static gyre_loop_opts kept(gyre_log_level level)
{
    lines[0] = '\0';
    return (gyre_loop_opts){.log = keep, .log_arg = lines, .log_level = level};
}

// One line at each level.
static void log_all(gyre_loop *loop)
{
    for (int level = GYRE_LOG_ERROR; level <= GYRE_LOG_DEBUG; level++)
        gyre__log(loop, (gyre_log_level)level, "test", "line %d", level);
}

static const char *const upto[] = {
    "", "1 test: line 1\n", "1 test: line 1\n2 test: line 2\n",
    "1 test: line 1\n2 test: line 2\n3 test: line 3\n",
    "1 test: line 1\n2 test: line 2\n3 test: line 3\n4 test: line 4\n"};

static void check_level(gyre_log_level asked, const char *expected)
{
    gyre_loop_opts opts = kept(asked);
    gyre_loop *loop = open_loop_with(&opts);
    log_all(loop);
    close_loop(loop);
    assert_string_equal(lines, expected);
}

static void log_level_comes_from_the_options_then_from_the_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"off", "error", "warn", "info", "debug"};
    unsetenv("GYRE_LOG");
    check_level(0, upto[GYRE_LOG_WARN]); // the default
    check_level(GYRE_LOG_OFF, "");
    for (int level = GYRE_LOG_ERROR; level <= GYRE_LOG_DEBUG; level++)
        check_level((gyre_log_level)level, upto[level]);
    for (int level = 0; level <= GYRE_LOG_DEBUG; level++) {
        setenv("GYRE_LOG", names[level], 1);
        check_level(0, upto[level]);
        check_level(GYRE_LOG_INFO, upto[GYRE_LOG_INFO]);
    }
    setenv("GYRE_LOG", "nonsense", 1);
    check_level(0, upto[GYRE_LOG_WARN]);
}

static void unknown_log_level_is_refused(void **state)
{
    (void)state;
    gyre_loop *loop = NULL;
    gyre_loop_opts opts = {.log_level = (gyre_log_level)(GYRE_LOG_DEBUG + 1)};
    assert_int_equal(gyre_loop_open(&loop, &opts), -EINVAL);
    opts.log_level = (gyre_log_level)-2;
    assert_int_equal(gyre_loop_open(&loop, &opts), -EINVAL);
    assert_null(loop);
}

static void text_of_a_peer_cannot_make_a_second_line(void **state)
{
    (void)state;
    gyre_loop_opts opts = kept(GYRE_LOG_WARN);
    gyre_loop *loop = open_loop_with(&opts);
    gyre__log(loop, GYRE_LOG_WARN, "test", "reason \"%s\"",
              "OK\r\ngyre: error: \033[2Jmine\x7f\t\xc3\xa9");
    close_loop(loop);
    assert_string_equal(lines, "2 test: reason \"OK??gyre: error: ?[2Jmine??\xc3\xa9\"\n");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    gyre_loop_opts opts = kept(GYRE_LOG_WARN);
    gyre_loop *loop = open_loop_with(&opts);
    gyre__log(loop, GYRE_LOG_WARN, "test", "%2000d", 1);
    close_loop(loop);
    assert_in_range(strlen(lines), 400, 600);
}

// ---- On stderr ---------------------------------------------------------------------------------

static int saved_stderr, captured;

static void capture_begin(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/gyre-log-XXXXXX",
             getenv("TEST_TMP") ? getenv("TEST_TMP") : "/tmp");
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    captured = mkstemp(path);
    unlink(path);
    dup2(captured, STDERR_FILENO);
}

// What was written since capture_begin; valid until the next call.
static const char *capture_end(void)
{
    static char text[8192];
    dup2(saved_stderr, STDERR_FILENO);
    ssize_t len = pread(captured, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    real_close(saved_stderr);
    real_close(captured);
    return text;
}

static int count_lines(const char *text)
{
    int count = 0;
    for (; *text; text++) count += *text == '\n';
    return count;
}

static void log_hundred(gyre_loop *loop)
{
    for (int i = 0; i < 100; i++) gyre__log(loop, GYRE_LOG_WARN, "test", "line %d", i);
}

static void stderr_gets_ten_lines_a_second_and_then_a_count(void **state)
{
    (void)state;
    unsetenv("GYRE_LOG");
    clock_virtual_start();
    gyre_loop *loop = open_loop();
    capture_begin();
    log_hundred(loop);
    clock_advance(GYRE_SECONDS(1));
    log_hundred(loop); // the loop did not turn meanwhile
    clock_advance(GYRE_SECONDS(5));
    gyre__log(loop, GYRE_LOG_ERROR, "test", "last");
    const char *text = capture_end();
    close_loop(loop);
    clock_virtual_stop();
    assert_int_equal(count_lines(text), 10 + 1 + 10 + 1 + 1);
    assert_non_null(strstr(text, "gyre: warn: test: line 0\n"));
    assert_non_null(strstr(text, "gyre: warn: test: line 9\n"));
    assert_null(strstr(text, "line 10\n"));
    assert_non_null(strstr(text, "90 more lines"));
    assert_non_null(strstr(text, "gyre: error: test: last\n"));
}

static void count_of_dropped_lines_is_told_at_close(void **state)
{
    (void)state;
    unsetenv("GYRE_LOG");
    gyre_loop *loop = open_loop();
    capture_begin();
    log_hundred(loop);
    close_loop(loop);
    const char *text = capture_end();
    assert_int_equal(count_lines(text), 11);
    assert_non_null(strstr(text, "90 more lines"));
}

static void own_log_function_gets_every_line(void **state)
{
    (void)state;
    gyre_loop_opts opts = kept(GYRE_LOG_WARN);
    gyre_loop *loop = open_loop_with(&opts);
    log_hundred(loop);
    close_loop(loop);
    assert_int_equal(count_lines(lines), 100);
}

TESTS(cmocka_unit_test(log_level_comes_from_the_options_then_from_the_environment),
      cmocka_unit_test(unknown_log_level_is_refused),
      cmocka_unit_test(text_of_a_peer_cannot_make_a_second_line),
      cmocka_unit_test(long_text_is_cut),
      cmocka_unit_test(stderr_gets_ten_lines_a_second_and_then_a_count),
      cmocka_unit_test(count_of_dropped_lines_is_told_at_close),
      cmocka_unit_test(own_log_function_gets_every_line))
