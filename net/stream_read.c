// Streams: reading from the buffer, and the public reads.
//
// Design notes. A public read is measured against the buffer; while it needs more, the stream is
// read once and it is measured again, until the kernel has nothing more: then it attends. One that
// is satisfied hands out a view; the bytes stay in the buffer, counted in `handed`, until the next
// read takes them out. If nobody took the view they are not taken out: no byte is lost to a
// consumer that went away.
//
// A search remembers where it stopped. A regular expression cannot: it is tried anew when the bytes
// have doubled and whenever the kernel has no more, so a burst costs no more than twice its length.

#include "net/impl.h"

#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <string.h>

// Smaller reads than this are not worth a call: the buffer makes room first.
enum { READ_LEAST = 4096, DELIMITER_MOST = 64 };

enum read_kind { UNTIL, UNTIL_REGEX, BYTES, SOME, UNTIL_CLOSE, INTO };

struct gyre__read {
    gyre__reader reader;
    gyre_future *future;
    gyre_stream *stream; // NULL once it is neither under way nor the one whose view is out
    enum read_kind kind;
    size_t max;     // bytes to give at most; BYTES, INTO: exactly
    size_t scanned; // UNTIL: no match begins before this; UNTIL_REGEX: length last tried
    size_t have;    // INTO: bytes in `data`
    char *data;     // INTO: the caller's
    size_t len;     // UNTIL: of the delimiter
    union {
        char delimiter[1]; // UNTIL: as long as `len`
        regex_t regex;     // UNTIL_REGEX
    } match;
};

// ---- The buffer ----------------------------------------------------------------------------

// Takes out what the last public read handed out.
static void drop_handed(gyre_stream *stream)
{
    if (stream->given) stream->given->stream = NULL;
    stream->given = NULL;
    gyre__buf_consume(&stream->in, stream->handed);
    stream->handed = 0;
}

gyre_view gyre__stream_peek(gyre_stream *stream)
{
    drop_handed(stream);
    return gyre__buf_view(&stream->in);
}

void gyre__stream_consume(gyre_stream *stream, size_t len)
{
    drop_handed(stream);
    gyre__buf_consume(&stream->in, len);
    if (stream->end) gyre__stream_maybe_tell(stream);
}

static int fill(gyre_stream *stream)
{
    char *room;
    gyre__buf *in = &stream->in;
    size_t held = gyre__buf_len(in), left = in->max - held, got;
    if (stream->end) return stream->end;
    if (left == 0) return GYRE_ELIMIT;
    if (!(stream->bits & GYRE_READABLE)) return -EAGAIN;
    int err = gyre__net_attach(stream->net, in);
    if (!err) err = gyre__buf_reserve(in, left < READ_LEAST ? left : READ_LEAST, &room);
    if (!err) {
        size_t size = in->cap - in->end;
        err = gyre__stream_pull(stream, room, size < left ? size : left, &got);
    }
    if (!err) gyre__buf_commit(in, got);
    if (gyre__buf_len(in) == 0) gyre__net_detach(stream->net, in);
    return err;
}

int gyre__stream_try_fill(gyre_stream *stream)
{
    drop_handed(stream);
    if (stream->broken) return stream->broken;
    int err = fill(stream);
    if (stream->end) gyre__stream_maybe_tell(stream);
    return err;
}

int gyre__stream_try_receive(gyre_stream *stream, void *data, size_t size, size_t *got)
{
    gyre_view held = gyre__stream_peek(stream);
    if (stream->broken) return stream->broken;
    if (held.len == 0 || !held.ptr) {
        gyre__net_detach(stream->net, &stream->in);
        int err = gyre__stream_pull(stream, data, size, got);
        if (stream->end) gyre__stream_maybe_tell(stream);
        return err;
    }
    *got = held.len < size ? held.len : size;
    memcpy(data, held.ptr, *got);
    gyre__stream_consume(stream, *got);
    return 0;
}

// ---- Measuring -----------------------------------------------------------------------------

// Each gives 0 and in *take how many bytes satisfy the read, -EAGAIN when it needs more, or
// GYRE_ELIMIT. `last`: the kernel has no more for now.

static int measure_until(gyre__read *read, gyre_view held, size_t *take)
{
    size_t from = read->scanned;
    const char *found = NULL;
    if (held.len > from)
        found = memmem(held.ptr + from, held.len - from, read->match.delimiter, read->len);
    if (found) {
        *take = (size_t)(found - held.ptr) + read->len;
        return *take <= read->max ? 0 : GYRE_ELIMIT;
    }
    if (held.len >= read->max) return GYRE_ELIMIT;
    if (held.len >= read->len) read->scanned = held.len - read->len + 1;
    return -EAGAIN;
}

