/* A picture model as an ONNX model (operator set 13): any program with an ONNX runtime can name pictures with it.
 *
 * Input "pixels", float [N, H, W, C], 0 to 255; output "probabilities", float [N, n_categories]; any N. The division by 255 and the softmax
 * are in the graph, the names of the categories in the metadata "categories" (a JSON list), the model's version in "version". Weights are
 * in the layouts of ONNX: a convolution's [O, C, KH, KW], a dense layer's [inputs, units] with the inputs in the order H, W, C. Threads:
 * any. */
#ifndef EXCHANGE_ONNX_GRAPH_H
#define EXCHANGE_ONNX_GRAPH_H

#include "core/picture_model.h"

/* Gives the bytes of a file; freed with free. STATUS_NOMEM. */
enum status onnx_graph_pack(const struct picture_model *model, unsigned char **out_bytes, size_t *out_n, struct error *error) MUST_CHECK;

#endif
