/* Sampled softmax: with every item drawn it is the whole one; with few it still learns, and leaves alone what no step touches. */
#include "planted_data.h"

#include "core/averaging.h"
#include "core/training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AVERAGING .98f

struct fixture {
    struct planted planted;
    struct sequences sequences;
    struct slot_memory memory;
    struct workers *workers;
};

static void fixture_init(struct fixture *fixture, unsigned n_threads)
{
    *fixture = (struct fixture){.workers = workers_create(n_threads)};
    planted_init(&fixture->planted, 200);
    struct training_settings *settings = &fixture->planted.settings;
    settings->shape.n_items = fixture->planted.dataset->n_items;
    settings->shape.n_types = fixture->planted.dataset->n_types;
    cr_assert(fixture->workers);
    cr_assert(sequences_init(&fixture->sequences, fixture->planted.dataset, fixture->planted.split, &settings->type_weights) == STATUS_OK);
}

static void fixture_clear(struct fixture *fixture)
{
    slot_memory_clear(&fixture->memory);
    sequences_clear(&fixture->sequences);
    workers_destroy(fixture->workers);
    planted_clear(&fixture->planted);
}

static struct training *train(struct fixture *fixture, uint32_t n_negatives, uint32_t n_epochs, double *out_loss)
{
    struct training_settings settings = fixture->planted.settings;
    struct training *training = NULL;
    struct epoch_figures figures = {0};
    settings.n_negatives = n_negatives;
    settings.averaging = 0; /* both as their last step left them */
    cr_assert(training_create(&fixture->sequences, &settings, &fixture->memory, fixture->workers, &training) == STATUS_OK);
    for (uint32_t i = 0; i < n_epochs; i++)
        cr_assert(training_epoch(training, n_epochs, "", NULL, &figures) == STATUS_OK);
    *out_loss = figures.loss;
    return training;
}

static void expect_whole_softmax(float temperature)
{
    struct fixture fixture;
    double loss = 0, sampled_loss = 0;
    fixture_init(&fixture, 2);
    fixture.planted.settings.shape.temperature = temperature;
    struct training *whole = train(&fixture, 0, 1, &loss), *sampled = train(&fixture, PLANTED_ITEMS, 1, &sampled_loss);
    cr_expect_float_eq(loss, sampled_loss, 2e-3, "loss %g, with all items drawn %g", loss, sampled_loss);
    const float *a = training_weights(whole), *b = training_weights(sampled);
    double difference = 0, size = 0;
    for (size_t i = 0; i < training_encoder(whole)->tensors.n_floats; i++) {
        difference += fabs((double)a[i] - (double)b[i]);
        size += fabs((double)a[i]);
    }
    cr_expect_lt(difference, .02 * size, "weights differ by %g of %g", difference, size);
    training_destroy(whole);
    training_destroy(sampled);
    fixture_clear(&fixture);
}

Test(touched, are_the_whole_softmax_when_every_item_is_drawn)
{
    expect_whole_softmax(0);
}

Test(touched, are_the_whole_softmax_with_length_1_vectors_too)
{
    expect_whole_softmax(.2f);
}

