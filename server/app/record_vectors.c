/* What models say of the items that a batch changes: the vectors of their pictures, and where the live model places them. All of it is made
 * before the commit, from the rows and pictures as the batch leaves them, and is shown after it, so the next answer goes by it.
 *
 * What is live is good here without the epoch: only this thread exchanges it, and only this thread takes a vector out of the picture index.
 */
#include "server/app/recorder.h"

#include <stdlib.h>

static enum status keep(struct pending_vectors *pending, uint32_t item, float *vector)
{
    if (pending->n == pending->capacity) {
        size_t capacity = pending->capacity ? pending->capacity * 2 : 64;
        struct pending_vector *list = realloc(pending->list, capacity * sizeof *list);
        if (!list) {
            free(vector);
            return STATUS_NOMEM;
        }
        pending->list = list;
        pending->capacity = capacity;
    }
    pending->list[pending->n++] = (struct pending_vector){item, vector};
    return STATUS_OK;
}

enum status record_picture(struct recorder *recorder, uint32_t item, const struct picture *picture, struct error *error)
{
    struct picture_index *index = picture_live_get(recorder->app->pictures);
    float *vector = NULL;
    if (!index)
        return STATUS_OK;
    enum status status = picture_index_prepare(index, item, picture, &vector);
    if (status == STATUS_OK)
        status = keep(&recorder->pictures, item, vector);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "no memory for a picture");
}

/* --- places --- */

/* The vector of the item's picture as this batch leaves it, if it counts for the newcomers. */
static const float *find_picture(const struct recorder *recorder, const struct newcomers *newcomers, uint32_t item)
{
    const struct picture_index *index = picture_live_get(recorder->app->pictures);
    const struct pending_vectors *pictures = &recorder->pictures;
    if (!newcomers_take_pictures(newcomers, index))
        return NULL;
    for (size_t i = pictures->n; i-- > 0;)
        if (pictures->list[i].item == item)
            return pictures->list[i].vector;
    return picture_index_vector(index, item);
}

static enum status place(struct recorder *recorder, struct newcomers *newcomers, const struct stored_item *row)
{
    float *made = NULL;
    if (row->item < newcomers_first(newcomers))
        return STATUS_OK;
    TRY(newcomers_prepare(newcomers, row, find_picture(recorder, newcomers, row->item), &made));
    return keep(&recorder->places, row->item, made);
}

/* An item may come more than once: the last place is the one that stays, and it is made of its last row and its last picture. */
static enum status place_all(struct recorder *recorder, struct newcomers *newcomers)
{
    for (size_t i = 0; i < recorder->n_records; i++)
        TRY(place(recorder, newcomers, &recorder->records[i]->row));
    for (size_t i = 0; i < recorder->pictures.n; i++) {
        const struct item *item = record_latest(recorder, recorder->pictures.list[i].item);
        if (item)
            TRY(place(recorder, newcomers, &item->row));
    }
    return STATUS_OK;
}

enum status record_places(struct recorder *recorder, struct error *error)
{
    struct newcomers *newcomers = live_get(&recorder->app->live)->newcomers;
    if (!newcomers)
        return STATUS_OK;
    recorder->is_early = !filler_has_pictures(recorder->app->filler); /* before the index is looked into */
    enum status status = place_all(recorder, newcomers);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "no memory to place an item by its content");
}

/* --- after the transaction --- */

/* Pictures first: who sees a place that was made without a picture does not find that picture any more (filler.c relies on it). */
void record_vectors_publish(struct recorder *recorder)
{
    struct app *app = recorder->app;
    struct newcomers *newcomers = live_get(&app->live)->newcomers;
    for (size_t i = 0; i < recorder->pictures.n; i++)
        picture_index_publish(picture_live_get(app->pictures), recorder->pictures.list[i].item, recorder->pictures.list[i].vector);
    for (size_t i = 0; i < recorder->places.n; i++)
        newcomers_publish(newcomers, recorder->places.list[i].item, recorder->places.list[i].vector);
    recorder->pictures.n = recorder->places.n = 0;
    if (recorder->is_early)
        filler_wake(app->filler); /* once the pictures are there, what was placed without its own is placed again */
    recorder->is_early = false;
}

static void discard(struct pending_vectors *pending)
{
    for (size_t i = 0; i < pending->n; i++)
        free(pending->list[i].vector);
    pending->n = 0;
}

void record_vectors_discard(struct recorder *recorder)
{
    discard(&recorder->pictures);
    discard(&recorder->places);
    recorder->is_early = false;
}

void record_vectors_clear(struct recorder *recorder)
{
    record_vectors_discard(recorder);
    free(recorder->pictures.list);
    free(recorder->places.list);
}
