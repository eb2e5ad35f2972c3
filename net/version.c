// What the library was built of.

#include "net/net.h"

#include <ares.h>

#ifndef GYRE_BACKEND_DEFAULT
#define GYRE_BACKEND_DEFAULT "?"
#endif
#ifndef GYRE_SWITCH
#define GYRE_SWITCH "?"
#endif

#define TEXT_OF(x)  #x
#define TEXT(x)     TEXT_OF(x)
#define MAJOR_MINOR TEXT(GYRE_VERSION_MAJOR) "." TEXT(GYRE_VERSION_MINOR)
#define OWN         MAJOR_MINOR "." TEXT(GYRE_VERSION_PATCH)

const char *gyre_version(void)
{
    return "gyre " OWN ", c-ares " ARES_VERSION_STR ", no TLS, " GYRE_BACKEND_DEFAULT
           ", " GYRE_SWITCH;
}
