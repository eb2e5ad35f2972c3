// The network floor as net/ and http/ share it: sockets, streams without futures, the loop's state.
//
// Inside the library a coroutine reads and writes a stream without a future: gyre__stream_fill,
// gyre__stream_peek, gyre__stream_consume, gyre__stream_send. What is no coroutine attends to a
// stream with a gyre__reader and uses the calls named try.
#ifndef GYRE_NET_NET_INT_H
#define GYRE_NET_NET_INT_H

#include "base/buf.h"
#include "coro/coro_int.h"
#include "net/net.h"

typedef struct gyre__net gyre__net;
typedef struct gyre__resolver gyre__resolver;

// ---- The floor's state on a loop ---------------------------------------------------------------

typedef struct gyre__net_object gyre__net_object;

// How a kind of object takes part in gyre_loop_close.
typedef struct gyre__net_class {
    void (*cancel)(gyre__net_object *object);  // ends what is under way; may take others out too
    void (*destroy)(gyre__net_object *object); // frees it, and takes it out of the list
} gyre__net_class;

// Embedded in everything of net/ that lives on a loop and owns descriptors.
struct gyre__net_object {
    gyre__node link; // in gyre__net.objects
    const gyre__net_class *kind;
};

struct gyre__net {
    gyre_loop *loop;
    const gyre_allocator *alloc;
    gyre__node objects;
    gyre__resolver *resolver; // NULL until the first look-up; hangs among the objects as well
    gyre__node hot;           // streams that gave way until the next turn
    gyre_timer again;         // runs while there are any
    void *blocks;             // free buffer blocks, linked through their first bytes
    unsigned block_count;
};

// The floor's state, made on first use. 0, -ENOMEM, GYRE_ECLOSED once the loop closes.
int gyre__net_open(gyre__net **out, gyre_loop *loop);

void gyre__net_add(gyre__net *net, gyre__net_object *object, const gyre__net_class *kind);
void gyre__net_remove(gyre__net_object *object);

// ---- Sockets -------------------------------------------------------------------------------

// A stream socket, non-blocking and close-on-exec; or -errno.
int gyre__socket_open(int family);

// Connects: 0 at once, -EINPROGRESS, or -errno. A signal does not interrupt it.
int gyre__socket_connect(int fd, const gyre_address *to);

// Turns Nagle's algorithm off; a socket that has none is fine.
void gyre__socket_no_delay(int fd);

// The error that is pending on a socket, which this takes: 0 or -errno.
int gyre__socket_error(int fd);

gyre_address gyre__socket_local(int fd); // len 0: none
gyre_address gyre__socket_peer(int fd);

// close(2), once: on Linux the descriptor is gone also after EINTR. Keeps errno; -1 is fine.
void gyre__socket_close(int fd);

// As gyre_address_parse; *has_port says whether the text had one.
int gyre__address_parse(gyre_address *out, gyre_view text, uint16_t port, bool *has_port);

// ---- Making streams ------------------------------------------------------------------------

enum gyre__stream_kind { GYRE__TCP, GYRE__UNIX, GYRE__FILE }; // FILE: a pipe's end or a terminal

// What a stream is made of.
typedef struct gyre__origin {
    int fd; // non-blocking
    enum gyre__stream_kind kind;
    const gyre_address *peer; // of TCP; NULL: asked when needed
    unsigned bits;            // GYRE_READABLE, GYRE_WRITABLE: what may be tried before an event
    bool connecting;          // connect is in progress: see gyre__stream_attend
} gyre__origin;

// Makes a stream and registers its descriptor. Takes origin->fd on success. NULL opts: defaults.
// 0, -EINVAL (an option), -ENOMEM, -ENOSPC, -EEXIST, GYRE_ECLOSED, GYRE_EFORKED.
int gyre__stream_adopt(gyre_stream **out, gyre_loop *loop, const gyre__origin *origin,
                       const gyre_stream_opts *opts);

