/* The trainer: from data and a plan to a model, in two moves.
 *
 * *Select*: search for settings if the plan has a budget (core/search.h), train on the split's training part until the held-out figure
 * stops rising, and judge all methods on the held-out events. *Refit*: with the same settings, along the same path of epochs and rates,
 * train on everything. In both a tower follows that places items by their content, if anything is known of them. Both are pure functions of
 * data, split, plan and start: the same bytes at any thread count, as long as a search does not run out of time (the report says so).
 * Loss: softmax cross-entropy over all items, or sampled (core/touched.h), at every position whose event is a positive; Adam; dropout.
 * Threads: one caller; the trainer has its workers. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "core/base/progress.h"
#include "core/evaluation.h"
#include "core/model_file.h"
#include "core/training_settings.h"

struct trainer;

/* Borrows dataset and split for its life. STATUS_INVALID: OpenBLAS computes wrong results here. STATUS_NOMEM. */
enum status trainer_create(const struct dataset *dataset, const struct split *split, unsigned n_threads, struct trainer **out_trainer,
                           struct error *error) MUST_CHECK;
void trainer_destroy(struct trainer *trainer);
DEFINE_SCOPED(struct trainer *, trainer_destroy);

struct workers *trainer_workers(struct trainer *trainer);

/* What is known of the dataset's items besides events. */
struct training_contents {
    const struct item_content *items; /* [V] */
    uint32_t picture_width;           /* P of all pictures; 0: there are none */
    const char *picture_version;      /* the picture model that made them; "" without any */
};

/* NULL, as at first: nothing is known. Borrowed for the trainer's life. Without a call to this no tower is trained (core/content_phase.h).
 */
void trainer_set_contents(struct trainer *trainer, const struct training_contents *contents);

struct training_plan {
    struct training_settings settings; /* to train with, or where a search starts */
    double budget_seconds;             /* of search, training and refit together; 0: no search */
    bool refit;                        /* will follow: a search leaves time for it */
    bool by_reckoning;                 /* the budget is kept by what is reckoned alone, the clock is not looked at */
    const struct model *start;         /* go on from its weights (same width and so on, items a beginning of the data's); NULL: from none */
};

/* A network that was trained, with what is to be said about it. */
struct trained;
void trained_destroy(struct trained *trained);
DEFINE_SCOPED(struct trained *, trained_destroy);

/* STATUS_INVALID: too little to learn from (says how many events there are), or a setting out of its limits. STATUS_CONFLICT: progress
 * asked to stop. STATUS_NOMEM. */
enum status trainer_select(struct trainer *trainer, const struct training_plan *plan, const struct progress *progress,
                           struct trained **out_trained, struct error *error) MUST_CHECK;

/* selected_version: of the selected model's file. start as in the plan. */
enum status trainer_refit(struct trainer *trainer, const struct trained *selected, const char *selected_version, const struct model *start,
                          const struct progress *progress, struct trained **out_trained, struct error *error) MUST_CHECK;

/* Texts and figures; version is empty. Good as long as trained is. */
const struct model_facts *trained_facts(const struct trained *trained);

/* How fast it was. Not in the model's file: equal training must give equal bytes. */
struct training_speed {
    uint32_t n_epochs;   /* that were trained, also those behind the best */
    double seconds;      /* of all steps, and of ranking the held-out events after each epoch */
    double flops;        /* of the products of both: training_epoch_flops, encoder_scores_flops */
    uint64_t n_examples; /* rows with a target */
    double peak_gflops;  /* what this machine's BLAS reaches on as many threads, the better of before and behind it */
};
struct training_speed trained_speed(const struct trained *trained);

/* The network as evaluation sees it, for as many workers as the trainer has. Good as long as trained is. STATUS_NOMEM. */
enum status trained_view(struct trained *trained, struct trainer *trainer, const struct encoder_view **out_view) MUST_CHECK;

/* The model's file, not written yet. Borrows trained for its life. item_ids [V] is the vocabulary. */
enum status trained_draft(const struct trained *trained, const char *const item_ids[], struct model_draft **out_draft,
                          struct error *error) MUST_CHECK;

/* The shortest way: select without a search, write the file, nothing else. Failures of both. */
enum status trainer_run(const struct dataset *dataset, const struct split *split, const char *const item_ids[],
                        const struct training_settings *settings, const char *directory, const struct progress *progress,
                        char out_version[MODEL_VERSION_BYTES], struct error *error) MUST_CHECK;

#endif
