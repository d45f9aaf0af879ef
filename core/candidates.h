/* Candidates: the settings that a search tries, made from the data and from what experience says (tests/bench/RESULTS.md).
 * Pure functions. Threads: any. */
#ifndef CORE_CANDIDATES_H
#define CORE_CANDIDATES_H

#include "core/sequences.h"
#include "core/training_settings.h"

#define FORMS_MAX      7
#define VARIATIONS_MAX 2

struct candidate {
    struct training_settings settings;
    char words[96]; /* what it is: "unit vectors / 0.07, width 128, 16 taps, dropout 0.5" */
};

/* What the data are like. */
struct traits {
    double reversibility; /* core/order.h */
    double drift;         /* core/drift.h; 0 if what is held out is not the newest */
};

/* Forms: networks and losses, the promising first, all with the dropout that the data suggests, and with history and taps as the data wants
 * them; the rest is as in base. Where what is liked moves all have a recency. Where the order of events tells little the second one is the
 * first with a reach. Which of them is best shows early. Returns how many. */
unsigned candidates_forms(const struct sequences *sequences, const struct traits *traits, const struct training_settings *base,
                          struct candidate out[FORMS_MAX]);

/* The same form with more and with less dropout. Which is best shows at the end only: less of it learns faster and ends lower.
 * Returns how many. */
unsigned candidates_variations(const struct training_settings *form, struct candidate out[VARIATIONS_MAX]);

/* Seconds that an epoch and the look at n_held_out cases behind it take on PLANNED_CORES cores with the kernels of this processor: reckoned
 * (core/kernels/kernels.h, softmax_gflops), not measured. */
double candidate_epoch_seconds(const struct sequences *sequences, uint32_t n_held_out, const struct training_settings *settings);

/* Epochs that a candidate should have at least to come near its end: fewer where an epoch has more steps. */
uint32_t candidate_epochs(const struct sequences *sequences);

/* Bytes that it keeps while others run. */
size_t candidate_bytes(const struct training_settings *settings);

#endif
