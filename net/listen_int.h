// The listener's own struct, shared by listen.c (accepting) and bind.c (addresses); private to
// net/.
#ifndef GYRE_NET_LISTEN_INT_H
#define GYRE_NET_LISTEN_INT_H

#include "net/net_int.h"

#include <sys/types.h>

enum { GYRE__LISTEN_SOCKETS = 2 }; // both families of ":port"

typedef struct gyre__listening {
    gyre_watch watch;
    gyre_listener *listener;
    bool ready; // accept may find a connection
} gyre__listening;

struct gyre_listener {
    gyre__net_object object;
    gyre__net *net;
    gyre__listening sockets[GYRE__LISTEN_SOCKETS];
    int socket_count;
    gyre_future *accept;      // pending; or NULL
    gyre__acceptor *acceptor; // takes everything; or NULL
    gyre_timer pause;         // no accept while it runs
    gyre_time logged;         // when a pause was last logged; 0: never
    gyre_address address;     // of the first socket
    gyre_stream_opts stream_opts;
    bool closed;
    bool dead;      // gyre_listener_close was called; `task` frees
    gyre_task task; // frees
    // Of the Unix socket's file, to take away no other: inode 0 while there is none.
    dev_t device;
    ino_t inode;
};

// Makes the listening sockets of an address; fills in fds, address, socket_count and the file. On
// an error the caller closes what is in fds.
int gyre__listener_bind(gyre_listener *listener, int fds[GYRE__LISTEN_SOCKETS], const char *addr,
                        const gyre_listen_opts *opts);

// Takes the Unix socket's file away, if it is still the one that was made.
void gyre__listener_unlink(gyre_listener *listener);

#endif
