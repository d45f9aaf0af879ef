/* From a real store in a temporary directory to a dataset, and the words for what cannot be done. */
#include "server/app/evaluating.h"
#include "server/app/retraining.h"
#include "server/app/training_data.h"
#include "storage/event_store.h"
#include "storage/name_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char directory[64];
};

static void place_clear_scoped(struct place *place)
{
    const char *const files[] = {"inkling.db", "inkling.db-wal", "inkling.db-shm", "lock", "models", ""};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", place->directory, files[i]);
        (void)remove(path);
    }
}

static struct place make_place(void)
{
    struct place place = {.directory = "/tmp/test_training_data.XXXXXX"};
    cr_assert_not_null(mkdtemp(place.directory));
    return place;
}

static struct settings settings_of(const struct place *place)
{
    struct settings settings;
    settings_default(&settings);
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "%s", place->directory);
    return settings;
}

#define OK(call)                                                                                                                           \
    do {                                                                                                                                   \
        struct error error = {0};                                                                                                          \
        enum status status = (call);                                                                                                       \
        cr_assert_eq(status, STATUS_OK, "%s: %s", #call, error.detail);                                                                    \
    } while (0)

static void put_names(struct store *store, enum name_kind kind, const char *const names[], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        OK(name_store_insert(store, kind, i, names[i], &error));
}

static void put_event(struct store *store, uint64_t seq, uint32_t user, uint32_t item, uint32_t type, int64_t at_ms)
{
    struct stored_event event = {.seq = seq, .user = user, .item = item, .type = type, .at_ms = at_ms, .value = NAN, .position = -1};
    bool is_new = false;
    OK(event_store_insert(store, &event, &is_new, &error));
    cr_assert(is_new);
}

/* Three events out of order in time, of two users, three items and three types. */
static void fill(const struct place *place)
{
    SCOPED(store_close) struct store *store = NULL;
    OK(store_open(place->directory, STORE_WRITE, &store, &error));
    OK(store_begin(store, &error));
    put_names(store, NAME_USER, (const char *const[]){"anna", "ben"}, 2);
    put_names(store, NAME_ITEM, (const char *const[]){"film-1", "film-2", "film-3"}, 3);
    put_names(store, NAME_TYPE, (const char *const[]){"view", "impression", "dislike"}, 3);
    put_event(store, 1, 1, 2, 0, 300);
    put_event(store, 2, 1, 0, 1, 200);
    put_event(store, 3, 0, 1, 2, 100);
    OK(store_commit(store, &error));
}

static bool refuse(void *context, const struct progress_step *step)
{
    (void)context, (void)step;
    return false;
}

Test(training_data, are_the_stores_events_with_its_numbers)
{
    SCOPED(place_clear) struct place place = make_place();
    struct settings settings = settings_of(&place);
    fill(&place);
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(training_data_clear) struct training_data data = {0};
    OK(store_open(place.directory, STORE_READ, &store, &error));
    OK(training_data_read(store, &settings, NULL, &data, &error));
    cr_expect_eq(data.dataset->n_users, 2);
    cr_assert_eq(data.dataset->n_items, 3);
    cr_expect_eq(data.dataset->n_types, 3);
    cr_expect_arr_eq(data.dataset->starts, ((uint64_t[]){0, 1, 3}), 3 * sizeof(uint64_t));
    cr_expect_arr_eq(data.dataset->items, ((uint32_t[]){1, 0, 2}), 3 * sizeof(uint32_t));
    cr_expect_str_eq(data.item_ids[0], "film-1");
    cr_expect_str_eq(data.item_ids[2], "film-3");
}

Test(training_data, weigh_event_types_by_the_settings)
{
    SCOPED(place_clear) struct place place = make_place();
    struct settings settings = settings_of(&place);
    fill(&place);
    OK(settings_set(&settings, "weights.view", "0.5", "test", &error));
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(training_data_clear) struct training_data data = {0};
    OK(store_open(place.directory, STORE_READ, &store, &error));
    OK(training_data_read(store, &settings, NULL, &data, &error));
    cr_expect_eq(data.weights.weights[0], .5f);
    cr_expect_eq(data.weights.weights[1], -.05f);
    cr_expect_eq(data.weights.weights[2], -1);
}

Test(training_data, stop_when_asked)
{
    SCOPED(place_clear) struct place place = make_place();
    struct settings settings = settings_of(&place);
    fill(&place);
    SCOPED(store_close) struct store *store = NULL;
    SCOPED(training_data_clear) struct training_data data = {0};
    struct error stopped = {0};
    OK(store_open(place.directory, STORE_READ, &store, &error));
    cr_expect_eq(training_data_read(store, &settings, &(struct progress){.report = refuse}, &data, &stopped), STATUS_CONFLICT);
    cr_expect_null(data.dataset);
    OK(training_data_read(store, &settings, NULL, &data, &error)); /* the snapshot was given back */
}

Test(evaluating, says_that_nothing_is_trained)
{
    SCOPED(place_clear) struct place place = make_place();
    struct settings settings = settings_of(&place);
    fill(&place);
    struct evaluation_report report;
    struct error error = {0};
    cr_expect_eq(evaluating_run(&settings, &(struct evaluate_query){.split = SPLIT_OF_MODEL, .n_threads = 1}, NULL, &report, &error), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(error.detail, "no model"), "%s", error.detail);
    cr_expect_not_null(strstr(error.detail, "3 events"), "%s", error.detail);
}

Test(retraining, says_that_there_is_too_little)
{
    SCOPED(place_clear) struct place place = make_place();
    struct settings settings = settings_of(&place);
    fill(&place);
    char version[MODEL_VERSION_BYTES];
    struct error error = {0};
    cr_expect_eq(retraining_run(&settings, &(struct retrain_query){.split = SPLIT_LAST, .seed = 1}, NULL, version, &error), STATUS_INVALID);
    cr_expect_neq(strcspn(error.detail, "0123456789"), strlen(error.detail), "no number in: %s", error.detail);
}

Test(retraining, says_that_there_is_no_data)
{
    struct settings settings;
    char version[MODEL_VERSION_BYTES];
    struct error error = {0};
    settings_default(&settings);
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "/nowhere/at/all");
    cr_expect_eq(retraining_run(&settings, &(struct retrain_query){.seed = 1}, NULL, version, &error), STATUS_NOT_FOUND);
    cr_expect_neq(error.detail[0], '\0');
}
