/* Sampled softmax: with every item drawn it is the whole one; with few it still learns, and leaves alone what no step touches. */
#include "planted_data.h"

#include "core/training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    planted.settings.averaging = 0;
    cr_assert(model_open(planted_train(&planted, version), &model, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_gt(model_facts(model)->figures[METHOD_ENCODER].hr5, .55, "HR@5 %g", model_facts(model)->figures[METHOD_ENCODER].hr5);
    model_close(model);
    planted_clear(&planted);
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
