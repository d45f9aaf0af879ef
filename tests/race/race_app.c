/* The whole service under everything at once: two threads write events and ask at once whether they are in the answer, one changes the
 * catalogue, one activates two models in turn, two ask every question. Memory for behaviour is so small that users are forgotten and read
 * again all the time. */
#include "server/app/retraining.h"
#include "server/app/service.h"

#include "core/base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300
#define ITEMS  60u
#define USERS  24u

struct shared {
    struct app *app;
    char versions[2][MODEL_VERSION_BYTES];
    atomic_bool is_done;
    atomic_uint n_wrong, n_writers;
};

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

static void check(struct shared *shared, bool is_right, const char *what)
{
    if (!is_right && atomic_fetch_add(&shared->n_wrong, 1) < 10)
        (void)fprintf(stderr, "wrong: %s\n", what);
}

static enum status write_and_wait(struct shared *shared, struct write *write)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    write->done = wake;
    write->context = &waiter;
    enum status status = app_submit(shared->app, write, NULL);
    if (status != STATUS_OK)
        return status;
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        (void)pthread_cond_wait(&waiter.changed, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    return write->status;
}

static struct event_input event_of(const char *user, const char *item, unsigned step)
{
    return (struct event_input){.user_id = user,
                                .item_id = item,
                                .type = step % 9 ? "view" : "dislike",
                                .at_ms = INT64_C(1700000000000) + step % 50 * 1000,
                                .value = (double)NAN,
                                .position = -1};
}

/* Is item among the answer for user? */
static bool is_answered(struct shared *shared, struct arena *arena, const char *user, const char *item, uint64_t at_least_seq)
{
    struct recommend_query query = {.user_id = user, .limit = ITEMS, .kind = KIND_ANY, .exclude_seen = true};
    struct recommendations answer;
    bool is_there = false;
    arena_reset(arena);
    unsigned slot = app_enter(shared->app);
    bool is_good = app_recommend(shared->app, &query, arena, &answer, NULL) == STATUS_OK;
    check(shared, is_good && answer.seen_seq >= at_least_seq && !answer.degraded, "an answer without what was acknowledged");
    for (size_t i = 0; is_good && i < answer.n_items; i++) {
        const struct item *found = app_item(shared->app, answer.items[i].item);
        check(shared, found && isfinite(answer.items[i].score), "an item without record or score");
        is_there |= found && strcmp(found->item_id, item) == 0;
    }
    app_leave(shared->app, slot);
    return is_there;
}

static void *write_events(void *argument)
{
    struct shared *shared = argument;
    unsigned number = atomic_fetch_add(&shared->n_writers, 1);
    struct arena *arena = arena_create(1 << 16, 1 << 24);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char user[32], item[32];
        (void)snprintf(user, sizeof user, "user-%u", (i * 5 + number) % USERS);
        (void)snprintf(item, sizeof item, "item-%u", i * 11 % (ITEMS + i / 10));
        struct event_input event = event_of(user, item, i);
        struct write write = {.kind = WRITE_EVENTS, .events = &event, .n = 1};
        check(shared, write_and_wait(shared, &write) == STATUS_OK, "an event was refused");
        check(shared, !is_answered(shared, arena, user, item, write.seq), "a seen item is recommended");
    }
    arena_destroy(arena);
    return NULL;
}

static void *write_items(void *argument)
{
    struct shared *shared = argument;
    for (unsigned i = 0; !atomic_load(&shared->is_done); i++) {
        char item_id[32];
        const char *categories[] = {i % 2 ? "sea" : "hill"};
        (void)snprintf(item_id, sizeof item_id, "item-%u", i % ITEMS);
        struct item_input item = {.item_id = item_id,
                                  .title = "a title",
                                  .price = 1,
                                  .created_at_ms = INT64_MIN,
                                  .expires_at_ms = INT64_MIN,
                                  .categories = {.texts = categories, .n_texts = 1}};
        struct write write = {.kind = WRITE_ITEMS, .items = &item, .n = 1};
        if (i % 5 == 4)
            write = (struct write){.kind = WRITE_ITEM_DELETE, .id = item_id};
        enum status status = write_and_wait(shared, &write);
        check(shared, status == STATUS_OK || (status == STATUS_NOT_FOUND && i % 5 == 4), "an item was refused");
    }
    return NULL;
}

static void *swap_models(void *argument)
{
    struct shared *shared = argument;
    for (unsigned i = 0; !atomic_load(&shared->is_done); i++)
        check(shared, write_and_wait(shared, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = shared->versions[i % 2]}) == STATUS_OK,
              "a model was refused");
    return NULL;
}

static enum status count_event(void *context, const struct user_event *event)
{
    (void)event;
    ++*(unsigned *)context;
    return STATUS_OK;
}

