/* A picture model and an embedding table. */
#include "server/app/picture_index.h"

#include "core/kernels/kernels.h"
#include "server/app/embedding_table.h"

#include <math.h>
#include <stdlib.h>

struct picture_index {
    struct picture_model *model;
    struct embedding_table *vectors;
    const struct kernels *kernels;
    uint32_t width;
};

enum status picture_index_create(struct picture_model *model, struct epoch *epoch, struct picture_index **out_index)
{
    SCOPED(picture_index_destroy) struct picture_index *index = calloc(1, sizeof *index);
    if (!index)
        return STATUS_NOMEM;
    index->kernels = kernels_fast();
    index->width = picture_model_width(model);
    TRY(embedding_table_create(index->width, epoch, &index->vectors));
    index->model = model;
    *out_index = index;
    index = NULL;
    return STATUS_OK;
}

void picture_index_destroy(struct picture_index *index)
{
    if (!index)
        return;
    embedding_table_destroy(index->vectors);
    picture_model_close(index->model);
    free(index);
}

const struct picture_model *picture_index_model(const struct picture_index *index)
{
    return index->model;
}

const char *picture_index_version(const struct picture_index *index)
{
    return picture_model_facts(index->model)->version;
}

/* --- writing --- */

enum status picture_index_prepare(struct picture_index *index, uint32_t item, const struct picture *picture, float **out_vector)
{
    SCOPED(memory_free) float *vector = NULL;
    if (picture) {
        TRY(embedding_table_prepare(index->vectors, item, &vector));
        TRY(picture_index_ask(index, picture, NULL, vector));
    } else {
        TRY(embedding_table_reserve(index->vectors, item));
    }
    *out_vector = vector;
    vector = NULL;
    return STATUS_OK;
}

void picture_index_publish(struct picture_index *index, uint32_t item, float *vector)
{
    embedding_table_publish(index->vectors, item, vector);
}

enum status picture_index_fill(struct picture_index *index, uint32_t item, const struct picture *picture)
{
    float *vector = NULL;
    if (embedding_table_get(index->vectors, item))
        return STATUS_OK;
    TRY(picture_index_prepare(index, item, picture, &vector));
    free(embedding_table_fill(index->vectors, item, NULL, vector)); /* in the place of nothing: no reader has what comes back */
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
    return embedding_table_get(index->vectors, item);
}

void picture_index_score(const struct picture_index *index, const float *vector, float scores[], uint32_t n_items)
{
    for (uint32_t item = 0; item < n_items; item++) {
        const float *other = picture_index_vector(index, item);
        if (other)
            index->kernels->score_items(&scores[item], other, vector, 1, NULL, NULL, 1, index->width);
        else
            scores[item] = -INFINITY;
    }
}
