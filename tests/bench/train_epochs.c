/* Trains epoch by epoch when told to, so that a rival can take turns with it, and writes what a rival needs to do exactly the same: the
 * start values and every batch. Driven by compare_training.py; the rival is torch_rival.py. No store, no server.
 *
 *     train_epochs FILE DIRECTORY [options of bench_input.h] [--drop N] [--split last|time]
 *
 * FILE as bench_input.h says. Standard input carries commands, one a line, each answered by one line of JSON:
 *
 *     batches E      write the batches of epoch E to DIRECTORY/batches-E.bin
 *     epoch E        train epoch E; loss is the mean over all targets as training saw it, seconds the time of the epoch alone
 *     judge [PATH]   figures on the held-out events: of the weights as they are, or of those in PATH (laid out as start.f32)
 *
 * At the start it writes DIRECTORY/tensors.json and DIRECTORY/start.f32, and answers with what the data are. Files are in the byte order of
 * the machine. batches-E.bin: n_batches, and for each n_rows, n_sequences, n_targets, starts [n_sequences + 1], items [n_rows], types
 * [n_rows], target_rows [n_targets], targets [n_targets], each 32 bits, and weights [n_targets], floats. */
#include "core/base/clock.h"
#include "core/base/node.h"
#include "core/encoder_scores.h"
#include "core/kernels/kernels.h"
#include "core/training.h"
#include "tests/bench/bench_input.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096

struct driver {
    struct training_settings settings;
    uint32_t drop;
    enum split_kind kind;
    const char *directory;
    struct dataset *dataset;
    struct split *split;
    struct sequences sequences;
    struct slot_memory memory;
    struct workers *workers;
    struct training *training;
};

static void give_up(const char *words, const char *detail)
{
    (void)fprintf(stderr, "train_epochs: %s%s%s\n", words, detail && *detail ? ": " : "", detail ? detail : "");
    exit(1);
}

__attribute__((format(printf, 3, 4))) static FILE *open_file(const struct driver *driver, const char *mode, const char *name, ...)
{
    char path[PATH_BYTES];
    va_list arguments;
    va_start(arguments, name);
    int n = snprintf(path, sizeof path, "%s/", driver->directory);
    (void)vsnprintf(path + n, sizeof path - (size_t)n, name, arguments);
    va_end(arguments);
    FILE *file = fopen(path, mode);
    if (!file)
        give_up("cannot open", path);
    return file;
}

static void put(FILE *file, const void *things, size_t n, size_t thing_bytes)
{
    if (fwrite(things, thing_bytes, n, file) != n)
        give_up("cannot write", NULL);
}

static void put_number(FILE *file, uint32_t number)
{
    put(file, &number, 1, sizeof number);
}

static void close_file(FILE *file)
{
    if (fclose(file) != 0)
        give_up("cannot write", NULL);
}

/* --- what the rival needs --- */

static void write_start(const struct driver *driver)
{
    const struct tensors *tensors = &training_encoder(driver->training)->tensors;
    FILE *file = open_file(driver, "w", "start.f32");
    put(file, training_weights(driver->training), tensors->n_floats, sizeof(float));
    close_file(file);
    file = open_file(driver, "w", "tensors.json");
    (void)fprintf(file, "{\"n_floats\": %zu, \"tensors\": [", tensors->n_floats);
    for (uint32_t t = 0; t < tensors->n_tensors; t++) {
        const struct tensor *tensor = &tensors->tensors[t];
        (void)fprintf(file, "%s\n {\"name\": \"%s\", \"rows\": %u, \"columns\": %u, \"first\": %zu}", t ? "," : "", tensor->name,
                      tensor->rows, tensor->columns, tensor->first);
    }
    (void)fprintf(file, "\n]}\n");
    close_file(file);
}

