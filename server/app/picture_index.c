/* A directory of chunks of atomic pointers. A dropped item points to a mark that is no vector, so that who fills does not bring it back. */
#include "server/app/picture_index.h"

#include "core/base/floats.h"
#include "core/tensors.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CHUNK_ITEMS 4096u
#define CHUNKS      (ITEMS_MAX / CHUNK_ITEMS)
#define LANES       8u

struct chunk {
    _Atomic(float *) vectors[CHUNK_ITEMS];
};

struct picture_index {
    struct epoch *epoch;
    struct picture_model *model;
    uint32_t width;
    _Atomic(struct chunk *) chunks[CHUNKS];
};

static const float mark[1];
#define DROPPED ((float *)mark) /* is never written to or freed */

static void free_vector(void *vector)
{
    free(vector);
}

enum status picture_index_create(struct picture_model *model, struct epoch *epoch, struct picture_index **out_index)
{
    struct picture_index *index = calloc(1, sizeof *index);
    if (!index)
        return STATUS_NOMEM;
    index->epoch = epoch;
    index->model = model;
    index->width = picture_model_width(model);
    *out_index = index;
    return STATUS_OK;
}

void picture_index_destroy(struct picture_index *index)
{
    if (!index)
        return;
    for (size_t c = 0; c < CHUNKS; c++) {
        struct chunk *chunk = atomic_load(&index->chunks[c]);
        for (size_t i = 0; chunk && i < CHUNK_ITEMS; i++) {
            float *vector = atomic_load(&chunk->vectors[i]);
            if (vector != DROPPED)
                free(vector);
        }
        free(chunk);
    }
    picture_model_close(index->model);
    free(index);
}

const struct picture_model *picture_index_model(const struct picture_index *index)
{
    return index->model;
}

/* --- writing --- */

static struct chunk *find_chunk(const struct picture_index *index, uint32_t item)
{
    return item < ITEMS_MAX ? atomic_load(&index->chunks[item / CHUNK_ITEMS]) : NULL;
}

static enum status make_chunk(struct picture_index *index, uint32_t item)
{
    struct chunk *expected = NULL, *chunk;
    if (item >= ITEMS_MAX)
        return STATUS_NOMEM;
    if (find_chunk(index, item))
        return STATUS_OK;
    chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return STATUS_NOMEM;
    if (!atomic_compare_exchange_strong(&index->chunks[item / CHUNK_ITEMS], &expected, chunk))
        free(chunk); /* the other writing thread was faster */
    return STATUS_OK;
}

enum status picture_index_prepare(struct picture_index *index, uint32_t item, const struct picture *picture, float **out_vector)
{
    SCOPED(memory_free) float *vector = aligned_floats(index->width);
    if (!vector)
        return STATUS_NOMEM;
    TRY(make_chunk(index, item));
    TRY(picture_index_ask(index, picture, NULL, vector));
    *out_vector = vector;
    vector = NULL;
    return STATUS_OK;
}

static void exchange_vector(struct picture_index *index, uint32_t item, float *vector)
{
    struct chunk *chunk = find_chunk(index, item);
    float *old = chunk ? atomic_exchange(&chunk->vectors[item % CHUNK_ITEMS], vector) : NULL;
    if (old && old != DROPPED)
        epoch_retire(index->epoch, old, free_vector);
}

void picture_index_publish(struct picture_index *index, uint32_t item, float *vector)
{
    exchange_vector(index, item, vector);
}

void picture_index_drop(struct picture_index *index, uint32_t item)
{
    exchange_vector(index, item, DROPPED);
}

enum status picture_index_fill(struct picture_index *index, uint32_t item, const struct picture *picture)
{
    float *vector = NULL, *expected = NULL;
    TRY(picture_index_prepare(index, item, picture, &vector));
    if (!atomic_compare_exchange_strong(&find_chunk(index, item)->vectors[item % CHUNK_ITEMS], &expected, vector))
        free(vector);
    return STATUS_OK;
}

/* --- reading --- */

static void scale_to_unit(float *vector, uint32_t width)
{
    double square = 0;
    for (uint32_t i = 0; i < width; i++)
        square += (double)vector[i] * (double)vector[i];
    float scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (uint32_t i = 0; i < width; i++)
        vector[i] *= scale;
}

enum status picture_index_ask(const struct picture_index *index, const struct picture *picture, float *probabilities, float *vector)
{
    const struct map_shape shape = picture_model_layers(index->model)->input;
    SCOPED(picture_asker_destroy) struct picture_asker *asker = NULL;
    SCOPED(memory_free) uint8_t *pixels = malloc(map_floats(shape));
    if (!pixels)
        return STATUS_NOMEM;
    TRY(picture_asker_create(index->model, 1, &asker));
    picture_fit(picture, shape.H, shape.W, shape.C, pixels);
    picture_asker_ask(asker, pixels, 1, probabilities, vector);
    if (vector)
        scale_to_unit(vector, index->width);
    return STATUS_OK;
}

const float *picture_index_vector(const struct picture_index *index, uint32_t item)
{
    struct chunk *chunk = find_chunk(index, item);
    const float *vector = chunk ? atomic_load_explicit(&chunk->vectors[item % CHUNK_ITEMS], memory_order_acquire) : NULL;
    return vector == DROPPED ? NULL : vector;
}

/* Sums in lanes, which a compiler can keep in a vector register. */
static float dot(const float *x, const float *y, uint32_t n)
{
    float sums[LANES] = {0}, sum = 0;
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (uint32_t lane = 0; lane < LANES; lane++)
            sums[lane] += x[i + lane] * y[i + lane];
    for (; i < n; i++)
        sum += x[i] * y[i];
    for (uint32_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

void picture_index_score(const struct picture_index *index, const float *vector, float scores[], uint32_t n_items)
{
    for (uint32_t item = 0; item < n_items; item++) {
        const float *other = picture_index_vector(index, item);
        scores[item] = other ? dot(vector, other, index->width) : -INFINITY;
    }
}
