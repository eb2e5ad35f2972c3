// The blocked-loop report: who held the loop, and for how long.
//
// Design notes. While opts.blocked is set, the clock is read after each callback; the time since
// the callback before (or since the poll) is what this one took. A coroutine runs inside a task of
// the library's, so it leaves its name in loop->blame; otherwise the function's address is named
// through the dynamic linker where it knows one.

#include "loop/impl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(void (*fn)(void), char *space, size_t size)
{
    if (!fn) return "a callback";
    void *address;
    memcpy(&address, &fn, sizeof address);
    Dl_info info;
    if (dladdr(address, &info) && info.dli_sname) return info.dli_sname;
    if (dladdr(address, &info) && info.dli_fname)
        snprintf(space, size, "%s+0x%zx", info.dli_fname,
                 (size_t)((char *)address - (char *)info.dli_fbase));
    else
        snprintf(space, size, "%p", address);
    return space;
}

void gyre__stall_check(gyre_loop *loop, void (*fn)(void))
{
    gyre_time now = gyre__clock_read();
    gyre_duration took = now - loop->resumed;
    const char *blame = loop->blame;
    loop->resumed = now;
    loop->blame = NULL;
    if (took < loop->opts.blocked) return;
    char space[160];
    gyre__log(loop, GYRE_LOG_WARN, "loop", "loop blocked %lld ms in %s",
              (long long)(took / GYRE_MS(1)), blame ? blame : name_of(fn, space, sizeof space));
}
