/* The whole network: gradients of every weight against finite differences, and the short way to the last row against the long one. */
#include "kernel_arguments.h"
#include "small_network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define ROWS 230u /* of the larger networks */

static const struct encoder_shape tiny = {.n_items = 9, .n_types = 2, .width = 5, .taps = 3, .n_blocks = 2, .history = 50};

/* Central differences with two steps: where they agree with each other they must agree with the gradient. */
static void check_network(const struct kernels *kernels, float dropout, float temperature)
{
    struct encoder_shape shape = tiny;
    shape.temperature = temperature;
    struct small_network network;
    small_network_init(&network, &shape, 14, kernels);
    float *gradients = zero_floats(network.encoder.tensors.n_floats);
    (void)small_network_loss(&network, dropout, 3, gradients);
    size_t n_checked = 0, n_weights = 0;
    for (uint32_t t = 0; t < network.encoder.tensors.n_tensors; t++) {
        const struct tensor *tensor = &network.encoder.tensors.tensors[t];
        for (size_t i = 0; i < tensor_floats(tensor); i++) {
            float *weight = &network.weights[tensor->first + i], kept = *weight;
            double slopes[2];
            for (int s = 0; s < 2; s++) {
                float step = s ? 0x1p-8f : 0x1p-7f;
                *weight = kept + step;
                double above = small_network_loss(&network, dropout, 3, NULL), up = (double)*weight;
                *weight = kept - step;
                double below = small_network_loss(&network, dropout, 3, NULL);
                slopes[s] = (above - below) / (up - (double)*weight);
                *weight = kept;
            }
            n_weights++;
            if (fabs(slopes[0] - slopes[1]) > 2e-3 * (1 + fabs(slopes[1])))
                continue; /* bent too much there for either */
            n_checked++;
            double found = (double)gradients[tensor->first + i];
            cr_assert(fabs(found - slopes[1]) <= 3e-3 * (1 + fabs(slopes[1])),
                      "%s, dropout %g, temperature %g: gradient of %s[%zu] is %.7g, finite differences say %.7g", kernels->name,
                      (double)dropout, (double)temperature, tensor->name, i, found, slopes[1]);
        }
    }
    cr_assert(n_checked * 10 > n_weights * 9, "only %zu of %zu weights could be checked", n_checked, n_weights);
    free(gradients);
    small_network_clear(&network);
}

Test(encoder, gradients_equal_finite_differences)
{
    check_network(&kernels_plain, 0, 0);
}

Test(encoder, gradients_with_dropout_equal_finite_differences)
{
    check_network(&kernels_plain, .4f, 0);
}

Test(encoder, gradients_with_temperature_equal_finite_differences)
{
    check_network(&kernels_plain, .3f, .5f);
}

Test(encoder, fast_gradients_equal_finite_differences)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t f = 0; f < n_forms; f++) {
        if (!forms[f]->short_products) /* else the loss goes in steps, which differences see; the next test compares such a form */
            check_network(forms[f], .3f, .5f);
    }
}

Test(encoder, fast_gradients_equal_plain)
{
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    struct encoder_shape shape = {.n_items = 300, .n_types = 3, .width = 24, .taps = 7, .n_blocks = 2, .history = 50, .temperature = .3f};
    struct small_network plain;
    small_network_init(&plain, &shape, 150, &kernels_plain);
    float *expected = zero_floats(plain.encoder.tensors.n_floats), *found = zero_floats(plain.encoder.tensors.n_floats);
    double loss = small_network_loss(&plain, .2f, 1, expected);
    for (size_t f = 0; f < n_forms; f++) {
        struct small_network fast;
        small_network_init(&fast, &shape, 150, forms[f]);
        double fast_loss = small_network_loss(&fast, .2f, 1, found);
        bool shorter = forms[f]->short_products;
        cr_assert(fabs(loss - fast_loss) < (shorter ? 1e-3 : 1e-4), "%s: loss %.9g, expected %.9g", forms[f]->name, fast_loss, loss);
        expect_close(found, expected, plain.encoder.tensors.n_floats, shorter ? 0x1p-8f : 1e-4f, forms[f]->name);
        small_network_clear(&fast);
    }
    free(expected);
    free(found);
    small_network_clear(&plain);
}

/* check: a network of every shape in every form. */
static void for_all_networks(void (*check)(struct small_network *network, const char *form))
{
    static const struct encoder_shape shapes[] = {
        {.n_items = 40, .n_types = 2, .width = 16, .taps = 4, .n_blocks = 2, .history = 50},
        {.n_items = 40, .n_types = 2, .width = 64, .taps = 16, .n_blocks = 2, .history = 50},
        {.n_items = 40, .n_types = 1, .width = 7, .taps = 1, .n_blocks = 3, .history = 5},
        {.n_items = 40, .n_types = 1, .width = 20, .taps = 3, .n_blocks = 0, .history = 9},
        {.n_items = 40, .n_types = 3, .width = 33, .taps = 9, .n_blocks = 1, .history = 60},
    };
    const struct kernels *forms[KERNEL_FORMS_MAX];
    size_t n_forms = kernels_forms(forms);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        for (size_t f = 0; f < n_forms; f++) {
            struct small_network network;
            small_network_init(&network, &shapes[s], ROWS, forms[f]);
            check(&network, forms[f]->name);
            small_network_clear(&network);
        }
    }
}