static int measure_regex(gyre__read *read, gyre_view held, bool last, size_t *take)
{
    if (held.len < 2 * read->scanned && !last && held.len < read->max) return -EAGAIN;
    if (held.len > INT_MAX) return GYRE_ELIMIT; // as far as regoff_t can count
    regmatch_t found = {.rm_so = 0, .rm_eo = (regoff_t)held.len};
    read->scanned = held.len;
    if (regexec(&read->match.regex, held.len ? held.ptr : "", 1, &found, REG_STARTEND) == 0) {
        *take = (size_t)found.rm_eo;
        return *take <= read->max ? 0 : GYRE_ELIMIT;
    }
    return held.len >= read->max ? GYRE_ELIMIT : -EAGAIN;
}

static int measure_into(gyre__read *read, gyre_view held, size_t *take)
{
    size_t left = read->max - read->have;
    *take = held.len < left ? held.len : left;
    if (*take > 0 && held.ptr) memcpy(read->data + read->have, held.ptr, *take);
    read->have += *take;
    return read->have == read->max ? 0 : -EAGAIN;
}

static int measure(gyre__read *read, bool last, size_t *take)
{
    gyre_stream *stream = read->stream;
    gyre_view held = gyre__buf_view(&stream->in);
    switch (read->kind) {
    case UNTIL: return measure_until(read, held, take);
    case UNTIL_REGEX: return measure_regex(read, held, last, take);
    case INTO: return measure_into(read, held, take);
    case SOME: *take = held.len < read->max ? held.len : read->max; return *take ? 0 : -EAGAIN;
    case BYTES:
        *take = read->max;
        if (held.len >= read->max) return 0;
        return read->max > stream->in.max ? GYRE_ELIMIT : -EAGAIN;
    case UNTIL_CLOSE:
        *take = held.len;
        if (held.len > read->max) return GYRE_ELIMIT;
        return stream->end == GYRE_EEOF ? 0 : -EAGAIN;
    }
    return -EINVAL;
}

// ---- A read's life -------------------------------------------------------------------------

static void succeed(gyre__read *read, size_t take)
{
    gyre_stream *stream = read->stream;
    gyre_view held = gyre__buf_view(&stream->in);
    const gyre_view view = {take ? held.ptr : "", take};
    if (read->kind == INTO) {
        gyre__buf_consume(&stream->in, take);
        read->stream = NULL;
    } else {
        stream->handed = take;
        stream->given = read;
    }
    gyre__future_settle(read->future, 0, NULL,
                        read->kind == INTO ? (const void *)&read->have : &view);
    gyre__stream_maybe_tell(stream);
}

static void fail(gyre__read *read, int err)
{
    gyre_stream *stream = read->stream;
    read->stream = NULL;
    gyre__future_settle(read->future, err, gyre__stream_why(stream, "read from", err), NULL);
    if (err == GYRE_ELIMIT) gyre__stream_finish(stream, err);
    gyre__stream_maybe_tell(stream);
}

// Asks the kernel once for more.
static int more(gyre__read *read)
{
    gyre_stream *stream = read->stream;
    size_t got;
    if (read->kind == INTO) { // what the buffer held is in `data` already
        gyre__buf_consume(&stream->in, gyre__buf_len(&stream->in));
        gyre__net_detach(stream->net, &stream->in);
        int err = gyre__stream_pull(stream, read->data + read->have, read->max - read->have, &got);
        if (!err) read->have += got;
        return err;
    }
    // At the limit only the end satisfies a read until close: a byte more is one too many.
    char byte;
    if (read->kind == UNTIL_CLOSE && gyre__buf_len(&stream->in) == stream->in.max) {
        int err = gyre__stream_pull(stream, &byte, 1, &got);
        return err ? err : GYRE_ELIMIT;
    }
    return fill(stream);
}

static void go_on(gyre__read *read)
{
    gyre_stream *stream = read->stream;
    size_t take;
    int err;
    while ((err = measure(read, false, &take)) == -EAGAIN) {
        err = more(read);
        if (err == 0) continue;
        int late = measure(read, true, &take);
        if (late != -EAGAIN) err = late;
        break;
    }
    if (err == 0)
        succeed(read, take);
    else if (err == -EAGAIN)
        stream->reader = &read->reader;
    else
        fail(read, err);
}

static void on_ready(gyre__reader *reader, gyre_stream *stream, int err)
{
    (void)stream;
    gyre__read *read = GYRE_CONTAINER_OF(reader, gyre__read, reader);
    if (err)
        fail(read, err);
    else
        go_on(read);
}

// Puts back what had gone to the caller's memory.
static void read_cancel(gyre_future *future, void *op)
{
    gyre__read *read = op;
    gyre_stream *stream = read->stream;
    read->stream = NULL;
    gyre__stream_unattend(stream, &read->reader);
    int err = 0;
    if (read->have > 0) err = gyre__buf_append(&stream->in, (gyre_view){read->data, read->have});
    gyre__future_settle(future, GYRE_ECANCELED, NULL, NULL);
    if (err) gyre__stream_finish(stream, err);
}

static void read_describe(void *op, char *text, size_t size)
{
    gyre__read *read = op;
    if (read->stream) gyre__stream_name(read->stream, "reads from", text, size);
}

