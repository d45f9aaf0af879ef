/* The facts go in as the JSON that GET /v1/models shows. */
#include "server/app/registration.h"

#include "core/base/clock.h"
#include "storage/model_registry.h"

#define FACTS_BYTES 65536u

enum status registration_add(struct store *store, const char *version, const struct model *model, const char *reason, struct error *error)
{
    SCOPED(buffer_clear) struct buffer facts;
    buffer_init(&facts, FACTS_BYTES);
    if (model)
        model_facts_write(model_facts(model), &facts);
    TRY(buffer_finish(&facts, error));
    struct stored_model row = {.version = version, .created_at_ms = clock_now_ms(), .activated_at_ms = INT64_MIN, .reason = reason};
    row.facts = model ? facts.bytes : "{}";
    row.state = model ? MODEL_READY : MODEL_DAMAGED;
    return model_registry_insert(store, &row, error);
}
