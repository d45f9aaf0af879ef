/* The Nth allocation fails: for every N, content training either gives a tower or says that there was no memory, and frees what it took;
 * so do placing items and choosing what content is worth. Plain main: exit code 0 is a pass, also when run under ASan. */
#include "core/base/floats.h"
#include "core/content_evidence.h"
#include "core/content_training.h"
#include "tests/fault/failing_allocations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS  6u
#define ITEMS  12u
#define EVENTS 5u
#define WIDTH  4u

struct shop {
    struct encoder encoder;
    float *weights;
    struct dataset *dataset;
    struct split *split;
    struct sequences sequences;
    struct type_weights type_weights;
    struct item_content contents[ITEMS];
    struct workers *workers;
};

static void shop_clear_scoped(struct shop *shop)
{
    free(shop->weights);
    sequences_clear(&shop->sequences);
    split_destroy(shop->split);
    dataset_destroy(shop->dataset);
    workers_destroy(shop->workers);
}

static enum status shop_init(struct shop *shop)
{
    static const float picture[2] = {1, 2};
    const struct encoder_shape shape = {ITEMS, 1, WIDTH, 2, 1, 5, .1f};
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    shop->type_weights.weights[0] = 1;
    encoder_init(&shop->encoder, &shape, kernels_exact());
    shop->weights = aligned_floats(shop->encoder.tensors.n_floats);
    shop->workers = workers_create(2);
    if (!builder || !shop->weights || !shop->workers)
        return STATUS_NOMEM;
    tensors_start(&shop->encoder.tensors, 1, shop->weights);
    for (uint32_t v = 0; v < ITEMS; v++)
        shop->contents[v] = (struct item_content){"red cup", v % 3 ? 7 : 3, v % 2 ? picture : NULL};
    for (uint32_t i = 0; i < USERS * EVENTS; i++)
        TRY(dataset_add(builder, i / EVENTS, i * 7 % ITEMS, 0, i));
    TRY(dataset_finish(builder, USERS, ITEMS, 1, &shop->dataset));
    TRY(dataset_split(shop->dataset, SPLIT_LAST, &shop->type_weights, 0, &shop->split));
    return sequences_init(&shop->sequences, shop->dataset, shop->split, &shop->type_weights);
}

static enum status learn(const struct shop *shop, struct content_trained *trained)
{
    const struct content_ground ground = {&shop->encoder,      shop->weights,  &shop->sequences,
                                          &shop->type_weights, shop->contents, shop->workers};
    struct content_settings settings = content_settings_default();
    struct error error;
    uint32_t item_events[ITEMS] = {0};
    float placed[ITEMS * (WIDTH + 1)];
    struct evidence_figures figures;
    settings.shape = (struct content_shape){0, 2, 50, 3, 4, 3, 5, 30};
    settings.epochs = 1;
    settings.held_out = .3f;
    TRY(content_training_run(&ground, &settings, NULL, trained, &error));
    TRY(content_place_all(&trained->tower, trained->weights, shop->contents, ITEMS, shop->workers, placed, &error));
    content_count_events(&shop->sequences, &shop->type_weights, item_events);
    struct evidence evidence = {.width = WIDTH, .is_tempered = true, .length = trained->length};
    return evidence_choose(&evidence, &ground, shop->dataset, shop->split, item_events, placed, &figures);
}

int main(void)
{
    SCOPED(shop_clear) struct shop shop = {.weights = NULL};
    bool is_good = shop_init(&shop) == STATUS_OK, was_met = true;
    long nth = 0;
    for (; is_good && was_met; nth++) {
        SCOPED(content_trained_clear) struct content_trained trained = {.weights = NULL};
        allocations_fail_at(nth);
        enum status status = learn(&shop, &trained);
        was_met = allocations_work_again();
        is_good = status == (was_met ? STATUS_NOMEM : STATUS_OK);
        if (!is_good)
            (void)printf("allocation %ld: %s\n", nth, status_text(status));
    }
    (void)printf("%ld allocations failed, one at a time\n", nth - 1);
    return is_good && nth > 50 ? 0 : 1;
}
