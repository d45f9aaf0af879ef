/* Rows [0, S) are the negatives, then come the batch's other items in the order in which they are met, and among them the twins. */
#include "core/touched.h"

#include "core/base/floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void touched_clear(struct touched *touched)
{
    free(touched->weights);
    free(touched->first_moments);
    free(touched->second_moments);
    free(touched->items);
    free(touched->rows);
    free(touched->twin_rows);
    free(touched->twins);
    free(touched->skips);
    *touched = (struct touched){0};
}

/* Floats of the items and their bias, with which every table of tensors begins. */
static size_t item_floats(const struct encoder *encoder)
{
    return encoder->tensors.types;
}

enum status touched_init(struct touched *touched, const struct encoder *whole, uint32_t n_negatives, uint32_t max_batch_rows)
{
    uint32_t V = whole->shape.n_items, S = n_negatives < V ? n_negatives : V;
    struct encoder_shape shape = whole->shape;
    struct touched made = {.whole = whole, .n_negatives = S, .max_rows = S + 2 * max_batch_rows};
    shape.n_items = made.max_rows;
    encoder_init(&made.compact, &shape, whole->kernels);
    made.weights = aligned_floats(made.compact.tensors.n_floats);
    made.first_moments = calloc(item_floats(whole), sizeof(float));
    made.second_moments = calloc(item_floats(whole), sizeof(float));
    made.items = calloc(made.max_rows, sizeof *made.items);
    made.rows = calloc(V, sizeof *made.rows);
    made.twin_rows = calloc(S, sizeof *made.twin_rows);
    made.twins = calloc(S, sizeof *made.twins);
    made.skips = calloc(max_batch_rows, sizeof *made.skips);
    if (!made.weights || !made.first_moments || !made.second_moments || !made.items || !made.rows || !made.twin_rows || !made.twins ||
        !made.skips) {
        touched_clear(&made);
        return STATUS_NOMEM;
    }
    memset(made.weights, 0, made.compact.tensors.n_floats * sizeof *made.weights);
    *touched = made;
    return STATUS_OK;
}

/* --- choosing --- */

static bool is_there(const struct touched *touched, uint32_t item)
{
    return touched->rows[item] < touched->n_rows && touched->items[touched->rows[item]] == item;
}

static uint32_t add_row(struct touched *touched, uint32_t item)
{
    touched->items[touched->n_rows] = item;
    return touched->n_rows++;
}

static uint32_t row_of_input(struct touched *touched, uint32_t item)
{
    if (!is_there(touched, item))
        touched->rows[item] = add_row(touched, item);
    return touched->rows[item];
}

/* A target stands behind the negatives; skip is the negative that it is too. */
static uint32_t row_of_target(struct touched *touched, uint32_t item, uint32_t *out_skip)
{
    uint32_t row = row_of_input(touched, item);
    *out_skip = UINT32_MAX;
    if (row >= touched->n_negatives)
        return row;
    *out_skip = row;
    if (!touched->twin_rows[row]) {
        touched->twin_rows[row] = add_row(touched, item);
        touched->twins[touched->n_twins++] = (struct twin){touched->twin_rows[row], row};
    }
    return touched->twin_rows[row];
}

static void draw_negatives(struct touched *touched, uint64_t seed, uint64_t step)
{
    struct random random;
    random_init(&random, seed, UINT64_C(0x4e45000000000000) | step);
    while (touched->n_rows < touched->n_negatives) {
        uint32_t item = random_below(&random, touched->whole->shape.n_items);
        if (!is_there(touched, item))
            touched->rows[item] = add_row(touched, item);
    }
}

void touched_choose(struct touched *touched, struct batches *batches, uint64_t seed, uint64_t step)
{
    for (uint32_t i = 0; i < touched->n_twins; i++)
        touched->twin_rows[touched->twins[i].negative] = 0;
    touched->n_rows = touched->n_twins = 0;
    draw_negatives(touched, seed, step);
    for (uint32_t i = 0; i < batches->n_rows_filled; i++)
        batches->items[i] = row_of_input(touched, batches->items[i]);
    for (uint32_t i = 0; i < batches->n_targets; i++)
        batches->targets[i] = row_of_target(touched, batches->targets[i], &touched->skips[i]);
}

/* --- moving --- */

/* The network behind the items stands at the end of both tables, in the same order and with the same gaps. */
void touched_write_network(const struct touched *touched, float *weights)
{
    size_t from = item_floats(&touched->compact), to = item_floats(touched->whole);
    memcpy(weights + to, touched->weights + from, (touched->compact.tensors.n_floats - from) * sizeof *weights);
}

void touched_read_network(struct touched *touched, const float *weights)
{
    size_t to = item_floats(&touched->compact), from = item_floats(touched->whole);
    memcpy(touched->weights + to, weights + from, (touched->compact.tensors.n_floats - to) * sizeof *weights);
}

static void gather_row(const struct touched *touched, uint32_t row, const float *whole, float *compact)
{
    size_t C = touched->whole->shape.width, item = touched->items[row];
    memcpy(compact + touched->compact.tensors.items + row * C, whole + touched->whole->tensors.items + item * C, C * sizeof *compact);
    compact[touched->compact.tensors.bias + row] = whole[touched->whole->tensors.bias + item];
}

static void scatter_row(const struct touched *touched, uint32_t row, const float *compact, float *whole)
{
    size_t C = touched->whole->shape.width, item = touched->items[row];
    memcpy(whole + touched->whole->tensors.items + item * C, compact + touched->compact.tensors.items + row * C, C * sizeof *compact);
    whole[touched->whole->tensors.bias + item] = compact[touched->compact.tensors.bias + row];
}

/* log(V / S): each negative stands for so many items. */
static float correction(const struct touched *touched)
{
    return logf((float)touched->whole->shape.n_items / (float)touched->n_negatives);
}

void touched_gather(struct touched *touched, const float *weights, struct optimizer *optimizer)
{
    for (uint32_t row = 0; row < touched->n_rows; row++) {
        gather_row(touched, row, weights, touched->weights);
        gather_row(touched, row, touched->first_moments, optimizer->first_moments);
        gather_row(touched, row, touched->second_moments, optimizer->second_moments);
    }
    float added = correction(touched);
    for (uint32_t row = 0; row < touched->n_negatives; row++)
        touched->weights[touched->compact.tensors.bias + row] += added;
}

void touched_scatter(struct touched *touched, float *weights, const struct optimizer *optimizer)
{
    float added = correction(touched);
    for (uint32_t row = 0; row < touched->n_negatives; row++)
        touched->weights[touched->compact.tensors.bias + row] -= added;
    for (uint32_t row = 0; row < touched->n_rows; row++) {
        if (row >= touched->n_negatives && touched->rows[touched->items[row]] != row)
            continue; /* a twin */
        scatter_row(touched, row, touched->weights, weights);
        scatter_row(touched, row, optimizer->first_moments, touched->first_moments);
        scatter_row(touched, row, optimizer->second_moments, touched->second_moments);
    }
}

static void join(const struct kernels *kernels, float *table, const struct twin *twin, size_t C)
{
    kernels->accumulate(table + twin->negative * C, table + twin->row * C, C);
    memset(table + twin->row * C, 0, C * sizeof *table);
}

void touched_join_twins(const struct touched *touched, float *gradients)
{
    const struct encoder *compact = &touched->compact;
    for (uint32_t i = 0; i < touched->n_twins; i++) {
        join(compact->kernels, gradients + compact->tensors.items, &touched->twins[i], compact->shape.width);
        join(compact->kernels, gradients + compact->tensors.bias, &touched->twins[i], 1);
    }
}
