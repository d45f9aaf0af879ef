/* Type 0 is a positive, type 1 an impression, type 2 a dislike. Ids hold what ids may hold: quotes, backslashes, letters beyond ASCII. */
#include "planted_data.h"

#include "core/base/random.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const ids[PLANTED_ITEMS] = {"a",  "item \"b\"", "c\\d", "ä",  "日本", "f/../g", "7",  "8",  "9",  "10", "11", "12",
                                               "13", "14",         "15",   "16", "17",   "18",     "19", "20", "21", "22", "23", "24"};

static void add(struct dataset_builder *builder, uint32_t user, uint32_t item, uint32_t type, int64_t at_ms)
{
    cr_assert(dataset_add(builder, user, item, type, at_ms) == STATUS_OK);
}

typedef uint32_t next_item_of(struct random *random, uint32_t item);

static uint32_t next_forward(struct random *random, uint32_t item)
{
    return random_below(random, 4) ? (item * 5 + 1) % PLANTED_ITEMS : random_below(random, PLANTED_ITEMS);
}

static uint32_t next_either_way(struct random *random, uint32_t item)
{
    return (item + (random_below(random, 2) ? 1 : PLANTED_ITEMS - 1)) % PLANTED_ITEMS;
}

static void add_user(struct dataset_builder *builder, struct random *random, uint32_t user, next_item_of *next)
{
    uint32_t item = random_below(random, PLANTED_ITEMS), n = 4 + random_below(random, 17);
    int64_t at_ms = 1000 * (int64_t)random_below(random, 1000);
    for (uint32_t i = 0; i < n; i++, at_ms += 60) {
        add(builder, user, item, 0, at_ms);
        if (random_below(random, 6) == 0)
            add(builder, user, random_below(random, PLANTED_ITEMS), 1 + random_below(random, 2), at_ms + 1);
        item = next(random, item);
    }
}

static void init(struct planted *planted, uint32_t n_users, next_item_of *next)
{
    struct random random;
    random_init(&random, 11, 0);
    *planted = (struct planted){.settings = training_settings_default(), .directory = "/tmp/planted-XXXXXX"};
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    cr_assert(builder);
    for (uint32_t user = 0; user < n_users; user++)
        add_user(builder, &random, user, next);
    cr_assert(dataset_finish(builder, n_users, PLANTED_ITEMS, 3, &planted->dataset) == STATUS_OK);
    planted->settings.type_weights = (struct type_weights){.weights = {1, 0, -1}};
    cr_assert(dataset_split(planted->dataset, SPLIT_LAST, &planted->settings.type_weights, 0, &planted->split) == STATUS_OK);
    memcpy(planted->item_ids, ids, sizeof ids);
    planted->settings.shape.width = 16;
    planted->settings.shape.taps = 4;
    planted->settings.shape.history = 10;
    planted->settings.batch_rows = 32;
    planted->settings.learning_rate = 0.01f;
    planted->settings.dropout = 0.1f;
    planted->settings.epochs = 12;
    cr_assert(mkdtemp(planted->directory));
}

void planted_init(struct planted *planted, uint32_t n_users)
{
    init(planted, n_users, next_forward);
}

void planted_init_reversible(struct planted *planted, uint32_t n_users)
{
    init(planted, n_users, next_either_way);
}

static unsigned each_file(const struct planted *planted, bool remove)
{
    unsigned n = 0;
    DIR *entries = opendir(planted->directory);
    cr_assert(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[400];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n++;
        (void)snprintf(path, sizeof path, "%s/%s", planted->directory, entry->d_name);
        if (remove)
            (void)unlink(path);
    }
    (void)closedir(entries);
    return n;
}

unsigned planted_count_files(const struct planted *planted)
{
    return each_file(planted, false);
}

void planted_clear(struct planted *planted)
{
    (void)each_file(planted, true);
    (void)rmdir(planted->directory);
    split_destroy(planted->split);
    dataset_destroy(planted->dataset);
}

const char *planted_train(const struct planted *planted, char out_version[MODEL_VERSION_BYTES])
{
    static char path[128];
    struct error error = {.detail = ""};
    enum status status =
        trainer_run(planted->dataset, planted->split, planted->item_ids, &planted->settings, planted->directory, NULL, out_version, &error);
    cr_assert(status == STATUS_OK, "%s: %s", status_text(status), error.detail);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", planted->directory, out_version);
    return path;
}
