// The network: addresses, names, connections, listeners and buffered streams.
#ifndef GYRE_NET_NET_H
#define GYRE_NET_NET_H

#include "future/future.h"

#include <sys/socket.h>

GYRE_EXTERN_C_BEGIN

typedef struct gyre_stream gyre_stream;
typedef struct gyre_listener gyre_listener;

// The versions that this library was built with: its own, c-ares', OpenSSL's, the default backend
// and the switch: "gyre 0.1.0, c-ares 1.18.1, no TLS, epoll, asm". Ownership: static text. Blocks:
// never. Thread: any.
const char *gyre_version(void);

// ---- Addresses -----------------------------------------------------------------------------

// A socket address of any family the library speaks (IPv4, IPv6, Unix). A plain value.
typedef struct gyre_address {
    socklen_t len; // 0: no address
    struct sockaddr_storage storage;
} gyre_address;

// Room for the text of any address with its port: "[v6%scope]:65535", "unix:/path".
#define GYRE_ADDRESS_TEXT 128

// Reads a literal: "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@abstract"; without a port,
// `port`. Only dotted quads and RFC 4291 text, with a scope if there is one ("fe80::1%eth0"); names
// are gyre_resolve's.
// Errors: -EINVAL. Blocks: never. Thread: any.
int gyre_address_parse(gyre_address *out, gyre_view text, uint16_t port) GYRE_MUST_USE;

// Writes the canonical text of an address (RFC 5952 for IPv6), cut to `size`, zero-terminated.
// Returns `text`. Blocks: never. Thread: any.
const char *gyre_address_text(const gyre_address *address, char *text, size_t size);

// The port of an IPv4 or IPv6 address, else 0. Blocks: never. Thread: any.
uint16_t gyre_address_port(const gyre_address *address);

// ---- Names ---------------------------------------------------------------------------------

// The addresses of a name, in the order to try them. One block; free with gyre_addrs_free.
typedef struct gyre_addrs {
    size_t count;
    const gyre_address *list; // behind this struct, in the same block
} gyre_addrs;

GYRE_FUTURE_TYPE(gyre_addrs, gyre_addrs *);

// Frees the answer of gyre_resolve; NULL is fine. It may outlive its loop.
// Blocks: never. Thread: any.
void gyre_addrs_free(gyre_addrs *addrs);

typedef struct gyre_resolve_opts {
    int family;                      // AF_INET, AF_INET6; default: both
    const char *servers;             // "127.0.0.1:5353,[::1]:53"; default: what resolv.conf says
    gyre_duration timeout;           // default: 10 s
    const gyre_allocator *allocator; // of the answer; default: the loop's
} gyre_resolve_opts;

// Looks up the addresses of a host name through c-ares, without blocking: literals at once, then
// /etc/hosts, then DNS, A and AAAA in parallel. Results are cached by their TTL, at most an hour;
// failures a second; one query per name is under way at a time. Ownership: copies `host`; the value
// is freed with gyre_addrs_free. Errors: GYRE_ENOTFOUND, GYRE_ENOADDRESS, GYRE_ERESOLVE,
// GYRE_ETIMEDOUT_RESOLVE, -EINVAL (not a host name), -ENOMEM, GYRE_ECANCELED. A cancelled look-up
// is detached at once; its query runs out. Blocks: never. Thread: the loop's. RFC 1034, RFC 8305
// section 3.
gyre_addrs_future gyre_resolve(gyre_loop *loop, const char *host, uint16_t port,
                               const gyre_resolve_opts *opts);

// ---- Streams -------------------------------------------------------------------------------

GYRE_FUTURE_TYPE(gyre_stream, gyre_stream *);

typedef struct gyre_stream_opts {
    int64_t read_buffer;  // most bytes held for reads; default: 100 MiB
    int64_t write_buffer; // bytes accepted before a write waits; default: 64 KiB
} gyre_stream_opts;

