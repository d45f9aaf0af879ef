/* Mixing is plain arithmetic over one item; the tables are loops over it. */
#include "core/content_evidence.h"

#include "core/base/floats.h"
#include "core/content_step.h"
#include "core/encoder_scores.h"

#include <math.h>
#include <string.h>

const float evidence_choices[EVIDENCE_CHOICES] = {0, 1, 2, 5, 10, 20};
const float evidence_shifts[EVIDENCE_SHIFTS] = {0, -0.5f, -1, -2, -4};

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
    out[C] = (n > 0 ? (1 - of_content) * id[C] : evidence->shift) + of_content * content[C];
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

/* NDCG@10 of the held-out events by the encoder with these weights. */
static enum status judge(const struct content_ground *ground, const struct dataset *dataset, const struct split *split,
                         const float *weights, double *out_ndcg10)
{
    SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
    struct method_figures figures;
    TRY(encoder_scores_init(&scores, ground->encoder, weights, ground->type_weights, workers_count(ground->workers)));
    TRY(evaluate_encoder(dataset, split, &scores.view, ground->workers, &figures));
    *out_ndcg10 = figures.ndcg10;
    return STATUS_OK;
}

enum status evidence_choose(struct evidence *evidence, const struct content_ground *ground, const struct dataset *dataset,
                            const struct split *split, const uint32_t item_events[], const float placed[],
                            struct evidence_figures *out_figures)
{
    SCOPED(memory_free) float *weights = aligned_floats(ground->encoder->tensors.n_floats);
    struct evidence tried = *evidence, best;
    struct evidence_figures figures = {.best = -1};
    if (!weights)
        return STATUS_NOMEM;
    TRY(judge(ground, dataset, split, ground->weights, &figures.ids));
    tried.k = 0;
    for (size_t i = 0; i < EVIDENCE_SHIFTS; i++) {
        tried.shift = evidence_shifts[i];
        evidence_apply(&tried, ground, item_events, placed, weights);
        TRY(judge(ground, dataset, split, weights, &figures.by_shift[i]));
        figures.best = figures.by_shift[i] > figures.best ? figures.by_shift[i] : figures.best;
    }
    size_t weakest = 0;
    while (figures.by_shift[weakest] < (1 - EVIDENCE_LOSS_MOST) * figures.best)
        weakest++;
    tried.shift = evidence_shifts[weakest];
    best = tried;
    figures.best = figures.by_choice[0] = figures.by_shift[weakest];
    for (size_t i = 1; i < EVIDENCE_CHOICES; i++) {
        tried.k = evidence_choices[i];
        evidence_apply(&tried, ground, item_events, placed, weights);
        TRY(judge(ground, dataset, split, weights, &figures.by_choice[i]));
        if (figures.by_choice[i] > figures.best) {
            figures.best = figures.by_choice[i];
            best = tried;
        }
    }
    *evidence = best;
    *out_figures = figures;
    return STATUS_OK;
}
