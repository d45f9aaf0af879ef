/* The phase behind the behaviour training: its gradient, that it places what nobody has touched, that it is the same at any number of
 * threads, and how its vectors are mixed with those of the ids. */
#include "colour_shop.h"
#include "kernel_arguments.h"

#include "core/content_evidence.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the gradient --- */

static void expect_slopes(float temperature, uint32_t max_shared)
{
    struct shop shop;
    struct content_tower tower;
    struct batches batches;
    struct random random;
    bool may[SHOP_ITEMS];
    shop_init(&shop, temperature, 2, 2);
    const struct content_shape shape = {.width = 8,
                                        .picture_width = SHOP_PICTURE,
                                        .n_buckets = 60,
                                        .embedding = 3,
                                        .channels = 5,
                                        .max_words = 8,
                                        .max_features = 5,
                                        .max_bytes = 99};
    cr_assert_eq(content_tower_init(&tower, &shape, NULL), STATUS_OK);
    cr_assert_eq(batches_init(&batches, &shop.sequences, &shop.type_weights, &(struct batch_form){.history = 10, .batch_rows = 100}),
                 STATUS_OK);
    SCOPED(content_step_destroy) struct content_step *step = NULL;
    const struct content_limits limits = {batches.max_slot_rows, max_shared, 40};
    cr_assert_eq(content_step_create(&shop.ground, &tower, &limits, &step, NULL), STATUS_OK);
    random_init(&random, ARGUMENT_SEED, 41);
    float *weights = random_floats(&random, tower.n_floats, .7f), *gradient = zero_floats(tower.n_floats), h = 2e-3f;
    for (uint32_t v = 0; v < SHOP_ITEMS; v++)
        may[v] = v % 5 != 0;
    const struct content_choice choice = {may, .7f, .3f, .2f, 3, 9};
    batches_shuffle(&batches, 1, 1);
    batches_fill(&batches, 0);
    (void)content_step_loss(step, &batches, &choice, weights);
    content_step_gradient(step, gradient);
    double error = 0, length = 0; /* squared: single weights may stand at a kink */
    for (size_t i = 0; i < tower.n_floats; i++) {
        float kept = weights[i];
        weights[i] = kept + h;
        double more = content_step_loss(step, &batches, &choice, weights);
        weights[i] = kept - h;
        double slope = (more - content_step_loss(step, &batches, &choice, weights)) / (2 * (double)h);
        weights[i] = kept;
        error += (slope - (double)gradient[i]) * (slope - (double)gradient[i]);
        length += slope * slope;
    }
    cr_expect_gt(length, 1e-4);
    cr_expect_lt(sqrt(error / length), .02, "temperature %g, %u shared: off by %g of its length %g", (double)temperature, max_shared,
                 sqrt(error / length), sqrt(length));
    free(weights);
    free(gradient);
    batches_clear(&batches);
    shop_clear(&shop);
}

Test(content_step, gradients_are_the_slopes_of_the_loss)
{
    expect_slopes(0, SHOP_ITEMS);
}

Test(content_step, gradients_are_the_slopes_of_the_loss_of_unit_vectors)
{
    expect_slopes(.2f, SHOP_ITEMS);
}

Test(content_step, gradients_are_the_slopes_of_a_sampled_loss)
{
    expect_slopes(0, 20);
    expect_slopes(.2f, 20);
}

/* --- the phase --- */

static struct content_trained learn(const struct shop *shop)
{
    struct content_trained trained;
    struct error error = {.detail = ""};
    cr_assert_eq(content_training_run(&shop->ground, &shop->settings, NULL, &trained, &error), STATUS_OK, "%s", error.detail);
    return trained;
}

/* Of the new items, seen by somebody who bought things of one colour: how many of the first ones have it, over all colours. */
static uint32_t count_found(const struct shop *shop, const struct content_trained *trained)
{
    const struct encoder *encoder = &shop->encoder;
    size_t C = encoder->shape.width;
    SCOPED(memory_free) void *workspace = aligned_alloc(64, (encoder_last_bytes(encoder) + 63) / 64 * 64);
    float *placed = zero_floats(SHOP_ITEMS * (C + 1)), state[8];
    uint32_t n_found = 0;
    cr_assert_eq(content_place_all(&trained->tower, trained->weights, shop->contents, SHOP_ITEMS, shop->workers, placed, NULL), STATUS_OK);
    for (uint32_t colour = 0; colour < SHOP_COLOURS; colour++) {
        const uint32_t items[] = {colour, colour + 3 * SHOP_COLOURS, colour + 7 * SHOP_COLOURS};
        const uint8_t types[] = {0, 0, 0};
        float scores[SHOP_NEW];
        encoder_last(encoder, shop->weights, items, NULL, types, 3, workspace, state);
        for (uint32_t i = 0; i < SHOP_NEW; i++) {
            const float *item = placed + (SHOP_ITEMS - SHOP_NEW + i) * (C + 1);
            float scale = encoder->shape.temperature > 0 ? 1 / (float)(content_length(item, C) * content_length(state, C)) : 1;
            scores[i] = encoder->shape.temperature > 0 ? 0 : item[C];
            for (size_t c = 0; c < C; c++)
                scores[i] += scale * item[c] * state[c];
        }
        for (uint32_t i = 0; i < SHOP_NEW; i++) {
            uint32_t rank = 0;
            for (uint32_t j = 0; j < SHOP_NEW; j++)
                rank += scores[j] > scores[i];
            n_found += rank < SHOP_NEW / SHOP_COLOURS && (SHOP_ITEMS - SHOP_NEW + i) % SHOP_COLOURS == colour;
        }
    }
    free(placed);
    return n_found;
}

