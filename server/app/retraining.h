/* Retraining: from the stored events to a new model file in DIR/models, and from there into the registry. What `inkling retrain` does; a
 * server runs that as a child process, so that answering never waits for it.
 *
 * Where settings and weights come from:
 *   settings_version          that model's settings, no search
 *   a budget (or fresh, or no model is live)   a search (core/search.h); budget 0: the defaults
 *   nothing said, a model is live              its settings, no search
 * Without a search training goes on from the live model's weights, if its items are the first of today's, its network has the same form, it
 * was selected with the same split, and fresh does not forbid it.
 *
 * Threads: one caller. Model files and their verdicts are written, each whole or not at all; the store is read in one snapshot that is over
 * before training begins. */
#ifndef APP_RETRAINING_H
#define APP_RETRAINING_H

#include "core/base/progress.h"
#include "server/app/app.h"
#include "server/app/settings.h"
#include "server/app/verdict.h"

/* Train on settings->data_directory. Gives the version of the file that is to go live, or that was rejected. STATUS_NOT_FOUND: no data
 * there. STATUS_INVALID: too little to learn from. STATUS_CONFLICT: progress asked to stop, nothing is left behind. STATUS_IO,
 * STATUS_CORRUPT, STATUS_NOMEM. error has the words. */
enum status retraining_run(const struct settings *settings, const struct retrain_query *query, const struct progress *progress,
                           char out_version[MODEL_VERSION_BYTES], struct error *error) MUST_CHECK;

#endif
