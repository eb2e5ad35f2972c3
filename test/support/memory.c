// See memory.h. Each block stands behind a header that links it into the list of live ones.
#include "test/support/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/test.h"

enum { ALIVE = 0x6779, DEAD = 0x6578, FRESH = 0xa5 };

struct memory_block {
    struct memory_block *next, *prev; // live neighbours; NULL at the ends
    struct memory *owner;
    size_t size;
    unsigned long number; // of the allocation that made it
    unsigned mark;        // ALIVE or DEAD
    max_align_t bytes[];
};

static struct memory_block *block_of(struct memory *memory, void *ptr)
{
    struct memory_block *block = GYRE_CONTAINER_OF(ptr, struct memory_block, bytes);
    if (block->mark == ALIVE && block->owner == memory) return block;
    fprintf(stderr, "memory: %p is freed already or from another allocator\n", ptr);
    abort();
}

static void unlink_block(struct memory *memory, struct memory_block *block)
{
    if (block->next) block->next->prev = block->prev;
    if (block->prev)
        block->prev->next = block->next;
    else
        memory->blocks = block->next;
    memory->live_blocks--;
    memory->live_bytes -= block->size;
    block->mark = DEAD;
}

static struct memory_block *make_block(struct memory *memory, size_t size)
{
    unsigned long number = ++memory->calls;
    bool fails =
        memory->first && (number == memory->first || (memory->and_later && number > memory->first));
    struct memory_block *block = NULL;
    if (!fails && size < SIZE_MAX - sizeof *block) block = malloc(sizeof *block + size);
    if (!block) {
        memory->failed++;
        return NULL;
    }
    *block = (struct memory_block){
        .next = memory->blocks, .owner = memory, .size = size, .number = number, .mark = ALIVE};
    memset(block->bytes, FRESH, size);
    if (block->next) block->next->prev = block;
    memory->blocks = block;
    memory->live_blocks++;
    memory->live_bytes += size;
    if (memory->live_bytes > memory->peak_bytes) memory->peak_bytes = memory->live_bytes;
    return block;
}

static void *resize(void *ctx, void *ptr, size_t size)
{
    struct memory *memory = ctx;
    pthread_mutex_lock(&memory->lock);
    struct memory_block *old = ptr ? block_of(memory, ptr) : NULL;
    struct memory_block *block = size ? make_block(memory, size) : NULL;
    if (old && block) memcpy(block->bytes, old->bytes, old->size < size ? old->size : size);
    if (old && (block || !size))
        unlink_block(memory, old);
    else
        old = NULL;
    pthread_mutex_unlock(&memory->lock);
    free(old);
    return block ? block->bytes : NULL;
}

void memory_open(struct memory *memory)
{
    *memory = (struct memory){.alloc = {.resize = resize, .ctx = memory}};
    pthread_mutex_init(&memory->lock, NULL);
}

static void set_failure(struct memory *memory, unsigned long n, bool and_later)
{
    pthread_mutex_lock(&memory->lock);
    memory->first = memory->calls + n;
    memory->and_later = and_later;
    pthread_mutex_unlock(&memory->lock);
}

void memory_fail_nth(struct memory *memory, unsigned long n)
{
    set_failure(memory, n, false);
}

void memory_fail_from(struct memory *memory, unsigned long n)
{
    set_failure(memory, n, true);
}

void memory_close(struct memory *memory)
{
    for (const struct memory_block *block = memory->blocks; block; block = block->next)
        print_error("memory: left: allocation %lu, %zu bytes\n", block->number, block->size);
    pthread_mutex_destroy(&memory->lock);
    if (memory->live_blocks)
        fail_msg("%zu blocks with %zu bytes are left", memory->live_blocks, memory->live_bytes);
}

// One run; says whether an allocation failed in it.
static bool run_once(const char *name, memory_scenario *fn, void *arg, unsigned long n, bool later)
{
    struct memory memory;
    memory_open(&memory);
    set_failure(&memory, n, later);
    int err = fn(&memory.alloc, arg);
    bool failed = memory.failed > 0;
    const char *which = later ? " and all after it" : "";
    if (memory.live_blocks)
        print_error("%s: allocation %lu%s failed, error %d\n", name, n, which, err);
    memory_close(&memory);
    if (err && !failed) fail_msg("%s: no allocation failed, yet it ended with %d", name, err);
    if (err && err != -ENOMEM)
        fail_msg("%s: allocation %lu%s failed, but it ended with %d", name, n, which, err);
    return failed;
}

void memory_torture(const char *name, memory_scenario *fn, void *arg)
{
    const unsigned long most = 100000; // more than any scenario makes: it does not end by itself
    for (unsigned long n = 1; n <= most; n++) {
        bool failed = run_once(name, fn, arg, n, false);
        if (failed) {
            run_once(name, fn, arg, n, true);
            continue;
        }
        print_message("%s: %lu allocations failed in turn\n", name, n - 1);
        return;
    }
    fail_msg("%s: an allocation still failed in run %lu", name, most);
}
