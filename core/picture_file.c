/* Facts are read by tables of fields, so every mistake names its place. */
#include "core/picture_file.h"

#include "core/base/emit.h"
#include "core/base/fields.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Kinds that a written network has; their order is that of the names. */
static const enum layer_kind kinds[] = {LAYER_CONVOLUTION, LAYER_DENSE, LAYER_POOL, LAYER_RELU};
static const char *const kind_words[] = {"convolution", "dense", "pool", "relu", NULL};
#define KINDS (sizeof kinds / sizeof kinds[0])

static int kind_place(enum layer_kind kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i] == kind)
            return (int)i;
    return -1;
}

const char *picture_layers_fault(const struct layers *layers, uint32_t n_categories)
{
    const struct layer *last = &layers->layers[layers->n_layers - 1];
    for (uint32_t l = 0; l < layers->n_layers; l++)
        if (kind_place(layers->layers[l].kind) < 0)
            return "a batch norm or dropout is not folded";
    if (last->kind != LAYER_DENSE || last->n_out != n_categories)
        return "the last layer is not dense with a unit for each category";
    return layers->input.C == 1 || layers->input.C == 3 ? NULL : "pictures have 1 or 3 channels";
}

/* --- writing --- */

static void emit_layer(struct emit *emit, const struct layer *layer)
{
    bool has_window = layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_POOL;
    emit_open_object(emit, NULL);
    emit_text(emit, "kind", kind_words[kind_place(layer->kind)]);
    if (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_DENSE)
        emit_integer(emit, "outputs", layer->n_out);
    if (has_window) {
        emit_integer(emit, "height", layer->height);
        emit_integer(emit, "width", layer->width);
    }
    if (layer->kind == LAYER_CONVOLUTION)
        emit_boolean(emit, "same", layer->same);
    emit_close_object(emit);
}

static void emit_facts(struct emit *emit, const struct picture_facts *facts, const struct layers *layers)
{
    emit_text(emit, "origin", facts->origin);
    emit_text(emit, "preset", facts->preset);
    emit_text(emit, "code_version", facts->code_version);
    emit_integer(emit, "seed", (int64_t)facts->seed);
    emit_integer(emit, "n_pictures", facts->n_pictures);
    emit_integer(emit, "n_held_out", facts->n_held_out);
    emit_boolean(emit, "is_refit", facts->is_refit);
    emit_integer(emit, "epochs", facts->epochs);
    emit_number(emit, "accuracy", facts->accuracy, 6);
    emit_integer(emit, "height", layers->input.H);
    emit_integer(emit, "width", layers->input.W);
    emit_integer(emit, "channels", layers->input.C);
    emit_open_array(emit, "categories");
    for (uint32_t c = 0; c < facts->n_categories; c++) {
        emit_open_object(emit, NULL);
        emit_text(emit, "name", facts->categories[c]);
        emit_close_object(emit);
    }
    emit_close_array(emit);
    emit_open_array(emit, "layers");
    for (uint32_t l = 0; l < layers->n_layers; l++)
        emit_layer(emit, &layers->layers[l]);
    emit_close_array(emit);
}

void picture_facts_emit(const struct picture_facts *facts, const struct layers *layers, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_facts(&emit, facts, layers);
    emit_close_object(&emit);
}

void picture_facts_emit_whole(const struct picture_facts *facts, const struct layers *layers, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "version", facts->version);
    emit_facts(&emit, facts, layers);
    emit_raw(&emit, "report", facts->report);
    emit_close_object(&emit);
}

/* --- reading --- */

struct layer_input {
    int kind;
    int64_t outputs, height, width;
    bool same;
};

#define LAYER(member) offsetof(struct layer_input, member)
static const struct field layer_members[] = {
    {.name = "kind", .kind = FIELD_CHOICE, .required = true, .offset = LAYER(kind), .choices = kind_words},
    {.name = "outputs", .kind = FIELD_INTEGER, .offset = LAYER(outputs), .least = 1, .most = MAP_CHANNELS_MAX},
    {.name = "height", .kind = FIELD_INTEGER, .offset = LAYER(height), .least = 1, .most = MAP_SIDE_MAX},
    {.name = "width", .kind = FIELD_INTEGER, .offset = LAYER(width), .least = 1, .most = MAP_SIDE_MAX},
    {.name = "same", .kind = FIELD_BOOLEAN, .offset = LAYER(same)},
};
static const struct fields layer_fields = {.what = "a layer",
                                           .fields = layer_members,
                                           .n_fields = sizeof layer_members / sizeof layer_members[0],
                                           .record_bytes = sizeof(struct layer_input)};

struct category_input {
    const char *name;
};

static const struct field category_members[] = {{.name = "name", .kind = FIELD_TEXT, .required = true, .max = CATEGORY_MAX_BYTES}};
static const struct fields category_fields = {
    .what = "a category", .fields = category_members, .n_fields = 1, .record_bytes = sizeof(struct category_input)};

struct facts_input {
    const char *origin, *preset, *code_version;
    int64_t seed, n_pictures, n_held_out, epochs, height, width, channels;
    bool is_refit;
    double accuracy;
    struct records categories, layers;
};

#define FACT(member) offsetof(struct facts_input, member)
#define SIDE(word)                                                                                                                         \
    {                                                                                                                                      \
        .name = #word, .kind = FIELD_INTEGER, .required = true, .offset = FACT(word), .least = 1, .most = MAP_SIDE_MAX                     \
    }
#define COUNTED(word)                                                                                                                      \
    {                                                                                                                                      \
        .name = #word, .kind = FIELD_INTEGER, .required = true, .offset = FACT(word), .least = 0, .most = UINT32_MAX                       \
    }
