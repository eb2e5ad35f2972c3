// Memory for one object with many parts: allocated piece by piece, freed at once.
//
// Pieces come from chunks that double, up to 64 KiB; a chunk never moves, so views into it stay
// valid until the arena is freed or reset.
#ifndef GYRE_BASE_ARENA_H
#define GYRE_BASE_ARENA_H

#include "base/base.h"

typedef struct gyre__chunk gyre__chunk;

typedef struct gyre__arena {
    const gyre_allocator *alloc;
    gyre__chunk *chunks; // pieces are cut from the first; NULL while nothing is held
    char *at;            // next free byte of the first chunk
    char *limit;         // its end
    size_t held;         // bytes of all chunks, with their headers
} gyre__arena;

// Makes an empty arena; allocates nothing.
void gyre__arena_init(gyre__arena *arena, const gyre_allocator *alloc);

// Frees every piece. The arena is empty and usable as before.
void gyre__arena_free(gyre__arena *arena);

// Forgets every piece but keeps the largest chunk for what comes next.
void gyre__arena_reset(gyre__arena *arena);

// `size` bytes at a multiple of 16, not cleared; NULL when there are none. Each piece has an
// address of its own, also one of 0 bytes.
void *gyre__arena_alloc(gyre__arena *arena, size_t size);

// A zero-terminated copy (the zero is not counted); {NULL, 0} when there is no memory and
// `text` is not empty. The copy of an empty view is a valid empty text.
gyre_view gyre__arena_copy(gyre__arena *arena, gyre_view text);

#endif