// 0, or -EINVAL for an option out of range.
int gyre__stream_check_opts(const gyre_stream_opts *opts);

// ---- Attending to a stream ---------------------------------------------------------------------

// Whoever waits for a stream to become readable. `ready` is called once for each time it attends:
// with 0 when a try may find bytes or the end (or nothing yet), with an error when the stream was
// closed. It runs in the loop's event dispatch: it may close the stream, but runs no user code.
//
// On a stream that is still connecting it says instead how that ended.
typedef struct gyre__reader {
    void (*ready)(struct gyre__reader *reader, gyre_stream *stream, int err);
} gyre__reader;

// Attends until `ready` was called. 0, or GYRE_EBUSY when somebody does already. Only useful after
// a try gave -EAGAIN, or while the stream is connecting.
int gyre__stream_attend(gyre_stream *stream, gyre__reader *reader);

// No longer attends; another reader is left alone.
void gyre__stream_unattend(gyre_stream *stream, gyre__reader *reader);

// Lets an idle stream be: gives its buffer back and attends until bytes arrive or the peer ends.
// False when it is not idle: somebody attends, bytes wait, or it has ended. `ready` may come for
// nothing; asking again tells.
bool gyre__stream_idle(gyre_stream *stream, gyre__reader *reader);

// ---- Reading -------------------------------------------------------------------------------

// The bytes in the buffer. Valid until the next call on the stream that is not peek or consume.
gyre_view gyre__stream_peek(gyre_stream *stream);

// Drops the first `len` bytes of the buffer.
void gyre__stream_consume(gyre_stream *stream, size_t len);

// Reads once: 0 when there are more bytes in the buffer than before, -EAGAIN when there is nothing
// yet, GYRE_EEOF or the connection's error at its end, GYRE_ELIMIT when the buffer is full,
// -ENOMEM.
int gyre__stream_try_fill(gyre_stream *stream);

// Takes at least one byte from the buffer or else straight from the descriptor into `data`, size >
// 0; *got says how many. Errors as above.
int gyre__stream_try_receive(gyre_stream *stream, void *data, size_t size, size_t *got);

// The same, the running coroutine waiting instead of -EAGAIN, until `deadline` (GYRE_FOREVER:
// none). Also GYRE_ETIMEDOUT, GYRE_ECANCELED, GYRE_EBUSY; what was read stays in the buffer.
int gyre__stream_fill(gyre_stream *stream, gyre_time deadline);
int gyre__stream_receive(gyre_stream *stream, void *data, size_t size, size_t *got,
                         gyre_time deadline);

// ---- Writing -------------------------------------------------------------------------------

typedef struct gyre__send {
    const gyre_view *pieces;
    size_t count;
    gyre_time deadline; // GYRE_FOREVER: none
    bool stop_on_read;  // when the kernel is full, return as soon as the stream may be readable
    size_t sent;        // out: bytes that the kernel took
    bool stopped;       // out: returned 0 for that reason, not everything is sent
} gyre__send;

// Writes everything, the running coroutine waiting while the kernel is full. 0, GYRE_ETIMEDOUT,
// GYRE_ECANCELED, or why the stream cannot be written to. When it fails after a byte has left, the
// stream is closed; when it is stopped it is not, and the rest was not kept.
int gyre__stream_send(gyre_stream *stream, gyre__send *send);

// Says whether bytes wait in the stream for the kernel.
bool gyre__stream_has_output(const gyre_stream *stream);

// ---- Listening -----------------------------------------------------------------------------

// Whoever takes every connection of a listener, in place of gyre_accept. `accepted` owns the
// stream; it runs in the loop's event dispatch and may close the listener.
typedef struct gyre__acceptor {
    void (*accepted)(struct gyre__acceptor *acceptor, gyre_stream *stream);
} gyre__acceptor;

// Takes every connection from now on; NULL: none. 0, or GYRE_EBUSY while an accept is pending.
int gyre__listener_serve(gyre_listener *listener, gyre__acceptor *acceptor);

#endif