typedef struct gyre_connect_opts {
    gyre_duration timeout;       // names, connecting: all together; default: 10 s
    gyre_duration attempt_delay; // between attempts (RFC 8305 section 5); default: 250 ms
    gyre_resolve_opts resolve;
    gyre_stream_opts stream;
    const char *source; // literal to connect from; default: the kernel's choice
    bool nagle;         // leave Nagle's algorithm on; default: TCP_NODELAY
} gyre_connect_opts;

// Connects to a host (name or literal) and port, or to "unix:/path" (port ignored): tries every
// address, IPv6 and IPv4 in turn, a next attempt at once after a failure and after `attempt_delay`
// in any case; the first that connects wins, the others are closed.
// Ownership: copies what it needs; the stream is the caller's, closed with gyre_stream_close.
// Errors: those of gyre_resolve; GYRE_ETIMEDOUT_CONNECT; -ECONNREFUSED and the like: the last
// attempt's, or GYRE_ECONNECT when they differ; the details name each address. -EMFILE, -ENOMEM.
// Blocks: never. Thread: the loop's. RFC 8305.
gyre_stream_future gyre_connect(gyre_loop *loop, const char *host, uint16_t port,
                                const gyre_connect_opts *opts);

// Makes a stream of a connected descriptor: a socket, a pipe's end, a terminal; non-blocking from
// then.
// A pipe or terminal, which others may share, blocks again once it is closed.
// Ownership: takes `fd` on success.
// Errors: -EBADF, -EPERM (a file), -EPROTOTYPE (a datagram socket), -EINVAL (an option), -EEXIST,
// -ENOMEM, -ENOSPC, GYRE_ECLOSED (the loop is closing), GYRE_EFORKED.
// Blocks: never. Thread: the loop's.
int gyre_stream_open(gyre_stream **out, gyre_loop *loop, int fd,
                     const gyre_stream_opts *opts) GYRE_MUST_USE;

// Closes the descriptor at once and frees the stream on a later task. Written bytes that the kernel
// has not taken yet are lost: wait for gyre_stream_shutdown (or the last gyre_write) first. A read
// that the buffer can satisfy was satisfied before; every other pending future fails with
// GYRE_ECLOSED. Legal in the stream's own callbacks; NULL is fine. Afterwards the pointer is dead.
// Blocks: never. Thread: the loop's.
void gyre_stream_close(gyre_stream *stream);

// Calls `fn(arg, err)` once, as a task, when the stream's connection has ended and what had been
// read was consumed, or when it is closed: err 0 after an orderly end or one's own close, else the
// error. A stream that nobody ever read from is told as soon as its peer has ended. Replaces an
// earlier one; fn NULL clears it.
// Blocks: never. Thread: the loop's.
void gyre_stream_on_close(gyre_stream *stream, void (*fn)(void *arg, int err), void *arg);

// ---- Reading -------------------------------------------------------------------------------
//
// One read at a time: a second is GYRE_EBUSY. Views borrow from the stream until its next read or
// its close. A read is satisfied from the buffer first, also after the peer has gone; cancelling
// one keeps every byte. At the end: GYRE_EEOF, or the connection's error (-ECONNRESET and the
// like). When `max` bytes hold no match: GYRE_ELIMIT, and the stream is unusable from then on, as
// it is when the read buffer is full. Bytes whose view nobody took (the loser of gyre_any) stay in
// the stream. TCP's urgent bytes are no part of it. All return at once. Thread: the loop's.

// Up to and with the first occurrence of `delim` (copied; at most 64 bytes), within `max` bytes.
// Errors: see above; -EINVAL. Blocks: never. Thread: the loop's.
gyre_view_future gyre_read_until(gyre_stream *stream, gyre_view delim, size_t max);

// Up to and with the first match of a POSIX extended regular expression (regex(7)), within `max`
// bytes.
// Errors: see above; -EINVAL (the pattern). Blocks: never. Thread: the loop's.
gyre_view_future gyre_read_until_regex(gyre_stream *stream, const char *pattern, size_t max);

// Exactly `n` bytes; 0 gives an empty view at once.
// Errors: see above. Blocks: never. Thread: the loop's.
gyre_view_future gyre_read_bytes(gyre_stream *stream, size_t n);

// What is there, at least one byte and at most `max`.
// Errors: see above. Blocks: never. Thread: the loop's.
gyre_view_future gyre_read_some(gyre_stream *stream, size_t max);

