/* Ready models: what was opened to answer, before it does. A file opened is one of the two kinds; the newest of many files may be both.
 * Threads: the caller's. */
#ifndef APP_READY_MODELS_H
#define APP_READY_MODELS_H

#include "server/app/service.h"

struct ready_models {
    struct live_model *behaviour; /* NULL: none */
    struct picture_index *pictures;
};

/* Read DIR/models/<version>, check that it is whole and, if it is of behaviour, that its items are this store's. *out_ready is empty
 * before. Failures as model_open and picture_model_open; STATUS_CORRUPT also: it is named or numbered otherwise. */
enum status ready_models_open(const struct app *app, const char *version, struct ready_models *out_ready, struct error *error) MUST_CHECK;
void ready_models_clear(struct ready_models *ready);
static inline void ready_models_clear_scoped(struct ready_models *ready)
{
    ready_models_clear(ready);
}

/* Put what newer has into the place of what is of its kind. Takes it. */
void ready_models_renew(struct ready_models *ready, struct ready_models *newer);

bool ready_models_any(const struct ready_models *ready);

/* What the registry keeps of the one that it is. STATUS_NOMEM, STATUS_LIMIT. */
enum status ready_models_facts(const struct ready_models *ready, struct buffer *facts, struct error *error) MUST_CHECK;

#endif
