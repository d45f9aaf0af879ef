/* Training as a whole: it learns what is there, gives the same bytes for the same input at any thread count, and says why it cannot. */
#include "planted_data.h"

#include "core/evaluation.h"
#include "core/model_network.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct model *open_model(const char *path)
{
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert(model_open(path, &model, &error) == STATUS_OK, "%s", error.detail);
    return model;
}

Test(trainer, learns_a_planted_pattern)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    planted_init(&planted, 400);
    struct model *model = open_model(planted_train(&planted, version));
    const struct model_facts *facts = model_facts(model);
    cr_assert_gt(facts->figures[METHOD_ENCODER].hr5, .6, "HR@5 %g", facts->figures[METHOD_ENCODER].hr5);
    cr_assert_gt(facts->figures[METHOD_ENCODER].ndcg10, 2 * facts->figures[METHOD_POPULAR].ndcg10);
    model_close(model);
    planted_clear(&planted);
}

Test(trainer, learns_with_length_1_vectors)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    planted_init(&planted, 400);
    planted.settings.shape.temperature = 0.1f;
    struct model *model = open_model(planted_train(&planted, version));
    cr_assert_gt(model_facts(model)->figures[METHOD_ENCODER].hr5, .6, "HR@5 %g", model_facts(model)->figures[METHOD_ENCODER].hr5);
    model_close(model);
    planted_clear(&planted);
}

Test(trainer, predicts_the_next_item_of_the_pattern)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    planted_init(&planted, 400);
    struct model *model = open_model(planted_train(&planted, version));
    void *workspace = aligned_alloc(64, model_workspace_bytes(model));
    float user[16], scores[PLANTED_ITEMS];
    unsigned n_right = 0;
    for (uint32_t item = 0; item < PLANTED_ITEMS; item++) {
        const uint8_t type = 0;
        cr_assert(model_encode(model, &item, NULL, &type, 1, workspace, user));
        model_score(model, user, scores);
        uint32_t best = 0;
        for (uint32_t i = 1; i < PLANTED_ITEMS; i++)
            best = scores[i] > scores[best] ? i : best;
        n_right += best == (item * 5 + 1) % PLANTED_ITEMS;
    }
    cr_assert_gt(n_right, PLANTED_ITEMS * 3 / 4, "%u of %u", n_right, PLANTED_ITEMS);
    free(workspace);
    model_close(model);
    planted_clear(&planted);
}

static char *read_whole(const char *path, size_t *out_n_bytes)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    struct stat facts;
    cr_assert(fstat(fileno(file), &facts) == 0);
    char *bytes = malloc((size_t)facts.st_size);
    cr_assert(bytes && fread(bytes, 1, (size_t)facts.st_size, file) == (size_t)facts.st_size);
    (void)fclose(file);
    *out_n_bytes = (size_t)facts.st_size;
    return bytes;
}

/* Train again, elsewhere, with n_threads: the same version and the same bytes? */
static void expect_same_bytes(float temperature, unsigned n_threads)
{
    struct planted first, second;
    char version[MODEL_VERSION_BYTES], again[MODEL_VERSION_BYTES];
    size_t n, n_again;
    planted_init(&first, 120);
    planted_init(&second, 120);
    first.settings.shape.temperature = second.settings.shape.temperature = temperature;
    first.settings.epochs = second.settings.epochs = 3;
    second.settings.n_threads = n_threads;
    char *bytes = read_whole(planted_train(&first, version), &n), *bytes_again = read_whole(planted_train(&second, again), &n_again);
    cr_assert_str_eq(version, again);
    cr_assert(n == n_again && memcmp(bytes, bytes_again, n) == 0);
    free(bytes);
    free(bytes_again);
    planted_clear(&first);
    planted_clear(&second);
}

Test(trainer, gives_the_same_bytes_twice)
{
    expect_same_bytes(0, 1);
}

Test(trainer, gives_the_same_bytes_at_2_threads)
{
    expect_same_bytes(0, 2);
}

Test(trainer, gives_the_same_bytes_at_5_threads_with_temperature)
{
    expect_same_bytes(.1f, 5);
}

Test(trainer, gives_other_bytes_for_another_seed)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES], other[MODEL_VERSION_BYTES];
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    (void)planted_train(&planted, version);
    planted.settings.seed = 2;
    (void)planted_train(&planted, other);
    cr_assert_str_neq(version, other);
    cr_assert_eq(planted_count_files(&planted), 2);
    planted_clear(&planted);
}

