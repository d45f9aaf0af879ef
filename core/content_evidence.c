/* Mixing is plain arithmetic over one item; the tables are loops over it. */
#include "core/content_evidence.h"

#include "core/base/floats.h"
#include "core/content_step.h"
#include "core/encoder_scores.h"

#include <math.h>
#include <string.h>

const float evidence_choices[EVIDENCE_CHOICES] = {0, 1, 2, 5, 10, 20};

double content_length(const float vector[], size_t C)
{
    double sum = 0;
    for (size_t c = 0; c < C; c++)
        sum += (double)vector[c] * (double)vector[c];
    return sqrt(sum);
}

void evidence_mix(const struct evidence *evidence, const float *id, float n, const float *content, float out[])
{
    size_t C = evidence->width;
    float of_content = n > 0 ? evidence->k / (n + evidence->k) : 1, scale = 1;
    double length = content ? content_length(content, C) : 0;
    if (n > 0 && !(length > 0)) {
        memmove(out, id, (C + 1) * sizeof *out);
        return;
    }
    if (n > 0)
        scale = (float)(content_length(id, C) / length);
    else if (evidence->is_tempered && length > 0)
        scale = (float)((double)evidence->length / length);
    for (size_t c = 0; c < C; c++)
        out[c] = (n > 0 ? (1 - of_content) * id[c] : 0) + of_content * scale * content[c];
    out[C] = (n > 0 ? (1 - of_content) * id[C] : 0) + of_content * content[C];
}

void content_count_events(const struct sequences *sequences, const struct type_weights *type_weights, uint32_t item_events[])
{
    for (uint64_t i = 0; i < sequences->n_events; i++)
        item_events[sequences->items[i]] += type_weights->weights[sequences->types[i]] > 0;
}

void evidence_apply(const struct evidence *evidence, const struct content_ground *ground, const uint32_t item_events[],
                    const float placed[], float out[])
{
    const struct tensors *at = &ground->encoder->tensors;
    size_t C = evidence->width;
    float id[WIDTH_MAX + 1], mixed[WIDTH_MAX + 1];
    memcpy(out, ground->weights, at->n_floats * sizeof *out);
    for (uint32_t v = 0; v < ground->encoder->shape.n_items; v++) {
        memcpy(id, ground->weights + at->items + v * C, C * sizeof *id);
        id[C] = ground->weights[at->bias + v];
        evidence_mix(evidence, id, (float)item_events[v], placed + v * (C + 1), mixed);
        memcpy(out + at->items + v * C, mixed, C * sizeof *mixed);
        out[at->bias + v] = mixed[C];
    }
}

enum status evidence_choose(const struct evidence *evidence, const struct content_ground *ground, const struct dataset *dataset,
                            const struct split *split, const uint32_t item_events[], const float placed[],
                            double out_ndcg10[EVIDENCE_CHOICES], float *out_k)
{
    SCOPED(memory_free) float *weights = aligned_floats(ground->encoder->tensors.n_floats);
    struct evidence tried = *evidence;
    double best = -1;
    if (!weights)
        return STATUS_NOMEM;
    for (size_t i = 0; i < EVIDENCE_CHOICES; i++) {
        SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
        struct method_figures figures;
        tried.k = evidence_choices[i];
        evidence_apply(&tried, ground, item_events, placed, weights);
        TRY(encoder_scores_init(&scores, ground->encoder, weights, ground->type_weights, workers_count(ground->workers)));
        TRY(evaluate_encoder(dataset, split, &scores.view, ground->workers, &figures));
        out_ndcg10[i] = figures.ndcg10;
        if (figures.ndcg10 > best) {
            best = figures.ndcg10;
            *out_k = tried.k;
        }
    }
    return STATUS_OK;
}
