/* Every third thing has no name, only a picture; names have words of no meaning too. */
#include "colour_shop.h"

#include "core/base/floats.h"
#include "core/training.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS 120u

static const char *const colours[SHOP_COLOURS] = {"red", "grün", "青"};
static const char *const things[] = {"cup", "plate", "lamp", "chair", "rug", "clock", "box", "shelf"};

static void plant_contents(struct shop *shop, struct random *random)
{
    for (uint32_t v = 0; v < SHOP_ITEMS; v++) {
        struct item_content *content = &shop->contents[v];
        int n = snprintf(shop->names[v], sizeof shop->names[v], "%s %s, %u", things[random_below(random, 8)], colours[v % SHOP_COLOURS],
                         random_below(random, 90));
        for (uint32_t p = 0; p < SHOP_PICTURE; p++)
            shop->pictures[v][p] = .3f * random_uniform(random) + 2 * (float)(p == v % SHOP_COLOURS);
        if (v / SHOP_COLOURS % 3 != 0)
            *content = (struct item_content){.text = shop->names[v], .n_bytes = (size_t)n};
        if (v / SHOP_COLOURS % 3 != 1)
            content->picture = shop->pictures[v];
    }
}

static void plant_events(struct shop *shop, struct random *random)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    cr_assert(builder);
    for (uint32_t user = 0; user < USERS; user++) {
        uint32_t colour = user % SHOP_COLOURS, n = 5 + random_below(random, 8);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t item = colour + SHOP_COLOURS * random_below(random, (SHOP_ITEMS - SHOP_NEW) / SHOP_COLOURS);
            cr_assert_eq(dataset_add(builder, user, item, 0, i), STATUS_OK);
        }
    }
    cr_assert_eq(dataset_finish(builder, USERS, SHOP_ITEMS, 1, &shop->dataset), STATUS_OK);
    cr_assert_eq(dataset_split(shop->dataset, SPLIT_LAST, &shop->type_weights, 0, &shop->split), STATUS_OK);
    cr_assert_eq(sequences_init(&shop->sequences, shop->dataset, shop->split, &shop->type_weights), STATUS_OK);
}

static void train(struct shop *shop, struct training_settings *settings, uint32_t epochs)
{
    SCOPED(slot_memory_clear) struct slot_memory memory = {0};
    SCOPED(training_destroy) struct training *training = NULL;
    struct epoch_figures figures;
    cr_assert_eq(training_create(&shop->sequences, settings, &memory, shop->workers, &training), STATUS_OK);
    for (uint32_t epoch = 0; epoch < epochs; epoch++)
        cr_assert_eq(training_epoch(training, epochs, "", NULL, &figures), STATUS_OK);
    memcpy(shop->weights, training_weights(training), shop->encoder.tensors.n_floats * sizeof *shop->weights);
}

void shop_init(struct shop *shop, float temperature, uint32_t epochs, unsigned n_threads)
{
    struct training_settings settings = training_settings_default();
    struct random random;
    *shop = (struct shop){.type_weights = settings.type_weights, .workers = workers_create(n_threads)};
    cr_assert(shop->workers);
    random_init(&random, 5, 0);
    plant_contents(shop, &random);
    plant_events(shop, &random);
    settings.shape = (struct encoder_shape){SHOP_ITEMS, 1, 8, 3, 1, 10, temperature};
    settings.batch_rows = 128;
    settings.learning_rate = .01f;
    settings.dropout = .1f;
    settings.averaging = 0;
    encoder_init(&shop->encoder, &settings.shape, kernels_exact());
    shop->weights = aligned_floats(shop->encoder.tensors.n_floats);
    cr_assert(shop->weights);
    train(shop, &settings, epochs);
    shop->ground =
        (struct content_ground){&shop->encoder, shop->weights, &shop->sequences, &shop->type_weights, shop->contents, shop->workers};
    shop->settings = content_settings_default();
    shop->settings.shape = (struct content_shape){.picture_width = SHOP_PICTURE,
                                                  .n_buckets = 2000,
                                                  .embedding = 8,
                                                  .channels = 16,
                                                  .max_words = 8,
                                                  .max_features = 12,
                                                  .max_bytes = 100};
    shop->settings.batch_rows = 64;
    shop->settings.max_contents = 24;
    shop->settings.epochs = 12;
    shop->settings.learning_rate = .01f;
}

void shop_clear(struct shop *shop)
{
    free(shop->weights);
    sequences_clear(&shop->sequences);
    split_destroy(shop->split);
    dataset_destroy(shop->dataset);
    workers_destroy(shop->workers);
}
