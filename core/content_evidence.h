/* Content evidence: which vector an item has in use, between what its events and what its content say.
 *
 *   vector = (n · id + k · content) / (n + k),  the bias alike      n: the item's training events, k: events that content is worth
 *   bias += shift if n = 0                                          shift <= 0: what it is worth not to have been touched
 *
 * Without events it is the content alone, whatever k is (nothing known at all: the vector 0 and the neutral bias); with events and without
 * content, or with one that says nothing (the vector 0), the id alone; k = 0 leaves every item with events as it was.
 * Content is first brought to the length of the id, without events and with a temperature to the usual length of ids: with a temperature
 * only directions count, without one the length is what the item's own events say best, and either way vectors stay in the range that the
 * encoder knows from its input. (Beauty, dot product: so the best k is 1 and gains; with content as long as it comes it is 0.)
 * The mix stands in the place of the id vector everywhere, in scores and in the encoder's input: one table of items, and events on a new
 * item are seen too.
 * A tower learns from items that people touched, so it places one that nobody has as if somebody had; in a catalogue with many of those
 * they would crowd out what is wanted. The shift puts that right: it is the weakest that costs the held-out events next to nothing, and k the
 * best one behind it, both by evaluate_encoder, as the neighbours' weight is chosen. Threads: any for the mix. */
#ifndef CORE_CONTENT_EVIDENCE_H
#define CORE_CONTENT_EVIDENCE_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content_ground; /* core/content_step.h */
struct dataset;
struct sequences;
struct split;
struct type_weights;

#define EVIDENCE_CHOICES 6 /* 0, 1, 2, 5, 10, 20 */
extern const float evidence_choices[EVIDENCE_CHOICES];
#define EVIDENCE_SHIFTS 5 /* 0, -.5, -1, -2, -4: of a score, which is a logit */
extern const float evidence_shifts[EVIDENCE_SHIFTS];
#define EVIDENCE_LOSS_MOST 0.005 /* share of the best shift's figure that a weaker one may cost */

/* Euclidean length of vector [C]. */
double content_length(const float vector[], size_t C);

/* How an encoder's items are mixed. */
struct evidence {
    uint32_t width;   /* C */
    bool is_tempered; /* the encoder's temperature > 0 */
    float length;     /* usual length of ids, with a temperature */
    float k, shift;
};

/* out [C + 1] = the item's vector and bias in use; may be id or content. id [C + 1] or NULL without events (n = 0); content [C + 1] as
 * content_place gives it, or NULL: none; given if n = 0. No allocation, no lock. */
void evidence_mix(const struct evidence *evidence, const float *id, float n, const float *content, float out[]);

/* item_events [V] += the positive events of each item. */
void content_count_events(const struct sequences *sequences, const struct type_weights *type_weights, uint32_t item_events[]);

/* out [encoder.n_floats] = ground's weights with the items mixed; placed [V, C + 1] as content_place_all gives them. */
void evidence_apply(const struct evidence *evidence, const struct content_ground *ground, const uint32_t item_events[],
                    const float placed[], float out[]);

/* What choosing has found: NDCG@10 of the split's held-out events. */
struct evidence_figures {
    double ids;                         /* by the ids alone */
    double by_shift[EVIDENCE_SHIFTS];   /* with k = 0 */
    double by_choice[EVIDENCE_CHOICES]; /* with that shift */
    double best;                        /* what was chosen */
};

/* Choose shift, then k; among equals the smaller. evidence: the rest is given. STATUS_NOMEM. */
enum status evidence_choose(struct evidence *evidence, const struct content_ground *ground, const struct dataset *dataset,
                            const struct split *split, const uint32_t item_events[], const float placed[],
                            struct evidence_figures *out_figures) MUST_CHECK;

#endif
