/* The config of a Keras model from anywhere: of what is accepted every number is inside its limits and every name can be shown. */
#include "server/exchange/keras_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_layer(const struct keras_layer *layer)
{
    assert(utf8_is_id(layer->name, strlen(layer->name)) && !strchr(layer->name, '/'));
    assert(keras_class(layer->kind)[0] || layer->kind == KERAS_LINEAR);
    assert(layer->number < KERAS_LAYERS_MAX && layer->n_out <= MAP_CHANNELS_MAX);
    if (layer->kind == KERAS_CONVOLUTION || layer->kind == KERAS_POOL)
        assert(layer->height >= 1 && layer->height <= MAP_CHANNELS_MAX && layer->width >= 1 && layer->width <= MAP_CHANNELS_MAX);
    if (layer->kind == KERAS_CONVOLUTION || layer->kind == KERAS_DENSE)
        assert(layer->n_out >= 1 && layer->activation <= KERAS_ACTIVATION_SOFTMAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct error error = {.detail = ""};
    struct keras_config *config = calloc(1, sizeof *config);
    assert(config);
    if (keras_config_read((const char *)bytes, n_bytes, config, &error) != STATUS_OK) {
        assert(error.detail[0] != '\0');
    } else {
        assert(config->input.C == 1 || config->input.C == 3);
        assert(config->n_layers >= 1 && config->n_layers < KERAS_LAYERS_MAX);
        for (uint32_t l = 0; l < config->n_layers; l++)
            check_layer(&config->layers[l]);
    }
    free(config);
    return 0;
}
