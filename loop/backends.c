// Which pollers this machine has, and which one a loop gets.

#include "loop/impl.h"

#include <stdlib.h>
#include <string.h>

#ifndef GYRE_BACKEND_DEFAULT
#define GYRE_BACKEND_DEFAULT ""
#endif

static const gyre__backend *const backends[] = {
#ifdef __linux__
    &gyre__epoll,
#endif
    &gyre__poll,
};

const gyre__backend *gyre__backend_named(const char *name)
{
    if (!name) name = getenv("GYRE_BACKEND");
    if (!name || !*name) name = GYRE_BACKEND_DEFAULT;
    if (!*name) return backends[0];
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0) return backends[i];
    return NULL;
}
