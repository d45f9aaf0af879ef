/* Encoding: what the live model says of a past.
 * Threads: one request's; inside the epoch. All memory is the request's arena's. */
#ifndef APP_ENCODING_H
#define APP_ENCODING_H

#include "server/app/past.h"
#include "server/app/selection.h"

/* selection's scores[V of the model] = the encoder's. *out_known = false: there is no model, or it knows nothing of the past. */
enum status encoding_score(struct selection *selection, const struct past *past, struct arena *arena, bool *out_known,
                           struct error *error) MUST_CHECK;

/* What encoding_score takes of the arena at most, besides 9 bytes a context event. */
size_t encoding_scratch_bytes(const struct model *model);

#endif
