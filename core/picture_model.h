/* A picture model: one immutable picture network that was trained or brought in, the categories that it names, and its file.
 *
 * File (core/safetensors.h): format "picture-network 1"; texts "facts" (layers, categories and what struct picture_facts has, JSON) and
 * "report" (JSON; the loss curve, the confusion); tensors "layer.<number from 1>.weight" and ".bias" of every convolution and dense layer,
 * in the layouts of core/layers/layers.h. Batch norms and dropout are not in it: who writes has folded them. The last layer is dense, one
 * unit a category; its inputs are the picture's vector. The version is "p" and 16 hex digits. Threads: a model is constant; any may read.
 * An asker belongs to one thread at a time. */
#ifndef CORE_PICTURE_MODEL_H
#define CORE_PICTURE_MODEL_H

#include "core/layers/layers.h"
#include "core/safetensors.h"

#define PICTURE_CATEGORIES_MAX 1024u
#define CATEGORY_MAX_BYTES     256u

struct picture_facts {
    char version[FILE_VERSION_BYTES]; /* of a model that was read */
    const char *origin;               /* "trained" here, or "imported" */
    const char *preset;               /* core/picture_network.h; "" if imported */
    const char *code_version;         /* of a model that was read */
    uint64_t seed;
    uint32_t n_pictures, n_held_out; /* trained on; judged by */
    bool is_refit;                   /* trained again on both of them: report and accuracy are of the network before that */
    uint32_t epochs;                 /* trained when the weights were kept */
    double accuracy;                 /* share of the held-out pictures named right; 0 without any */
    uint32_t n_categories;
    const char *const *categories; /* [n_categories], UTF-8 */
    const char *report;            /* a JSON object */
};

struct picture_model;

/* layers without batch norm and dropout. Gives the version. STATUS_INVALID: layers that do not end in a dense layer of n_categories units,
 * no category of two or more, a name that is empty or too long; else as file_draft_write. */
enum status picture_model_write(const char *directory, const struct picture_facts *facts, const struct layers *layers, const float *weights,
                                char out_version[FILE_VERSION_BYTES], struct error *error) MUST_CHECK;

/* Failures as file_reader_open. */
enum status picture_model_open(const char *path, struct picture_model **out_model, struct error *error) MUST_CHECK;
void picture_model_close(struct picture_model *model);
DEFINE_SCOPED(struct picture_model *, picture_model_close);

/* Borrowed from the model. */
const struct picture_facts *picture_model_facts(const struct picture_model *model);
const struct layers *picture_model_layers(const struct picture_model *model);
const float *picture_model_weights(const struct picture_model *model);
uint32_t picture_model_width(const struct picture_model *model); /* floats of a vector */

/* Append the facts as one JSON object, with version, layers and report (what the registry and GET /v1/models show). */
void picture_model_facts_write(const struct picture_model *model, struct buffer *out);

/* Asks a model about up to max_pictures at a time. Borrows the model for its life. STATUS_NOMEM. */
struct picture_asker;
enum status picture_asker_create(const struct picture_model *model, uint32_t max_pictures, struct picture_asker **out_asker) MUST_CHECK;
void picture_asker_destroy(struct picture_asker *asker);
DEFINE_SCOPED(struct picture_asker *, picture_asker_destroy);

/* pixels [n, H, W, C] of 0 to 255 as the layers' input says: probabilities [n, n_categories] and vectors [n, width]; either may be NULL. */
void picture_asker_ask(struct picture_asker *asker, const uint8_t *pixels, uint32_t n, float *probabilities, float *vectors);

#endif
