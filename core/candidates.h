/* Candidates: the settings that a search tries, made from the data and from what experience says (tests/bench/RESULTS.md).
 * Pure functions. Threads: any. */
#ifndef CORE_CANDIDATES_H
#define CORE_CANDIDATES_H

#include "core/batches.h"
#include "core/training_settings.h"

#define CANDIDATES_MAX 8

struct candidate {
    struct training_settings settings;
    char words[80]; /* what it deviates in: "unit vectors, width 128" */
};

/* Up to CANDIDATES_MAX, the promising first; returns how many. The first is base with history and taps as the data wants them. */
unsigned candidates_make(const struct sequences *sequences, const struct training_settings *base, struct candidate out[CANDIDATES_MAX]);

/* Seconds that an epoch and the look at n_held_out cases behind it take on the reference machine, two cores with AVX-512 and bf16. */
double candidate_epoch_seconds(const struct sequences *sequences, uint32_t n_held_out, const struct training_settings *settings);

/* Epochs that a candidate should have at least to come near its end: fewer where an epoch has more steps. */
uint32_t candidate_epochs(const struct sequences *sequences);

/* Bytes that it keeps while others run. */
size_t candidate_bytes(const struct training_settings *settings);

#endif
