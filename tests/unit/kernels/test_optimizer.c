/* One step against the same step written down plainly: slots summed, the gradient through the scaling to length 1, Adam. */
#include "core/optimizer.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_step(float temperature, unsigned n_threads)
{
    struct encoder encoder;
    struct optimizer optimizer;
    struct random random;
    struct encoder_shape shape = {
        .n_items = 700, .n_types = 2, .width = 24, .taps = 3, .n_blocks = 1, .history = 9, .temperature = temperature};
    random_init(&random, ARGUMENT_SEED, 5);
    encoder_init(&encoder, &shape, kernels_fast());
    struct workers *workers = workers_create(n_threads);
    cr_assert(workers && optimizer_init(&optimizer, &encoder) == STATUS_OK);
    size_t n = encoder.tensors.n_floats, n_items = (size_t)shape.n_items * shape.width;
    float *weights = random_floats(&random, n, 1), *before = copy_floats(weights, n), *sum = zero_floats(n),
          *inputs = random_floats(&random, n_items, 1);
    float *unit = zero_floats(n_items), *inverse = zero_floats(shape.n_items);
    kernels_plain.unit_forward(unit, inverse, weights, 1, shape.n_items, shape.width);
    struct slot_gradients slots = {.inverse_lengths = inverse};
    for (unsigned s = 0; s < SLOTS; s++) {
        slots.gradients[s] = random_floats(&random, n, 1);
        kernels_plain.accumulate(sum, slots.gradients[s], n);
    }
    if (temperature > 0) {
        slots.inputs = inputs;
        kernels_plain.unit_backward(sum, before, inverse, 1, shape.n_items, shape.width);
        kernels_plain.accumulate(sum, inputs, n_items);
    }
    optimizer_step(&optimizer, workers, &slots, 0.01f, weights);
    for (size_t i = 0; i < n; i++) { /* the first step moves by the rate against the sign of the gradient */
        float moved = weights[i] - before[i];
        cr_assert(fabsf(sum[i]) < 1e-3f || fabsf(moved + copysignf(0.01f, sum[i])) < 1e-5f,
                  "weight %zu of %zu moved by %g, its gradient is %g", i, n, (double)moved, (double)sum[i]);
    }
    for (size_t i = 0; i < n; i++)
        cr_assert(fabsf(optimizer.first_moments[i] - 0.1f * sum[i]) < 1e-5f * (1 + fabsf(sum[i])), "moment %zu is %g, the gradient %g", i,
                  (double)optimizer.first_moments[i], (double)sum[i]);
    for (unsigned s = 0; s < SLOTS; s++)
        free(slots.gradients[s]);
    free(weights), free(before), free(sum), free(inputs), free(unit), free(inverse);
    optimizer_clear(&optimizer);
    workers_destroy(workers);
}

Test(optimizer, first_step_moves_every_weight_by_the_rate)
{
    check_step(0, 1);
}

Test(optimizer, takes_the_gradient_through_the_scaling_to_length_1)
{
    check_step(.1f, 2);
}
