// Request targets (RFC 9112 section 3.2).
#ifndef GYRE_HTTP_TARGET_INT_H
#define GYRE_HTTP_TARGET_INT_H

#include "base/base.h"

typedef enum gyre__target_form {
    GYRE__TARGET_ORIGIN,    // "/path?query"
    GYRE__TARGET_ABSOLUTE,  // "http://host/path?query"
    GYRE__TARGET_AUTHORITY, // "host:port", CONNECT only
    GYRE__TARGET_ASTERISK,  // "*", OPTIONS only
} gyre__target_form;

typedef struct gyre__target {
    gyre__target_form form;
    gyre_view authority; // has a meaning in absolute-form and authority-form
    gyre_view path;      // "/" when an absolute-form has none; empty in the last two forms
    gyre_view query;     // ptr is NULL when there is no "?"
} gyre__target;

// Takes a target apart and checks it against the method. 0 or GYRE_ESTARTLINE, with *out untouched.
// The views point into `target` or are static.
GYRE_MUST_USE int gyre__target_parse(gyre__target *out, gyre_view method, gyre_view target);

#endif
