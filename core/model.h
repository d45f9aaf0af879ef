/* A model: one immutable trained version of the behaviour encoder, in memory, and its file.
 *
 * File: safetensors (64-bit little-endian header length, JSON header, tensors). The tensors are the network's (core/tensors.h has their table)
 * and the vocabulary (item ids in dense order, "vocabulary.bytes" U8 and "vocabulary.ends" I64). "__metadata__" holds texts only: format,
 * code version, shape, settings, seed, split, data range, metrics, neighbours weight, checksum (BLAKE2b-256 over everything behind the header),
 * facts_checksum (the same over what the header says). A model that places items by their content (core/content_placement.h) has the
 * tensors "content.…" of its tower in front of the vocabulary's bytes, and a text "content".
 * Nothing in it depends on the clock: the same data, settings and seed make the same bytes.
 * The version is "m" + 16 hex digits of the BLAKE2b hash of the whole file, so the same training has the same version.
 * Threads: a model is constant; any may read. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/item_vectors.h"
#include "core/returns.h"

#include <stdint.h>

#define MODEL_VERSION_BYTES 18 /* "m", 16 digits, NUL */

struct encoder_shape {
    uint32_t n_items;  /* V */
    uint32_t n_types;  /* rows of the type embedding */
    uint32_t width;    /* C */
    uint32_t taps;     /* K of each depthwise convolution */
    uint32_t n_blocks;
    uint32_t history;  /* T: events that the encoder sees */
    float temperature; /* 0: scores are dot products; else vectors are scaled to length 1 and scores divided by it */
};

/* The held-out figures of one method (core/evaluation.h says what they are). */
struct method_figures {
    double hr5, hr10, hr20, ndcg5, ndcg10, ndcg20, mrr5, mrr10, mrr20;
};

enum method { METHOD_POPULAR, METHOD_NEIGHBOURS, METHOD_ENCODER, METHOD_BLEND, METHODS };

extern const char *const method_names[METHODS];

/* What a state of the encoder is (core/encoder_state.h). */
struct state_shape {
    uint32_t n_floats; /* of a state */
    uint32_t n_row;    /* C: the first of them, the user's vector */
    uint32_t field;    /* a state depends on so many of its last events, on no other */
    uint32_t most;     /* events up to which advancing is cheaper than encoding anew; >= 1 */
};

/* What is known about a model besides its tensors. Texts are borrowed from the model. */
struct model_facts {
    char version[MODEL_VERSION_BYTES];
    struct encoder_shape shape;
    uint64_t seed;
    uint32_t epochs;          /* trained when the best was kept */
    uint64_t n_events;        /* trained on */
    uint32_t n_users, n_held_out;
    int64_t first_at_ms, last_at_ms; /* of the data */
    const char *split;        /* "last" or "time" */
    const char *code_version;
    float neighbours_weight;  /* chosen on held-out events */
    struct returns returns;   /* fitted on held-out events (core/returns_fit.h) */
    const char *role;             /* "selected": trained on the training part, its figures are of events that it has not seen; "refit": the same
                                     settings and steps on everything, and the figures of the selected model */
    const char *selected_version; /* of a refit: the selected model, else "" */
    struct method_figures figures[METHODS];
    const char *settings; /* JSON object, core/training_settings.h */
    const char *report;   /* JSON object: the whole evaluation, the loss curve, what the search tried, speed; "{}" if there is none */
};

struct model;

/* Read and check a whole file: magic lengths, header, every shape, checksum, vocabulary, finite numbers. STATUS_NOT_FOUND, STATUS_CORRUPT (damaged, truncated
 * or foreign, with the reason), STATUS_NOMEM, STATUS_IO. */
enum status model_open(const char *path, struct model **out_model, struct error *error) MUST_CHECK;
void model_close(struct model *model);
DEFINE_SCOPED(struct model *, model_close);

const struct model_facts *model_facts(const struct model *model);
const char *model_item_id(const struct model *model, uint32_t item); /* item < V */

/* Are the model's items the first of item_ids[n_items], under the same numbers? Else it is from other data. */
bool model_knows(const struct model *model, const char *const item_ids[], uint32_t n_items);

/* Append the facts as one JSON object (what the registry and GET /v1/models show). */
void model_facts_write(const struct model_facts *facts, struct buffer *out);

/* Bytes of workspace that model_encode needs. */
size_t model_workspace_bytes(const struct model *model);

/* out_user[C] = the state after events oldest first (items[n], types[n]; only the last `history` count). vectors: NULL, or [n], the vector
 * [C] of an item that came after the training (core/content_placement.h), NULL: none. Items >= V without a vector and types that it does
 * not know are skipped. n = 0 after skipping: returns false, there is nothing to say. workspace is 64-byte aligned. No malloc, no lock. */
bool model_encode(const struct model *model, const uint32_t items[], const float *const vectors[], const uint8_t types[], uint32_t n,
                  void *workspace, float out_user[]);

/* The same in steps (core/encoder_state.h): a state after events, n >= 1, all of them known to the model; and the state after n more events,
 * n <= most. Its first C floats are the user. False: this model has no states, use model_encode. */
bool model_state_shape(const struct model *model, struct state_shape *out_shape);
void model_state_build(const struct model *model, const uint32_t items[], const uint8_t types[], uint32_t n, void *workspace,
                       float out_state[]);
void model_state_advance(const struct model *model, const uint32_t items[], const uint8_t types[], uint32_t n, void *workspace,
                         float state[]);

/* out_scores[V] = <user, item> + bias (scaled as the shape says). */
void model_score(const struct model *model, const float user[], float out_scores[]);

/* What a score multiplies <user, item> with: 1; with a temperature 1 / (|user| temperature), and the item's vector is scaled to length 1. */
float encoder_user_scale(const struct encoder_shape *shape, const float user[]);

/* The vectors of its items, borrowed from the model. */
struct item_vectors model_item_vectors(const struct model *model);

/* out_similarities[V] = cosine of vector [C] with every item's. */
void model_similar(const struct model *model, const float vector[], float out_similarities[]);

#endif