static void expect_found(float temperature, uint32_t max_shared)
{
    struct shop shop;
    shop_init(&shop, temperature, 30, 2);
    shop.settings.max_shared = max_shared;
    struct content_trained trained = learn(&shop);
    uint32_t n_found = count_found(&shop, &trained);
    cr_expect_eq(n_found, SHOP_NEW, "temperature %g, %u shared: %u of %u", (double)temperature, max_shared, n_found, SHOP_NEW);
    cr_expect(trained.n_candidates > 0 && trained.n_cases > 0);
    cr_expect(trained.best_epoch >= 1 && trained.best_epoch <= trained.n_epochs);
    for (uint32_t epoch = 0; epoch < trained.n_epochs; epoch++)
        cr_expect_leq(trained.curve[epoch].ndcg20, trained.curve[trained.best_epoch - 1].ndcg20);
    content_trained_clear(&trained);
    shop_clear(&shop);
}

Test(content_training, finds_new_items_by_what_they_are)
{
    expect_found(0, SHOP_ITEMS);
}

Test(content_training, finds_new_items_among_unit_vectors)
{
    expect_found(.2f, SHOP_ITEMS);
}

Test(content_training, finds_new_items_with_a_sampled_softmax)
{
    expect_found(0, 25);
}

static void expect_same_bits(float temperature)
{
    struct shop one, three;
    shop_init(&one, temperature, 3, 1);
    shop_init(&three, temperature, 3, 3);
    one.settings.epochs = three.settings.epochs = 3;
    struct content_trained first = learn(&one), second = learn(&three);
    cr_expect_arr_eq(first.weights, second.weights, first.tower.n_floats * sizeof *first.weights);
    cr_expect_eq(first.n_epochs, second.n_epochs);
    for (uint32_t epoch = 0; epoch < first.n_epochs; epoch++)
        cr_expect(first.curve[epoch].loss == second.curve[epoch].loss && first.curve[epoch].ndcg20 == second.curve[epoch].ndcg20);
    content_trained_clear(&first);
    content_trained_clear(&second);
    shop_clear(&one);
    shop_clear(&three);
}

Test(content_training, gives_the_same_bits_at_any_thread_count)
{
    expect_same_bits(0);
    expect_same_bits(.2f);
}

Test(content_training, without_held_out_items_keeps_the_last_epoch)
{
    struct shop shop;
    shop_init(&shop, 0, 1, 1);
    shop.settings.held_out = 0;
    shop.settings.epochs = 3;
    struct content_trained trained = learn(&shop);
    cr_expect_eq(trained.best_epoch, 3);
    cr_expect_eq(trained.n_contents, SHOP_ITEMS - SHOP_NEW, "everything that somebody bought");
    content_trained_clear(&trained);
    shop_clear(&shop);
}

Test(content_training, does_not_see_all_words_of_a_content)
{
    struct shop shop;
    shop_init(&shop, 0, 1, 2);
    shop.settings.epochs = 1;
    shop.settings.word_dropout = 0;
    struct content_trained all = learn(&shop);
    shop.settings.word_dropout = .5f;
    struct content_trained some = learn(&shop);
    cr_expect(some.curve[0].loss != all.curve[0].loss);
    content_trained_clear(&all);
    content_trained_clear(&some);
    shop_clear(&shop);
}

Test(content_training, that_ends_early_went_the_same_way)
{
    struct shop shop;
    shop_init(&shop, 0, 1, 2);
    shop.settings.epochs = 6;
    shop.settings.patience = 0;
    struct content_trained whole = learn(&shop);
    shop.settings.last_epoch = 2;
    struct content_trained part = learn(&shop);
    cr_assert_eq(whole.n_epochs, 6);
    cr_assert_eq(part.n_epochs, 2);
    for (uint32_t epoch = 0; epoch < 2; epoch++)
        cr_expect(part.curve[epoch].loss == whole.curve[epoch].loss, "epoch %u: %g and %g", epoch + 1, part.curve[epoch].loss,
                  whole.curve[epoch].loss);
    content_trained_clear(&whole);
    content_trained_clear(&part);
    shop_clear(&shop);
}

static bool stop_at(void *context, const struct progress_step *step)
{
    uint64_t *most = context;
    cr_expect(step->done <= step->total);
    return step->done < *most;
}