// A consumer that wants no view (gyre_await of the read alone) has its reference still; when the
// references are gone nobody took the view, as with the loser of gyre_any, and the bytes stay.
static void read_drop(void *value, void *op)
{
    (void)value;
    gyre__read *read = op;
    if (gyre__future_is_sole(read->future)) return;
    if (read->stream && read->stream->given == read) read->stream->handed = 0;
}

static void read_destroy(void *op)
{
    gyre__read *read = op;
    if (read->stream && read->stream->given == read) read->stream->given = NULL;
    if (read->kind == UNTIL_REGEX) regfree(&read->match.regex);
}

void gyre__read_forget(gyre_stream *stream)
{
    if (stream->given) stream->given->stream = NULL;
    stream->given = NULL;
}

// ---- The public reads ----------------------------------------------------------------------

static const gyre__future_ops read_ops = {
    .drop = read_drop, .cancel = read_cancel, .describe = read_describe, .destroy = read_destroy};

// A read that has not begun, or NULL when *future is settled already.
static gyre__read *open_read(gyre_stream *stream, enum read_kind kind, size_t extra,
                             gyre_future **future)
{
    const gyre_future_type *type = kind == INTO ? &gyre_size_type : &gyre_view_type;
    size_t size = offsetof(gyre__read, match) + extra;
    gyre_future *f = gyre__future_open(gyre_stream_loop(stream), type, &read_ops, size);
    *future = f;
    if (!gyre__future_is_pending(f)) return NULL;
    gyre__read *read = gyre__future_op(f);
    read->future = f;
    read->kind = kind;
    read->reader.ready = on_ready;
    return read;
}

static void refuse(gyre_stream *stream, gyre__read *read, int err, const char *why)
{
    gyre__future_settle(read->future, err, gyre__format(stream->net->alloc, "%s", why), NULL);
}

static void begin(gyre_stream *stream, gyre__read *read, size_t max)
{
    if (stream->reader) {
        refuse(stream, read, GYRE_EBUSY, "a read of this stream is under way");
        return;
    }
    drop_handed(stream);
    stream->was_read = true;
    read->stream = stream;
    read->max = max;
    if (stream->broken)
        fail(read, stream->broken);
    else
        go_on(read);
}

gyre_view_future gyre_read_until(gyre_stream *stream, gyre_view delim, size_t max)
{
    gyre_future *f;
    size_t len = delim.len <= DELIMITER_MOST ? delim.len : 0;
    gyre__read *read = open_read(stream, UNTIL, len, &f);
    if (!read) return GYRE__MAKE(gyre_view_future, f);
    read->len = len;
    if (len == 0 || max == 0) {
        refuse(stream, read, -EINVAL, "read_until: delimiter of 1 to 64 bytes, limit above 0");
    } else {
        memcpy(read->match.delimiter, delim.ptr, len);
        begin(stream, read, max);
    }
    return GYRE__MAKE(gyre_view_future, f);
}

gyre_view_future gyre_read_until_regex(gyre_stream *stream, const char *pattern, size_t max)
{
    gyre_future *f;
    gyre__read *read = open_read(stream, UNTIL_REGEX, sizeof(regex_t), &f);
    if (!read) return GYRE__MAKE(gyre_view_future, f);
    int bad = max == 0 ? REG_BADPAT : regcomp(&read->match.regex, pattern, REG_EXTENDED);
    if (bad) {
        read->kind = SOME; // there is no expression to free
        refuse(stream, read, bad == REG_ESPACE ? -ENOMEM : -EINVAL,
               "read_until_regex: no valid expression, or a limit of 0");
    } else {
        begin(stream, read, max);
    }
    return GYRE__MAKE(gyre_view_future, f);
}

static gyre_view_future begin_plain(gyre_stream *stream, enum read_kind kind, size_t max)
{
    gyre_future *f;
    gyre__read *read = open_read(stream, kind, 0, &f);
    if (read) begin(stream, read, max);
    return GYRE__MAKE(gyre_view_future, f);
}

gyre_view_future gyre_read_bytes(gyre_stream *stream, size_t n)
{
    return begin_plain(stream, BYTES, n);
}

gyre_view_future gyre_read_some(gyre_stream *stream, size_t max)
{
    gyre_future *f;
    gyre__read *read = open_read(stream, SOME, 0, &f);
    if (read && max == 0)
        refuse(stream, read, -EINVAL, "read_some of 0 bytes");
    else if (read)
        begin(stream, read, max);
    return GYRE__MAKE(gyre_view_future, f);
}

gyre_view_future gyre_read_until_close(gyre_stream *stream, size_t max)
{
    return begin_plain(stream, UNTIL_CLOSE, max);
}

gyre_size_future gyre_read_into(gyre_stream *stream, void *data, size_t n)
{
    gyre_future *f;
    gyre__read *read = open_read(stream, INTO, 0, &f);
    if (read) {
        read->data = data;
        begin(stream, read, n);
    }
    return GYRE__MAKE(gyre_size_future, f);
}
