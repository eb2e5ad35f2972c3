// One line of log: to the caller's function, or to stderr within a limit.
//
// Design notes. The limit protects a terminal and a disk from a peer that can cause lines: at most
// ten in a second, then one line that counts what was left out. A caller's own function gets all.

#include "loop/impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_PER_SECOND = 10, LINE_MAX_BYTES = 512 };

static const char *const level_names[] = {"off", "error", "warn", "info", "debug"};

int gyre__log_open(gyre_loop *loop)
{
    if ((int)loop->opts.log_level < 0 || loop->opts.log_level > GYRE_LOG_DEBUG) return -EINVAL;
    if (loop->opts.log_level) return 0;
    loop->opts.log_level = GYRE_LOG_WARN;
    const char *wish = getenv("GYRE_LOG");
    for (int level = GYRE_LOG_OFF; wish && level <= GYRE_LOG_DEBUG; level++)
        if (strcmp(wish, level_names[level]) == 0) loop->opts.log_level = (gyre_log_level)level;
    return 0;
}

static void write_line(const char *level, const char *where, const char *text)
{
    char line[LINE_MAX_BYTES + 64];
    int len = snprintf(line, sizeof line, "gyre: %s: %s: %s\n", level, where, text);
    if (len > (int)sizeof line - 1) len = (int)sizeof line - 1;
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written; // there is nowhere else to complain
}

static void write_limited(gyre_loop *loop, gyre_log_level level, const char *where,
                          const char *text)
{
    if (loop->now - loop->log_second >= GYRE_SECONDS(1)) {
        unsigned dropped =
            loop->log_count > LINES_PER_SECOND ? loop->log_count - LINES_PER_SECOND : 0;
        loop->log_second = loop->now;
        loop->log_count = 0;
        if (dropped) {
            char count[64];
            snprintf(count, sizeof count, "%u more lines in the second before", dropped);
            write_line("warn", "log", count);
        }
    }
    if (loop->log_count++ < LINES_PER_SECOND) write_line(level_names[level], where, text);
}

void gyre__log(gyre_loop *loop, gyre_log_level level, const char *where, const char *format, ...)
{
    if (level > loop->opts.log_level) return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (loop->opts.log)
        loop->opts.log(loop->opts.log_arg, level, where, text);
    else
        write_limited(loop, level, where, text);
}

void gyre__misuse(const char *call, const char *what)
{
    fprintf(stderr, "gyre: misuse: %s: %s\n", call, what);
    abort();
}
