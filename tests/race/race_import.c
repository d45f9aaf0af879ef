/* The two threads of an import: one reads and parses, one stores. A file of good, bad and repeated lines in many batches, and an import
 * that is told to stop in the middle. */
#include "core/base/node.h"
#include "server/app/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_LINES 30000

static char directory[64] = "/tmp/inkling-race-XXXXXX", data[96], input[96];

static int write_input(void)
{
    FILE *file = fopen(input, "w");
    for (int i = 0; file && i < N_LINES; i++) {
        if (i % 10 == 9)
            (void)fprintf(file, "{\"line\": %d}\n", i);
        else
            (void)fprintf(file, "{\"event_id\":\"e%d\",\"user_id\":\"u%d\",\"item_id\":\"i%d\",\"type\":\"view\",\"timestamp\":%d}\n",
                          i % 20000, i % 97, i % 31, i);
    }
    return file && fclose(file) == 0;
}

static bool stop_after_some(void *context, const struct progress_step *step)
{
    int *n_left = context;
    (void)step;
    return (*n_left)-- > 0;
}

static enum status run(const struct import_options *options, struct import_counts *out_counts)
{
    struct error error = {0};
    struct importer *importer = NULL;
    enum status status = importer_open(data, options, &importer, &error);
    if (status != STATUS_OK)
        return status;
    status = importer_read(importer, input, &error);
    *out_counts = importer_counts(importer);
    importer_close(importer);
    return status;
}

static void clear(void)
{
    static const char *const names[] = {
        "data/inkling.db", "data/inkling.db-wal", "data/inkling.db-shm", "data/lock", "data/models", "data", "input", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)remove(path);
    }
}

int main(void)
{
    int n_left = 3;
    struct import_counts counts = {0};
    struct progress stopping = {.report = stop_after_some, .context = &n_left};
    struct import_options stopped = {.progress = &stopping}, whole = {.expected_bytes = 1 << 22};
    node_start();
    if (!mkdtemp(directory))
        return 1;
    (void)snprintf(data, sizeof data, "%s/data", directory);
    (void)snprintf(input, sizeof input, "%s/input", directory);
    bool is_good = write_input() && run(&stopped, &counts) == STATUS_CONFLICT && counts.n_events == 0;
    is_good =
        is_good && run(&whole, &counts) == STATUS_OK && counts.n_events == 18000 && counts.n_duplicates == 9000 && counts.n_refused == 3000;
    clear();
    return is_good ? 0 : 1;
}
