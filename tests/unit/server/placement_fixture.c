/* See placement_fixture.h. */
#include "tests/unit/server/placement_fixture.h"

#include "core/base/floats.h"
#include "core/base/random.h"

#include <criterion/criterion.h>
#include <string.h>

#define SEED 7
#define FAR  1000.0F

void placement_fixture_init(struct content_placement *placement, const struct encoder_shape *shape, uint32_t picture_width)
{
    const struct content_shape content = {.width = shape->width,
                                          .picture_width = picture_width,
                                          .n_buckets = 64,
                                          .embedding = 5,
                                          .channels = 7,
                                          .max_words = 6,
                                          .max_features = 9,
                                          .max_bytes = 80};
    struct error error = {.detail = ""};
    struct random random;
    *placement = (struct content_placement){.evidence = {.width = shape->width, .is_tempered = shape->temperature > 0, .length = 2}};
    cr_assert_eq(content_tower_init(&placement->tower, &content, &error), STATUS_OK, "%s", error.detail);
    placement->weights = aligned_floats(placement->tower.n_floats);
    cr_assert(placement->weights);
    random_init(&random, SEED, 0);
    for (size_t i = 0; i < placement->tower.n_floats; i++)
        placement->weights[i] = random_uniform(&random) - 0.5F;
}

void placement_fixture_plain(struct content_placement *placement)
{
    const struct content_tower *tower = &placement->tower;
    uint32_t C = tower->shape.width;
    memset(placement->weights, 0, tower->n_floats * sizeof *placement->weights);
    placement->weights[tower->neutral] = -FAR;
    placement->weights[tower->text_first + tower->text.dense_bias + C] = 2 * FAR;
    placement->weights[tower->picture_bias + C] = FAR;
}

void placement_fixture_point(struct content_placement *placement, const float vector[])
{
    const struct content_tower *tower = &placement->tower;
    memset(placement->weights, 0, tower->n_floats * sizeof *placement->weights);
    memcpy(placement->weights + tower->text_first + tower->text.dense_bias, vector, tower->shape.width * sizeof *vector);
}
