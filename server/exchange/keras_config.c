/* The list of layers is walked once; what an option may be stands in keras_options.c. */
#include "server/exchange/keras_config.h"

#include "core/base/node.h"
#include "server/exchange/keras_options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WHO_BYTES 200

/* The text at key of an object, or NULL. */
static const char *get_text(const struct node *object, const char *key)
{
    const struct node *node = node_get(object, key);
    return node && node_kind(node) == NODE_TEXT ? node_text(node, NULL) : NULL;
}

static const struct node *get_kind(const struct node *object, const char *key, enum node_kind kind)
{
    const struct node *node = object ? node_get(object, key) : NULL;
    return node && node_kind(node) == kind ? node : NULL;
}

/* Words from the file, as far as a terminal may see them. */
static const char *shown(const char *text)
{
    return text && utf8_is_id(text, strlen(text)) ? text : "?";
}

/* --- one layer --- */

static enum status read_name(const struct node *config, uint32_t place, struct keras_layer *layer, struct error *error)
{
    const char *name = get_text(config, "name");
    if (!name || !utf8_is_id(name, strlen(name)) || strchr(name, '/') || strcmp(name, ".") == 0)
        return fail(error, STATUS_INVALID, "layer %u: expected a name of 1 to %d bytes without slashes and control characters", place,
                    ID_MAX_BYTES);
    (void)snprintf(layer->name, sizeof layer->name, "%s", name);
    return STATUS_OK;
}

static enum status settle_rescaling(const struct keras_options *options, bool is_first, const char *who, struct error *error)
{
    bool is_byte = fabs(options->scale * 255 - 1) < 1e-6 && fabs(options->offset) == 0;
    if (!is_byte)
        return fail(error, STATUS_INVALID, "%.150s: scale %.6g and offset %.6g; pixels are divided by 255 here, so only 1/255 and 0 fit",
                    who, options->scale, options->offset);
    return is_first ? STATUS_OK : fail(error, STATUS_INVALID, "%.150s: it must stand right behind the input", who);
}

/* What one option alone does not say. */
static enum status settle(struct keras_options *options, bool is_first, const char *who, struct error *error)
{
    static const enum keras_kind activations[] = {KERAS_LINEAR, KERAS_RELU, KERAS_SOFTMAX};
    struct keras_layer *layer = &options->layer;
    if (layer->kind == KERAS_RESCALING)
        return settle_rescaling(options, is_first, who, error);
    if (layer->kind == KERAS_POOL && options->stride_height > 0 &&
        (options->stride_height != layer->height || options->stride_width != layer->width))
        return fail(error, STATUS_INVALID, "%.150s: its strides must be its pool_size: nothing else is understood", who);
    if (layer->kind == KERAS_CONVOLUTION && layer->activation == KERAS_ACTIVATION_SOFTMAX)
        return fail(error, STATUS_INVALID, "%.150s: its activation must be linear or relu: nothing else is understood", who);
    if (layer->kind == KERAS_LINEAR)
        layer->kind = activations[layer->activation];
    return STATUS_OK;
}

static enum status read_layer(const struct node *node, uint32_t place, bool is_first, struct keras_layer *out_layer, struct error *error)
{
    const char *class_name = node_kind(node) == NODE_OBJECT ? get_text(node, "class_name") : NULL;
    const struct node *config = class_name ? get_kind(node, "config", NODE_OBJECT) : NULL;
    struct keras_options options;
    struct keras_layer named;
    char who[WHO_BYTES];
    if (!config)
        return fail(error, STATUS_INVALID, "layer %u: expected an object with class_name and config", place);
    TRY(read_name(config, place, &named, error));
    (void)snprintf(who, sizeof who, "layer \"%s\" (%.40s)", named.name, shown(class_name));
    const struct keras_class *keras_class = keras_class_find(class_name);
    if (!keras_class)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%.40s): understood are %s", named.name, shown(class_name),
                    keras_classes_text());
    if (get_text(node, "registered_name"))
        return fail(error, STATUS_INVALID, "%.150s: it is a class of the model's own", who);
    TRY(keras_options_read(keras_class, config, who, &options, error));
    TRY(settle(&options, is_first, who, error));
    *out_layer = options.layer;
    memcpy(out_layer->name, named.name, sizeof out_layer->name);
    return STATUS_OK;
}