// Everything until the peer's orderly end, within `max` bytes; an empty view if there was nothing.
// Errors: see above. Blocks: never. Thread: the loop's.
gyre_view_future gyre_read_until_close(gyre_stream *stream, size_t max);

// Exactly `n` bytes into the caller's memory, past the buffer where it can; gives the count.
// Ownership: borrows `data` until it settles. Errors: see above; on an error *data holds what came.
// Blocks: never. Thread: the loop's.
gyre_size_future gyre_read_into(gyre_stream *stream, void *data, size_t n);

// ---- Writing -------------------------------------------------------------------------------

// Writes bytes in the order of the calls. What the kernel does not take at once is copied up to the
// write buffer's size, and the future is done; beyond it the rest stays borrowed until the future
// settles. Cancelling a queued write removes it; one of which a byte has left closes the stream.
// Ownership: borrows `data` until the future settles (a done one has let go). Errors: GYRE_ECLOSED,
// -EPIPE, -ECONNRESET and the like, -ENOMEM. Blocks: never. Thread: the loop's.
gyre_void_future gyre_write(gyre_stream *stream, gyre_view data);

// The same for several pieces, sent with one system call where it can.
// Ownership: `pieces` is read during the call, the bytes are borrowed as above; at most 64 pieces.
// Errors: as gyre_write; -EINVAL. Blocks: never. Thread: the loop's.
gyre_void_future gyre_writev(gyre_stream *stream, const gyre_view *pieces, size_t count);

// Ends the sending direction when everything written has left; reading goes on (shutdown(2)).
// Errors: as gyre_write; -ENOTSUP on a pipe or terminal. Blocks: never. Thread: the loop's.
gyre_void_future gyre_stream_shutdown(gyre_stream *stream);

// What a stream is connected to, and from where; len 0 for what has no address.
// Blocks: never. Thread: the loop's.
gyre_address gyre_stream_peer(const gyre_stream *stream);

// See gyre_stream_peer. Blocks: never. Thread: the loop's.
gyre_address gyre_stream_local(const gyre_stream *stream);

// The loop of a stream. Blocks: never. Thread: the loop's.
gyre_loop *gyre_stream_loop(const gyre_stream *stream);

// ---- Listening -----------------------------------------------------------------------------

typedef struct gyre_listen_opts {
    int backlog;             // default: 1,024
    bool reuse_port;         // SO_REUSEPORT: several listeners share the port
    int mode;                // permissions of a Unix socket; default: 0600
    gyre_stream_opts stream; // for accepted streams
} gyre_listen_opts;

// Listens on "127.0.0.1:80", "[::]:80", ":80" (both families, one port, also for port 0) or
// "unix:/path" (a stale socket is replaced, any other file refused; it goes with the listener).
// Ownership: the caller closes it with gyre_listener_close.
// Errors: -EINVAL (the address: a name, no port; an option), -EADDRINUSE and the like (also a Unix
// socket that somebody listens on), -EEXIST, -EMFILE, -ENOMEM, GYRE_ECLOSED.
// Blocks: never. Thread: the loop's.
int gyre_listen(gyre_listener **out, gyre_loop *loop, const char *addr,
                const gyre_listen_opts *opts) GYRE_MUST_USE;

// The next connection. With no descriptors left (EMFILE, ENFILE) accepting pauses up to 100 ms and
// goes on by itself, logged once a second.
// Ownership: the stream is the caller's. Errors: GYRE_ECLOSED, GYRE_EBUSY (one accept at a time),
// -ENOMEM.
// Blocks: never. Thread: the loop's.
gyre_stream_future gyre_accept(gyre_listener *listener);

// The address of a listener, with the port that the kernel chose.
// Blocks: never. Thread: the loop's.
gyre_address gyre_listener_address(const gyre_listener *listener);

// Stops listening; a pending accept fails with GYRE_ECLOSED. NULL is fine.
// Blocks: never. Thread: the loop's.
void gyre_listener_close(gyre_listener *listener);

GYRE_EXTERN_C_END

#endif
