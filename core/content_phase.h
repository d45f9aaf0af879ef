/* Content phase: the second part of a training. Behind the encoder's a tower learns to place items by what is known of them
 * (core/content_training.h), and the encoder's items are mixed with what it says (core/content_evidence.h). What comes out is a placement
 * for items that come later, and other vectors for those that are there.
 *
 * A select trains on the split's training part, lets held-out items choose the epoch and held-out events the mix; if with the best one
 * the events are ranked worse than by the ids alone, by more than CONTENT_LOSS_MOST, or if fewer than CONTENT_LEAST items have both
 * content and an event, the model goes without. The refit repeats what the selected model has, on everything. Going on from a model with a
 * tower of the same shape and the same pictures, it starts from that tower and takes a quarter of the epochs.
 * A tower takes no more epochs than the settings allow the encoder, and no more than CONTENT_SHARE of a budget is reckoned to be enough
 * for. The same bytes at any number of threads.
 * Threads: one caller, which brings the workers. The trainer's own piece. */
#ifndef CORE_CONTENT_PHASE_H
#define CORE_CONTENT_PHASE_H

#include "core/trained.h"

#define CONTENT_SHARE     0.25 /* of a budget: the tower's and its refit's */
#define CONTENT_LEAST     50u
#define CONTENT_LOSS_MOST 0.01

/* What a plan's budget leaves for the tower and its refit, if there will be one: as many seconds as they are reckoned to take, but
 * no more than CONTENT_SHARE. 0: there is no budget, or nothing is known of the items. */
double content_phase_seconds(const struct training_ground *ground, const struct training_plan *plan);

/* trained: a network whose report is open. Gives it a placement, and an object "content" in its report; or nothing. start: of the model
 * that the network went on from; may be NULL. most_seconds: of the tower's training, 0: as many as it takes. progress: told of "content"
 * and "placing". STATUS_CONFLICT: progress asked to stop; STATUS_NOMEM. */
enum status content_phase_select(struct trained *trained, const struct training_ground *ground, const struct content_placement *start,
                                 double most_seconds, const struct progress *progress, struct error *error) MUST_CHECK;
enum status content_phase_refit(struct trained *trained, const struct trained *selected, const struct training_ground *ground,
                                const struct content_placement *start, const struct progress *progress, struct error *error) MUST_CHECK;

#endif
