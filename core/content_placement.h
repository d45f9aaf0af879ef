/* Content placement: what puts items into the item space of one behaviour encoder by what they are: a trained tower, and how what it says
 * is brought to the length of the encoder's items.
 *
 * It is a part of a behaviour model (core/model.h) whose training had items with content. The items of that training stand in the model's
 * own table, already mixed by evidence (core/content_evidence.h); this is for those that come later.
 * Threads: constant, any may read; a pass (core/content_pass.h) belongs to one at a time. */
#ifndef CORE_CONTENT_PLACEMENT_H
#define CORE_CONTENT_PLACEMENT_H

#include "core/content_evidence.h"
#include "core/content_pass.h"
#include "core/model.h"

struct content_placement {
    struct content_tower tower;
    float *weights; /* [tower.n_floats], 64-byte aligned; its own */
    struct evidence evidence;
    char picture_version[MODEL_VERSION_BYTES]; /* the picture model that made the pictures' vectors; empty: the tower takes none */
};

void content_placement_clear(struct content_placement *placement); /* accepts zeros */

/* out [C + 1] = the vector and behind it the bias of an item without events; without content the vector 0 and the neutral bias. pass: one
 * of this tower's. No allocation, no lock. */
void content_placement_place(const struct content_placement *placement, struct content_pass *pass, const struct item_content *content,
                             float out[]);

/* The bias of an item of which nothing is known. */
float content_placement_neutral(const struct content_placement *placement);

/* NULL: the model has none. Borrowed from the model. */
const struct content_placement *model_placement(const struct model *model);

#endif
