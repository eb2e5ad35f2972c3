// The server's own structs; private to http/server/.
#ifndef GYRE_HTTP_SERVER_IMPL_H
#define GYRE_HTTP_SERVER_IMPL_H

#include "http/chunked_int.h"
#include "http/framing_int.h"
#include "http/http_int.h"
#include "http/target_int.h"
#include "net/net_int.h"

#include <errno.h>

enum {
    GYRE__HEAD_MAX = 16384,      // bytes of a request's head
    GYRE__HEAD_LINES = 100,      // lines of it, those of the trailers included
    GYRE__REQUEST_LINE = 8192,   // bytes of its first line
    GYRE__OUT_SIZE = 16384 - 16, // bytes of answers that are gathered into one write
    GYRE__OUT_COPIED = 4096,     // a body up to this is copied behind its head
    GYRE__ADDED_MAX = 8192,      // bytes of fields that a handler adds to its answer
    GYRE__TYPE_MAX = 256,        // bytes of a Content-Type
    GYRE__SEND_SLICE = 262144,   // what must leave within one write deadline
    GYRE__DRAIN_MAX = 262144,    // bytes of an unread body worth reading to keep the connection
};

typedef struct gyre__out gyre__out;
typedef struct gyre__connection gyre__connection;
typedef struct gyre__body_read gyre__body_read;

// ---- Free lists (server.c) -------------------------------------------------------------------

// Structs of one size, linked through their first bytes while they are free.
typedef struct gyre__pool {
    void *free;
    unsigned count;
} gyre__pool;

// ---- Server --------------------------------------------------------------------------------

struct gyre_server {
    gyre__node link; // in gyre__http.servers
    gyre_loop *loop;
    const gyre_allocator *alloc;
    gyre_listener *listener; // NULL once it is closing
    gyre__acceptor acceptor;
    gyre__node connections; // all of them
    gyre_server_opts opts;  // with every default filled in
    gyre_address address;
    gyre_server_counts counts;
    gyre__pool free_connections, free_requests, free_outs;
    int64_t date_at; // the second that `date` is of
    char date[40];   // "Date: …\r\n"
    size_t date_len;
    bool closing;
    gyre_future *closed; // of gyre_server_close; NULL when nobody is to be told
    gyre_timer drain;    // while closing: then what is left is ended
    gyre_task task;      // while closing: looks whether everything is closed
};

// A struct of a pool, not cleared; NULL when there is no memory.
void *gyre__pool_take(gyre_server *server, gyre__pool *pool, size_t size);
void gyre__pool_give(gyre_server *server, gyre__pool *pool, void *item);
// Says whether what is given next is kept, and not freed.
bool gyre__pool_has_room(const gyre__pool *pool);

// The "Date" field of this second (RFC 9110 section 6.6.1), with its CRLF.
gyre_view gyre__server_date(gyre_server *server);

// A connection is about to go.
void gyre__server_forget(gyre_server *server, gyre__connection *connection);

// The loop's time in `delay`, GYRE_FOREVER if that is beyond all time.
gyre_time gyre__after(const gyre_loop *loop, gyre_duration delay);

// ---- Connections (connection.c) ----------------------------------------------------------------

// Answers on their way to the kernel.
struct gyre__out {
    size_t len;
    char bytes[GYRE__OUT_SIZE];
};

// All that an idle connection keeps, beside its stream's struct.
struct gyre__connection {
    gyre__node link; // in server->connections
    gyre_server *server;
    gyre_stream *stream;   // NULL once closed
    gyre_request *request; // under way, from its first byte on; or NULL
    gyre__out *out;        // answers not yet written; or NULL
    gyre__reader reader;   // attends while it is idle, and while a handler waits
    gyre_timer timer;      // while idle: its time is up
    gyre_task task;        // goes on with what is next
};

void gyre__connection_open(gyre_server *server, gyre_stream *stream);