/* --- the input --- */

static bool read_side(const struct node *shape, size_t at, uint32_t *out_side)
{
    const struct node *node = node_at(shape, at);
    if (node_kind(node) != NODE_INTEGER || node_integer(node) < 1 || node_integer(node) > MAP_SIDE_MAX)
        return false;
    *out_side = (uint32_t)node_integer(node);
    return true;
}

static enum status read_input(const struct node *node, struct map_shape *out_input, struct error *error)
{
    const char *class_name = node_kind(node) == NODE_OBJECT ? get_text(node, "class_name") : NULL;
    const struct node *config = class_name ? get_kind(node, "config", NODE_OBJECT) : NULL;
    const struct node *shape = get_kind(config, "batch_shape", NODE_ARRAY);
    const struct node *type = get_kind(config, "dtype", NODE_TEXT);
    struct map_shape input;
    if (!class_name || strcmp(class_name, "InputLayer") != 0)
        return fail(error, STATUS_INVALID,
                    "the first layer is not an InputLayer: give the model keras.Input(shape=(height, width, channels)) before it is saved");
    if (!shape || node_count(shape) != 4 || !read_side(shape, 1, &input.H) || !read_side(shape, 2, &input.W) ||
        !read_side(shape, 3, &input.C) || (input.C != 1 && input.C != 3))
        return fail(error, STATUS_INVALID,
                    "the InputLayer: expected a batch_shape [null, height, width, channels] as Keras 3 writes it, "
                    "sides of 1 to 4096 and 1 or 3 channels");
    if (type && strcmp(node_text(type, NULL), "float32") != 0)
        return fail(error, STATUS_INVALID, "the InputLayer: its dtype must be float32: nothing else is understood");
    *out_input = input;
    return STATUS_OK;
}

/* --- the list --- */

static uint32_t count_kind(const struct keras_config *config, enum keras_kind kind)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < config->n_layers; l++)
        n += config->layers[l].kind == kind;
    return n;
}

static enum status read_layers(const struct node *layers, struct keras_config *config, struct error *error)
{
    size_t n = node_count(layers);
    if (n < 2 || n > KERAS_LAYERS_MAX)
        return fail(error, STATUS_INVALID, "%zu layers; 2 to %u are possible", n, KERAS_LAYERS_MAX);
    TRY(read_input(node_at(layers, 0), &config->input, error));
    config->n_layers = 0;
    for (size_t l = 1; l < n; l++) {
        struct keras_layer *layer = &config->layers[config->n_layers];
        TRY(read_layer(node_at(layers, l), (uint32_t)l, l == 1, layer, error));
        layer->number = count_kind(config, layer->kind);
        config->n_layers++;
    }
    return STATUS_OK;
}

enum status keras_config_read(const char *json, size_t n_bytes, struct keras_config *out_config, struct error *error)
{
    SCOPED(node_destroy) struct node *document = NULL;
    struct error reason = {.detail = ""};
    if (n_bytes > KERAS_CONFIG_MAX_BYTES)
        return fail(error, STATUS_INVALID, "the model's config has more than %u bytes", KERAS_CONFIG_MAX_BYTES);
    enum status status = node_parse(json, n_bytes, &document, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the model's config");
    if (status != STATUS_OK || node_kind(document) != NODE_OBJECT)
        return fail(error, STATUS_INVALID, "the model's config is not a JSON object: %.160s", reason.detail);
    const char *class_name = get_text(document, "class_name");
    if (!class_name || strcmp(class_name, "Sequential") != 0)
        return fail(error, STATUS_INVALID, "a model of the class %.60s: only Sequential is understood", shown(class_name));
    const struct node *layers = get_kind(get_kind(document, "config", NODE_OBJECT), "layers", NODE_ARRAY);
    if (!layers)
        return fail(error, STATUS_INVALID, "the model's config has no list of layers");
    return read_layers(layers, out_config, error);
}
