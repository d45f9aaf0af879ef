/* Registration: a model file becomes a row of the registry, as its verdict says. Shared by the service, which adopts files, and by `inkling
 * retrain` without one. Threads: the store's. */
#ifndef APP_REGISTRATION_H
#define APP_REGISTRATION_H

#include "core/model.h"
#include "server/app/verdict.h"
#include "storage/model_registry.h"

/* Inside a transaction: register version with the facts of model (NULL: none, it is damaged), never as live. reason may be NULL.
 * STATUS_CONFLICT: it is there already (the same training makes the same version), and nothing was changed. */
enum status registration_add(struct store *store, const char *version, const struct model *model, enum model_state state,
                             const char *reason, struct error *error) MUST_CHECK;

/* Inside a transaction: the state of a model that has just been judged and may have been registered long before. A rejected one that is
 * ready becomes rejected; a live or damaged one stays as it is. STATUS_NOT_FOUND. */
enum status registration_settle(struct store *store, const char *version, const struct verdict *verdict, struct error *error) MUST_CHECK;

/* Without a service: register the file DIR/models/<version> and, if it is a refit, the selected model that it comes from; make it live if
 * its verdict does not say otherwise. Gives that verdict. A transaction of its own. Failures as model_open and of the store. */
enum status registration_adopt(struct store *store, const char *version, struct verdict *out_verdict, struct error *error) MUST_CHECK;

/* The state in which a model with that verdict is registered. */
enum model_state registration_state(const struct verdict *verdict);

#endif