Test(content_training, stops_when_it_is_asked_to)
{
    struct shop shop;
    struct content_trained trained;
    struct error error = {.detail = ""};
    uint64_t most = 5;
    shop_init(&shop, 0, 1, 2);
    const struct progress progress = {stop_at, &most};
    cr_expect_eq(content_training_run(&shop.ground, &shop.settings, &progress, &trained, &error), STATUS_CONFLICT);
    cr_expect_str_eq(error.detail, "stopped");
    shop_clear(&shop);
}

Test(content_training, says_what_is_wrong)
{
    struct shop shop;
    struct content_trained trained;
    struct error error = {.detail = ""};
    shop_init(&shop, 0, 1, 1);
    shop.settings.probability = 1.5f;
    cr_expect_eq(content_training_run(&shop.ground, &shop.settings, NULL, &trained, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "probability of content training is 1.5"), "%s", error.detail);
    shop.settings.probability = .5f;
    memset(shop.contents, 0, sizeof shop.contents);
    cr_expect_eq(content_training_run(&shop.ground, &shop.settings, NULL, &trained, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "no content to learn from"), "%s", error.detail);
    shop_clear(&shop);
}

/* --- evidence --- */

Test(content_evidence, weighs_events_against_content)
{
    const float id[] = {3, 4, 1}, content[] = {0, 2, -3}, nothing[] = {0, 0, 7};
    const struct evidence dot = {.width = 2, .k = 5}, unit = {.width = 2, .is_tempered = true, .length = 8, .k = 5};
    float out[3];
    const float half[] = {1.5f, 4.5f, -1}, usual[] = {0, 8, -3};
    evidence_mix(&dot, id, 5, content, out);
    expect_close(out, half, 3, 1e-6f, "as many events as content is worth, content brought to the id's length");
    evidence_mix(&unit, id, 5, content, out);
    expect_close(out, half, 3, 1e-6f, "with a temperature too");
    evidence_mix(&dot, NULL, 0, content, out);
    expect_close(out, content, 3, 0, "no events: content");
    evidence_mix(&unit, NULL, 0, content, out);
    expect_close(out, usual, 3, 1e-6f, "of the usual length");
    evidence_mix(&(struct evidence){.width = 2, .k = 5, .shift = -4}, NULL, 0, content, out);
    expect_close(out, (const float[]){0, 2, -7}, 3, 1e-6f, "nobody has touched it");
    evidence_mix(&unit, NULL, 0, nothing, out);
    expect_close(out, nothing, 3, 0, "nothing known");
    evidence_mix(&unit, id, 1, nothing, out);
    expect_close(out, id, 3, 0, "content that says nothing");
    evidence_mix(&dot, id, 1, NULL, out);
    expect_close(out, id, 3, 0, "no content");
    evidence_mix(&(struct evidence){.width = 2, .k = 0}, id, 1, content, out);
    expect_close(out, id, 3, 0, "content that is worth nothing");
    evidence_mix(&dot, id, 1e6f, content, out);
    expect_close(out, id, 3, 1e-4f, "many events");
}

Test(content_evidence, chooses_what_content_is_worth_on_held_out_events)
{
    struct shop shop;
    uint32_t item_events[SHOP_ITEMS] = {0};
    struct evidence_figures figures;
    double best = 0;
    shop_init(&shop, 0, 6, 2);
    size_t n_floats = shop.encoder.tensors.n_floats;
    struct content_trained trained = learn(&shop);
    float *placed = zero_floats(SHOP_ITEMS * 9), *mixed = zero_floats(n_floats);
    struct evidence evidence = {.width = 8, .length = trained.length};
    content_count_events(&shop.sequences, &shop.type_weights, item_events);
    cr_assert_eq(content_place_all(&trained.tower, trained.weights, shop.contents, SHOP_ITEMS, shop.workers, placed, NULL), STATUS_OK);
    cr_assert_eq(evidence_choose(&evidence, &shop.ground, shop.dataset, shop.split, item_events, placed, &figures), STATUS_OK);
    for (size_t i = 0; i < EVIDENCE_CHOICES; i++)
        best = figures.by_choice[i] > best ? figures.by_choice[i] : best;
    for (size_t i = 0; i < EVIDENCE_CHOICES; i++)
        cr_expect(evidence_choices[i] != evidence.k || figures.by_choice[i] == best);
    cr_expect_eq(figures.best, best);
    for (size_t i = 0; i < EVIDENCE_SHIFTS; i++)
        cr_expect(figures.by_choice[0] >= (1 - EVIDENCE_LOSS_MOST) * figures.by_shift[i]);
    evidence.k = evidence.shift = 0;
    evidence_apply(&evidence, &shop.ground, item_events, placed, mixed);
    expect_close(mixed, shop.weights, (SHOP_ITEMS - SHOP_NEW) * 8, 0, "items with events");
    expect_close(mixed + (SHOP_ITEMS - SHOP_NEW) * 8, placed + (SHOP_ITEMS - SHOP_NEW) * 9, 8, 0, "the first new item");
    free(placed);
    free(mixed);
    content_trained_clear(&trained);
    shop_clear(&shop);
}