Test(trainer, accepts_that_its_file_is_there_already)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES], again[MODEL_VERSION_BYTES];
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    (void)planted_train(&planted, version);
    (void)planted_train(&planted, again);
    cr_assert_str_eq(version, again);
    cr_assert_eq(planted_count_files(&planted), 1);
    planted_clear(&planted);
}

static enum status run(struct planted *planted, const struct progress *progress, struct error *error)
{
    char version[MODEL_VERSION_BYTES] = "untouched";
    enum status status =
        trainer_run(planted->dataset, planted->split, planted->item_ids, &planted->settings, planted->directory, progress, version, error);
    cr_assert(status == STATUS_OK || strcmp(version, "untouched") == 0, "an out-parameter changed on failure");
    return status;
}

Test(trainer, never_replaces_a_file_that_is_in_the_way)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    struct error error = {.detail = ""};
    struct stat facts;
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    const char *path = planted_train(&planted, version);
    cr_assert(truncate(path, 100) == 0);
    cr_assert_eq(run(&planted, NULL, &error), STATUS_IO);
    cr_assert(strstr(error.detail, "in the way"), "%s", error.detail);
    cr_assert(stat(path, &facts) == 0 && facts.st_size == 100);
    cr_assert_eq(planted_count_files(&planted), 1, "nothing else is left behind");
    planted_clear(&planted);
}

Test(trainer, says_when_the_directory_is_not_there)
{
    struct planted planted;
    struct error error = {.detail = ""};
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    char kept[64];
    memcpy(kept, planted.directory, sizeof kept);
    (void)snprintf(planted.directory, sizeof planted.directory, "%.40s/none", kept);
    cr_assert_eq(run(&planted, NULL, &error), STATUS_IO);
    cr_assert(strstr(error.detail, "No such file"), "%s", error.detail);
    memcpy(planted.directory, kept, sizeof kept);
    planted_clear(&planted);
}

Test(trainer, leaves_nothing_behind_when_a_write_fails)
{
    struct planted planted;
    struct error error = {.detail = ""};
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    (void)signal(SIGXFSZ, SIG_IGN); /* then a write beyond the limit fails as one on a full disk does */
    const struct rlimit limit = {.rlim_cur = 3000, .rlim_max = RLIM_INFINITY};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    cr_assert_eq(run(&planted, NULL, &error), STATUS_IO);
    cr_assert(strstr(error.detail, "cannot write"), "%s", error.detail);
    cr_assert_eq(planted_count_files(&planted), 0);
    planted_clear(&planted);
}

struct stopper {
    unsigned n_calls, n_allowed;
};

static bool stop(void *context, const struct progress_step *step)
{
    struct stopper *stopper = context;
    cr_assert(step->phase && (step->total == 0 || step->done <= step->total), "%s: %llu of %llu", step->phase,
              (unsigned long long)step->done, (unsigned long long)step->total);
    return ++stopper->n_calls <= stopper->n_allowed;
}

Test(trainer, stops_when_it_is_asked_to)
{
    struct planted planted;
    planted_init(&planted, 60);
    planted.settings.epochs = 2;
    struct stopper counter = {.n_allowed = 1000000};
    struct progress progress = {stop, &counter};
    struct error error = {.detail = ""};
    cr_assert_eq(run(&planted, &progress, &error), STATUS_OK);
    for (unsigned n = 0; n < counter.n_calls; n++) { /* at every step that it reports */
        struct stopper stopper = {.n_allowed = n};
        progress.context = &stopper;
        planted.settings.seed = 100 + n;
        cr_assert_eq(run(&planted, &progress, &error), STATUS_CONFLICT);
        cr_assert_eq(stopper.n_calls, n + 1, "it went on after it was asked to stop");
        cr_assert(error.detail[0]);
    }
    cr_assert_eq(planted_count_files(&planted), 1);
    planted_clear(&planted);
}

/* The best figure that any epoch's note told. */
struct listener {
    double best, last;
};

static bool listen(void *context, const struct progress_step *step)
{
    struct listener *listener = context;
    const char *figure = step->note ? strstr(step->note, "NDCG@10 ") : NULL;
    if (figure) {
        listener->last = strtod(figure + 8, NULL);
        listener->best = listener->last > listener->best ? listener->last : listener->best;
    }
    return true;
}

