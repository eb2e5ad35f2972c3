// Scripted peers: a listener on a thread that plays a list of steps.
//
//     static const peer_step script[] = {
//         PEER_ACCEPT, PEER_EXPECT_UNTIL("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 OK\r\n"),
//         PEER_CLOSE, PEER_END,
//     };
//     peer *p = peer_start(PEER_IPV4, script);
//     … the code under test connects to 127.0.0.1, peer_port(p) …
//     peer_finish(p);
//
// The script must outlive the peer. Steps work on the connection accepted last, or chosen with
// PEER_USE. The script as a whole has 10 s of real time. The peer makes real system calls, never
// failed by faults.h. Its TCP connections have TCP_NODELAY.
#ifndef TEST_SUPPORT_PEER_H
#define TEST_SUPPORT_PEER_H

#include "base/base.h"
#include "test/support/sockets.h"

enum peer_kind { PEER_IPV4, PEER_IPV6, PEER_UNIX };

enum peer_action {
    PEER_DO_END,
    PEER_DO_ACCEPT,
    PEER_DO_USE,
    PEER_DO_EXPECT,
    PEER_DO_EXPECT_UNTIL,
    PEER_DO_EXPECT_BYTES,
    PEER_DO_EXPECT_EOF,
    PEER_DO_SEND,
    PEER_DO_SEND_BYTEWISE,
    PEER_DO_SEND_OOB,
    PEER_DO_SEND_FILL,
    PEER_DO_PAUSE,
    PEER_DO_SHUTDOWN,
    PEER_DO_CLOSE,
    PEER_DO_RESET,
    PEER_DO_STALL
};

typedef struct peer_step {
    enum peer_action action;
    gyre_view bytes; // of EXPECT, EXPECT_UNTIL and the SENDs of text
    size_t number;   // bytes, milliseconds or the connection, as the step needs
    int line;        // in the test's file
} peer_step;

#define PEER_STEP(action_, bytes_, number_) \
    { \
        .action = PEER_DO_##action_, .bytes = bytes_, .number = number_, .line = __LINE__ \
    }
#define PEER_TEXT(text) \
    { \
        "" text, sizeof(text) - 1 \
    }
#define PEER_NOTHING \
    { \
        NULL, 0 \
    }

// Waits for the next connection; it becomes the current one. Earlier ones stay open.
#define PEER_ACCEPT PEER_STEP(ACCEPT, PEER_NOTHING, 0)
// Makes connection `k` (0 = the first accepted) the current one.
#define PEER_USE(k) PEER_STEP(USE, PEER_NOTHING, k)
// Reads exactly these bytes; others fail the script. More may follow them.
#define PEER_EXPECT(text) PEER_STEP(EXPECT, PEER_TEXT(text), 0)
// Reads up to and with this delimiter.
#define PEER_EXPECT_UNTIL(text) PEER_STEP(EXPECT_UNTIL, PEER_TEXT(text), 0)
// Reads `n` bytes of whatever value.
#define PEER_EXPECT_BYTES(n) PEER_STEP(EXPECT_BYTES, PEER_NOTHING, n)
// Reads to the end of the stream; a reset counts as one. Bytes before it fail the script.
#define PEER_EXPECT_EOF PEER_STEP(EXPECT_EOF, PEER_NOTHING, 0)
// Sends it, waiting while the other side does not read.
#define PEER_SEND(text) PEER_STEP(SEND, PEER_TEXT(text), 0)
// The same, in segments of one byte.
#define PEER_SEND_BYTEWISE(text) PEER_STEP(SEND_BYTEWISE, PEER_TEXT(text), 0)
// Sends it with MSG_OOB: the last byte is urgent. TCP only.
#define PEER_SEND_OOB(text) PEER_STEP(SEND_OOB, PEER_TEXT(text), 0)
// Sends `n` bytes; that of offset i is peer_fill(i).
#define PEER_SEND_FILL(n) PEER_STEP(SEND_FILL, PEER_NOTHING, n)
// Does nothing for `ms` of real time.
#define PEER_PAUSE(ms) PEER_STEP(PAUSE, PEER_NOTHING, ms)
// Ends the sending direction (FIN).
#define PEER_SHUTDOWN PEER_STEP(SHUTDOWN, PEER_NOTHING, 0)
// Closes; the kernel resets the connection instead if it holds bytes that no step has read.
#define PEER_CLOSE PEER_STEP(CLOSE, PEER_NOTHING, 0)
// Closes with a reset (SO_LINGER 0).
#define PEER_RESET PEER_STEP(RESET, PEER_NOTHING, 0)
// Does nothing until peer_release; each release lets one stall go on.
#define PEER_STALL PEER_STEP(STALL, PEER_NOTHING, 0)
// Ends the script. Connections stay open until peer_finish.
#define PEER_END PEER_STEP(END, PEER_NOTHING, 0)

typedef struct peer peer;

// Listens and starts the thread. PEER_IPV6 skips the test on a machine without ::1.
peer *peer_start(enum peer_kind kind, const peer_step *script);

// The same with another limit for the whole script.
peer *peer_start_for(enum peer_kind kind, const peer_step *script, int limit_ms);

uint16_t peer_port(const peer *p);    // IPv4 and IPv6
const char *peer_path(const peer *p); // Unix; in a directory of its own, gone after peer_finish

// Lets a PEER_STALL go on, the present one or the next.
void peer_release(peer *p);

// Waits until the script is through, reads what has still come in, closes everything. Fails the
// test when the script did not complete, saying at which step and why. `p` stays valid.
void peer_finish(peer *p);

// The same, but hands out the message instead of failing, or NULL; for tests of the peer itself.
const char *peer_wait(peer *p);

// How many connections were made, those no PEER_ACCEPT took included. After peer_finish.
size_t peer_connections(const peer *p);

// All bytes that connection `k` received. After peer_finish.
gyre_view peer_received(const peer *p, size_t k);

// The byte of offset `i` of PEER_SEND_FILL: all 256 values, no short period.
char peer_fill(size_t i);

#endif
