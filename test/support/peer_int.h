// Shared by peer.c (life of a peer) and peer_play.c (its steps).
#ifndef TEST_SUPPORT_PEER_INT_H
#define TEST_SUPPORT_PEER_INT_H

#include "test/support/peer.h"
#include "test/support/real.h"

enum { PEER_CONNECTIONS = 64, PEER_LIMIT_MS = 10000 };

struct peer_connection {
    int fd;         // -1 once closed
    char *received; // every byte, in order; never NULL
    size_t len, cap;
    size_t used; // how many of them the steps have taken
};

struct peer {
    peer *next; // all peers of the process: reachable for the leak checker after a failed test
    enum peer_kind kind;
    const peer_step *script;
    pthread_t thread;
    int listener;
    int released; // eventfd in semaphore mode: peer_release counts it up, a stall down
    uint16_t port;
    char path[108];   // of the Unix socket; "" otherwise
    int64_t deadline; // real CLOCK_MONOTONIC in ns
    struct peer_connection connections[PEER_CONNECTIONS];
    size_t count;      // accepted
    size_t current;    // valid when count > 0
    bool joined;       // the thread is; what the thread wrote may be read
    char failure[512]; // why the script did not complete; "" = it did
};

// Plays the script on the peer's thread; writes `failure`.
void peer_play(peer *p);

// Begins the record of a connection just accepted.
void peer_connection_open(struct peer_connection *connection, int fd);

// Reads what is there into the record, without waiting. 1 = something came, 0 = end of stream
// (or a reset), -1 = nothing there.
int peer_take(struct peer_connection *connection);

#endif
