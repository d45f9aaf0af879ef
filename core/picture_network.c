/* Lists of layers, and what experience says about training them (tests/bench/RESULTS.md). */
#include "core/picture_network.h"

const char *const picture_preset_names[PICTURE_PRESETS] = {"seed", "best"};

struct picture_settings picture_settings_of(enum picture_preset preset)
{
    if (preset == PICTURE_SEED)
        return (struct picture_settings){.preset = preset, .epochs = 10, .batch = 32, .learning_rate = 1e-3f};
    return (struct picture_settings){.preset = preset,
                                     .epochs = 24,
                                     .batch = 128,
                                     .learning_rate = 3e-3f,
                                     .smoothing = 0.1f,
                                     .is_annealed = true,
                                     .shift = 1,
                                     .flips = true};
}

void picture_settings_fit(struct picture_settings *settings, uint32_t n_pictures)
{
    uint32_t n_steps = n_pictures / settings->batch + 1, wanted = (PICTURE_STEPS_LEAST + n_steps - 1) / n_steps;
    wanted = wanted < PICTURE_EPOCHS_MOST ? wanted : PICTURE_EPOCHS_MOST;
    if (settings->is_annealed && settings->epochs < wanted)
        settings->epochs = wanted;
}

#define CONVOLUTION(n)                                                                                                                     \
    {                                                                                                                                      \
        .kind = LAYER_CONVOLUTION, .n_out = (n), .height = 3, .width = 3                                                                   \
    }
#define POOL                                                                                                                               \
    {                                                                                                                                      \
        .kind = LAYER_POOL, .height = 2, .width = 2                                                                                        \
    }
#define NORM                                                                                                                               \
    {                                                                                                                                      \
        .kind = LAYER_BATCH_NORM, .epsilon = 1e-3f, .momentum = 0.9f                                                                       \
    }

enum status picture_layers(enum picture_preset preset, struct map_shape shape, uint32_t n_classes, struct layers *out_layers,
                           struct error *error)
{
    const struct layer relu = {.kind = LAYER_RELU}, vector = {.kind = LAYER_DENSE, .n_out = PICTURE_VECTOR};
    const struct layer classes = {.kind = LAYER_DENSE, .n_out = n_classes};
    const struct layer seed[] = {CONVOLUTION(32), relu, POOL, CONVOLUTION(64), relu, POOL, vector, relu, classes};
    const struct layer best[] = {CONVOLUTION(32), NORM, relu, POOL, CONVOLUTION(64), NORM, relu, POOL, vector, NORM, relu, classes};
    if (n_classes < 2)
        return fail(error, STATUS_INVALID, "%u categories have pictures; at least 2 are needed to tell them apart", n_classes);
    if (shape.H < 10 || shape.W < 10)
        return fail(error, STATUS_INVALID, "pictures of %u x %u are too small: 10 x 10 at least", shape.W, shape.H);
    if (preset == PICTURE_SEED)
        return layers_init(out_layers, shape, seed, sizeof seed / sizeof seed[0], error);
    return layers_init(out_layers, shape, best, sizeof best / sizeof best[0], error);
}
