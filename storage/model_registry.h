/* The registry: which model versions exist, which one of each kind is live, and why others are not. Of a kind exactly one or no model is
 * live. */
#ifndef STORAGE_MODEL_REGISTRY_H
#define STORAGE_MODEL_REGISTRY_H

#include "storage/store.h"

enum model_kind { MODEL_BEHAVIOUR, MODEL_PICTURES, MODEL_KINDS };

extern const char *const model_kind_names[]; /* "behaviour", "pictures" */

enum model_state {
    MODEL_READY, /* may be activated */
    MODEL_LIVE,
    MODEL_DAMAGED,  /* its file was refused; reason says why */
    MODEL_REJECTED, /* whole, but worse than the live model when it was trained; reason has the figures. Only an operator activates it */
};

extern const char *const model_state_names[]; /* "ready", "live", "damaged", "rejected" */

struct stored_model {
    uint64_t number; /* 1, 2, … in order of registration */
    const char *version;
    enum model_kind kind;
    enum model_state state;
    int64_t created_at_ms;
    int64_t activated_at_ms; /* INT64_MIN: never */
    const char *facts;       /* JSON object, as model_facts_write makes it */
    const char *reason;      /* NULL: none */
};

/* number is ignored and given. STATUS_CONFLICT if the version is there. */
enum status model_registry_insert(struct store *store, const struct stored_model *model, struct error *error) MUST_CHECK;

/* Make version live and the present live model of its kind ready; whatever state it was in, and its reason, are forgotten. STATUS_NOT_FOUND. */
enum status model_registry_activate(struct store *store, const char *version, int64_t at_ms, struct error *error) MUST_CHECK;

/* STATUS_NOT_FOUND. */
enum status model_registry_mark_damaged(struct store *store, const char *version, const char *reason, struct error *error) MUST_CHECK;
enum status model_registry_mark_rejected(struct store *store, const char *version, const char *reason, struct error *error) MUST_CHECK;

/* STATUS_NOT_FOUND. */
enum status model_registry_find(struct store *store, const char *version, enum model_state *out_state, struct error *error) MUST_CHECK;

/* Visit one model, with all of its facts. STATUS_NOT_FOUND. */
enum status model_registry_read(struct store *store, const char *version,
                                enum status (*visit)(void *context, const struct stored_model *model), void *context,
                                struct error *error) MUST_CHECK;

/* The same with the live model of a kind. STATUS_NOT_FOUND: none is. */
enum status model_registry_read_live(struct store *store, enum model_kind kind,
                                     enum status (*visit)(void *context, const struct stored_model *model), void *context,
                                     struct error *error) MUST_CHECK;

/* Of all kinds, newest first. Facts come without their member "report", which is long. */
enum status model_registry_scan(struct store *store, enum status (*visit)(void *context, const struct stored_model *model), void *context,
                                struct error *error) MUST_CHECK;

#endif
