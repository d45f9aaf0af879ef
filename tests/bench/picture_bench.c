/* Trains a picture network on IDX files, without store and server: each epoch's time and accuracy, then the accuracy on pictures that
 * nobody has seen. A twentieth of the training pictures is held out to choose the epoch.
 *
 *     cd /usr/share/datasets/fashion-mnist && picture_bench --preset seed --seed 1 \
 *         <(zcat train-images-idx3-ubyte.gz) <(zcat train-labels-idx1-ubyte.gz) <(zcat t10k-images-idx3-ubyte.gz) <(zcat
 * t10k-labels-idx1-ubyte.gz) */
#include "core/base/workers.h"
#include "core/picture_training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "picture_bench: %s: %s\n", what, why);
    exit(2);
}

static uint32_t read_number(FILE *source, const char *path)
{
    unsigned char bytes[4];
    if (fread(bytes, 1, 4, source) != 4)
        give_up(path, "too short");
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The bytes of an IDX file of unsigned bytes with so many sizes. */
static uint8_t *read_idx(const char *path, uint32_t n_sizes, uint32_t sizes[])
{
    FILE *source = fopen(path, "rb");
    if (!source)
        give_up(path, "cannot be opened");
    if (read_number(source, path) != (0x800 | n_sizes))
        give_up(path, "is no such IDX file");
    size_t n_bytes = 1;
    for (uint32_t i = 0; i < n_sizes; i++) {
        sizes[i] = read_number(source, path);
        n_bytes *= sizes[i];
    }
    uint8_t *bytes = malloc(n_bytes + 1);
    if (!bytes || fread(bytes, 1, n_bytes, source) != n_bytes)
        give_up(path, "too short");
    (void)fclose(source);
    return bytes;
}

static struct pictures read_pictures(const char *images, const char *labels)
{
    uint32_t sizes[3], n_labels;
    struct pictures pictures = {.pixels = read_idx(images, 3, sizes)};
    uint8_t *bytes = read_idx(labels, 1, &n_labels);
    uint32_t *numbers = calloc(n_labels + 1, sizeof *numbers);
    if (n_labels != sizes[0] || !numbers)
        give_up(labels, "has another number of entries than the pictures");
    for (uint32_t i = 0; i < n_labels; i++) {
        numbers[i] = bytes[i];
        pictures.n_classes = numbers[i] >= pictures.n_classes ? numbers[i] + 1 : pictures.n_classes;
    }
    free(bytes);
    pictures.labels = numbers;
    pictures.n = n_labels;
    pictures.shape = (struct map_shape){sizes[1], sizes[2], 1};
    return pictures;
}

static struct pictures part_of(const struct pictures *whole, uint32_t first, uint32_t end)
{
    struct pictures part = *whole;
    part.n = end - first;
    part.pixels += first * map_floats(whole->shape);
    part.labels += first;
    return part;
}

static void set_option(struct picture_settings *settings, uint64_t *seed, unsigned *n_threads, const char *name, const char *value)
{
    if (strcmp(name, "--preset") == 0)
        *settings = picture_settings_of(strcmp(value, "best") == 0 ? PICTURE_BEST : PICTURE_SEED);
    else if (strcmp(name, "--epochs") == 0)
        settings->epochs = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--batch") == 0)
        settings->batch = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--rate") == 0)
        settings->learning_rate = strtof(value, NULL);
    else if (strcmp(name, "--shift") == 0)
        settings->shift = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--smoothing") == 0)
        settings->smoothing = strtof(value, NULL);
    else if (strcmp(name, "--seed") == 0)
        *seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--threads") == 0)
        *n_threads = (unsigned)strtoul(value, NULL, 10);
    else
        give_up(name, "unknown option");
}

int main(int argc, char *argv[])
{
    struct picture_settings settings = picture_settings_of(PICTURE_SEED);
    uint64_t seed = 1;
    unsigned n_threads = workers_processors();
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
        set_option(&settings, &seed, &n_threads, argv[i], argv[i + 1]);
    if (argc - i != 4)
        give_up("usage", "picture_bench [--preset seed|best] [--epochs N] [--batch N] [--rate R] [--shift N] [--smoothing S] [--seed N] "
                         "[--threads N] TRAIN_IMAGES TRAIN_LABELS TEST_IMAGES TEST_LABELS");
    struct pictures all = read_pictures(argv[i], argv[i + 1]), test = read_pictures(argv[i + 2], argv[i + 3]);
    struct pictures train = part_of(&all, all.n / 20, all.n), held_out = part_of(&all, 0, all.n / 20);
    struct workers *workers = workers_create(n_threads);
    struct picture_network network;
    struct error error = {.detail = ""};
    if (!workers || picture_training_run(&train, &held_out, &settings, seed, workers, NULL, &network, &error) != STATUS_OK)
        give_up("training", error.detail);
    for (uint32_t epoch = 0; epoch < network.n_epochs; epoch++)
        (void)printf("epoch %u: loss %.4f, held out %.4f, %.2f s\n", epoch + 1, network.curve[epoch].loss, network.curve[epoch].accuracy,
                     network.curve[epoch].seconds);
    if (picture_network_judge(&network.layers, network.weights, &test, workers, &network.figures) != STATUS_OK)
        give_up("judging", "no memory");
    (void)printf("%s, seed %llu, best epoch %u: %.4f of %u test pictures\n", picture_preset_names[settings.preset],
                 (unsigned long long)seed, network.best_epoch, (double)network.figures.n_right / network.figures.n, network.figures.n);
    workers_destroy(workers);
    return 0;
}
