/* Written and read from the same tables. Metadata of safetensors are texts, so facts and settings are JSON inside JSON. */
#include "core/model_header.h"

#include "core/base/emit.h"

#include <stddef.h>

const char *const method_names[METHODS] = {"popular", "neighbours", "encoder", "blend"};

const struct figure model_figures[FIGURES] = {
    {"hr5", offsetof(struct method_figures, hr5), false},       {"hr10", offsetof(struct method_figures, hr10), false},
    {"hr20", offsetof(struct method_figures, hr20), false},     {"ndcg5", offsetof(struct method_figures, ndcg5), false},
    {"ndcg10", offsetof(struct method_figures, ndcg10), false}, {"ndcg20", offsetof(struct method_figures, ndcg20), false},
    {"mrr5", offsetof(struct method_figures, mrr5), true},      {"mrr10", offsetof(struct method_figures, mrr10), false},
    {"mrr20", offsetof(struct method_figures, mrr20), true},
};

static void emit_shape(struct emit *emit, const struct encoder_shape *shape)
{
    emit_open_object(emit, "shape");
    emit_integer(emit, "n_items", shape->n_items);
    emit_integer(emit, "n_types", shape->n_types);
    emit_integer(emit, "width", shape->width);
    emit_integer(emit, "taps", shape->taps);
    emit_integer(emit, "n_blocks", shape->n_blocks);
    emit_integer(emit, "history", shape->history);
    emit_number(emit, "temperature", (double)shape->temperature, 9);
    emit_close_object(emit);
}

void model_facts_emit(const struct model_facts *facts, bool is_whole, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    if (is_whole)
        emit_text(&emit, "version", facts->version);
    emit_text(&emit, "role", facts->role);
    if (facts->selected_version[0])
        emit_text(&emit, "selected_version", facts->selected_version);
    emit_shape(&emit, &facts->shape);
    emit_integer(&emit, "seed", (int64_t)facts->seed);
    emit_integer(&emit, "epochs", facts->epochs);
    emit_integer(&emit, "n_events", (int64_t)facts->n_events);
    emit_integer(&emit, "n_users", facts->n_users);
    emit_integer(&emit, "n_held_out", facts->n_held_out);
    emit_integer(&emit, "first_at_ms", facts->first_at_ms);
    emit_integer(&emit, "last_at_ms", facts->last_at_ms);
    emit_text(&emit, "split", facts->split);
    emit_text(&emit, "code_version", facts->code_version);
    emit_number(&emit, "neighbours_weight", (double)facts->neighbours_weight, 9);
    emit_open_array(&emit, "returns");
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        emit_number(&emit, NULL, (double)facts->returns.weights[c], 9);
    emit_close_array(&emit);
    emit_open_object(&emit, "figures");
    for (unsigned m = 0; m < METHODS; m++) {
        emit_open_object(&emit, method_names[m]);
        for (size_t f = 0; f < FIGURES; f++)
            emit_number(&emit, model_figures[f].name,
                        *(const double *)(const void *)((const char *)&facts->figures[m] + model_figures[f].offset), 6);
        emit_close_object(&emit);
    }
    emit_close_object(&emit);
    if (is_whole) {
        emit_raw(&emit, "settings", facts->settings);
        emit_raw(&emit, "report", facts->report);
    }
    emit_close_object(&emit);
}

void placement_emit(const struct content_placement *placement, struct buffer *out)
{
    const struct content_shape *shape = &placement->tower.shape;
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "picture_version", placement->picture_version);
    emit_integer(&emit, "picture_width", shape->picture_width);
    emit_integer(&emit, "n_buckets", shape->n_buckets);
    emit_integer(&emit, "embedding", shape->embedding);
    emit_integer(&emit, "channels", shape->channels);
    emit_integer(&emit, "max_words", shape->max_words);
    emit_integer(&emit, "max_features", shape->max_features);
    emit_integer(&emit, "max_bytes", shape->max_bytes);
    emit_number(&emit, "length", (double)placement->evidence.length, 9);
    emit_number(&emit, "k", (double)placement->evidence.k, 9);
    emit_number(&emit, "shift", (double)placement->evidence.shift, 9);
    emit_close_object(&emit);
}

static void add_placement(const struct content_placement *placement, struct file_tensors *out)
{
    struct tensor table[CONTENT_TENSORS_MAX];
    unsigned n = content_tensors(&placement->tower, table);
    for (unsigned t = 0; t < n; t++)
        file_tensors_add(out, table[t].name, FILE_F32, table[t].rows, table[t].columns);
}

void model_file_tensors(const struct tensors *tensors, const struct content_placement *placement, uint32_t n_items,
                        uint64_t vocabulary_bytes, struct file_tensors *out)
{
    out->n_tensors = 0;
    file_tensors_add(out, VOCABULARY_ENDS, FILE_I64, n_items, 0);
    for (uint32_t t = 0; t < tensors->n_tensors; t++)
        file_tensors_add(out, tensors->tensors[t].name, FILE_F32, tensors->tensors[t].rows, tensors->tensors[t].columns);
    if (placement)
        add_placement(placement, out);
    file_tensors_add(out, VOCABULARY_BYTES, FILE_U8, vocabulary_bytes, 0);
}
