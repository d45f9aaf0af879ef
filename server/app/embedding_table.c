/* A directory of chunks of atomic pointers. Where the writer has said that there is no vector stands a mark that is none, so that who fills
 * does not bring one back. */
#include "server/app/embedding_table.h"

#include "core/base/floats.h"
#include "core/tensors.h"

#include <stdatomic.h>
#include <stdlib.h>

#define CHUNK_ITEMS 4096u
#define CHUNKS      (ITEMS_MAX / CHUNK_ITEMS)

struct chunk {
    _Atomic(float *) vectors[CHUNK_ITEMS];
};

struct embedding_table {
    struct epoch *epoch;
    uint32_t width;
    atomic_uint count;
    _Atomic(struct chunk *) chunks[CHUNKS];
};

static const float mark[1];
#define DROPPED ((float *)mark) /* is never written to or freed */

static bool is_vector(const float *vector)
{
    return vector && vector != DROPPED;
}

enum status embedding_table_create(uint32_t width, struct epoch *epoch, struct embedding_table **out_table)
{
    struct embedding_table *table = calloc(1, sizeof *table);
    if (!table)
        return STATUS_NOMEM;
    table->epoch = epoch;
    table->width = width;
    *out_table = table;
    return STATUS_OK;
}

void embedding_table_destroy(struct embedding_table *table)
{
    if (!table)
        return;
    for (size_t c = 0; c < CHUNKS; c++) {
        struct chunk *chunk = atomic_load(&table->chunks[c]);
        for (size_t i = 0; chunk && i < CHUNK_ITEMS; i++) {
            float *vector = atomic_load(&chunk->vectors[i]);
            if (is_vector(vector))
                free(vector);
        }
        free(chunk);
    }
    free(table);
}

uint32_t embedding_table_count(const struct embedding_table *table)
{
    return atomic_load(&table->count);
}

/* The item's place, or NULL: its chunk was not made yet. */
static _Atomic(float *) *find_place(const struct embedding_table *table, uint32_t item)
{
    struct chunk *chunk = item < ITEMS_MAX ? atomic_load(&table->chunks[item / CHUNK_ITEMS]) : NULL;
    return chunk ? &chunk->vectors[item % CHUNK_ITEMS] : NULL;
}

/* --- writing --- */

enum status embedding_table_reserve(struct embedding_table *table, uint32_t item)
{
    struct chunk *expected = NULL, *chunk;
    if (item >= ITEMS_MAX)
        return STATUS_NOMEM;
    if (find_place(table, item))
        return STATUS_OK;
    chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return STATUS_NOMEM;
    if (!atomic_compare_exchange_strong(&table->chunks[item / CHUNK_ITEMS], &expected, chunk))
        free(chunk); /* the other writing thread was faster */
    return STATUS_OK;
}

enum status embedding_table_prepare(struct embedding_table *table, uint32_t item, float **out_vector)
{
    TRY(embedding_table_reserve(table, item));
    float *vector = aligned_floats(table->width);
    if (!vector)
        return STATUS_NOMEM;
    *out_vector = vector;
    return STATUS_OK;
}

static void count_change(struct embedding_table *table, const float *old, const float *vector)
{
    if (is_vector(vector) && !is_vector(old))
        atomic_fetch_add(&table->count, 1);
    else if (!is_vector(vector) && is_vector(old))
        atomic_fetch_sub(&table->count, 1);
}

void embedding_table_publish(struct embedding_table *table, uint32_t item, float *vector)
{
    float *fresh = vector ? vector : DROPPED;
    float *old = atomic_exchange(find_place(table, item), fresh);
    count_change(table, old, fresh);
    if (is_vector(old))
        epoch_retire(table->epoch, old, free);
}

float *embedding_table_fill(struct embedding_table *table, uint32_t item, const float *seen, float *vector)
{
    _Atomic(float *) *place = find_place(table, item);
    float *old = atomic_load(place);
    if (old != seen || !atomic_compare_exchange_strong(place, &old, vector))
        return vector;
    count_change(table, old, vector);
    return old;
}

/* --- reading --- */

const float *embedding_table_get(const struct embedding_table *table, uint32_t item)
{
    _Atomic(float *) *place = find_place(table, item);
    const float *vector = place ? atomic_load_explicit(place, memory_order_acquire) : NULL;
    return vector == DROPPED ? NULL : vector;
}