/* The slots of a batch as one: their arrays stand one behind the other in the batch's memory, but each slot counts its own rows. */
static void write_batch(FILE *file, const struct batches *batches)
{
    uint32_t n_rows = 0, n_sequences = 0;
    for (uint32_t s = 0; s < SLOTS; s++) {
        n_rows += batches->slots[s].packed.n_rows;
        n_sequences += batches->slots[s].packed.n_sequences;
    }
    put_number(file, n_rows);
    put_number(file, n_sequences);
    put_number(file, batches->n_targets);
    put_number(file, 0);
    for (uint32_t s = 0, first = 0; s < SLOTS; first += batches->slots[s++].packed.n_rows)
        for (uint32_t i = 1; i <= batches->slots[s].packed.n_sequences; i++)
            put_number(file, first + batches->slots[s].packed.starts[i]);
    for (uint32_t s = 0; s < SLOTS; s++)
        put(file, batches->slots[s].packed.items, batches->slots[s].packed.n_rows, sizeof(uint32_t));
    for (uint32_t s = 0; s < SLOTS; s++)
        for (uint32_t i = 0; i < batches->slots[s].packed.n_rows; i++)
            put_number(file, batches->slots[s].packed.types[i]);
    for (uint32_t s = 0, first = 0; s < SLOTS; first += batches->slots[s++].packed.n_rows)
        for (uint32_t i = 0; i < batches->slots[s].n_targets; i++)
            put_number(file, first + batches->slots[s].target_rows[i]);
    for (uint32_t s = 0; s < SLOTS; s++)
        put(file, batches->slots[s].targets, batches->slots[s].n_targets, sizeof(uint32_t));
    for (uint32_t s = 0; s < SLOTS; s++)
        put(file, batches->slots[s].target_weights, batches->slots[s].n_targets, sizeof(float));
}

static void write_batches(const struct driver *driver, uint32_t epoch)
{
    const struct training_settings *settings = &driver->settings;
    struct batches batches;
    struct batch_form form = training_batch_form(settings);
    if (batches_init(&batches, &driver->sequences, &settings->type_weights, &form) != STATUS_OK)
        give_up("no memory for batches", NULL);
    batches_shuffle(&batches, settings->seed, epoch);
    FILE *file = open_file(driver, "w", "batches-%u.bin", epoch);
    put_number(file, batches.n_batches);
    for (uint32_t batch = 0; batch < batches.n_batches; batch++) {
        batches_fill(&batches, batch);
        write_batch(file, &batches);
    }
    close_file(file);
    (void)printf("{\"epoch\": %u, \"batches\": %u}\n", epoch, batches.n_batches);
    batches_clear(&batches);
}

/* --- the other commands --- */

static void run_epoch(struct driver *driver, uint32_t epoch)
{
    struct epoch_figures figures;
    uint64_t began_ns = clock_monotonic_ns();
    if (epoch != training_epochs_done(driver->training) + 1)
        give_up("epochs come one after the other, the first is 1", NULL);
    if (training_epoch(driver->training, driver->settings.epochs, "", NULL, &figures) != STATUS_OK)
        give_up("training failed", NULL);
    (void)printf("{\"epoch\": %u, \"loss\": %.6f, \"seconds\": %.4f, \"gflop\": %.3f}\n", epoch, figures.loss,
                 (double)(clock_monotonic_ns() - began_ns) / 1e9, training_epoch_flops(driver->training) / 1e9);
}

static float *read_weights(const char *path, size_t n)
{
    float *weights = aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
    FILE *file = fopen(path, "r");
    if (!weights || !file || fread(weights, sizeof *weights, n, file) != n)
        give_up("cannot read weights", path);
    (void)fclose(file);
    return weights;
}

static void judge(struct driver *driver, const char *path)
{
    const struct encoder *encoder = training_encoder(driver->training);
    float *foreign = path ? read_weights(path, encoder->tensors.n_floats) : NULL;
    const float *weights = foreign ? foreign : training_weights(driver->training);
    struct encoder_scores scores;
    struct method_figures figures;
    if (encoder_scores_init(&scores, encoder, weights, &driver->settings.type_weights, workers_count(driver->workers)) != STATUS_OK)
        give_up("no memory to judge", NULL);
    encoder_scores_refresh(&scores);
    if (evaluate_encoder(driver->dataset, driver->split, &scores.view, driver->workers, &figures) != STATUS_OK)
        give_up("judging failed", NULL);
    (void)printf("{\"hr10\": %.6f, \"ndcg10\": %.6f}\n", figures.hr10, figures.ndcg10);
    encoder_scores_clear(&scores);
    free(foreign);
}