Test(touched, learn_from_a_few_negatives)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct model *model = NULL;
    struct error error = {.detail = ""};
    planted_init(&planted, 400);
    planted.settings.n_negatives = 6;
    cr_assert(model_open(planted_train(&planted, version), &model, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_gt(model_facts(model)->figures[METHOD_ENCODER].hr5, .55, "HR@5 %g", model_facts(model)->figures[METHOD_ENCODER].hr5);
    model_close(model);
    planted_clear(&planted);
}

/* The mean over a training's steps, of all its weights in every step. */
struct witness {
    struct training *training; /* without an average */
    float *mean;
    size_t n;
    uint64_t step;
};

static bool look_at_everything(void *context, const struct progress_step *step)
{
    struct witness *witness = context;
    float keep = averaging_keep(AVERAGING, ++witness->step);
    const float *weights = training_weights(witness->training);
    (void)step;
    for (size_t i = 0; i < witness->n; i++)
        witness->mean[i] += (1 - keep) * (weights[i] - witness->mean[i]);
    return true;
}

static struct training *begin(struct fixture *fixture, float averaging)
{
    struct training_settings settings = fixture->planted.settings;
    struct training *training = NULL;
    settings.n_negatives = 4;
    settings.averaging = averaging;
    cr_assert(training_create(&fixture->sequences, &settings, &fixture->memory, fixture->workers, &training) == STATUS_OK);
    return training;
}

/* An epoch of both: the same steps. Then what the average holds of items must be what the witness saw; the rest of a sampled network is
 * shown at the end of an epoch only. */
static void expect_same_mean(struct training *averaged, struct witness *witness)
{
    struct epoch_figures figures;
    const struct progress progress = {look_at_everything, witness};
    cr_assert(training_epoch(averaged, 1, "", NULL, &figures) == STATUS_OK);
    cr_assert(training_epoch(witness->training, 1, "", &progress, &figures) == STATUS_OK);
    const float *mean = training_weights(averaged);
    for (size_t i = 0; i < witness->n; i++)
        cr_assert_float_eq(mean[i], witness->mean[i], 2e-6, "weight %zu: %.9g, expected %.9g", i, (double)mean[i],
                           (double)witness->mean[i]);
}

Test(touched, average_as_if_every_step_looked_at_everything)
{
    struct fixture fixture;
    fixture_init(&fixture, 2);
    fixture.planted.settings.shape.n_items = 300; /* most of them untouched for many steps */
    struct training *averaged = begin(&fixture, AVERAGING);
    struct witness witness = {.training = begin(&fixture, 0), .n = training_encoder(averaged)->tensors.types};
    witness.mean = calloc(witness.n, sizeof *witness.mean);
    cr_assert(witness.mean);
    memcpy(witness.mean, training_weights(averaged), witness.n * sizeof *witness.mean);
    expect_same_mean(averaged, &witness);
    expect_same_mean(averaged, &witness);
    training_restart(witness.training, training_weights(averaged), .2f, 0);
    training_restart(averaged, training_weights(averaged), .2f, 0);
    expect_same_mean(averaged, &witness);
    training_destroy(averaged);
    training_destroy(witness.training);
    free(witness.mean);
    fixture_clear(&fixture);
}

Test(touched, leave_alone_what_no_step_needs)
{
    struct fixture fixture;
    double loss = 0;
    fixture_init(&fixture, 1);
    fixture.planted.settings.shape.n_items = 100000; /* far more than can be drawn in these few steps */
    struct training *training = NULL, *trained = train(&fixture, 4, 1, &loss);
    cr_assert(training_create(&fixture.sequences, &fixture.planted.settings, &fixture.memory, fixture.workers, &training) == STATUS_OK);
    const float *before = training_weights(training), *after = training_weights(trained);
    size_t C = fixture.planted.settings.shape.width, n_changed = 0;
    for (size_t item = 0; item < 100000; item++)
        n_changed += memcmp(before + item * C, after + item * C, C * sizeof *before) != 0;
    cr_expect_geq(n_changed, PLANTED_ITEMS);
    cr_expect_lt(n_changed, 2000);
    training_destroy(training);
    training_destroy(trained);
    fixture_clear(&fixture);
}

Test(touched, give_the_same_weights_at_any_thread_count)
{
    struct fixture one, three;
    double loss = 0, other_loss = 0;
    fixture_init(&one, 1);
    fixture_init(&three, 3);
    struct training *a = train(&one, 5, 2, &loss), *b = train(&three, 5, 2, &other_loss);
    cr_expect_eq(loss, other_loss);
    cr_expect(memcmp(training_weights(a), training_weights(b), training_encoder(a)->tensors.n_floats * sizeof(float)) == 0);
    training_destroy(a);
    training_destroy(b);
    fixture_clear(&one);
    fixture_clear(&three);
}