static void *workspace_of(size_t n_bytes)
{
    return aligned_alloc(64, (n_bytes + 63) / 64 * 64);
}

/* A sequence longer than the history is encoded from its last events alone, in training by packing no more of it. */
static void check_last_state(struct small_network *network, const char *form)
{
    const struct encoder *encoder = &network->encoder;
    size_t C = encoder->shape.width;
    void *workspace = workspace_of(encoder_last_bytes(encoder));
    float *state = zero_floats(C);
    for (uint32_t i = 0; i < network->packed.n_sequences; i++) {
        uint32_t first = network->starts[i], end = network->starts[i + 1];
        uint32_t kept = end - first > encoder->shape.history ? end - encoder->shape.history : first;
        const uint32_t starts[] = {0, end - kept};
        struct packed one = {
            .n_rows = end - kept, .n_sequences = 1, .items = network->items + kept, .types = network->types + kept, .starts = starts};
        const float *rows = encoder_forward(encoder, network->weights, &one, 0, NULL, &network->activations);
        encoder_last(encoder, network->weights, network->items + first, NULL, network->types + first, end - first, workspace, state);
        expect_close(state, rows + (size_t)(end - kept - 1) * C, C, 1e-5f, form);
    }
    free(workspace);
    free(state);
}

Test(encoder, last_state_equals_the_last_row_of_training)
{
    for_all_networks(check_last_state);
}

/* Nobody, then the network's users, then nobody again. */
static void check_last_states(struct small_network *network, const char *form)
{
    const struct encoder *encoder = &network->encoder;
    uint32_t n = network->packed.n_sequences, starts[ROWS + 3] = {0};
    memcpy(starts + 1, network->starts, (n + 1) * sizeof *starts);
    starts[n + 2] = starts[n + 1];
    struct packed packed = network->packed;
    packed.n_sequences = n + 2;
    packed.starts = starts;
    size_t C = encoder->shape.width;
    void *workspace = workspace_of(encoder_last_rows_bytes(encoder, packed.n_rows, packed.n_sequences));
    float *together = zero_floats((n + 2) * C), *alone = zero_floats((n + 2) * C);
    together[0] = together[(n + 1) * C] = 1;
    for (uint32_t i = 1; i <= n; i++)
        encoder_last(encoder, network->weights, network->items + starts[i], NULL, network->types + starts[i], starts[i + 1] - starts[i],
                     workspace, alone + i * C);
    (void)encoder_last_rows(encoder, network->weights, &packed, workspace, together);
    expect_close(together, alone, (n + 2) * C, 0, form);
    free(workspace);
    free(together);
    free(alone);
}

Test(encoder, last_states_of_many_users_are_those_of_each)
{
    for_all_networks(check_last_states);
}

Test(encoder, a_user_does_not_change_with_who_is_packed_beside_them)
{
    struct small_network network;
    struct encoder_shape shape = {.n_items = 30, .n_types = 2, .width = 24, .taps = 5, .n_blocks = 2, .history = 50};
    small_network_init(&network, &shape, 60, kernels_fast());
    size_t C = shape.width, n_first = network.starts[1] * C, n_all = 60 * C;
    float *before = copy_floats(encoder_forward(&network.encoder, network.weights, &network.packed, 0, NULL, &network.activations), n_all);
    for (uint32_t i = 0; i < network.starts[1]; i++)
        network.items[i] = (network.items[i] + 1) % 30;
    const float *after = encoder_forward(&network.encoder, network.weights, &network.packed, 0, NULL, &network.activations);
    expect_close(after + n_first, before + n_first, n_all - n_first, 0, "the other users");
    cr_assert(after[n_first - C] != before[n_first - C], "the first user did change");
    free(before);
    small_network_clear(&network);
}

Test(encoder, the_future_does_not_reach_the_past)
{
    struct small_network network;
    struct encoder_shape shape = {.n_items = 30, .n_types = 1, .width = 16, .taps = 6, .n_blocks = 3, .history = 50};
    small_network_init(&network, &shape, 40, kernels_fast());
    const uint32_t starts[] = {0, 40};
    network.packed.starts = starts;
    network.packed.n_sequences = 1;
    float *before =
        copy_floats(encoder_forward(&network.encoder, network.weights, &network.packed, 0, NULL, &network.activations), 40 * 16);
    network.items[25] = (network.items[25] + 1) % 30;
    const float *after = encoder_forward(&network.encoder, network.weights, &network.packed, 0, NULL, &network.activations);
    expect_close(after, before, 25 * 16, 0, "rows before the change");
    cr_assert(after[25 * 16] != before[25 * 16]);
    free(before);
    small_network_clear(&network);
}
