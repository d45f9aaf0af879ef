/* A dataset with a pattern that is there to be found, and what a training needs around it. Everything aborts the test on failure. */
#ifndef TESTS_PLANTED_DATA_H
#define TESTS_PLANTED_DATA_H

#include "core/trainer.h"

#define PLANTED_ITEMS 24u

struct planted {
    struct dataset *dataset;
    struct split *split;
    const char *item_ids[PLANTED_ITEMS];
    struct training_settings settings; /* small and quick */
    char directory[64];                /* a fresh one, removed with its files by planted_clear */
};

/* n_users users; whoever was at item i goes to i · 5 + 1 (mod PLANTED_ITEMS) next, with every fourth step anywhere; each has 4 to 20
 * events, some of them impressions (weight 0) and dislikes (weight -1) of random items. */
void planted_init(struct planted *planted, uint32_t n_users);

/* The same, but whoever was at item i goes to i + 1 or to i - 1: neighbouring events could as well stand the other way round. */
void planted_init_reversible(struct planted *planted, uint32_t n_users);
void planted_clear(struct planted *planted);

/* Train into the directory; the version and the file's path (borrowed until the next call). */
const char *planted_train(const struct planted *planted, char out_version[MODEL_VERSION_BYTES]);

/* How many entries the directory has. */
unsigned planted_count_files(const struct planted *planted);

#endif
