/* See app_fixture.h. */
#include "tests/unit/server/app_fixture.h"

#include "core/base/log.h"
#include "server/app/retraining.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_AT_MS INT64_C(1700000000000)

void fixture_start(struct fixture *fixture)
{
    struct error error = {0};
    fixture->program = (struct job_program){.path = fixture->script, .grace_ms = 1000};
    cr_assert_eq(app_open_with(&fixture->settings, &fixture->program, &fixture->app, &error), STATUS_OK, "%s", error.detail);
}

void fixture_stop(struct fixture *fixture)
{
    app_close(fixture->app);
    fixture->app = NULL;
}

void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.directory = "/tmp/inkling-app-XXXXXX", .arena = arena_create(1 << 16, 1 << 26)};
    cr_assert(fixture->arena);
    log_set_level(LOG_ERROR);
    cr_assert(mkdtemp(fixture->directory));
    (void)snprintf(fixture->script, sizeof fixture->script, "%s/train", fixture->directory);
    settings_default(&fixture->settings);
    (void)snprintf(fixture->settings.data_directory, sizeof fixture->settings.data_directory, "%s/data", fixture->directory);
    fixture_start(fixture);
}

void fixture_close(struct fixture *fixture)
{
    char command[128];
    fixture_stop(fixture);
    arena_destroy(fixture->arena);
    (void)snprintf(command, sizeof command, "rm -rf %s", fixture->directory);
    cr_assert_eq(system(command), 0);
}

void fixture_program(struct fixture *fixture, const char *shell)
{
    FILE *file = fopen(fixture->script, "w");
    cr_assert(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", shell);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(fixture->script, 0700), 0);
}

/* --- writes --- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
};

static void wake(void *context)
{
    struct waiter *waiter = context;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->is_done = true;
    (void)pthread_cond_signal(&waiter->changed);
    (void)pthread_mutex_unlock(&waiter->lock);
}

enum status fixture_write(struct fixture *fixture, struct write *write)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct error error = {0};
    write->done = wake;
    write->context = &waiter;
    cr_assert_eq(app_submit(fixture->app, write, &error), STATUS_OK, "%s", error.detail);
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        (void)pthread_cond_wait(&waiter.changed, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    return write->status;
}

void fixture_fill_disk(const struct fixture *fixture, struct rlimit *out_before)
{
    char path[160];
    struct stat facts;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)snprintf(path, sizeof path, "%s/data/inkling.db-wal", fixture->directory);
    cr_assert_eq(stat(path, &facts), 0);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, out_before), 0);
    struct rlimit limit = {.rlim_cur = (rlim_t)facts.st_size, .rlim_max = out_before->rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

struct event_input fixture_event_input(const char *user_id, const char *item_id, const char *type)
{
    static int64_t at_ms = FIRST_AT_MS;
    return (struct event_input){
        .user_id = user_id, .item_id = item_id, .type = type, .at_ms = at_ms += 1000, .value = (double)NAN, .position = -1};
}

struct item_input fixture_item_input(const char *item_id)
{
    return (struct item_input){.item_id = item_id, .price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
}

enum status fixture_event(struct fixture *fixture, const char *user_id, const char *item_id, const char *type)
{
    struct event_input event = fixture_event_input(user_id, item_id, type);
    return fixture_write(fixture, &(struct write){.kind = WRITE_EVENTS, .events = &event, .n = 1});
}

enum status fixture_item(struct fixture *fixture, const char *item_id, const char *category)
{
    struct item_input item = fixture_item_input(item_id);
    const char *categories[] = {category};
    item.categories = (struct texts){.texts = categories, .n_texts = category != NULL};
    return fixture_write(fixture, &(struct write){.kind = WRITE_ITEMS, .items = &item, .n = 1});
}

/* --- answers --- */

const char *fixture_items(struct fixture *fixture, const struct recommendations *answer)
{
    static char text[8192];
    size_t length = 0;
    text[0] = '\0';
    unsigned slot = app_enter(fixture->app);
    for (size_t i = 0; i < answer->n_items; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i ? " " : "",
                                   app_item(fixture->app, answer->items[i].item)->item_id);
    app_leave(fixture->app, slot);
    return text;
}

const char *fixture_recommend(struct fixture *fixture, const char *user_id, uint32_t limit)
{
    struct recommend_query query = {.user_id = user_id, .limit = limit, .kind = KIND_ANY, .exclude_seen = true};
    struct recommendations answer;
    struct error error = {0};
    arena_reset(fixture->arena);
    unsigned slot = app_enter(fixture->app);
    cr_assert_eq(app_recommend(fixture->app, &query, fixture->arena, &answer, &error), STATUS_OK, "%s", error.detail);
    app_leave(fixture->app, slot);
    return fixture_items(fixture, &answer);
}

/* --- models --- */

void fixture_fill(struct fixture *fixture, unsigned n_users, unsigned n_items)
{
    enum { EVENTS_A_USER = 12 };
    static char users[64][16], items[64][16];
    struct event_input events[EVENTS_A_USER];
    cr_assert(n_users <= 64 && n_items <= 64);
    for (unsigned i = 0; i < 64; i++) {
        (void)snprintf(users[i], sizeof users[i], "user-%u", i);
        (void)snprintf(items[i], sizeof items[i], "item-%u", i);
    }
    for (unsigned user = 0; user < n_users; user++) {
        for (unsigned i = 0; i < EVENTS_A_USER; i++)
            events[i] = fixture_event_input(users[user], items[(user * 7 + i) % n_items], "view");
        cr_assert_eq(fixture_write(fixture, &(struct write){.kind = WRITE_EVENTS, .events = events, .n = EVENTS_A_USER}), STATUS_OK);
    }
}

void fixture_train(struct fixture *fixture, int64_t seed, char out_version[MODEL_VERSION_BYTES])
{
    struct retrain_query query = {
        .split = SPLIT_LAST, .epochs = 2, .seed = seed, .n_threads = 1, .no_refit = true, .force = true, .fresh = true};
    struct error error = {0};
    cr_assert_eq(retraining_run(&fixture->settings, &query, NULL, out_version, &error), STATUS_OK, "%s", error.detail);
}

void fixture_model_path(const struct fixture *fixture, const char *version, char out_path[160])
{
    (void)snprintf(out_path, 160, "%s/data/models/%s.safetensors", fixture->directory, version);
}

const char *fixture_model_state(struct fixture *fixture, const char *version, const char **out_reason)
{
    struct model_row *rows = NULL;
    size_t n = 0;
    struct error error = {0};
    arena_reset(fixture->arena);
    cr_assert_eq(app_models(fixture->app, fixture->arena, &rows, &n, &error), STATUS_OK, "%s", error.detail);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].version, version) == 0) {
            if (out_reason)
                *out_reason = rows[i].reason;
            return rows[i].state;
        }
    return NULL;
}

const char *fixture_live_version(struct fixture *fixture)
{
    static char version[MODEL_VERSION_BYTES];
    unsigned slot = app_enter(fixture->app);
    const struct model *model = live_get(&fixture->app->live)->model;
    if (model)
        memcpy(version, model_facts(model)->version, sizeof version);
    app_leave(fixture->app, slot);
    return model ? version : NULL;
}
