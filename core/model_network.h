/* The network inside a model, for those in core who run it over many users at once. Threads: constant. */
#ifndef CORE_MODEL_NETWORK_H
#define CORE_MODEL_NETWORK_H

#include "core/encoder.h"

const struct encoder *model_encoder(const struct model *model);

/* As encoder->tensors says; 64-byte aligned. */
const float *model_weights(const struct model *model);

#endif