Test(trainer, keeps_the_weights_of_the_best_epoch)
{
    struct planted planted;
    struct listener listener = {0};
    struct progress progress = {listen, &listener};
    struct error error = {.detail = ""};
    char version[MODEL_VERSION_BYTES], path[128];
    planted_init(&planted, 60);
    planted.settings.epochs = 40; /* so fast and so long on so little that the last epochs are worse */
    planted.settings.patience = 0;
    planted.settings.learning_rate = 0.05f;
    cr_assert(trainer_run(planted.dataset, planted.split, planted.item_ids, &planted.settings, planted.directory, &progress, version,
                          &error) == STATUS_OK);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", planted.directory, version);
    struct model *model = open_model(path);
    cr_assert_lt(listener.last, listener.best - .01, "the test wants a last epoch that is worse");
    double found = model_facts(model)->figures[METHOD_ENCODER].ndcg10;
    cr_assert(found > listener.best - 1e-3, "the file has NDCG@10 %g, an epoch had %g", found, listener.best);
    cr_assert_lt(model_facts(model)->epochs, 40);
    model_close(model);
    planted_clear(&planted);
}

Test(trainer, refuses_data_that_nothing_follows_from)
{
    struct planted planted;
    struct error error = {.detail = ""};
    planted_init(&planted, 60);
    for (uint32_t user = 0; user < 60; user++)
        planted.split->train_ends[user] = planted.dataset->starts[user] + 1;
    cr_assert_eq(run(&planted, NULL, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "too little to learn from"), "%s", error.detail);
    planted_clear(&planted);
}

Test(trainer, refuses_ids_that_are_there_twice)
{
    struct planted planted;
    struct error error = {.detail = ""};
    planted_init(&planted, 60);
    planted.settings.epochs = 1;
    planted.item_ids[7] = planted.item_ids[3];
    cr_assert_eq(run(&planted, NULL, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "items 3 and 7"), "%s", error.detail);
    planted.item_ids[7] = "";
    cr_assert_eq(run(&planted, NULL, &error), STATUS_INVALID);
    cr_assert_eq(planted_count_files(&planted), 0);
    planted_clear(&planted);
}

Test(trainer, refuses_settings_out_of_range)
{
    struct planted planted;
    struct error error = {.detail = ""};
    planted_init(&planted, 60);
    struct training_settings good = planted.settings;
    for (int i = 0; i < 7; i++) {
        planted.settings = good;
        if (i == 0)
            planted.settings.shape.width = 0;
        else if (i == 1)
            planted.settings.dropout = 1;
        else if (i == 2)
            planted.settings.learning_rate = 0;
        else if (i == 3)
            planted.settings.epochs = 0;
        else if (i == 4)
            planted.settings.shape.temperature = -1;
        else if (i == 5)
            planted.settings.shape.n_blocks = 1000;
        else
            planted.settings.batch_rows = 0;
        cr_assert_eq(run(&planted, NULL, &error), STATUS_INVALID, "case %d", i);
        cr_assert(error.detail[0]);
    }
    planted_clear(&planted);
}

Test(trainer, trains_without_anything_held_out)
{
    struct planted planted;
    char version[MODEL_VERSION_BYTES];
    planted_init(&planted, 60);
    planted.split->n_held_out = 0;
    planted.settings.epochs = 9;
    planted.settings.patience = 2;
    struct model *model = open_model(planted_train(&planted, version));
    cr_assert_eq(model_facts(model)->epochs, 9, "there is nothing to stop by");
    model_close(model);
    planted_clear(&planted);
}

Test(trainer, learns_nothing_from_what_is_held_out)
{
    struct planted planted, other;
    char version[MODEL_VERSION_BYTES];
    planted_init(&planted, 60);
    planted_init(&other, 60);
    planted.settings.epochs = other.settings.epochs =
        2; /* both run to their end: only the choice of the best epoch looks at the held-out events */
    planted.settings.patience = other.settings.patience = 0;
    planted.split->n_held_out = other.split->n_held_out = 0;
    for (uint32_t user = 0; user < 60; user++) {
        for (uint64_t i = other.split->train_ends[user]; i < other.dataset->starts[user + 1]; i++)
            other.dataset->items[i] = 0;
    }
    struct model *model = open_model(planted_train(&planted, version)), *other_model = open_model(planted_train(&other, version));
    size_t n_bytes = model_encoder(model)->tensors.n_floats * sizeof(float); /* the report may say that the held-out events differ */
    cr_assert(memcmp(model_weights(model), model_weights(other_model), n_bytes) == 0, "events behind the training part changed the model");
    model_close(model);
    model_close(other_model);
    planted_clear(&planted);
    planted_clear(&other);
}
