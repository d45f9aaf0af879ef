/* The encoder wants a past oldest first and knows only the items and types of its training, and the newcomers where they are placed. Of a
 * user whose state is kept only what is new is encoded. What came with the question is never in a state that is kept: it is encoded behind
 * a copy. Neither is a newcomer, whose place may change with what is known of it: who touched one lately is encoded anew until the next
 * training. */
#include "server/app/encoding.h"

#include "core/tensors.h"

#include <assert.h>

#define TYPE_BITS 6u

static_assert(EVENT_TYPES_MAX <= 1u << TYPE_BITS && ITEMS_MAX <= 1u << (32 - TYPE_BITS), "an item and a type fit into one number");

/* What the model is given: items[n], types[n], and both as one number, oldest first. The last n_context are not stored. */
struct sequence {
    uint32_t *items, *inputs;
    const float **vectors; /* of newcomers, NULL: an item of the model's own; NULL: there are none */
    uint8_t *types;
    uint32_t n, n_context;
};

/* The model's stand-in for a type that came after its training: its first type of the same feedback. False: it has none. */
static bool find_model_type(const struct selection *selection, uint8_t type, float weight, uint8_t *out_type)
{
    uint32_t n_types = model_facts(selection->model)->shape.n_types;
    if (type < n_types) {
        *out_type = type;
        return true;
    }
    for (uint32_t i = 0; i < n_types && i < EVENT_TYPES_MAX; i++) {
        float candidate = atomic_load(&selection->app->type_weights[i]);
        if (feedback_of(candidate) == feedback_of(weight)) {
            *out_type = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* Can the model read the item? A newcomer's vector goes to *out_vector. */
static bool find_vector(const struct selection *selection, uint32_t item, const float **out_vector)
{
    *out_vector = NULL;
    if (item < model_facts(selection->model)->shape.n_items)
        return true;
    if (selection->newcomers)
        *out_vector = newcomers_place(selection->newcomers, item);
    return *out_vector;
}

/* The newest events that the model can read: as many as it sees, besides those that came with the question. */
static enum status turn_round(const struct selection *selection, const struct past *past, struct arena *arena, struct sequence *out,
                              struct error *error)
{
    const struct encoder_shape *shape = &model_facts(selection->model)->shape;
    uint32_t max = shape->history + past->n_context, n = 0, n_context = 0;
    uint32_t *items = arena_alloc_array(arena, max, sizeof *items), *inputs = arena_alloc_array(arena, max, sizeof *inputs);
    const float **vectors = arena_alloc_array(arena, max, sizeof *vectors);
    uint8_t *types = arena_alloc_array(arena, max, sizeof *types);
    bool has_newcomers = false;
    if (!items || !inputs || !vectors || !types)
        return fail(error, STATUS_NOMEM, "no memory for the encoder");
    for (uint32_t i = 0; i < past->n && n < max; i++) {
        uint8_t type = 0;
        const float *vector = NULL;
        if (!find_vector(selection, past->items[i], &vector) || !find_model_type(selection, past->types[i], past->weights[i], &type))
            continue;
        n++;
        n_context += i < past->n_context;
        has_newcomers = has_newcomers || vector;
        items[max - n] = past->items[i];
        vectors[max - n] = vector;
        types[max - n] = type;
        inputs[max - n] = past->items[i] << TYPE_BITS | type;
    }
    *out = (struct sequence){.items = items + max - n,
                             .inputs = inputs + max - n,
                             .vectors = has_newcomers ? vectors + max - n : NULL,
                             .types = types + max - n,
                             .n = n,
                             .n_context = n_context};
    return STATUS_OK;
}

/* --- with a state that is kept --- */

/* A state on its way to the end of a sequence. */
struct walk {
    struct encoder_cache *cache;
    struct encoder_cache_key key;
    const struct model *model;
    const struct sequence *sequence;
    void *workspace;
    float *state;
};

/* Keep the state, which is that of what is stored; but not of a user who has been erased since it was read. */
static void keep(const struct walk *walk, const struct names *users)
{
    encoder_cache_write(walk->cache, &walk->key, walk->sequence->inputs, walk->sequence->n - walk->sequence->n_context, walk->state);
    if (!names_text(users, walk->key.user))
        encoder_cache_forget(walk->cache, walk->key.user);
}

/* On by the events from - to of the sequence. */
static void advance(const struct walk *walk, uint32_t from, uint32_t to)
{
    if (to > from)
        model_state_advance(walk->model, walk->sequence->items + from, walk->sequence->types + from, to - from, walk->workspace,
                            walk->state);
}

static enum encoding_way walk_to_end(const struct walk *walk, const struct names *users)
{
    const struct sequence *sequence = walk->sequence;
    const struct state_shape *shape = walk->key.shape;
    uint32_t n = sequence->n, n_stored = n - sequence->n_context;
    uint32_t behind = encoder_cache_read(walk->cache, &walk->key, sequence->inputs, n, shape->most, walk->state);
    if (behind != ENCODER_CACHE_MISS) {
        uint32_t from = n - behind, stop = from > n_stored ? from : n_stored;
        advance(walk, from, stop);
        if (stop > from)
            keep(walk, users);
        advance(walk, stop, n);
        return behind ? ENCODING_ADVANCED : ENCODING_KEPT;
    }
    bool is_kept = n_stored && sequence->n_context <= shape->most;
    uint32_t n_built = is_kept ? n_stored : n;
    model_state_build(walk->model, sequence->items, sequence->types, n_built, walk->workspace, walk->state);
    if (is_kept)
        keep(walk, users);
    advance(walk, n_built, n);
    return ENCODING_WHOLE;
}

/* --- the call --- */

/* Does the state behind the sequence depend on a newcomer? */
static bool depends_on_newcomers(const struct sequence *sequence, const struct state_shape *shape)
{
    uint32_t n_read = sequence->n < shape->field + sequence->n_context ? sequence->n : shape->field + sequence->n_context;
    for (uint32_t i = sequence->n - n_read; sequence->vectors && i < sequence->n; i++)
        if (sequence->vectors[i])
            return true;
    return false;
}

/* out_user [C] of memory [the longer of C and a state]. */
static enum encoding_way encode(const struct selection *selection, const struct past *past, const struct sequence *sequence,
                                void *workspace, float *memory)
{
    struct app *app = selection->app;
    const struct model *model = selection->model;
    struct state_shape shape;
    if (!app->encoder_cache || past->user == NAMES_NONE || !model_state_shape(model, &shape) || depends_on_newcomers(sequence, &shape)) {
        (void)model_encode(model, sequence->items, sequence->vectors, sequence->types, sequence->n, workspace,
                           memory); /* true: n > 0 and all are known */
        return ENCODING_WHOLE;
    }
    struct walk walk = {.cache = app->encoder_cache,
                        .key = {.version = model_facts(model)->version, .shape = &shape, .user = past->user},
                        .model = model,
                        .sequence = sequence,
                        .workspace = workspace,
                        .state = memory};
    return walk_to_end(&walk, app->names[NAME_USER]);
}

static size_t memory_floats(const struct model *model)
{
    struct state_shape shape;
    return (model_state_shape(model, &shape) ? shape.n_floats : model_facts(model)->shape.width) + 16;
}

size_t encoding_scratch_bytes(const struct model *model)
{
    size_t n_events = model_facts(model)->shape.history;
    return model_workspace_bytes(model) + memory_floats(model) * sizeof(float) +
           n_events * (2 * sizeof(uint32_t) + sizeof(const float *) + 1) + 1024;
}

enum status encoding_score(struct selection *selection, const struct past *past, struct arena *arena, uint32_t *out_n, struct error *error)
{
    const struct model *model = selection->model;
    struct sequence sequence;
    *out_n = 0;
    if (!model || !past->n)
        return STATUS_OK;
    TRY(turn_round(selection, past, arena, &sequence, error));
    if (!sequence.n)
        return STATUS_OK;
    float *user = arena_alloc_array(arena, memory_floats(model), sizeof *user);
    void *workspace = arena_alloc(arena, model_workspace_bytes(model) + 64);
    if (!user || !workspace)
        return fail(error, STATUS_NOMEM, "no memory for the encoder");
    enum encoding_way way = encode(selection, past, &sequence, workspace, user);
    atomic_fetch_add_explicit(&selection->app->figures.encodings[way], 1, memory_order_relaxed);
    model_score(model, user, selection->scores);
    if (selection->newcomers)
        newcomers_score(selection->newcomers, user, selection->n_items, selection->scores);
    *out_n = selection_known(selection);
    return STATUS_OK;
}
