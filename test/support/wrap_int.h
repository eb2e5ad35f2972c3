// Shared by the wrappers: every one counts the call, fails it when told, else makes it.
//
// -Wmissing-prototypes wants the declaration that only the linker would otherwise see.
#ifndef TEST_SUPPORT_WRAP_INT_H
#define TEST_SUPPORT_WRAP_INT_H

#include <errno.h>

#include "test/support/faults.h"
#include "test/support/real.h"

// The wrapper of libc's `name`, whose real form is real_`name`. Parameters and arguments come in
// brackets: WRAP(int, close, CLOSE, (int fd), (fd)).
#define WRAP(type, name, call, params, args) WRAP_OR(type, name, call, params, args, -1)

#define WRAP_OR(type, name, call, params, args, failure) \
    type __wrap_##name params; \
    type __wrap_##name params \
    { \
        int err = fault_take(FAULT_##call); \
        if (!err) return real_##name args; \
        errno = err; \
        return failure; \
    }

// Makes an edge-triggered epoll report `fd` again if it is ready (wrap_wait.c). Keeps errno.
void wrap_rearm(int fd);

#endif
