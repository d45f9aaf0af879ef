/* Blocks in a list, newest first; a piece is cut from the newest block or from a new one. */
#include "core/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_ALIGN 16u
#define LARGE_ALIGN 64u

struct block {
    struct block *next; /* older */
    size_t n_bytes;     /* usable, behind the header */
    size_t used;
};

struct arena {
    struct block *blocks;
    size_t block_bytes, max_bytes, held_bytes;
};

static char *block_start(struct block *block)
{
    return (char *)block + LARGE_ALIGN;
}

static struct block *block_create(size_t n_bytes)
{
    static_assert(sizeof(struct block) <= LARGE_ALIGN, "the header must fit in front of the first piece");
    size_t total = (n_bytes + LARGE_ALIGN + LARGE_ALIGN - 1) / LARGE_ALIGN * LARGE_ALIGN;
    struct block *block = aligned_alloc(LARGE_ALIGN, total);
    if (block)
        *block = (struct block){.n_bytes = total - LARGE_ALIGN};
    return block;
}

struct arena *arena_create(size_t block_bytes, size_t max_bytes)
{
    struct arena *arena = malloc(sizeof *arena);
    if (arena)
        *arena = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->blocks);
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t n_bytes)
{
    size_t align = n_bytes >= LARGE_ALIGN ? LARGE_ALIGN : SMALL_ALIGN;
    struct block *block = arena->blocks;
    size_t at = block ? (block->used + align - 1) / align * align : 0;
    if (!block || at > block->n_bytes || n_bytes > block->n_bytes - at) {
        size_t wanted = n_bytes > arena->block_bytes ? n_bytes : arena->block_bytes;
        if (wanted > arena->max_bytes || arena->held_bytes > arena->max_bytes - wanted)
            wanted = n_bytes; /* close to the limit: no more than is asked for */
        if (wanted > arena->max_bytes || arena->held_bytes > arena->max_bytes - wanted)
            return NULL;
        block = block_create(wanted);
        if (!block)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->held_bytes += wanted;
        at = 0;
    }
    block->used = at + n_bytes;
    return memset(block_start(block) + at, 0, n_bytes);
}

void *arena_alloc_array(struct arena *arena, size_t n_things, size_t thing_bytes)
{
    if (thing_bytes && n_things > SIZE_MAX / thing_bytes)
        return NULL;
    return arena_alloc(arena, n_things * thing_bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t n_bytes)
{
    char *copy = n_bytes < SIZE_MAX ? arena_alloc(arena, n_bytes + 1) : NULL;
    if (copy)
        memcpy(copy, text, n_bytes);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length >= 0 ? arena_alloc(arena, (size_t)length + 1) : NULL;
    if (!text)
        return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void arena_reset(struct arena *arena)
{
    if (!arena->blocks)
        return;
    struct block *oldest = arena->blocks, *previous = NULL;
    while (oldest->next) {
        previous = oldest;
        oldest = oldest->next;
    }
    if (previous) {
        previous->next = NULL;
        free_blocks(arena->blocks);
    }
    oldest->used = 0;
    arena->blocks = oldest;
    arena->held_bytes = oldest->n_bytes;
}
