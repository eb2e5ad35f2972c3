// One line of log: to the caller's function, or to stderr within a limit.
//
// Design notes. The limit protects a terminal and a disk from a peer that can cause lines: at most
// ten in a second, then one line that counts what was left out. A caller's own function gets all.
// Control characters are replaced: a line may quote what a peer sent, and must stay one line.

#include "loop/impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_PER_SECOND = 10, LINE_MAX_BYTES = 512 };

static const char *const level_names[] = {NULL, "error", "warn", "info", "debug"};

int gyre__log_open(gyre_loop *loop)
{
    if ((int)loop->opts.log_level < GYRE_LOG_OFF || loop->opts.log_level > GYRE_LOG_DEBUG)
        return -EINVAL;
    if (loop->opts.log_level) return 0;
    loop->opts.log_level = GYRE_LOG_WARN;
    const char *wish = getenv("GYRE_LOG");
    if (wish && strcmp(wish, "off") == 0) loop->opts.log_level = GYRE_LOG_OFF;
    for (int level = GYRE_LOG_ERROR; wish && level <= GYRE_LOG_DEBUG; level++)
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

void gyre__log_close(gyre_loop *loop)
{
    if (loop->log_count > LINES_PER_SECOND) {
        char count[64];
        snprintf(count, sizeof count, "%u more lines in the second before",
                 loop->log_count - LINES_PER_SECOND);
        write_line("warn", "log", count);
    }
    loop->log_count = 0;
}

static void write_limited(gyre_loop *loop, gyre_log_level level, const char *where,
                          const char *text)
{
    gyre_time now =
        gyre__clock_read(); // the loop's own may be old: lines come outside of turns too
    if (now - loop->log_second >= GYRE_SECONDS(1)) {
        gyre__log_close(loop);
        loop->log_second = now;
    }
    if (loop->log_count++ < LINES_PER_SECOND) write_line(level_names[level], where, text);
}

void gyre__log(gyre_loop *loop, gyre_log_level level, const char *where, const char *format, ...)
{
    if ((int)level > (int)loop->opts.log_level) return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
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
