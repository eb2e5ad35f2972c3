// An allocator that counts, and fails the allocations that a test tells it to.
//
// Every block moves when it is resized, so that a pointer kept across a resize is stale for ASan
// to see; new bytes hold a pattern. Freeing a block twice, or one of another allocator, aborts.
// Thread: any; one lock.
#ifndef TEST_SUPPORT_MEMORY_H
#define TEST_SUPPORT_MEMORY_H

#include <pthread.h>

#include "base/base.h"

struct memory_block;

struct memory {
    gyre_allocator alloc;        // what goes into the library's options
    pthread_mutex_t lock;        // guards everything below
    struct memory_block *blocks; // live ones, newest first
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    unsigned long calls;  // allocations and resizes, failed ones included; not frees
    unsigned long failed; // of these
    unsigned long first;  // number of the call that fails; 0 = none
    bool and_later;       // so do all after it
};

// Makes an allocator with nothing live and no failures. It allocates nothing itself.
void memory_open(struct memory *memory);

// The n-th allocation from now (1 = the next) fails, once.
void memory_fail_nth(struct memory *memory, unsigned long n);

// The n-th allocation from now and every later one fail.
void memory_fail_from(struct memory *memory, unsigned long n);

// Fails the test when a block is left, naming the allocations by number and size.
void memory_close(struct memory *memory);

// Runs `fn(alloc, arg)` with the 1st, 2nd, ... allocation failing, alone and with all after it,
// until a run in which none failed. `fn` ends with 0 or an error. Fails the test when a block is
// left after a run, when a run with a failure ends with anything but 0 or -ENOMEM, when the clean
// run does not end with 0. Prints how many allocations were failed.
#define MEMORY_TORTURE(fn, arg) memory_torture(#fn, fn, arg)

typedef int memory_scenario(const gyre_allocator *alloc, void *arg);
void memory_torture(const char *name, memory_scenario *fn, void *arg);

#endif
