// Random operations on a buffer and on a plain array that says what it should hold.
#include "test/support/test.h"

#include "base/buf.h"
#include "base/error.h"
#include "test/support/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX = 3000, PORTION = 700 };

typedef struct model {
    struct memory memory;
    gyre__buf buf;
    char bytes[MAX]; // what the buffer should hold
    size_t len;
    uint64_t random;
    unsigned long grown, limited, starved; // how often each happened
} model;

// xorshift64, so that a seed gives the same run everywhere.
static size_t below(model *m, size_t limit)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (size_t)(m->random % limit);
}

// Lengths are small most of the time, so that many operations pass between two limits.
static size_t portion(model *m)
{
    return below(m, below(m, 4) ? 40 : PORTION);
}

static void check(const model *m)
{
    const gyre__buf *buf = &m->buf;
    assert_true(buf->start <= buf->end && buf->end <= buf->cap);
    assert_true(buf->cap <= buf->max + buf->max / 4);
    assert_int_equal(m->memory.live_bytes, buf->cap);
    assert_int_equal(gyre__buf_len(buf), m->len);
    if (m->len) assert_memory_equal(gyre__buf_view(buf).ptr, m->bytes, m->len);
}

// Compares a result with what the model allows, and says whether `len` bytes were added.
static bool added(model *m, int err, size_t len, const gyre__buf *before)
{
    if (m->len + len > m->buf.max) {
        assert_int_equal(err, GYRE_ELIMIT);
        m->limited++;
    } else if (err) {
        assert_int_equal(err, -ENOMEM);
        m->starved++;
    }
    if (err) assert_memory_equal(&m->buf, before, sizeof *before);
    m->grown += m->buf.cap != before->cap;
    return !err;
}

static void do_append(model *m)
{
    char bytes[PORTION];
    size_t len = portion(m);
    for (size_t i = 0; i < len; i++) bytes[i] = (char)below(m, 256);
    gyre__buf before = m->buf;
    int err = gyre__buf_append(&m->buf, (gyre_view){bytes, len});
    if (!added(m, err, len, &before)) return;
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void do_reserve(model *m)
{
    size_t want = portion(m);
    char *room = NULL;
    gyre__buf before = m->buf;
    int err = gyre__buf_reserve(&m->buf, want, &room);
    if (!added(m, err, want, &before) || want == 0) return;
    memset(room, (int)below(m, 256), want);
    size_t used = below(m, want + 1);
    memcpy(m->bytes + m->len, room, used);
    gyre__buf_commit(&m->buf, used);
    m->len += used;
}

static void do_printf(model *m)
{
    char text[PORTION + 1];
    int width = (int)portion(m);
    int number = (int)below(m, 1000);
    size_t len = (size_t)snprintf(text, sizeof text, "%*d", width, number);
    gyre__buf before = m->buf;
    int err = gyre__buf_printf(&m->buf, "%*d", width, number);
    if (!added(m, err, len, &before)) return;
    memcpy(m->bytes + m->len, text, len);
    m->len += len;
}

static void do_consume(model *m)
{
    size_t len = below(m, 3) ? portion(m) : below(m, m->len + 1);
    if (len > m->len) len = m->len;
    gyre__buf_consume(&m->buf, len);
    m->len -= len;
    memmove(m->bytes, m->bytes + len, m->len);
}

static void do_release(model *m)
{
    gyre__buf_release(&m->buf);
    m->len = 0;
}

static void step(model *m)
{
    if (below(m, 10) == 0) memory_fail_nth(&m->memory, 1 + below(m, 2));
    switch (below(m, 32)) {
    case 0: do_release(m); break;
    case 1:
    case 2:
    case 3: do_printf(m); break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8: do_reserve(m); break;
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16: do_consume(m); break;
    default: do_append(m); break;
    }
    check(m);
}

static void buf_agrees_with_a_plain_array_through_random_operations(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 50, 64, 700, 1024, MAX};
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        static model m;
        memset(&m, 0, sizeof m);
        memory_open(&m.memory);
        gyre__buf_init(&m.buf, &m.memory.alloc, maxima[i]);
        m.random = 0x67797265;
        for (int n = 0; n < 20000; n++) step(&m);
        assert_true(m.grown && m.limited && m.starved); // the run went where it should
        gyre__buf_release(&m.buf);
        memory_close(&m.memory);
    }
}

TESTS(cmocka_unit_test(buf_agrees_with_a_plain_array_through_random_operations))
