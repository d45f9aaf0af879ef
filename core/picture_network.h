/* Picture network: the two networks that name a picture's category, for pictures of any size and any number of classes. The map in front of
 * the last layer is the picture's vector. Pure functions. Threads: any. */
#ifndef CORE_PICTURE_NETWORK_H
#define CORE_PICTURE_NETWORK_H

#include "core/layers/layers.h"

#define PICTURE_VECTOR 64u

enum picture_preset {
    PICTURE_SEED, /* conv 32 3x3 relu, pool 2x2, conv 64 3x3 relu, pool 2x2, dense 64 relu, dense n_classes */
    PICTURE_BEST, /* the same with a batch norm in front of each relu, folded when a model is written: the same cost of an answer */
    PICTURE_PRESETS
};

extern const char *const picture_preset_names[PICTURE_PRESETS];

/* How a preset is trained, but for the seed. */
struct picture_settings {
    enum picture_preset preset;
    uint32_t epochs, batch; /* samples a step */
    float learning_rate;    /* at its height */
    float smoothing;        /* of labels */
    bool is_annealed;       /* the rate falls along half a cosine to 0; else it stays */
    uint32_t shift;         /* pictures move by up to so many pixels each way */
    bool flips;             /* every second one is mirrored */
};

struct picture_settings picture_settings_of(enum picture_preset preset);

/* Few pictures are shown more often when the rate falls: so many steps at least, but in no more epochs than that. */
#define PICTURE_STEPS_LEAST 1500u
#define PICTURE_EPOCHS_MOST 200u
void picture_settings_fit(struct picture_settings *settings, uint32_t n_pictures);

/* STATUS_INVALID: pictures too small for two poolings (10 x 10 at least), or out of the limits of layers_init; n_classes < 2. */
enum status picture_layers(enum picture_preset preset, struct map_shape shape, uint32_t n_classes, struct layers *out_layers,
                           struct error *error) MUST_CHECK;

#endif
