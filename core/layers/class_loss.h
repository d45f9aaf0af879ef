/* Class loss: softmax over a handful of classes. Pure functions. Threads: any. */
#ifndef LAYERS_CLASS_LOSS_H
#define LAYERS_CLASS_LOSS_H

#include <stdint.h>

/* Softmax cross-entropy of N rows of K logits x, each of 1 / n_all of the loss: slopes [N, K] = (p - q) / n_all, q = (1 - smoothing) at the
 * target and smoothing / K everywhere. Returns the sum of the rows' losses, each divided by n_all. */
double class_loss(float *restrict slopes, const float *restrict x, const uint32_t targets[], uint32_t N, uint32_t K, float smoothing,
                  uint32_t n_all);

/* p [N, K] = softmax of the rows of x; may be x itself. */
void class_probabilities(float *p, const float *x, uint32_t N, uint32_t K);

#endif
