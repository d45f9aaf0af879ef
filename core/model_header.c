/* Written and read from the same table of tensors. Metadata of safetensors are texts, so facts and settings are JSON inside JSON. */
#include "core/model_header.h"

#include "core/base/emit.h"

#include <sodium.h>
#include <string.h>

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

/* One entry of the header: where data of n_values of that kind begins and ends. columns 0: one dimension. */
static void emit_entry(struct emit *emit, const char *name, const char *kind, uint64_t rows, uint64_t columns, size_t value_bytes,
                       uint64_t *at)
{
    uint64_t n_bytes = rows * (columns ? columns : 1) * value_bytes;
    emit_open_object(emit, name);
    emit_text(emit, "dtype", kind);
    emit_open_array(emit, "shape");
    emit_integer(emit, NULL, (int64_t)rows);
    if (columns)
        emit_integer(emit, NULL, (int64_t)columns);
    emit_close_array(emit);
    emit_open_array(emit, "data_offsets");
    emit_integer(emit, NULL, (int64_t)*at);
    *at += n_bytes;
    emit_integer(emit, NULL, (int64_t)*at);
    emit_close_array(emit);
    emit_close_object(emit);
}

void facts_checksum(const char *facts, const char *settings, const char *report, char out_digits[2 * CHECKSUM_BYTES + 1])
{
    crypto_generichash_state state;
    unsigned char hash[CHECKSUM_BYTES];
    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash);
    (void)crypto_generichash_update(&state, (const unsigned char *)facts, strlen(facts) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)settings, strlen(settings) + 1);
    if (report)
        (void)crypto_generichash_update(&state, (const unsigned char *)report, strlen(report) + 1);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(out_digits, 2 * CHECKSUM_BYTES + 1, hash, sizeof hash);
}

static void emit_metadata(struct emit *emit, const struct model_facts *facts, const unsigned char checksum[CHECKSUM_BYTES])
{
    SCOPED(buffer_clear) struct buffer text;
    buffer_init(&text, HEADER_MAX_BYTES);
    model_facts_emit(facts, false, &text);
    if (text.failed) {
        emit->out->failed = true;
        return;
    }
    char digits[2 * CHECKSUM_BYTES + 1];
    sodium_bin2hex(digits, sizeof digits, checksum, CHECKSUM_BYTES);
    emit_open_object(emit, "__metadata__");
    emit_text(emit, "format", MODEL_FORMAT);
    emit_text(emit, "checksum", digits);
    facts_checksum(text.bytes, facts->settings, facts->report, digits);
    emit_text(emit, "facts_checksum", digits);
    emit_text(emit, "facts", text.bytes);
    emit_text(emit, "settings", facts->settings);
    emit_text(emit, "report", facts->report);
    emit_close_object(emit);
}

void model_header_write(const struct model_facts *facts, const struct tensors *tensors, uint64_t vocabulary_bytes,
                        const unsigned char checksum[CHECKSUM_BYTES], struct buffer *out)
{
    struct emit emit;
    uint64_t at = 0;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_metadata(&emit, facts, checksum);
    emit_entry(&emit, VOCABULARY_ENDS, "I64", facts->shape.n_items, 0, sizeof(int64_t), &at);
    for (uint32_t t = 0; t < tensors->n_tensors; t++)
        emit_entry(&emit, tensors->tensors[t].name, "F32", tensors->tensors[t].rows, tensors->tensors[t].columns, sizeof(float), &at);
    emit_entry(&emit, VOCABULARY_BYTES, "U8", vocabulary_bytes, 0, 1, &at);
    emit_close_object(&emit);
    while (!out->failed && out->n_bytes % 8)
        buffer_append(out, " ", 1);
}
