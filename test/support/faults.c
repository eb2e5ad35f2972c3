// The rules of faults.h; the wrappers that ask them are in wrap.c, wrap_io.c and wrap_wait.c.
//
// A rule is "call number `first` fails, and then every `period`-th (0 = no other)". Calls are
// numbered by one atomic addition each, so exactly one thread gets the number that fails. `first`
// is written last and read first: who sees it sees the rest of its rule.
#include "test/support/faults.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "test/support/real.h"
#include "test/support/test.h"

struct rule {
    _Atomic unsigned long calls;  // since fault_reset
    _Atomic unsigned long first;  // number of the call that fails; 0 = no rule
    _Atomic unsigned long period; // 0 = only that one
    _Atomic int err;
    _Atomic size_t short_bytes; // 0 = whole
};

static struct rule rules[FAULT_CALLS];
static _Atomic unsigned long hits;
static _Atomic uint64_t eintr_below; // a draw of 32 bits below this interrupts; 0 = off
static _Atomic uint64_t eintr_seed;
static _Atomic uint64_t shuffle_state; // 0 = off

static const char *const names[] = {
#define FAULT_TEXT(name, text, interruptible) text,
    FAULT_LIST(FAULT_TEXT)
#undef FAULT_TEXT
};

static const bool interruptible_calls[] = {
#define FAULT_INTERRUPTIBLE(name, text, interruptible) interruptible,
    FAULT_LIST(FAULT_INTERRUPTIBLE)
#undef FAULT_INTERRUPTIBLE
};

static const enum fault_call transfers[] = {
    FAULT_READ,    FAULT_WRITE,    FAULT_READV, FAULT_WRITEV,   FAULT_SEND,   FAULT_SENDTO,
    FAULT_SENDMSG, FAULT_SENDFILE, FAULT_RECV,  FAULT_RECVFROM, FAULT_RECVMSG};

const char *fault_name(enum fault_call call)
{
    return names[call];
}

void fault_reset(void)
{
    for (int call = 0; call < FAULT_CALLS; call++) {
        struct rule *rule = &rules[call];
        atomic_store(&rule->first, 0);
        atomic_store(&rule->calls, 0);
        atomic_store(&rule->short_bytes, 0);
    }
    atomic_store(&eintr_below, 0);
    atomic_store(&shuffle_state, 0);
    atomic_store(&hits, 0);
}

static void set_rule(enum fault_call call, unsigned long n, unsigned long period, int err)
{
    struct rule *rule = &rules[call];
    atomic_store(&rule->first, 0);
    atomic_store(&rule->period, period);
    atomic_store(&rule->err, err);
    atomic_store(&rule->first, atomic_load(&rule->calls) + n);
}

void fault_fail_nth(enum fault_call call, unsigned long n, int err)
{
    set_rule(call, n, 0, err);
}

void fault_fail_from(enum fault_call call, unsigned long n, int err)
{
    set_rule(call, n, 1, err);
}

void fault_every(enum fault_call call, unsigned long n, int err)
{
    set_rule(call, n, n, err);
}

void fault_short(enum fault_call call, size_t bytes)
{
    atomic_store(&rules[call].short_bytes, bytes);
}

void fault_short_all(size_t bytes)
{
    for (size_t i = 0; i < sizeof transfers / sizeof *transfers; i++)
        fault_short(transfers[i], bytes);
}

void fault_eintr(double probability, uint64_t seed)
{
    atomic_store(&eintr_seed, seed);
    atomic_store(&eintr_below, (uint64_t)(probability * 4294967296.0));
}

void fault_shuffle(uint64_t seed)
{
    atomic_store(&shuffle_state, seed);
}

unsigned long fault_count(enum fault_call call)
{
    return atomic_load(&rules[call].calls);
}

unsigned long fault_hit(void)
{
    return atomic_load(&hits);
}

void fault_note(void)
{
    atomic_fetch_add(&hits, 1);
}

uint64_t fault_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t fault_shuffle_seed(void)
{
    if (!atomic_load(&shuffle_state)) return 0;
    return atomic_fetch_add(&shuffle_state, 2) | 1;
}

// Drawn from the call's own number, so that other threads do not change the sequence of a call.
static bool interrupted(enum fault_call call, unsigned long number)
{
    uint64_t below = atomic_load_explicit(&eintr_below, memory_order_relaxed);
    if (!below || !interruptible_calls[call]) return false;
    uint64_t state = atomic_load(&eintr_seed) ^ (uint64_t)call << 56 ^ number;
    return fault_random(&state) >> 32 < below;
}

int fault_take(enum fault_call call)
{
    struct rule *rule = &rules[call];
    unsigned long number = atomic_fetch_add_explicit(&rule->calls, 1, memory_order_relaxed) + 1;
    int err = interrupted(call, number) ? EINTR : 0;
    unsigned long first = atomic_load_explicit(&rule->first, memory_order_acquire);
    if (first && number >= first) {
        unsigned long period = atomic_load(&rule->period);
        if (period ? (number - first) % period == 0 : number == first)
            err = atomic_load(&rule->err);
    }
    if (err) fault_note();
    return err;
}

// Only byte streams can be cut: a datagram would lose its rest, and a counter (eventfd, timerfd,
// signalfd; their st_mode has no file type) refuses a small buffer.
static bool is_byte_stream(int fd)
{
    struct stat info;
    if (fstat(fd, &info)) return false;
    if (!S_ISSOCK(info.st_mode))
        return S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode) || S_ISREG(info.st_mode);
    int type = 0;
    socklen_t len = sizeof type;
    return !real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM;
}

size_t fault_cut(enum fault_call call, int fd, size_t len)
{
    size_t most = atomic_load_explicit(&rules[call].short_bytes, memory_order_relaxed);
    if (!most || len <= most) return len;
    int saved = errno;
    bool cut = is_byte_stream(fd);
    errno = saved;
    return cut ? most : len;
}

void fault_torture(enum fault_call call, int err, int (*fn)(void *arg), void *arg)
{
    const unsigned long most = 100000; // more than any scenario makes: it does not end by itself
    for (unsigned long n = 1; n <= most; n++) {
        fault_reset();
        fault_fail_nth(call, n, err);
        int result = fn(arg);
        bool failed = fault_hit() > 0;
        fault_reset();
        if (failed) continue;
        if (result) fail_msg("no %s failed, yet the run ended with %d", names[call], result);
        print_message("%s failed %lu times in turn\n", names[call], n - 1);
        return;
    }
    fail_msg("%s still failed in run %lu", names[call], most);
}
