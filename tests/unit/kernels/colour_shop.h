/* A shop in which content decides: everybody buys things of one colour, and the colour stands in a thing's name (or in its picture). Some
 * things are new: nobody has bought them. Everything aborts the test on failure. */
#ifndef TESTS_COLOUR_SHOP_H
#define TESTS_COLOUR_SHOP_H

#include "core/content_training.h"
#include "core/training_settings.h"

#define SHOP_COLOURS 3u
#define SHOP_ITEMS   60u /* item i has the colour i % SHOP_COLOURS */
#define SHOP_NEW     6u  /* the last ones */
#define SHOP_PICTURE 4u

struct shop {
    struct encoder encoder; /* trained, if init was asked to */
    float *weights;
    struct dataset *dataset;
    struct split *split;
    struct sequences sequences;
    struct type_weights type_weights;
    char names[SHOP_ITEMS][48];
    float pictures[SHOP_ITEMS][SHOP_PICTURE];
    struct item_content contents[SHOP_ITEMS];
    struct workers *workers;
    struct content_ground ground;
    struct content_settings settings; /* small and quick */
};

/* epochs 0: the encoder has random weights. */
void shop_init(struct shop *shop, float temperature, uint32_t epochs, unsigned n_threads);
void shop_clear(struct shop *shop);

#endif
