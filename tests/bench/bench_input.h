/* What the programs that train without store and server read: behaviour on standard input or from a file, and training settings as options.
 *
 * Lines are "user item item …" (time order; protocol S3) or event objects as deploy/sample has them. These are measuring tools: out of
 * memory or a broken file ends the program with code 3. Threads: one. */
#ifndef BENCH_INPUT_H
#define BENCH_INPUT_H

#include "core/base/names.h"
#include "core/dataset.h"
#include "core/trainer.h"

#include <stdio.h>

struct bench_input {
    struct names *users, *items, *types;
    uint32_t *user, *item, *type; /* [n_events] */
    int64_t *at_ms;
    uint32_t n_events, capacity;
};

/* Without events, to be filled by whoever reads another form. */
void bench_input_init(struct bench_input *input);
void bench_input_add(struct bench_input *input, const char *user, const char *item, const char *type, int64_t at_ms);

/* Init, and read source to its end. */
void bench_input_read(struct bench_input *input, FILE *source);
void bench_input_clear(struct bench_input *input);

/* All events but each user's last `drop`. Gives the dataset. */
struct dataset *bench_input_dataset(const struct bench_input *input, uint32_t drop);

/* 1 for every event type, -1 for "dislike". */
void bench_input_weights(const struct bench_input *input, struct type_weights *out_weights);

/* Take --epochs, --patience, --batch, --width, --taps, --blocks, --history, --threads, --rate, --dropout, --temperature, --seed; false:
 * none of these. */
bool bench_setting(struct training_settings *settings, const char *name, const char *value);

#endif
