/* The options of Keras' layers: a table for each class, and the loop that reads a layer's config by it. The inside of keras_config.c.
 * Threads: any. */
#ifndef EXCHANGE_KERAS_OPTIONS_H
#define EXCHANGE_KERAS_OPTIONS_H

#include "core/base/node.h"
#include "server/exchange/keras_config.h"

/* Everything that any class has, before it becomes a layer. */
struct keras_options {
    struct keras_layer layer;
    uint32_t stride_height, stride_width; /* 0: not given */
    double scale, offset;                 /* Rescaling */
};

/* NULL: no layer of that class is understood. The kind of an Activation is what its activation says. */
struct keras_class;
const struct keras_class *keras_class_find(const char *class_name);
const char *keras_classes_text(void); /* "Conv2D, MaxPooling2D, …" */

/* config is the layer's object. who ("layer "conv2d" (Conv2D)") begins every error. STATUS_INVALID. */
enum status keras_options_read(const struct keras_class *keras_class, const struct node *config, const char *who,
                               struct keras_options *out_options, struct error *error) MUST_CHECK;

#endif
