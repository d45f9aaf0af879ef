/* Picture training: teach a picture network the categories of pictures, and count what it gets right.
 *
 * After each epoch the held-out pictures are named. With a rate that stays, the epoch that names most of them is chosen. With a rate that
 * falls to 0 the last one always is: only there has the schedule done what it is for, and an epoch in its middle, trained again, would
 * follow another schedule than the one that was judged. The refit then teaches the same network on all pictures, held-out ones included,
 * for as many epochs; what it is worth is not known, but that of the chosen one is. Weights are kept with batch norms folded, and are a
 * function of pictures, settings and seed, whatever the number of threads. Threads: one caller, which brings the workers. */
#ifndef CORE_PICTURE_TRAINING_H
#define CORE_PICTURE_TRAINING_H

#include "core/base/progress.h"
#include "core/base/workers.h"
#include "core/picture_network.h"

/* n pictures of one size, pixels [n, H, W, C] of 0 to 255, labels [n] below n_classes. Borrowed. */
struct pictures {
    uint32_t n, n_classes;
    struct map_shape shape;
    const uint8_t *pixels;
    const uint32_t *labels;
};

/* How a network names pictures: confusion [n_classes, n_classes], a row the true class and a column the one given. */
struct picture_figures {
    uint32_t n, n_right;
    uint32_t *confusion;
};

struct picture_epoch {
    double loss, accuracy, seconds; /* accuracy on the held-out pictures; seconds of the steps alone */
};

/* A trained network, ready to answer. */
struct picture_network {
    struct layers layers; /* without batch norms and dropout */
    float *weights;       /* [layers.n_floats] */
    uint32_t n_epochs, chosen_epoch;
    struct picture_epoch *curve;    /* [n_epochs] */
    struct picture_figures figures; /* of the chosen epoch */
};

void picture_network_clear(struct picture_network *network);
static inline void picture_network_clear_scoped(struct picture_network *network)
{
    picture_network_clear(network);
}

/* Without held-out pictures (held_out->n = 0) the last epoch is chosen and figures are of nothing. Otherwise both are of one shape and
 * number of classes. progress: told of "pictures", done and total in steps. STATUS_INVALID: as picture_layers and kernels_check, or no
 * pictures; STATUS_CONFLICT: progress asked to stop; STATUS_NOMEM. */
enum status picture_training_run(const struct pictures *train, const struct pictures *held_out, const struct picture_settings *settings,
                                 uint64_t seed, struct workers *workers, const struct progress *progress,
                                 struct picture_network *out_network, struct error *error) MUST_CHECK;

/* Teach again, on all pictures, for as many epochs as network's chosen one, and put these weights in the place of network's. Figures and
 * curve stay those of the chosen epoch. On failure network is as it was; otherwise as picture_training_run. */
enum status picture_training_refit(const struct pictures *all, const struct picture_settings *settings, uint64_t seed,
                                   struct workers *workers, const struct progress *progress, struct picture_network *network,
                                   struct error *error) MUST_CHECK;

/* Name all pictures. figures->confusion is given [n_classes, n_classes] and overwritten. STATUS_NOMEM. */
enum status picture_network_judge(const struct layers *layers, const float *weights, const struct pictures *pictures,
                                  struct workers *workers, struct picture_figures *figures) MUST_CHECK;

/* y [H · W · C] = pixels / 255: what every network of pictures sees, in training and in serving. */
void picture_normalise(float *y, const uint8_t *pixels, size_t n);

/* The picture moved by down rows and right columns (below 0: up, left), then mirrored left to right, and normalised:
 *
 *     y[i, j, c] = pixels[i - down, m - right, c] / 255,  m = W - 1 - j if is_mirrored, else j;  0 where that is outside
 *
 * y, pixels [H, W, C]. Moved by nothing and not mirrored it is picture_normalise, bit by bit. */
void picture_move(float *y, const uint8_t *pixels, struct map_shape shape, int down, int right, bool is_mirrored);

#endif
