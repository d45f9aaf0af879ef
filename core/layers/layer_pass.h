/* Layer pass: samples forward and backward through a network of layers.
 *
 * The maps of all samples of a batch stand one behind the other, one buffer for each map that is not computed in the place of the one
 * before; so parts of a batch can be worked on side by side, and a gradient of weights can be taken over the whole batch at once. Batch
 * norm takes its mean and variance over one part of the batch ("ghost" batch norm: Hoffer et al. 2017, section 4.2), so no part waits for
 * another. A ReLU in front of a pool is taken behind it: the result and the gradients are the same, of fewer numbers. Threads: calls for
 * different samples, each with a workspace of its own (worker), may run side by side. */
#ifndef LAYERS_LAYER_PASS_H
#define LAYERS_LAYER_PASS_H

#include "core/base/random.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"

#define LAYER_PARTS 8u /* at most, of a batch */

/* Samples [first, first + n) of the batch, the part number `part`. */
struct sample_range {
    uint32_t first, n;
    unsigned part;
};

struct layer_pass;

/* Borrows layers for its life. With is_training it has what backward needs. STATUS_NOMEM. */
enum status layer_pass_create(const struct layers *layers, uint32_t max_samples, bool is_training, unsigned n_workers,
                              struct layer_pass **out_pass) MUST_CHECK;
void layer_pass_destroy(struct layer_pass *pass);
DEFINE_SCOPED(struct layer_pass *, layer_pass_destroy);

/* [max_samples, H · W · C], to be filled before forward; and what came out, [max_samples, outputs]. */
float *layer_pass_input(struct layer_pass *pass);
const float *layer_pass_output(const struct layer_pass *pass);
/* What the last layer was given, [max_samples, its inputs]: in a network that names classes, the sample's vector. */
const float *layer_pass_vector(const struct layer_pass *pass);

/* As a written model answers: no dropout, batch norm with its running figures. */
void layer_pass_infer(struct layer_pass *pass, const float *weights, struct sample_range range, unsigned worker);

/* As training sees it, in a pass made for training. random: of this part of this batch. */
void layer_pass_forward(struct layer_pass *pass, const float *weights, struct sample_range range, struct random *random, unsigned worker);

/* d loss / d output, [max_samples, outputs], to be filled before backward, which wants the
 * weights and the range that went forward. Behind it every product has the slope of its output. */
float *layer_pass_slopes(struct layer_pass *pass);
void layer_pass_backward(struct layer_pass *pass, const float *weights, struct sample_range range, unsigned worker);

/* gradients += of rows of one layer's weights, over samples [0, n) that went backward; with rows.first = 0 of its bias as well. A batch
 * norm's are taken whole, over n_parts parts. gradients as the weights stand. */
void layer_pass_gradients(struct layer_pass *pass, uint32_t layer, struct rows rows, uint32_t n, unsigned n_parts, float *gradients,
                          unsigned worker);

/* Running mean and variance of all batch norms move towards those of the parts, in their order. sizes [n_parts]: samples of each. */
void layer_pass_note_norms(const struct layer_pass *pass, const uint32_t sizes[], unsigned n_parts, float *weights);

#endif