static void ask_everything(struct shared *shared, struct arena *arena, unsigned step)
{
    struct recommendations answer;
    struct user_profile profile;
    char user[32], item[32];
    unsigned n_events = 0;
    struct context_event events[] = {{.item_id = "item-1", .type = "view"}};
    (void)snprintf(user, sizeof user, "user-%u", step % USERS);
    (void)snprintf(item, sizeof item, "item-%u", step % ITEMS);
    struct recommend_query query = {.user_id = user, .limit = 10, .kind = KIND_ANY, .context_events = events, .n_context_events = 1};
    arena_reset(arena);
    unsigned slot = app_enter(shared->app);
    check(shared, app_recommend(shared->app, &query, arena, &answer, NULL) == STATUS_OK && answer.n_items == 10, "recommend");
    check(shared,
          app_popular(shared->app, &(struct popular_query){.window = WINDOW_DAY, .limit = 10, .kind = KIND_ANY}, arena, &answer, NULL) ==
              STATUS_OK,
          "popular");
    enum status status = app_similar(shared->app, item, 10, arena, &answer, NULL);
    check(shared, status == STATUS_OK || status == STATUS_NOT_FOUND, "similar");
    app_leave(shared->app, slot);
    if (step % 8 == 0) {
        SCOPED(buffer_clear) struct buffer page;
        buffer_init(&page, 1 << 20);
        app_metrics(shared->app, &page);
        check(shared, app_user_events(shared->app, user, UINT64_MAX, 10, count_event, &n_events, NULL) == STATUS_OK && n_events > 0,
              "user events");
        check(shared, app_user(shared->app, user, arena, &profile, NULL) == STATUS_OK, "user");
    }
}

static void *read_all_the_time(void *argument)
{
    struct shared *shared = argument;
    struct arena *arena = arena_create(1 << 16, 1 << 24);
    for (unsigned step = 0; !atomic_load(&shared->is_done); step++)
        ask_everything(shared, arena, step);
    arena_destroy(arena);
    return NULL;
}

/* Something to train on, and two models. */
static bool prepare(struct shared *shared, const struct settings *settings)
{
    for (unsigned user = 0; user < USERS; user++)
        for (unsigned i = 0; i < 10; i++) {
            char user_id[32], item_id[32];
            (void)snprintf(user_id, sizeof user_id, "user-%u", user);
            (void)snprintf(item_id, sizeof item_id, "item-%u", (user * 7 + i) % ITEMS);
            struct event_input event = event_of(user_id, item_id, i);
            if (write_and_wait(shared, &(struct write){.kind = WRITE_EVENTS, .events = &event, .n = 1}) != STATUS_OK)
                return false;
        }
    for (int i = 0; i < 2; i++) {
        struct retrain_query query = {.split = SPLIT_LAST, .epochs = 1, .seed = i + 1, .n_threads = 1};
        struct error error = {0};
        if (retraining_run(settings, &query, NULL, shared->versions[i], &error) != STATUS_OK) {
            (void)fprintf(stderr, "training: %s\n", error.detail);
            return false;
        }
    }
    return write_and_wait(shared, &(struct write){.kind = WRITE_MODEL_ADOPT}) == STATUS_OK;
}

static void race(struct shared *shared)
{
    void *(*const others[])(void *) = {write_items, swap_models, read_all_the_time, read_all_the_time};
    enum { N_OTHERS = sizeof others / sizeof others[0] };
    pthread_t writers[2], threads[N_OTHERS];
    for (int i = 0; i < N_OTHERS; i++)
        if (pthread_create(&threads[i], NULL, others[i], shared))
            abort();
    for (int i = 0; i < 2; i++)
        if (pthread_create(&writers[i], NULL, write_events, shared))
            abort();
    for (int i = 0; i < 2; i++)
        (void)pthread_join(writers[i], NULL);
    atomic_store(&shared->is_done, true);
    for (int i = 0; i < N_OTHERS; i++)
        (void)pthread_join(threads[i], NULL);
}

int main(void)
{
    struct shared shared = {.app = NULL};
    struct settings settings;
    char directory[] = "/tmp/inkling-race-XXXXXX", command[64];
    struct error error = {0};
    if (!mkdtemp(directory))
        return 1;
    log_set_level(LOG_ERROR);
    settings_default(&settings);
    settings.behaviour_max_bytes = 1;
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "%s/data", directory);
    if (app_open(&settings, &shared.app, &error) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", error.detail);
        return 1;
    }
    bool is_prepared = prepare(&shared, &settings);
    if (is_prepared)
        race(&shared);
    app_close(shared.app);
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    bool is_clean = system(command) == 0;
    (void)printf("%u wrong\n", atomic_load(&shared.n_wrong));
    return is_prepared && is_clean && atomic_load(&shared.n_wrong) == 0 ? 0 : 1;
}
