/* A model is its file's content; an asker is a pass of layers over it. */
#include "core/picture_model.h"

#include "core/base/floats.h"
#include "core/base/node.h"
#include "core/kernels/maps.h"
#include "core/layers/layer_pass.h"
#include "core/picture_file.h"
#include "core/picture_training.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 16384u
#define ARENA_MAX_BYTES   (16u << 20)

struct picture_model {
    struct picture_facts facts;
    struct layers layers;
    float *weights; /* [layers.n_floats] */
    char *report;
    struct arena *arena; /* of the facts' texts */
};

void picture_model_close(struct picture_model *model)
{
    if (!model)
        return;
    arena_destroy(model->arena);
    free(model->report);
    free(model->weights);
    free(model);
}

/* --- the file --- */

static enum status check_facts(const struct picture_facts *facts, const struct layers *layers, struct error *error)
{
    const char *fault = picture_layers_fault(layers, facts->n_categories);
    if (fault)
        return fail(error, STATUS_INVALID, "not a network of pictures: %s", fault);
    if (facts->n_categories < 2 || facts->n_categories > PICTURE_CATEGORIES_MAX)
        return fail(error, STATUS_INVALID, "%u categories; 2 to %u are possible", facts->n_categories, PICTURE_CATEGORIES_MAX);
    for (uint32_t c = 0; c < facts->n_categories; c++)
        if (!facts->categories[c][0] || strlen(facts->categories[c]) > CATEGORY_MAX_BYTES)
            return fail(error, STATUS_INVALID, "category %u has a name of %zu bytes; 1 to %u are possible", c + 1,
                        strlen(facts->categories[c]), CATEGORY_MAX_BYTES);
    return STATUS_OK;
}

enum status picture_model_write(const char *directory, const struct picture_facts *facts, const struct layers *layers, const float *weights,
                                char out_version[FILE_VERSION_BYTES], struct error *error)
{
    SCOPED(buffer_clear) struct buffer text;
    SCOPED(file_draft_destroy) struct file_draft *draft = NULL;
    SCOPED(memory_free) struct file_tensors *tensors = malloc(sizeof *tensors);
    size_t at[FILE_TENSORS_MAX];
    const void *data[FILE_TENSORS_MAX];
    buffer_init(&text, HEADER_MAX_BYTES);
    if (!tensors)
        return fail(error, STATUS_NOMEM, "no memory for a model file");
    TRY(check_facts(facts, layers, error));
    struct picture_facts stamped = *facts;
    stamped.code_version = CODE_VERSION;
    picture_facts_emit(&stamped, layers, &text);
    TRY(buffer_finish(&text, error));
    picture_file_tensors(layers, tensors, at);
    for (unsigned t = 0; t < tensors->n_tensors; t++)
        data[t] = weights + at[t];
    const struct file_text texts[] = {{"facts", text.bytes}, {"report", facts->report}};
    TRY(file_draft_create('p', PICTURE_FORMAT, texts, 2, tensors, data, &draft, error));
    TRY(file_draft_write(draft, directory, error));
    memcpy(out_version, file_draft_version(draft), FILE_VERSION_BYTES);
    return STATUS_OK;
}

static enum status read_weights(struct file_reader *reader, struct picture_model *model, struct error *error)
{
    SCOPED(memory_free) struct file_tensors *tensors = malloc(sizeof *tensors);
    size_t at[FILE_TENSORS_MAX];
    if (!tensors)
        return fail(error, STATUS_NOMEM, "no memory to read the header");
    picture_file_tensors(&model->layers, tensors, at);
    TRY(file_reader_check(reader, tensors, error));
    model->weights = aligned_floats(model->layers.n_floats);
    if (!model->weights)
        return fail(error, STATUS_NOMEM, "no memory for a model of %zu floats", model->layers.n_floats);
    memset(model->weights, 0, model->layers.n_floats * sizeof *model->weights);
    for (unsigned t = 0; t < tensors->n_tensors; t++)
        TRY(file_reader_next(reader, model->weights + at[t], error));
    return file_reader_finish(reader, 'p', model->facts.version, error);
}

