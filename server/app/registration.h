/* Registration: a model file becomes a row of the registry. Shared by the service, which adopts files, and by `inkling retrain` without
 * one. Threads: the store's. */
#ifndef APP_REGISTRATION_H
#define APP_REGISTRATION_H

#include "core/model.h"
#include "storage/store.h"

/* Inside a transaction: register version as ready with the facts of model, or, with model = NULL, as damaged for reason. STATUS_CONFLICT:
 * it is there already (the same training makes the same version), and nothing was changed. */
enum status registration_add(struct store *store, const char *version, const struct model *model, const char *reason,
                             struct error *error) MUST_CHECK;

#endif
