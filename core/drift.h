/* Drift: how far what is liked moves with time.
 *
 * The newest tenth of the events is foretold by counts alone: once by those of the half of all other events that came just before it, once
 * by those of the older half. Drift is what the newer half is better by, as log-likelihood in nats an event; of each half P(item) =
 * (n + 1/2) / (N + V/2). About 0, also below it: it does not matter when something was liked. Threads: any. */
#ifndef CORE_DRIFT_H
#define CORE_DRIFT_H

#include "core/sequences.h"

/* Memory: 8 bytes an item for a while. Without times that differ it is 0. STATUS_NOMEM. */
enum status drift_of(const struct sequences *sequences, uint32_t n_items, double *out_drift) MUST_CHECK;

#endif
