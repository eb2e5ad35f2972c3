// Stacks: slots in slabs of address space, guarded and reused.
//
// Design notes. A slab is 2 MiB (or one slot, if that is larger) of address space that costs
// nothing until it is touched; its slots are handed out again and again. Huge pages are refused for
// it: one touch would make 512 pages resident. The lowest page of each slot is a guard:
//
//   MADV_GUARD_INSTALL (Linux 6.13)   no mapping of its own, survives reuse and MADV_DONTNEED
//   mprotect                          two mappings each, so at most half of vm.max_map_count
//   none                              only with .unguarded_ok: a canary, checked at each suspend
//
//   base      bottom                                          top      slot's end
//     | guard  |  <--------------- grows down ------------------|  0-15 x 128 B |
//
// A free slot keeps its pages up to a bound; beyond it they are given back, the addresses kept.

#include "coro/impl.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLAB_BYTES = 2 << 20, WARM_STACKS = 256, STAGGER = 128, STAGGER_STEPS = 16 };
#define CANARY UINT64_C(0x6779726563616e61)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

struct gyre__slab {
    gyre__slab *next;
    char *base;
    size_t size;
    size_t count;
    size_t slot_size;
    gyre__stack slots[];
};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static int class_of(size_t size)
{
    int class = 0;
    while (class < STACK_CLASSES && ((size_t)SMALL_STACK << class) < size) class ++;
    return class;
}

// ---- Guards --------------------------------------------------------------------------------

static bool guard_by_advice(gyre__coros *coros, gyre__stack *stack)
{
    if (coros->no_guard_install) return false;
    if (madvise(stack->base, page_size(), MADV_GUARD_INSTALL) == 0) return true;
    coros->no_guard_install = true;
    return false;
}

static bool guard_by_mapping(gyre__coros *coros, gyre__stack *stack)
{
    if (coros->mapping_guards >= coros->mapping_guards_max) return false;
    if (mprotect(stack->base, page_size(), PROT_NONE) < 0) return false;
    coros->mapping_guards++;
    return true;
}

static uint64_t *canary_of(const gyre__stack *stack)
{
    return (uint64_t *)(void *)stack->bottom;
}

void gyre__stack_check(gyre_loop *loop, const gyre__stack *stack, const char *name)
{
    if (stack->guarded || *canary_of(stack) == CANARY) return;
    gyre__log(loop, GYRE_LOG_ERROR, "coro", "stack overflow in %s: %zu bytes", name,
              (size_t)(stack->top - stack->bottom));
    abort();
}

static int make_guard(gyre_loop *loop, gyre__stack *stack, bool unguarded_ok)
{
    gyre__coros *coros = gyre__coros_of(loop);
    if (!stack->guarded)
        stack->guarded = guard_by_advice(coros, stack) || guard_by_mapping(coros, stack);
    if (stack->guarded) return 0;
    if (!unguarded_ok) return GYRE_ENOGUARD;
    if (!coros->told_unguarded)
        gyre__log(loop, GYRE_LOG_WARN, "coro", "stacks without guard pages from here on");
    coros->told_unguarded = true;
    *canary_of(stack) = CANARY;
    return 0;
}

// ---- Slabs ---------------------------------------------------------------------------------

