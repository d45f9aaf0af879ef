/* The Nth allocation fails: for every N, an import either does all of its work or says that there was no memory, and leaves a whole store
 * behind. Plain main: exit code 0 is a pass, also when run under ASan, which sees what a failure path forgets to free. */
#include "core/base/node.h"
#include "server/app/importer.h"
#include "storage/event_store.h"
#include "tests/fault/failing_allocations.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_EVENTS 40

/* 65 x 1 grey pixels: too wide to be kept as it is */
static const unsigned char png[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
                                    0x44, 0x52, 0x00, 0x00, 0x00, 0x41, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00,
                                    0x00, 0xa4, 0xc4, 0x9c, 0xf5, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78,
                                    0x9c, 0x63, 0x60, 0xa0, 0x14, 0x00, 0x00, 0x00, 0x42, 0x00, 0x01, 0xe0, 0x81, 0x7a,
                                    0x28, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

/* IDX files of one picture, 1 x 65 */
static const unsigned char idx_images[16 + 65] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 65},
                                           idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 0};

enum { EVENTS, ITEMS, IMAGES, LABELS, NAMES, FOLDER, PICTURE, INPUTS };
static const char *const input_names[INPUTS] = {"events", "items", "images", "labels", "names", "pictures", "pictures/i1.png"};
static char directory[64] = "/tmp/inkling-alloc-XXXXXX", data[96], input[INPUTS][96];

static bool write_bytes(const char *path, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    bool is_whole = file && fwrite(bytes, 1, n_bytes, file) == n_bytes;
    return file && fclose(file) == 0 && is_whole;
}

static bool write_inputs(void)
{
    FILE *file = fopen(input[EVENTS], "w"), *table = fopen(input[ITEMS], "w");
    for (int i = 0; file && i < N_EVENTS; i++)
        (void)fprintf(
            file,
            "{\"event_id\":\"e%d\",\"user_id\":\"u%d\",\"item_id\":\"i%d\",\"type\":\"view\",\"timestamp\":1,\"context\":{\"n\":%d}}\n", i,
            i, i, i);
    if (table)
        (void)fprintf(table, "item_id,title,categories\ni1,\"One\",a|b\ni2,Two,\n");
    bool is_good = file && table && fclose(file) == 0 && fclose(table) == 0;
    is_good =
        is_good && write_bytes(input[IMAGES], idx_images, sizeof idx_images) && write_bytes(input[LABELS], idx_labels, sizeof idx_labels);
    is_good = is_good && write_bytes(input[NAMES], "boot\n", 5) && mkdir(input[FOLDER], 0700) == 0;
    return is_good && write_bytes(input[PICTURE], png, sizeof png);
}

static void clear_data(void)
{
    static const char *const names[] = {"data/inkling.db", "data/inkling.db-wal", "data/inkling.db-shm",
                                        "data/lock",       "data/models",         "data"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)remove(path);
    }
}

static enum status import(struct import_counts *out_counts)
{
    struct error error = {0};
    struct import_options options = {.expected_bytes = 1 << 20};
    SCOPED(importer_close) struct importer *importer = NULL;
    TRY(importer_open(data, &options, &importer, &error));
    TRY(importer_read(importer, input[EVENTS], &error));
    TRY(importer_read(importer, input[ITEMS], &error));
    TRY(importer_read_idx(importer, input[IMAGES], input[LABELS], input[NAMES], &error));
    TRY(importer_read_pictures(importer, input[FOLDER], &error));
    TRY(importer_finish(importer, &error));
    *out_counts = importer_counts(importer);
    return STATUS_OK;
}

/* With the nth allocation failing. Sets *out_was_met if there was an nth one. */
static bool run_once(long nth, bool *out_was_met)
{
    struct error error = {0};
    struct store *store = NULL;
    struct import_counts counts = {0};
    allocations_fail_at(nth);
    enum status status = import(&counts);
    *out_was_met = allocations_work_again();
    bool is_good =
        status == STATUS_NOMEM || (status == STATUS_OK && counts.n_events == N_EVENTS && counts.n_items == 3 && counts.n_pictures == 2);
    is_good = is_good && store_open(data, STORE_WRITE, &store, &error) == STATUS_OK && store_check_integrity(store, &error) == STATUS_OK;
    if (!is_good)
        (void)printf("allocation %ld: %s, %llu events; %s\n", nth, status_text(status), (unsigned long long)counts.n_events, error.detail);
    store_close(store);
    clear_data();
    return is_good;
}

int main(void)
{
    node_start();
    if (!mkdtemp(directory))
        return 1;
    (void)snprintf(data, sizeof data, "%s/data", directory);
    for (int i = 0; i < INPUTS; i++)
        (void)snprintf(input[i], sizeof input[i], "%s/%s", directory, input_names[i]);
    bool is_good = write_inputs(), was_met = true;
    long nth = 0;
    for (; is_good && was_met; nth++)
        is_good = run_once(nth, &was_met);
    for (int i = INPUTS; i-- > 0;)
        (void)remove(input[i]);
    (void)rmdir(directory);
    (void)printf("%ld allocations failed, one at a time\n", nth - 1);
    return is_good && nth > 100 ? 0 : 1;
}