// Closes the stream at once; the request under way finds out when it next asks for it.
void gyre__connection_close(gyre__connection *connection);

// Closes it and cancels the request under way.
void gyre__connection_abort(gyre__connection *connection);

// Frees it whatever its state: for a loop that is gone.
void gyre__connection_free(gyre__connection *connection);

// Room for `len` bytes behind the answers that wait, len <= GYRE__OUT_SIZE; when there is not
// enough they are sent first. 0, -ENOMEM, GYRE_ECLOSED, or why they could not be sent.
int gyre__connection_room(gyre__connection *connection, size_t len, char **room);

// Writes what waits without waiting itself: what the kernel does not take the stream keeps.
void gyre__connection_flush(gyre__connection *connection);

// Sends what waits, and `tail` behind it; the running coroutine waits while the peer does not read.
// On an error the connection is closed.
int gyre__connection_send(gyre__connection *connection, const gyre_view *tail, size_t count);

// ---- Requests ------------------------------------------------------------------------------

enum gyre__answer_state { GYRE__UNANSWERED, GYRE__STREAMING, GYRE__ANSWERED };

struct gyre_request {
    gyre__connection *connection;
    gyre_server *server;
    gyre_coro *self;    // the coroutine that answers it
    gyre__out *sending; // while it sends: what its pieces point into

    gyre__head head; // its spans count from `text` once it is accepted
    gyre__target target;
    gyre__framing framing;
    bool is_head;    // the method is HEAD
    bool keep_alive; // the connection serves another request after this one

    uint64_t left;            // of a body with a length: bytes not yet read
    gyre__chunked chunked;    // of a chunked body
    uint64_t received;        // bytes of the body so far
    gyre_time body_began;     // when it was first asked for; 0 before
    gyre__body_read *reading; // a read under way, or NULL
    int body_err;             // why it cannot be read on; 0 while it can
    bool body_done;           // it was read to its end

    enum gyre__answer_state state;
    bool bodiless;       // while STREAMING: nothing may follow the head
    bool chunked_answer; // while STREAMING: else up to the close

    // Kept while the struct is in the free list.
    gyre__buf text;  // the head's bytes, as they came
    gyre__buf body;  // what was read of it
    gyre__buf added; // fields of the answer that the handler asked for

    gyre__field items[GYRE__HEAD_LINES];
};

// Makes a request that nothing was read of; NULL: no memory.
gyre_request *gyre__request_open(gyre__connection *connection);
// Ends what is under way on its body and gives it back.
void gyre__request_close(gyre_request *request);
// Frees those of the free list.
void gyre__requests_free(gyre_server *server);

// Takes a parsed head of `len` bytes out of the stream and makes sense of it. 0, the status that
// refuses it, or -ENOMEM.
int gyre__request_accept(gyre_request *request, size_t len);

// Answers a request whose head was read in part, or makes no sense.
void gyre__request_refuse(gyre_request *request, int status);

// Runs the handler of the request's route, or answers that there is none.
void gyre__request_route(gyre_request *request);

// ---- Bodies (body.c) -----------------------------------------------------------------------

// Whether reading the rest of the body, and throwing it away, is worth it to keep the connection.
bool gyre__body_is_drainable(const gyre_request *request);

// Reads the rest of the body and throws it away. 0 or the error.
int gyre__body_drain(gyre_request *request);

// Ends the read under way, if there is one, with GYRE_ECANCELED.
void gyre__body_cancel(gyre_request *request);

// ---- Answers (reply.c) -----------------------------------------------------------------------

// The text of a status (RFC 9110 section 15); "" for one without.
gyre_view gyre__status_text(int status);

// Answers with a status and its own text as the body.
int gyre__reply_status(gyre_request *request, int status);

// Adds a field without looking at it. 0, GYRE_EHEADSIZE, -ENOMEM.
int gyre__reply_add(gyre_request *request, gyre_view name, gyre_view value);

#endif