#define WORDS(word)                                                                                                                        \
    {                                                                                                                                      \
        .name = #word, .kind = FIELD_TEXT, .required = true, .offset = FACT(word), .max = 64                                               \
    }
static const struct field fact_members[] = {
    WORDS(origin),
    WORDS(preset),
    WORDS(code_version),
    {.name = "seed", .kind = FIELD_INTEGER, .required = true, .offset = FACT(seed)},
    COUNTED(n_pictures),
    COUNTED(n_held_out),
    {.name = "is_refit", .kind = FIELD_BOOLEAN, .offset = FACT(is_refit)}, /* not in files of before there was a refit */
    COUNTED(epochs),
    {.name = "accuracy", .kind = FIELD_NUMBER, .required = true, .offset = FACT(accuracy), .least = 0, .most = 1},
    SIDE(height),
    SIDE(width),
    SIDE(channels),
    {.name = "categories",
     .kind = FIELD_RECORDS,
     .required = true,
     .offset = FACT(categories),
     .max = PICTURE_CATEGORIES_MAX,
     .of = &category_fields},
    {.name = "layers", .kind = FIELD_RECORDS, .required = true, .offset = FACT(layers), .max = LAYERS_MAX, .of = &layer_fields},
};
static const struct fields fact_fields = {.what = "a picture model",
                                          .fields = fact_members,
                                          .n_fields = sizeof fact_members / sizeof fact_members[0],
                                          .record_bytes = sizeof(struct facts_input)};

static enum status read_layers(const struct facts_input *input, struct layers *out_layers, struct error *error)
{
    const struct layer_input *records = input->layers.records;
    const struct map_shape shape = {(uint32_t)input->height, (uint32_t)input->width, (uint32_t)input->channels};
    struct layer list[LAYERS_MAX] = {0};
    struct error reason = {.detail = ""};
    for (size_t l = 0; l < input->layers.n_records; l++)
        list[l] = (struct layer){.kind = kinds[records[l].kind],
                                 .n_out = (uint32_t)records[l].outputs,
                                 .height = (uint32_t)records[l].height,
                                 .width = (uint32_t)records[l].width,
                                 .same = records[l].same};
    if (layers_init(out_layers, shape, list, (uint32_t)input->layers.n_records, &reason) != STATUS_OK)
        return fail(error, STATUS_CORRUPT, "damaged: %s", reason.detail);
    const char *fault = picture_layers_fault(out_layers, (uint32_t)input->categories.n_records);
    return fault ? fail(error, STATUS_CORRUPT, "damaged: %s", fault) : STATUS_OK;
}

static enum status read_categories(const struct facts_input *input, struct arena *arena, struct picture_facts *facts, struct error *error)
{
    const struct category_input *records = input->categories.records;
    const char **categories = arena_alloc_array(arena, input->categories.n_records, sizeof *categories);
    if (!categories)
        return fail(error, STATUS_NOMEM, "no memory for the categories");
    for (size_t c = 0; c < input->categories.n_records; c++)
        categories[c] = records[c].name;
    facts->categories = categories;
    facts->n_categories = (uint32_t)input->categories.n_records;
    return STATUS_OK;
}

enum status picture_facts_read(const char *text, struct arena *arena, struct picture_facts *out_facts, struct layers *out_layers,
                               struct error *error)
{
    SCOPED(node_destroy) struct node *node = NULL;
    struct error reason = {.detail = ""};
    struct mistakes mistakes = {.n_mistakes = 0};
    struct facts_input input;
    enum status status = node_parse(text, strlen(text), &node, &reason);
    if (status == STATUS_OK)
        status = fields_read(&fact_fields, node, "", arena, &input, NULL, &mistakes);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the header");
    if (status != STATUS_OK)
        return fail(error, STATUS_CORRUPT, "damaged: the header's facts: %.60s %.160s",
                    mistakes.n_mistakes ? mistakes.mistakes[0].pointer : "",
                    mistakes.n_mistakes ? mistakes.mistakes[0].detail : reason.detail);
    TRY(read_layers(&input, out_layers, error));
    TRY(read_categories(&input, arena, out_facts, error));
    out_facts->origin = input.origin;
    out_facts->preset = input.preset;
    out_facts->code_version = input.code_version;
    out_facts->seed = (uint64_t)input.seed;
    out_facts->n_pictures = (uint32_t)input.n_pictures;
    out_facts->n_held_out = (uint32_t)input.n_held_out;
    out_facts->is_refit = input.is_refit;
    out_facts->epochs = (uint32_t)input.epochs;
    out_facts->accuracy = input.accuracy;
    return STATUS_OK;
}

/* --- the tensors --- */

void picture_file_tensors(const struct layers *layers, struct file_tensors *out, size_t at[FILE_TENSORS_MAX])
{
    out->n_tensors = 0;
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        const struct layer *layer = &layers->layers[l];
        const struct layer_place *place = &layers->places[l];
        char name[FILE_NAME_BYTES];
        if (place->n_weights == 0)
            continue;
        (void)snprintf(name, sizeof name, "layer.%u.weight", l + 1);
        at[out->n_tensors] = place->weights;
        file_tensors_add(out, name, FILE_F32, place->n_weights / layer->n_out, layer->n_out);
        if (layer->kind == LAYER_CONVOLUTION) {
            struct file_tensor *tensor = &out->tensors[out->n_tensors - 1];
            tensor->n_sides = 4;
            memcpy(tensor->sides, (uint64_t[]){layer->height, layer->width, place->in.C, layer->n_out}, sizeof tensor->sides);
        }
        (void)snprintf(name, sizeof name, "layer.%u.bias", l + 1);
        at[out->n_tensors] = place->bias;
        file_tensors_add(out, name, FILE_F32, layer->n_out, 0);
    }
}
