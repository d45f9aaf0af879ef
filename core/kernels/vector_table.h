/* The table of the vector form, made once for each kind of lanes: `const struct kernels NAME = VECTOR_TABLE("…", softmax_loss,
 * softmax_bytes, short_products, softmax_gflops, other_gflops);` */
#ifndef KERNELS_VECTOR_TABLE_H
#define KERNELS_VECTOR_TABLE_H

#define VECTOR_TABLE(kind, loss, bytes, shorter, of_softmax, of_others)                                                                    \
    {                                                                                                                                      \
        .name = kind, .short_products = shorter, .softmax_gflops = of_softmax, .other_gflops = of_others,                                  \
        .embed_forward = vector_embed_forward, .embed_backward = vector_embed_backward, .norm_forward = vector_norm_forward,               \
        .norm_backward = vector_norm_backward, .conv_forward = vector_conv_forward, .conv_backward = vector_conv_backward,                 \
        .conv_last = vector_conv_last, .gelu_forward = vector_gelu_forward, .gelu_backward = vector_gelu_backward,                         \
        .dropout_mask = dropout_mask_ref, .dropout = vector_dropout, .residual_forward = vector_residual_forward,                          \
        .residual_backward = vector_residual_backward, .product = product_blas, .small_product = vector_small_product,                     \
        .softmax_loss = loss, .softmax_bytes = bytes, .unit_forward = vector_unit_forward, .unit_backward = vector_unit_backward,          \
        .adam = vector_adam, .accumulate = vector_accumulate, .score_items = vector_score_items, .sum_powers = vector_sum_powers           \
    }

#endif
