/* A model is its file's content and an encoder over it, with the lengths of the item vectors computed once. */
#include "core/model.h"

#include "core/base/names.h"
#include "core/content_placement.h"
#include "core/encoder_state.h"
#include "core/model_file.h"
#include "core/model_network.h"

#include <stdlib.h>
#include <string.h>

struct model {
    struct model_content content;
    struct encoder encoder;
    float *inverse_lengths; /* [V] */
};

void model_close(struct model *model)
{
    if (!model)
        return;
    model_content_clear(&model->content);
    free(model->inverse_lengths);
    free(model);
}

static enum status measure_items(struct model *model)
{
    const struct encoder *encoder = &model->encoder;
    size_t V = encoder->shape.n_items, C = encoder->shape.width;
    SCOPED(memory_free) float *unit = calloc(C, sizeof *unit);
    model->inverse_lengths = calloc(V, sizeof *model->inverse_lengths);
    if (!unit || !model->inverse_lengths)
        return STATUS_NOMEM;
    for (size_t v = 0; v < V; v++)
        encoder->kernels->unit_forward(unit, &model->inverse_lengths[v], model->content.weights + encoder->tensors.items + v * C, 1, 1, C);
    return STATUS_OK;
}

enum status model_open(const char *path, struct model **out_model, struct error *error)
{
    SCOPED(model_close) struct model *model = calloc(1, sizeof *model);
    if (!model)
        return fail(error, STATUS_NOMEM, "no memory for a model");
    TRY(model_file_read(path, &model->content, error));
    encoder_init(&model->encoder, &model->content.header.facts.shape, kernels_fast());
    if (measure_items(model) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for a model");
    *out_model = model;
    model = NULL;
    return STATUS_OK;
}

const struct model_facts *model_facts(const struct model *model)
{
    return &model->content.header.facts;
}

const char *model_item_id(const struct model *model, uint32_t item)
{
    return names_text(model->content.names, item);
}

bool model_knows(const struct model *model, const char *const item_ids[], uint32_t n_items)
{
    uint32_t n_known = model->encoder.shape.n_items;
    bool is_same = n_known <= n_items;
    for (uint32_t item = 0; is_same && item < n_known; item++)
        is_same = strcmp(model_item_id(model, item), item_ids[item]) == 0;
    return is_same;
}

const struct encoder *model_encoder(const struct model *model)
{
    return &model->encoder;
}

const float *model_weights(const struct model *model)
{
    return model->content.weights;
}

const struct content_placement *model_placement(const struct model *model)
{
    return model->content.placement.weights ? &model->content.placement : NULL;
}

void model_facts_write(const struct model_facts *facts, struct buffer *out)
{
    model_facts_emit(facts, true, out);
}

/* The workspace: the encoder's own, then the events that are left after skipping. */
static size_t encoder_bytes(const struct model *model)
{
    return (encoder_last_bytes(&model->encoder) + 63) / 64 * 64;
}

size_t model_workspace_bytes(const struct model *model)
{
    size_t event_bytes = sizeof(const float *) + sizeof(uint32_t) + sizeof(uint8_t);
    return (encoder_bytes(model) + model->encoder.shape.history * event_bytes + 63) / 64 * 64;
}

bool model_encode(const struct model *model, const uint32_t items[], const float *const vectors[], const uint8_t types[], uint32_t n,
                  void *workspace, float out_user[])
{
    const struct encoder *encoder = &model->encoder;
    uint32_t history = encoder->shape.history, first = history;
    const float **known_vectors = (void *)((char *)workspace + encoder_bytes(model));
    uint32_t *known_items = (uint32_t *)(known_vectors + history);
    uint8_t *known_types = (uint8_t *)(known_items + history);
    while (n-- > 0 && first > 0) {
        const float *vector = vectors && items[n] >= encoder->shape.n_items ? vectors[n] : NULL;
        if ((items[n] >= encoder->shape.n_items && !vector) || types[n] >= encoder->shape.n_types)
            continue;
        known_items[--first] = items[n];
        known_vectors[first] = vector;
        known_types[first] = types[n];
    }
    if (first == history)
        return false;
    encoder_last(encoder, model->content.weights, known_items + first, vectors ? known_vectors + first : NULL, known_types + first,
                 history - first, workspace, out_user);
    return true;
}

bool model_state_shape(const struct model *model, struct state_shape *out_shape)
{
    return encoder_state_shape(&model->encoder, out_shape);
}

void model_state_build(const struct model *model, const uint32_t items[], const uint8_t types[], uint32_t n, void *workspace,
                       float out_state[])
{
    encoder_state_build(&model->encoder, model->content.weights, items, types, n, workspace, out_state);
}

void model_state_advance(const struct model *model, const uint32_t items[], const uint8_t types[], uint32_t n, void *workspace,
                         float state[])
{
    encoder_state_advance(&model->encoder, model->content.weights, items, types, n, workspace, state);
}

float encoder_user_scale(const struct encoder_shape *shape, const float user[])
{
    return shape->temperature > 0 ? inverse_length(user, shape->width) / shape->temperature : 1;
}

void model_score(const struct model *model, const float user[], float out_scores[])
{
    const struct encoder *encoder = &model->encoder;
    const float *weights = model->content.weights, *items = weights + encoder->tensors.items, *bias = weights + encoder->tensors.bias;
    const float *lengths = encoder->shape.temperature > 0 ? model->inverse_lengths : NULL;
    float scale = encoder_user_scale(&encoder->shape, user);
    encoder->kernels->score_items(out_scores, items, user, scale, lengths, bias, encoder->shape.n_items, encoder->shape.width);
}

struct item_vectors model_item_vectors(const struct model *model)
{
    const struct encoder *encoder = &model->encoder;
    return (struct item_vectors){.kernels = encoder->kernels,
                                 .vectors = model->content.weights + encoder->tensors.items,
                                 .inverse_lengths = model->inverse_lengths,
                                 .n_items = encoder->shape.n_items,
                                 .width = encoder->shape.width};
}

void model_similar(const struct model *model, const float vector[], float out_similarities[])
{
    struct item_vectors items = model_item_vectors(model);
    items.kernels->score_items(out_similarities, items.vectors, vector, inverse_length(vector, items.width), items.inverse_lengths, NULL,
                               items.n_items, items.width);
}