static char *map_bytes(size_t size)
{
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

// Newer kernels align large mappings themselves and put them side by side, where they count as one.
// Otherwise more is mapped and the ends are cut off.
static char *map_aligned(size_t size, size_t align)
{
    char *map = map_bytes(size);
    if (!map || (uintptr_t)map % align == 0) return map;
    munmap(map, size);
    size_t whole = size + align;
    map = map_bytes(whole);
    if (!map) return NULL;
    char *base = (char *)(((uintptr_t)map + align - 1) & ~(uintptr_t)(align - 1));
    if (base > map) munmap(map, (size_t)(base - map));
    munmap(base + size, whole - size - (size_t)(base - map));
    return base;
}

static void lay_out_slot(gyre__slab *slab, size_t index)
{
    gyre__stack *stack = &slab->slots[index];
    char *base = slab->base + index * slab->slot_size;
    *stack = (gyre__stack){.slab = slab, .base = base, .bottom = base + page_size()};
    stack->top = base + slab->slot_size - STAGGER * (index % STAGGER_STEPS);
}

static int add_slab(gyre_loop *loop, gyre__stack_pool *pool, size_t slot_size)
{
    const gyre_allocator *alloc = gyre__loop_allocator(loop);
    size_t size = slot_size > SLAB_BYTES ? slot_size : SLAB_BYTES;
    size_t count = size / slot_size;
    gyre__slab *slab = gyre__alloc_zero(alloc, sizeof *slab + count * sizeof *slab->slots);
    if (!slab) return -ENOMEM;
    slab->base = map_aligned(size, SLAB_BYTES);
    if (!slab->base) {
        gyre__free(alloc, slab);
        return -ENOMEM;
    }
#ifdef MADV_NOHUGEPAGE
    (void)madvise(slab->base, size, MADV_NOHUGEPAGE);
#endif
    slab->size = size;
    slab->count = count;
    slab->slot_size = slot_size;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (size_t i = count; i-- > 0;) {
        lay_out_slot(slab, i);
        slab->slots[i].cold = true;
        slab->slots[i].next = pool->free;
        pool->free = &slab->slots[i];
    }
    return 0;
}

static void unmap_slab(const gyre_allocator *alloc, gyre__slab *slab)
{
    for (size_t i = 0; i < slab->count; i++) {
        if (!slab->slots[i].ready) continue;
        gyre__forget_stack(slab->slots[i].valgrind_id);
        gyre__fiber_close(&slab->slots[i].fiber);
        gyre__renew_stack(slab->slots[i].bottom, slab->slot_size - page_size());
    }
    munmap(slab->base, slab->size);
    gyre__free(alloc, slab);
}

void gyre__stack_unmap_all(gyre_loop *loop)
{
    gyre__coros *coros = gyre__coros_of(loop);
    for (int class = 0; class < STACK_CLASSES; class ++) {
        gyre__stack_pool *pool = &coros->pools[class];
        for (gyre__slab *next, *slab = pool->slabs; slab; slab = next) {
            next = slab->next;
            unmap_slab(gyre__loop_allocator(loop), slab);
        }
        *pool = (gyre__stack_pool){0};
    }
}

// ---- Taking and giving ----------------------------------------------------------------------

static int make_ready(gyre_loop *loop, gyre__stack *stack, bool unguarded_ok)
{
    int err = make_guard(loop, stack, unguarded_ok);
    if (err) return err;
    size_t size = (size_t)(stack->base + stack->slab->slot_size - stack->bottom);
    if (stack->ready) {
        gyre__renew_stack(stack->bottom, size);
        gyre__fiber_close(&stack->fiber); // a coroutine never returns: its calls are open for ever
    } else {
        stack->valgrind_id = gyre__announce_stack(stack->bottom, size);
    }
    gyre__fiber_open(&stack->fiber, stack->bottom, size);
    stack->ready = true;
    return 0;
}

int gyre__stack_take(gyre_loop *loop, size_t size, bool unguarded_ok, gyre__stack **out)
{
    int class = class_of(size);
    if (class == STACK_CLASSES) return -EINVAL;
    gyre__stack_pool *pool = &gyre__coros_of(loop)->pools[class];
    if (!pool->free) {
        int err = add_slab(loop, pool, (size_t)SMALL_STACK << class);
        if (err) return err;
    }
    // Behind a free stack without a guard there may be one that has one.
    gyre__stack **at = &pool->free;
    int err = make_ready(loop, *at, unguarded_ok);
    while (err && (*at)->next) {
        at = &(*at)->next;
        err = make_ready(loop, *at, unguarded_ok);
    }
    if (err) return err;
    gyre__stack *stack = *at;
    *at = stack->next;
    if (!stack->cold) pool->warm_count--;
    stack->cold = false;
    *out = stack;
    return 0;
}

static void cool(gyre__stack *stack)
{
    size_t size = (size_t)(stack->base + stack->slab->slot_size - stack->bottom);
    (void)madvise(stack->bottom, size, MADV_DONTNEED);
    stack->cold = true;
}

// The newest free stacks stay warm. All warm ones lie before the cold ones.
static void trim(gyre__stack_pool *pool)
{
    size_t kept = 0;
    for (gyre__stack *stack = pool->free; stack && !stack->cold; stack = stack->next)
        if (kept++ >= WARM_STACKS) cool(stack);
    pool->warm_count = WARM_STACKS;
}

// The stack given back may be the one that runs: what is trimmed lies behind it.
void gyre__stack_give(gyre_loop *loop, gyre__stack *stack)
{
    gyre__stack_pool *pool = &gyre__coros_of(loop)->pools[class_of(stack->slab->slot_size)];
    if (pool->warm_count == 2 * WARM_STACKS) trim(pool);
    stack->next = pool->free;
    pool->free = stack;
    pool->warm_count++;
}
