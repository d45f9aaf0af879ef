/* Search: settings chosen by the held-out events, by successive halving (Jamieson and Talwalkar 2016, algorithm 1).
 *
 * Forms of the network first (loss, width, taps, temperature, reach): all run a few epochs, the better half twice as far, and so on until
 * one is left. It goes on until its figures stop rising, and so do, from the start and as the budget allows, the same form with more and
 * with less dropout; those are judged at the end only, because less of it learns faster and ends lower. The best is the selected model,
 * nothing is trained twice.
 *
 * What fits into the budget is reckoned beforehand from the number of operations and the speed that the processor's kernels have on two
 * ordinary cores, never measured: the same data, plan and seed search in the same way on every machine with the same kernels. It may fill
 * SEARCH_SHARE of the budget; the rest is for judging. The clock is heeded on machines that are slower than reckoned, if the plan does not
 * forbid it, and the report says so: the rest of the plan is shortened to what it leaves, the first round as far as it may be, runs to the
 * end by up to a fifth, then forms and runs to the end are left out. Where the budget is too small for the epochs that a run should have,
 * wide forms get down to half of them before narrow ones are tried. Memory: at most SEARCH_BYTES for the candidates' weights, unless one
 * alone takes more. */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "core/base/buffer.h"
#include "core/contender.h"
#include "core/trainer.h"

#define SEARCH_BYTES ((size_t)1 << 30)
#define SEARCH_SHARE 0.97 /* of the budget, by reckoning and by the clock */

/* Run the plan (budget > 0). Gives the winner, trained to its end, and appends to out_report a JSON object: what was tried, for how long,
 * how well, what was chosen. STATUS_CONFLICT, STATUS_NOMEM. */
enum status search_run(const struct training_ground *ground, const struct training_plan *plan, const struct progress *progress,
                       struct contender *out_winner, struct buffer *out_report) MUST_CHECK;

#endif