/* False: there are no more commands. */
static bool obey(struct driver *driver)
{
    char line[PATH_BYTES];
    if (!fgets(line, sizeof line, stdin))
        return false;
    line[strcspn(line, "\n")] = 0;
    char *argument = strchr(line, ' ');
    if (argument)
        *argument++ = 0;
    if (strcmp(line, "judge") == 0)
        judge(driver, argument);
    else if (strcmp(line, "batches") == 0 && argument)
        write_batches(driver, (uint32_t)strtoul(argument, NULL, 10));
    else if (strcmp(line, "epoch") == 0 && argument)
        run_epoch(driver, (uint32_t)strtoul(argument, NULL, 10));
    else
        give_up("no such command", line);
    (void)fflush(stdout);
    return true;
}

static void say_ready(const struct driver *driver)
{
    const struct dataset *dataset = driver->dataset;
    uint64_t n_targets = sequences_targets(&driver->sequences, &driver->settings.type_weights);
    (void)printf(
        "{\"users\": %u, \"items\": %u, \"types\": %u, \"events\": %llu, \"targets\": %llu, \"held_out\": %u, \"kernels\": \"%s\"}\n",
        dataset->n_users, dataset->n_items, dataset->n_types, (unsigned long long)dataset->n_events, (unsigned long long)n_targets,
        driver->split->n_held_out, training_encoder(driver->training)->kernels->name);
    (void)fflush(stdout);
}

static void prepare(struct driver *driver, const struct bench_input *input)
{
    struct error error = {.detail = ""};
    struct training_settings *settings = &driver->settings;
    driver->dataset = bench_input_dataset(input, driver->drop);
    driver->workers = workers_create(settings->n_threads);
    settings->shape.n_items = driver->dataset->n_items;
    settings->shape.n_types = driver->dataset->n_types;
    if (!driver->workers || dataset_split(driver->dataset, driver->kind, &settings->type_weights, 0, &driver->split) != STATUS_OK ||
        sequences_init(&driver->sequences, driver->dataset, driver->split, &settings->type_weights) != STATUS_OK)
        give_up("no memory", NULL);
    if (training_settings_check(settings, &error) != STATUS_OK || kernels_check(&error) != STATUS_OK)
        give_up("cannot train", error.detail);
    if (training_create(&driver->sequences, settings, &driver->memory, driver->workers, &driver->training) != STATUS_OK)
        give_up("no memory to train", NULL);
    write_start(driver);
    say_ready(driver);
}

static bool read_options(struct driver *driver, int argc, char *argv[])
{
    for (int i = 3; i < argc; i += 2) {
        if (i + 1 >= argc)
            return false;
        if (strcmp(argv[i], "--drop") == 0)
            driver->drop = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--split") == 0)
            driver->kind = strcmp(argv[i + 1], "time") == 0 ? SPLIT_TIME : SPLIT_LAST;
        else if (!bench_setting(&driver->settings, argv[i], argv[i + 1]))
            return false;
    }
    return argc >= 3;
}

int main(int argc, char *argv[])
{
    struct driver driver = {.settings = training_settings_default()};
    kernels_choose_blas(argv);
    driver.settings.averaging = 0; /* the rival has none */
    driver.settings.n_threads = workers_processors();
    if (!read_options(&driver, argc, argv)) {
        (void)fprintf(stderr,
                      "usage: train_epochs FILE DIRECTORY [--drop N] [--split last|time] [--epochs N …]; see the head of its source\n");
        return 2;
    }
    driver.directory = argv[2];
    FILE *source = fopen(argv[1], "r");
    if (!source)
        give_up("cannot open", argv[1]);
    struct bench_input input;
    node_start();
    bench_input_read(&input, source);
    (void)fclose(source);
    bench_input_weights(&input, &driver.settings.type_weights);
    prepare(&driver, &input);
    while (obey(&driver))
        ;
    training_destroy(driver.training);
    slot_memory_clear(&driver.memory);
    sequences_clear(&driver.sequences);
    split_destroy(driver.split);
    dataset_destroy(driver.dataset);
    workers_destroy(driver.workers);
    bench_input_clear(&input);
    return 0;
}
