/* A dataset: the events of all users, each user's in time order, in flat arrays; and its split into a training and a held-out part.
 *
 * Built once (dataset_add in any order, dataset_finish), then constant. Threads: one builder; a finished dataset may be read by any.
 * Memory: 13 bytes an event and 8 a user; while it is built 17 bytes an event more (half as much again in the arrays' slack).
 *
 * Legend used throughout core: U users · V items · T time steps · N rows (packed positions) · C channels (width) · K taps ·
 * F feed-forward width. All matrices are row-major. */
#ifndef CORE_DATASET_H
#define CORE_DATASET_H

#include "core/base/status.h"
#include "core/feedback.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_TYPES_MAX 64 /* event types a store may know; type numbers are below it */

struct dataset {
    uint32_t n_users, n_items, n_types;
    uint64_t n_events;
    uint64_t *starts; /* [n_users + 1]: user u has the events [starts[u], starts[u + 1]) */
    uint32_t *items;  /* [n_events] */
    uint8_t *types;   /* [n_events] */
    int64_t *at_ms;   /* [n_events], not falling inside a user */
    int64_t first_at_ms, last_at_ms;
};

struct dataset_builder;

struct dataset_builder *dataset_builder_create(void); /* NULL on no memory */
void dataset_builder_destroy(struct dataset_builder *builder);
DEFINE_SCOPED(struct dataset_builder *, dataset_builder_destroy);

/* Add one event. Events of equal time keep the order in which they were added. STATUS_INVALID: type >= EVENT_TYPES_MAX, or user or item is
 * UINT32_MAX; STATUS_NOMEM: the event was not added, the builder is as before. */
enum status dataset_add(struct dataset_builder *builder, uint32_t user, uint32_t item, uint32_t type, int64_t at_ms) MUST_CHECK;

/* Gives the dataset; the builder is empty afterwards and may be used again. The numbers may be larger than what was added (users and items
 * without events are fine); smaller ones are STATUS_INVALID. */
enum status dataset_finish(struct dataset_builder *builder, uint32_t n_users, uint32_t n_items, uint32_t n_types,
                           struct dataset **out_dataset) MUST_CHECK;
void dataset_destroy(struct dataset *dataset);
DEFINE_SCOPED(struct dataset *, dataset_destroy);

/* What each event type is worth; core/feedback.h says what a weight means. */
struct type_weights {
    float weights[EVENT_TYPES_MAX];
};

enum split_kind {
    SPLIT_LAST, /* hold out each user's last positive event, if the user has two or more; a user with fewer is trained on whole */
    SPLIT_TIME, /* hold out the newest tenth of the events, but no more than twice as many as cases are wanted: what is not needed to judge
                 * is better learned from */
};

/* A case to judge: given the user's events [starts[user], target), rank all items for the event at index target. */
struct held_out {
    uint32_t user;
    uint64_t target; /* index into the dataset's arrays */
};

struct split {
    enum split_kind kind;
    struct type_weights weights; /* that it was made with: who judges leaves out what the user had by the same rule */
    uint64_t *train_ends;        /* [n_users]: [starts[u], train_ends[u]) is trained on, nothing behind it ever */
    struct held_out *held_out;   /* [n_held_out], positives that are judged */
    uint32_t n_held_out;
    uint64_t n_firsts, n_repeats; /* positives behind the training part of users of whom something is known, before a limit: first
                                   * interactions, which can be judged, and those with an item that the user already had, which cannot */
};

/* Gives the split. Judged is a positive event behind train_ends (with SPLIT_LAST the one at train_ends) of which two things are true:
 * something of the user is known (an earlier event that is behaviour), and it is a first interaction: the item is in no earlier behaviour
 * of that user, held out or not, because what was seen is left out of answers. Whether the item has a training event plays no
 * part: all items are candidates, and an item that is new behind the split is a case that every method loses. Of more than max_held_out
 * cases (0: no limit) that many are kept, spread evenly over the users in their order, the same every time. An empty dataset gives a split
 * without cases. STATUS_NOMEM. */
enum status dataset_split(const struct dataset *dataset, enum split_kind kind, const struct type_weights *weights, uint32_t max_held_out,
                          struct split **out_split) MUST_CHECK;
void split_destroy(struct split *split);
DEFINE_SCOPED(struct split *, split_destroy);

#endif
