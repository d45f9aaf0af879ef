/* Retraining of the picture network: from the stored pictures and categories to a new file in DIR/models. What
 * `inkling retrain --only pictures` does.
 *
 * The model that goes live is the refit of core/picture_training.h, trained on all pictures; its accuracy, its categories' figures and its
 * curve are of the network that had not seen the held-out ones. registration_adopt makes it live. Threads: one caller. */
#ifndef APP_PICTURE_RETRAINING_H
#define APP_PICTURE_RETRAINING_H

#include "core/base/progress.h"
#include "core/picture_model.h"
#include "core/picture_network.h"

struct picture_query {
    enum picture_preset preset;
    uint32_t epochs; /* 0: the preset's */
    uint64_t seed;
    unsigned n_threads; /* 0: all processors */
    bool no_refit;      /* the network that was judged goes live as it is */
};

/* STATUS_NOT_FOUND: no data there; STATUS_INVALID: too little to learn from; STATUS_CONFLICT: progress asked to stop, nothing is left
 * behind; STATUS_IO, STATUS_CORRUPT, STATUS_NOMEM, STATUS_LIMIT. error has the words. */
enum status picture_retraining_run(const char *directory, const struct picture_query *query, const struct progress *progress,
                                   char out_version[FILE_VERSION_BYTES], struct error *error) MUST_CHECK;

#endif
