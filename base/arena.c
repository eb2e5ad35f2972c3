// Pieces cut from chunks, freed together.
//
// `at` and `limit` belong to the first chunk of the list, the only one that pieces are cut
// from. Chunks double up to LARGEST_STEP; a piece that is larger than the next chunk would be
// gets one of its own, linked behind the first so that the room left there is not lost.
#include "base/arena.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

enum { ALIGNMENT = 16, FIRST_CHUNK = 1024, LARGEST_STEP = 64 * 1024 };

struct gyre__chunk {
    _Alignas(ALIGNMENT) gyre__chunk *next;
    size_t size; // with this header; the pieces follow it
};

static_assert(sizeof(gyre__chunk) % ALIGNMENT == 0, "pieces behind the header are aligned");

void gyre__arena_init(gyre__arena *arena, const gyre_allocator *alloc)
{
    *arena = (gyre__arena){.alloc = alloc};
}

// Makes the first chunk of the list the one that pieces are cut from, all of it free.
static void open_first(gyre__arena *arena)
{
    arena->at = (char *)(arena->chunks + 1);
    arena->limit = (char *)arena->chunks + arena->chunks->size;
}

static void free_chunks(gyre__arena *arena, gyre__chunk *chunk, const gyre__chunk *except)
{
    while (chunk) {
        gyre__chunk *next = chunk->next;
        if (chunk != except) gyre__free(arena->alloc, chunk);
        chunk = next;
    }
}

void gyre__arena_free(gyre__arena *arena)
{
    free_chunks(arena, arena->chunks, NULL);
    gyre__arena_init(arena, arena->alloc);
}

void gyre__arena_reset(gyre__arena *arena)
{
    gyre__chunk *largest = arena->chunks;
    if (!largest) return;
    for (gyre__chunk *chunk = largest->next; chunk; chunk = chunk->next) {
        if (chunk->size > largest->size) largest = chunk;
    }
    free_chunks(arena, arena->chunks, largest);
    largest->next = NULL;
    arena->chunks = largest;
    arena->held = largest->size;
    open_first(arena);
}

static gyre__chunk *new_chunk(gyre__arena *arena, size_t size)
{
    gyre__chunk *chunk = gyre__alloc(arena->alloc, size);
    if (!chunk) return NULL;
    chunk->size = size;
    arena->held += size;
    return chunk;
}

static size_t next_size(const gyre__arena *arena)
{
    if (!arena->chunks) return FIRST_CHUNK;
    return arena->chunks->size < LARGEST_STEP / 2 ? arena->chunks->size * 2 : LARGEST_STEP;
}

// Another chunk for a piece of `size` bytes, a multiple of the alignment.
static void *alloc_in_new_chunk(gyre__arena *arena, size_t size)
{
    size_t step = next_size(arena);
    bool alone = arena->chunks && size > step - sizeof(gyre__chunk);
    size_t whole = size + sizeof(gyre__chunk);
    gyre__chunk *chunk = new_chunk(arena, whole > step ? whole : step);
    if (!chunk) return NULL;
    if (alone) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
        return chunk + 1;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    open_first(arena);
    arena->at += size;
    return chunk + 1;
}

void *gyre__arena_alloc(gyre__arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT - sizeof(gyre__chunk)) return NULL;
    if (size == 0) size = 1; // still a piece with an address of its own
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->chunks || size > (size_t)(arena->limit - arena->at)) {
        return alloc_in_new_chunk(arena, size);
    }
    char *piece = arena->at;
    arena->at += size;
    return piece;
}

gyre_view gyre__arena_copy(gyre__arena *arena, gyre_view text)
{
    if (text.len == 0) return GYRE_VIEW(""); // needs no memory, so it cannot fail
    gyre_view copy = {NULL, 0};
    char *piece = text.len < SIZE_MAX ? gyre__arena_alloc(arena, text.len + 1) : NULL;
    if (!piece) return copy;
    memcpy(piece, text.ptr, text.len);
    piece[text.len] = '\0';
    copy.ptr = piece;
    copy.len = text.len;
    return copy;
}
