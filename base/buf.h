// A growing byte queue that cannot be made without a maximum.
//
// Bytes are appended behind `end` and consumed from `start`; the block is given back when
// `gyre__buf_release` is called, so that an idle owner holds nothing. n bytes passing through
// cost O(n), in whatever portions they come and go.
//
//     block            start              end               cap
//       |--- consumed ---|===== bytes ======|----- room ------|
#ifndef GYRE_BASE_BUF_H
#define GYRE_BASE_BUF_H

#include "base/base.h"

typedef struct gyre__buf {
    const gyre_allocator *alloc;
    char *block;  // NULL while nothing is held
    size_t start; // first byte not consumed
    size_t end;   // behind the last byte
    size_t cap;   // size of the block, at most max and a quarter (see buf.c)
    size_t max;   // end - start never exceeds this
} gyre__buf;

// Makes an empty buffer that holds at most `max` bytes; allocates nothing.
void gyre__buf_init(gyre__buf *buf, const gyre_allocator *alloc, size_t max);

// Gives the block back; the buffer is empty and usable as before.
void gyre__buf_release(gyre__buf *buf);

static inline size_t gyre__buf_len(const gyre__buf *buf)
{
    return buf->end - buf->start;
}

// The bytes held. Valid until the next call that is not const.
static inline gyre_view gyre__buf_view(const gyre__buf *buf)
{
    gyre_view view = {buf->block ? buf->block + buf->start : NULL, buf->end - buf->start};
    return view;
}

// Makes room for at least `want` more bytes behind the end (moving or growing the block) and says
// in *room where it is: NULL when `want` is 0 and nothing is held. 0, GYRE_ELIMIT beyond the
// maximum, -ENOMEM; on error nothing changed.
int gyre__buf_reserve(gyre__buf *buf, size_t want, char **room);

// Counts `len` bytes written into reserved room as held, len <= what was reserved.
void gyre__buf_commit(gyre__buf *buf, size_t len);

// Appends a copy of `bytes`, which lie outside the buffer. 0, GYRE_ELIMIT or -ENOMEM; on error
// nothing changed.
int gyre__buf_append(gyre__buf *buf, gyre_view bytes);

// Appends text in the manner of printf. 0, GYRE_ELIMIT or -ENOMEM; on error nothing changed.
int gyre__buf_printf(gyre__buf *buf, const char *format, ...) GYRE_PRINTF(2, 3);

// Drops the first `len` bytes, len <= gyre__buf_len. The block stays.
void gyre__buf_consume(gyre__buf *buf, size_t len);

#endif
