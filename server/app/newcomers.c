/* A place is [C + 2]: the vector, the bias, 1 / |vector|, so that one call of a kernel scores it. Either writing thread has a pass and a
 * text of its own. */
#include "server/app/newcomers.h"

#include "server/app/item_words.h"
#include "server/app/embedding_table.h"

#include <stdlib.h>
#include <string.h>

/* What one thread places with. */
struct desk {
    struct content_pass *pass;
    char *words; /* [max_bytes of the tower] */
};

struct newcomers {
    const struct content_placement *placement;
    const struct encoder_shape *shape;
    const struct kernels *kernels;
    struct embedding_table *places;
    struct desk writer, filler;
};

/* --- life --- */

static enum status desk_init(struct desk *desk, const struct content_tower *tower, struct error *error)
{
    TRY(content_pass_create(tower, 1, false, &desk->pass, error)); /* checks the limits */
    desk->words = malloc(tower->shape.max_bytes);
    return desk->words ? STATUS_OK : STATUS_NOMEM;
}

static void desk_clear(struct desk *desk)
{
    content_pass_destroy(desk->pass);
    free(desk->words);
}

enum status newcomers_create(const struct content_placement *placement, const struct encoder_shape *shape, struct epoch *epoch,
                             struct newcomers **out_newcomers, struct error *error)
{
    const struct content_tower *tower = &placement->tower;
    if (tower->shape.width != shape->width)
        return fail(error, STATUS_INVALID, "the content tower makes items of %u numbers, the encoder has %u", tower->shape.width,
                    shape->width);
    SCOPED(newcomers_destroy) struct newcomers *newcomers = calloc(1, sizeof *newcomers);
    if (!newcomers)
        return fail(error, STATUS_NOMEM, "no memory to place items");
    newcomers->placement = placement;
    newcomers->shape = shape;
    newcomers->kernels = kernels_fast();
    TRY(embedding_table_create(shape->width + 2, epoch, &newcomers->places));
    TRY(desk_init(&newcomers->writer, tower, error));
    TRY(desk_init(&newcomers->filler, tower, error));
    *out_newcomers = newcomers;
    newcomers = NULL;
    return STATUS_OK;
}

void newcomers_destroy(struct newcomers *newcomers)
{
    if (!newcomers)
        return;
    desk_clear(&newcomers->writer);
    desk_clear(&newcomers->filler);
    embedding_table_destroy(newcomers->places);
    free(newcomers);
}

uint32_t newcomers_count(const struct newcomers *newcomers)
{
    return embedding_table_count(newcomers->places);
}

uint32_t newcomers_first(const struct newcomers *newcomers)
{
    return newcomers->shape->n_items;
}

bool newcomers_want_pictures(const struct newcomers *newcomers)
{
    return newcomers->placement->picture_version[0] != '\0';
}

bool newcomers_take_pictures(const struct newcomers *newcomers, const struct picture_index *index)
{
    const struct picture_model *model = index ? picture_index_model(index) : NULL;
    return model && strcmp(picture_model_facts(model)->version, newcomers->placement->picture_version) == 0 &&
           picture_model_width(model) == newcomers->placement->tower.shape.picture_width;
}

/* --- writing --- */

static enum status prepare(struct newcomers *newcomers, struct desk *desk, const struct stored_item *row, const float *picture,
                           float **out_place)
{
    const struct content_placement *placement = newcomers->placement;
    size_t C = newcomers->shape->width;
    struct item_content content = {.text = desk->words, .picture = row->deleted ? NULL : picture};
    float *place = NULL;
    *out_place = NULL;
    if (row->item < newcomers->shape->n_items)
        return STATUS_OK;
    TRY(item_words_write(row, desk->words, placement->tower.shape.max_bytes, &content.n_bytes));
    if (item_content_is_empty(&content)) {
        TRY(embedding_table_reserve(newcomers->places, row->item));
    } else {
        TRY(embedding_table_prepare(newcomers->places, row->item, &place));
        content_placement_place(placement, desk->pass, &content, place);
        place[C + 1] = inverse_length(place, C);
    }
    *out_place = place;
    return STATUS_OK;
}

enum status newcomers_prepare(struct newcomers *newcomers, const struct stored_item *row, const float *picture, float **out_place)
{
    return prepare(newcomers, &newcomers->writer, row, picture, out_place);
}

void newcomers_publish(struct newcomers *newcomers, uint32_t item, float *place)
{
    if (item >= newcomers->shape->n_items)
        embedding_table_publish(newcomers->places, item, place);
}

enum status newcomers_fill(struct newcomers *newcomers, const float *seen, const struct stored_item *row, const float *picture,
                           float **out_old)
{
    float *place = NULL;
    TRY(prepare(newcomers, &newcomers->filler, row, picture, &place));
    *out_old = place ? embedding_table_fill(newcomers->places, row->item, seen, place) : NULL;
    return STATUS_OK;
}

/* --- reading --- */

const float *newcomers_place(const struct newcomers *newcomers, uint32_t item)
{
    return embedding_table_get(newcomers->places, item);
}

void newcomers_score(const struct newcomers *newcomers, const float user[], uint32_t n_items, float scores[])
{
    size_t C = newcomers->shape->width;
    float scale = encoder_user_scale(newcomers->shape, user), neutral = content_placement_neutral(newcomers->placement);
    bool is_tempered = newcomers->shape->temperature > 0;
    for (uint32_t item = newcomers->shape->n_items; item < n_items; item++) {
        const float *place = newcomers_place(newcomers, item);
        if (place)
            newcomers->kernels->score_items(&scores[item], place, user, scale, is_tempered ? &place[C + 1] : NULL, &place[C], 1, C);
        else
            scores[item] = neutral;
    }
}

void newcomers_similar(const struct newcomers *newcomers, const float vector[], uint32_t n_items, float similarities[])
{
    size_t C = newcomers->shape->width;
    float scale = inverse_length(vector, C);
    for (uint32_t item = newcomers->shape->n_items; item < n_items; item++) {
        const float *place = newcomers_place(newcomers, item);
        if (place)
            newcomers->kernels->score_items(&similarities[item], place, vector, scale, &place[C + 1], NULL, 1, C);
        else
            similarities[item] = 0;
    }
}
