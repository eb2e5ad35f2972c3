// A byte queue in one block.
//
// Invariants: start <= end <= cap, end - start <= max, and start == end == 0 when nothing is
// held. Room behind the end is made in one of two ways, each of which costs as much as the bytes
// it copies:
//
// - to the front, when at least a quarter as many bytes were consumed as are held: every byte
//   consumed pays for at most four copied ones;
// - into a block of twice the size: every byte appended pays for at most two copied ones.
//
// So n bytes going through cost O(n) however slowly they are consumed. For that to hold in a
// full buffer as well, where doubling is out of the question, a block that would be moved too
// often may have a quarter of `max` on top of it.
#include "base/buf.h"

#include "base/alloc.h"
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SMALLEST_BLOCK = 64 };

void gyre__buf_init(gyre__buf *buf, const gyre_allocator *alloc, size_t max)
{
    *buf = (gyre__buf){.alloc = alloc, .max = max};
}

void gyre__buf_release(gyre__buf *buf)
{
    gyre__free(buf->alloc, buf->block);
    gyre__buf_init(buf, buf->alloc, buf->max);
}

// The next size of the block, at least `need` <= max and larger than now.
static size_t next_cap(const gyre__buf *buf, size_t need)
{
    if (buf->cap >= buf->max) {
        size_t slack = buf->max / 4;
        return slack > SIZE_MAX - buf->max ? SIZE_MAX : buf->max + slack;
    }
    size_t cap = SMALLEST_BLOCK;
    while (cap < need || cap <= buf->cap) {
        if (cap > SIZE_MAX / 2) return buf->max;
        cap *= 2;
    }
    return cap < buf->max ? cap : buf->max;
}

static int grow(gyre__buf *buf, size_t need)
{
    size_t cap = next_cap(buf, need);
    char *block;
    if (buf->start == 0) {
        block = gyre__realloc_array(buf->alloc, buf->block, cap, 1);
        if (!block) return -ENOMEM;
    } else { // the consumed bytes are not worth copying
        block = gyre__alloc(buf->alloc, cap);
        if (!block) return -ENOMEM;
        memcpy(block, buf->block + buf->start, gyre__buf_len(buf));
        gyre__free(buf->alloc, buf->block);
    }
    buf->end -= buf->start;
    buf->start = 0;
    buf->block = block;
    buf->cap = cap;
    return 0;
}

static void move_to_front(gyre__buf *buf)
{
    size_t len = gyre__buf_len(buf);
    memmove(buf->block, buf->block + buf->start, len);
    buf->start = 0;
    buf->end = len;
}

int gyre__buf_reserve(gyre__buf *buf, size_t want, char **room)
{
    size_t len = gyre__buf_len(buf);
    if (want > buf->max - len) return GYRE_ELIMIT;
    if (want > buf->cap - buf->end) {
        if (len + want <= buf->cap && buf->start >= len / 4) {
            move_to_front(buf);
        } else {
            int err = grow(buf, len + want);
            if (err) return err;
        }
    }
    *room = buf->block ? buf->block + buf->end : NULL;
    return 0;
}

void gyre__buf_commit(gyre__buf *buf, size_t len)
{
    assert(len <= buf->cap - buf->end && len <= buf->max - gyre__buf_len(buf));
    buf->end += len;
}

int gyre__buf_append(gyre__buf *buf, gyre_view bytes)
{
    char *room;
    int err = gyre__buf_reserve(buf, bytes.len, &room);
    if (err || bytes.len == 0) return err;
    assert(room); // only room for nothing may be nowhere
    memcpy(room, bytes.ptr, bytes.len);
    gyre__buf_commit(buf, bytes.len);
    return 0;
}

// vsnprintf(3) ends its text with a zero for which a full buffer has no room; so the text is
// made elsewhere, on the stack when it is short.
int gyre__buf_printf(gyre__buf *buf, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len < 0) return -ENOMEM; // as gyre__format: no text can be made
    gyre_view text = {small, (size_t)len};
    if (text.len < sizeof small) return gyre__buf_append(buf, text);

    if (text.len > buf->max - gyre__buf_len(buf)) return GYRE_ELIMIT;
    va_start(args, format);
    char *large = gyre__vformat(buf->alloc, format, args);
    va_end(args);
    if (!large) return -ENOMEM;
    text.ptr = large;
    int err = gyre__buf_append(buf, text);
    gyre__free(buf->alloc, large);
    return err;
}

void gyre__buf_consume(gyre__buf *buf, size_t len)
{
    assert(len <= gyre__buf_len(buf));
    buf->start += len;
    if (buf->start == buf->end) buf->start = buf->end = 0;
}
