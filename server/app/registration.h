/* Registration: a model file becomes a row of the registry, as its verdict says (a model of pictures has none). Shared by the service,
 * which adopts files, and by `inkling retrain` and `inkling model import` without one. Threads: the store's. */
#ifndef APP_REGISTRATION_H
#define APP_REGISTRATION_H

#include "core/model.h"
#include "server/app/verdict.h"
#include "storage/model_registry.h"

#define FACTS_BYTES (2u << 20) /* of a row, with the report; a model file's header holds less */

/* Inside a transaction: register version with the facts of its file (NULL: none, it is damaged), never as live. reason may be NULL.
 * STATUS_CONFLICT: it is there already (the same training makes the same version), and nothing was changed. */
enum status registration_add(struct store *store, const char *version, const char *facts, enum model_state state, const char *reason,
                             struct error *error) MUST_CHECK;

/* Inside a transaction: the state of a model that has just been judged and may have been registered long before. A rejected one that is
 * ready becomes rejected; a live or damaged one stays as it is. STATUS_NOT_FOUND. */
enum status registration_settle(struct store *store, const char *version, const struct verdict *verdict, struct error *error) MUST_CHECK;

/* Who makes a model live that was written into a directory. */
enum adoption {
    ADOPTED,           /* it is registered, and live if its verdict does not say otherwise */
    LEFT_TO_SERVER,    /* a server holds the directory and adopts the file by itself */
    LEFT_TO_OPERATORS, /* that server has known it before and answers by another: it must be activated there */
};

/* Register the file DIR/models/<version>: of behaviour also, if it is a refit, the selected model that it comes from; of pictures all that
 * are not registered, the oldest first. Make it live if its verdict does not say otherwise. Gives that verdict. directory is DIR, which is
 * made if it is not there. STATUS_NOT_FOUND, STATUS_CORRUPT: version has no file, or a damaged one; those of the store. */
enum status registration_adopt(const char *directory, const char *version, struct verdict *out_verdict, enum adoption *out_adoption,
                               struct error *error) MUST_CHECK;

/* The live version of a kind, "": none is. */
enum status registration_find_live(struct store *store, enum model_kind kind, char out_version[MODEL_VERSION_BYTES],
                                   struct error *error) MUST_CHECK;

/* The state in which a model with that verdict is registered. */
enum model_state registration_state(const struct verdict *verdict);

#endif
