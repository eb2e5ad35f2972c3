// Connecting inside the library: to a host, by RFC 8305, told by a callback.
//
// gyre_connect wraps one of these into a future; the HTTP client parks a coroutine on one, for the
// timings.
#ifndef GYRE_NET_CONNECT_INT_H
#define GYRE_NET_CONNECT_INT_H

#include "net/resolver_int.h"

#include "base/buf.h"

// One connection in the making, embedded in its owner. {0} with `done` set is idle.
typedef struct gyre__connector {
    // Called once, never inside gyre__connect_start; everything is stopped by then, so that it may
    // free the connector. It may come in the loop's event dispatch: no user code.
    void (*done)(struct gyre__connector *connector);

    // The outcome, for `done`. The stream and the text are the owner's.
    int err;             // 0, or see gyre_connect
    char *why;           // details of an error, of the loop's allocator, or NULL
    gyre_stream *stream; // connected; NULL on an error
    gyre_address peer;   // what it is connected to
    gyre_time resolved;  // when the first attempt began; 0: none did
    gyre_time connected; // when the winner was connected

    // Private.
    gyre_loop *loop; // NULL while idle
    char *host;
    uint16_t port;
    bool nagle;
    bool is_literal;      // `literal` is the only address and no name is looked up
    bool is_cut;          // `text` has no room for more
    gyre_address literal; // an IP literal, or the path of a Unix socket
    gyre_address source;  // len 0: the kernel's choice
    gyre_stream_opts stream_opts;
    gyre_duration limit; // of everything
    gyre_duration resolve_limit;
    gyre_duration attempt_delay;
    gyre_time began;
    gyre_task task; // takes outcomes that are known at the start out of it
    gyre_timer deadline;
    gyre_timer pace;         // until then no further attempt begins, unless one fails
    gyre__lookup lookups[2]; // IPv6, IPv4
    bool open[2];            // asked and not answered yet
    size_t next[2];          // first address not tried of each family
    int turn;                // family to try next
    gyre__node attempts;     // under way
    size_t tried;
    int attempt_err;  // of the attempts so far, GYRE_ECONNECT if they differ
    int resource_err; // something failed for want of descriptors or memory
    gyre__buf text;   // what the attempts said
} gyre__connector;

// Starts connecting as gyre_connect does, with the same options (`opts` is not NULL) and errors;
// all of them come through `done`.
void gyre__connect_start(gyre__connector *connector, gyre_loop *loop, const char *host,
                         uint16_t port, const gyre_connect_opts *opts);

// Stops at once: every attempt is closed, `done` is not called. An idle one is fine.
void gyre__connect_stop(gyre__connector *connector);

#endif
