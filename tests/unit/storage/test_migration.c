/* A database of version 1, made by the first migration alone, is brought up with everything that is in it. */
#include "tests/unit/storage/storage_fixture.h"

#include "storage/engine.h"
#include "storage/model_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *read_text(const char *path)
{
    enum { MOST = 4096 };
    char *text = calloc(1, MOST);
    FILE *file = fopen(path, "r");
    cr_assert(text && file && fread(text, 1, MOST - 1, file) > 0 && fclose(file) == 0);
    return text;
}

static void make_first_version(void)
{
    struct error *error = &fixture_error;
    fixture_make();
    cr_assert_eq(mkdir(fixture_directory, 0700), 0);
    FILE *file = fopen(fixture_path("inkling.db"), "w"); /* opening makes none */
    cr_assert(file && fclose(file) == 0);
    struct store old = {.mode = STORE_WRITE, .lock = -1, .path = strdup(fixture_path("inkling.db"))};
    assert_ok(engine_open(&old, error));
    assert_ok(engine_execute(&old, migration_texts[0], error));
    char *rows = read_text(FIRST_VERSION_ROWS);
    assert_ok(engine_execute(&old, rows, error));
    free(rows);
    engine_close(&old);
    free(old.path);
}

TestSuite(migration, .init = make_first_version, .fini = fixture_remove);

static enum status see_model(void *context, const struct stored_model *model)
{
    char *all = context;
    (void)snprintf(all + strlen(all), 256 - strlen(all), "%llu %s %s %lld %s|", (unsigned long long)model->number, model->version,
                   model_state_names[model->state], (long long)model->created_at_ms, model->reason ? model->reason : "-");
    return STATUS_OK;
}

static void insert_model(struct store *store, const char *version, enum model_state state)
{
    struct stored_model model = {.version = version, .state = state, .created_at_ms = 1, .activated_at_ms = INT64_MIN, .facts = "{}"};
    assert_ok(model_registry_insert(store, &model, &fixture_error));
}

Test(migration, keeps_the_models_of_version_1)
{
    char all[256] = "";
    SCOPED(store_close) struct store *store = fixture_open(STORE_WRITE);
    assert_ok(model_registry_scan(store, see_model, all, &fixture_error));
    cr_assert_str_eq(all, "3 c damaged 99 cut off|2 b live 98 -|1 a ready 97 -|");
    assert_ok(store_check_integrity(store, &fixture_error));
}

Test(migration, lets_a_model_of_an_old_store_be_rejected)
{
    char all[256] = "";
    SCOPED(store_close) struct store *store = fixture_open(STORE_WRITE);
    assert_ok(store_begin(store, &fixture_error));
    assert_ok(model_registry_mark_rejected(store, "a", "worse", &fixture_error));
    insert_model(store, "d", MODEL_REJECTED);
    assert_ok(model_registry_scan(store, see_model, all, &fixture_error));
    cr_assert_str_eq(all, "4 d rejected 1 -|3 c damaged 99 cut off|2 b live 98 -|1 a rejected 97 worse|", "the numbers go on");
}

Test(migration, keeps_the_index_that_allows_one_live_model)
{
    SCOPED(store_close) struct store *store = fixture_open(STORE_WRITE);
    assert_ok(store_begin(store, &fixture_error));
    struct stored_model second = {.version = "d", .state = MODEL_LIVE, .activated_at_ms = INT64_MIN, .facts = "{}"};
    cr_assert_neq(model_registry_insert(store, &second, &fixture_error), STATUS_OK);
}

Test(migration, is_needed_before_a_store_is_read)
{
    struct store *store = NULL;
    assert_fails(store_open(fixture_directory, STORE_READ, &store, &fixture_error), STATUS_CONFLICT, "older");
}

Test(migration, knows_the_models_of_an_old_store_as_those_of_behaviour)
{
    SCOPED(store_close) struct store *store = fixture_open(STORE_WRITE);
    assert_ok(store_begin(store, &fixture_error));
    struct stored_model pictures = {
        .version = "p", .kind = MODEL_PICTURES, .state = MODEL_LIVE, .activated_at_ms = INT64_MIN, .facts = "{}"};
    assert_ok(model_registry_insert(store, &pictures, &fixture_error));
    char all[256] = "";
    assert_ok(model_registry_read_live(store, MODEL_BEHAVIOUR, see_model, all, &fixture_error));
    cr_assert_str_eq(all, "2 b live 98 -|");
}