/* The report is shown inside of other JSON, so it must be some. */
static enum status keep_report(struct picture_model *model, const char *report, struct error *error)
{
    SCOPED(node_destroy) struct node *object = NULL;
    struct error reason = {.detail = ""};
    enum status status = node_parse(report, strlen(report), &object, &reason);
    model->report = strdup(report);
    if (status == STATUS_NOMEM || !model->report)
        return fail(error, STATUS_NOMEM, "no memory to read the header");
    if (status != STATUS_OK || node_kind(object) != NODE_OBJECT)
        return fail(error, STATUS_CORRUPT, "damaged: the header's report is not a JSON object: %.160s", reason.detail);
    model->facts.report = model->report;
    return STATUS_OK;
}

enum status picture_model_open(const char *path, struct picture_model **out_model, struct error *error)
{
    static const struct file_key keys[] = {{"facts", false}, {"report", false}};
    SCOPED(file_reader_close) struct file_reader *reader = NULL;
    SCOPED(picture_model_close) struct picture_model *model = calloc(1, sizeof *model);
    if (model)
        model->arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    if (!model || !model->arena)
        return fail(error, STATUS_NOMEM, "no memory for a model");
    TRY(file_reader_open(path, PICTURE_FORMAT, keys, 2, &reader, error));
    TRY(picture_facts_read(file_reader_text(reader, 0), model->arena, &model->facts, &model->layers, error));
    TRY(keep_report(model, file_reader_text(reader, 1), error));
    TRY(read_weights(reader, model, error));
    *out_model = model;
    model = NULL;
    return STATUS_OK;
}

/* --- what it is --- */

const struct picture_facts *picture_model_facts(const struct picture_model *model)
{
    return &model->facts;
}

void picture_model_facts_write(const struct picture_model *model, struct buffer *out)
{
    picture_facts_emit_whole(&model->facts, &model->layers, out);
}

const struct layers *picture_model_layers(const struct picture_model *model)
{
    return &model->layers;
}

const float *picture_model_weights(const struct picture_model *model)
{
    return model->weights;
}

uint32_t picture_model_width(const struct picture_model *model)
{
    return (uint32_t)map_floats(model->layers.places[model->layers.n_layers - 1].in);
}

/* --- asking --- */

struct picture_asker {
    const struct picture_model *model;
    struct layer_pass *pass;
};

void picture_asker_destroy(struct picture_asker *asker)
{
    if (!asker)
        return;
    layer_pass_destroy(asker->pass);
    free(asker);
}

enum status picture_asker_create(const struct picture_model *model, uint32_t max_pictures, struct picture_asker **out_asker)
{
    SCOPED(picture_asker_destroy) struct picture_asker *asker = calloc(1, sizeof *asker);
    if (!asker)
        return STATUS_NOMEM;
    asker->model = model;
    TRY(layer_pass_create(&model->layers, max_pictures, false, 1, &asker->pass));
    *out_asker = asker;
    asker = NULL;
    return STATUS_OK;
}

void picture_asker_ask(struct picture_asker *asker, const uint8_t *pixels, uint32_t n, float *probabilities, float *vectors)
{
    const struct picture_model *model = asker->model;
    picture_normalise(layer_pass_input(asker->pass), pixels, n * map_floats(model->layers.input));
    layer_pass_infer(asker->pass, model->weights, (struct sample_range){0, n, 0}, 0);
    if (vectors)
        memcpy(vectors, layer_pass_vector(asker->pass), (size_t)n * picture_model_width(model) * sizeof *vectors);
    if (probabilities)
        map_kernels_fast()->softmax(probabilities, layer_pass_output(asker->pass), n, model->facts.n_categories);
}
