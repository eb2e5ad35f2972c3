// The stream's own struct and what its files share; private to net/.
#ifndef GYRE_NET_IMPL_H
#define GYRE_NET_IMPL_H

#include "net/net_int.h"

#include <netinet/in.h>

enum {
    GYRE__BLOCK = 65536,       // a buffer's block, and so what a read asks for at first
    GYRE__TURN_BYTES = 262144, // what a stream may move in a turn before it gives way
    GYRE__TURN_CALLS = 16,
    GYRE__PIECES = 64, // of one gyre_writev, and of one system call
};

// Events after which a short read does not mean that the kernel has no more.
enum { GYRE__ENDED = GYRE__PEER_SHUT | GYRE_HANGUP | GYRE__ERROR };

typedef struct gyre__output gyre__output;
typedef struct gyre__read gyre__read; // a public read: stream_read.c

// Bytes that somebody else owns on their way to the kernel, or the end of the sending direction.
struct gyre__output {
    gyre__node link;                             // in stream->outputs until done
    void (*done)(gyre__output *output, int err); // called once, out of the list already
    const gyre_view *pieces;                     // those that have not left
    size_t count;
    size_t offset; // bytes of the first piece that have left
    bool begun;    // a byte has left
    bool shut;     // no bytes: shut the sending direction down
};

struct gyre_stream {
    gyre__net_object object;
    gyre__net *net;
    gyre_watch watch; // started while fd is not -1
    int fd;           // -1 once closed

    unsigned bits;   // GYRE_READABLE, GYRE_WRITABLE: a system call may find something to do
    unsigned events; // what the last event said
    int end;         // what a read past the buffer gives: 0 while open, GYRE_EEOF or an error
    int write_err;   // why nothing more can be written; 0 while it can
    int broken;      // why the whole stream is unusable; 0 while it is not

    unsigned kind : 2;       // enum gyre__stream_kind
    unsigned connecting : 1; // until the first event
    unsigned write_only : 1; // a pipe's write end
    unsigned
        unblocked : 1;     // O_NONBLOCK was set by us on a pipe or terminal, which others may share
    unsigned was_read : 1; // somebody has ever asked for bytes
    unsigned ignored : 1;  // bytes were announced and nobody has asked for them since
    unsigned told : 1;     // on_close was called, or will be by `task`
    unsigned telling : 1;  // by `task`
    unsigned dead : 1;     // gyre_stream_close was called; `task` frees

    unsigned turn_calls; // made in the turn of turn_time
    size_t turn_bytes;   // moved in it
    gyre_time turn_time; // the loop's time, which tells turns apart
    gyre__node hot;      // in net->hot while it gives way

    gyre__buf in;         // read, not yet consumed; holds no block while empty and idle
    size_t handed;        // bytes at its start that the last public read handed out
    gyre__read *given;    // that read, as long as its future lives; or NULL
    gyre__reader *reader; // who waits for the stream to become readable; or NULL

    gyre__buf out;      // copied bytes, which leave before those of `outputs`
    gyre__node outputs; // gyre__output, in order

    void (*on_close)(void *arg, int err); // or NULL
    void *on_close_arg;
    int close_err;  // what on_close is told, while `telling`
    gyre_task task; // calls on_close, and frees when dead

    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer; // family 0 until known
};

// ---- floor.c ---------------------------------------------------------------------------------

// Calls gyre__stream_go_on in the next turn.
void gyre__net_give_way(gyre_stream *stream);
// Gives an empty buffer a block of GYRE__BLOCK bytes. 0 or -ENOMEM.
int gyre__net_attach(gyre__net *net, gyre__buf *buf);
// Takes the block back; the buffer is empty.
void gyre__net_detach(gyre__net *net, gyre__buf *buf);

// ---- stream.c --------------------------------------------------------------------------------

// Does what the bits allow, after the stream gave way.
void gyre__stream_go_on(gyre_stream *stream);
// Closes the descriptor and fails everything with `err`; the struct stays.
void gyre__stream_finish(gyre_stream *stream, int err);
// Has on_close called if the connection has ended and what was read is consumed.
void gyre__stream_maybe_tell(gyre_stream *stream);
// A text for an error: "read from 127.0.0.1:80: connection reset by peer"; NULL: no memory.
char *gyre__stream_why(const gyre_stream *stream, const char *doing, int err);
// Writes "doing peer".
void gyre__stream_name(const gyre_stream *stream, const char *doing, char *text, size_t size);

// ---- stream_io.c -----------------------------------------------------------------------------

// Reads once into `data`, size > 0, for try_fill and try_receive; errors as theirs.
int gyre__stream_pull(gyre_stream *stream, void *data, size_t size, size_t *got);
// Hands the first `count` pieces to the kernel, once: how many bytes it took, -EAGAIN, or an error.
ssize_t gyre__stream_push(gyre_stream *stream, const gyre_view *pieces, size_t count);
// Asks the kernel for `want` as well. On failure the stream is finished.
void gyre__stream_ask(gyre_stream *stream, unsigned want);
// Asks for nothing that would be reported now, until the next gyre__stream_ask.
void gyre__stream_mute(gyre_stream *stream);
// Finds out without taking a byte whether the peer's end has been reached: sets stream->end.
void gyre__stream_look_for_end(gyre_stream *stream);

// ---- stream_write.c --------------------------------------------------------------------------

// Queues an output and sends what can be sent; `done` may be called before this returns.
void gyre__stream_put(gyre_stream *stream, gyre__output *output);
// Sends what can be sent.
void gyre__stream_flush(gyre_stream *stream);
// Takes back an output that is not done; when a byte of it has left, that finishes the stream.
void gyre__stream_take_back(gyre_stream *stream, gyre__output *output);
// Fails every output and every later one.
void gyre__stream_fail_output(gyre_stream *stream, int err);

// ---- stream_read.c ---------------------------------------------------------------------------

// The stream goes: the last read's future forgets it.
void gyre__read_forget(gyre_stream *stream);

#endif
