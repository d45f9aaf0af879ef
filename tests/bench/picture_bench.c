/* Trains a picture network on IDX files, without store and server, as `inkling retrain --only pictures` does: a twentieth of the training
 * pictures is held out, then the network is taught again on all of them. Says each epoch's time and accuracy, the accuracy of both networks
 * on pictures that neither has seen, and the time of an answer.
 *
 *     cd /usr/share/datasets/fashion-mnist && picture_bench --preset seed --seed 1 \
 *         train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz */
#include "core/base/workers.h"
#include "core/kernels/kernels.h"
#include "tests/bench/bench_pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATENCY_SECONDS 1.0

struct bench {
    struct picture_settings settings;
    uint64_t seed;
    unsigned n_threads;
    uint32_t n_pictures; /* 0: all */
    bool has_refit;
};

static void set_option(struct bench *bench, const char *name, const char *value)
{
    struct picture_settings *settings = &bench->settings;
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
        bench->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--threads") == 0)
        bench->n_threads = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--pictures") == 0)
        bench->n_pictures = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--refit") == 0)
        bench->has_refit = strcmp(value, "no") != 0;
    else
        bench_pictures_give_up(name, "unknown option");
}

/* A line is complete before minutes of training follow it. */
static void say_accuracy(const char *what, const struct bench *bench, const struct picture_network *network, const struct pictures *test,
                         struct workers *workers)
{
    SCOPED(memory_free) uint32_t *confusion = calloc((size_t)test->n_classes * test->n_classes, sizeof *confusion);
    struct picture_figures figures = {.confusion = confusion};
    if (!confusion || picture_network_judge(&network->layers, network->weights, test, workers, &figures) != STATUS_OK)
        bench_pictures_give_up("judging", "no memory");
    (void)printf("%s, seed %llu, %s %u: %.4f of %u test pictures\n", picture_preset_names[bench->settings.preset],
                 (unsigned long long)bench->seed, what, network->chosen_epoch, (double)figures.n_right / figures.n, figures.n);
    (void)fflush(stdout);
}

int main(int argc, char *argv[])
{
    struct bench bench = {.settings = picture_settings_of(PICTURE_SEED), .seed = 1, .n_threads = workers_processors(), .has_refit = true};
    kernels_choose_blas(argv);
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
        set_option(&bench, argv[i], argv[i + 1]);
    if (argc - i != 4)
        bench_pictures_give_up("usage",
                               "picture_bench [--preset seed|best] [--epochs N] [--batch N] [--rate R] [--shift N] [--smoothing S] "
                               "[--seed N] [--threads N] [--pictures N] [--refit yes|no] TRAIN_IMAGES TRAIN_LABELS TEST_IMAGES "
                               "TEST_LABELS");
    struct pictures all = bench_pictures_read(argv[i], argv[i + 1], bench.n_pictures),
                    test = bench_pictures_read(argv[i + 2], argv[i + 3], 0);
    struct pictures train = bench_pictures_part(&all, all.n / 20, all.n), held_out = bench_pictures_part(&all, 0, all.n / 20);
    struct workers *workers = workers_create(bench.n_threads);
    struct picture_network network;
    struct error error = {.detail = ""};
    if (!workers || test.n_classes != all.n_classes)
        bench_pictures_give_up("picture_bench", "no threads, or the test pictures have other labels");
    if (picture_training_run(&train, &held_out, &bench.settings, bench.seed, workers, NULL, &network, &error) != STATUS_OK)
        bench_pictures_give_up("training", error.detail);
    for (uint32_t epoch = 0; epoch < network.n_epochs; epoch++)
        (void)printf("epoch %u: loss %.4f, held out %.4f, %.2f s\n", epoch + 1, network.curve[epoch].loss, network.curve[epoch].accuracy,
                     network.curve[epoch].seconds);
    say_accuracy("epoch", &bench, &network, &test, workers);
    if (bench.has_refit) {
        if (picture_training_refit(&all, &bench.settings, bench.seed, workers, NULL, &network, &error) != STATUS_OK)
            bench_pictures_give_up("the refit", error.detail);
        say_accuracy("refit on all, epochs", &bench, &network, &test, workers);
    }
    (void)printf("on one thread: one picture in %.1f us, 256 in %.0f us\n",
                 bench_pictures_latency(&network.layers, network.weights, &test, 1, LATENCY_SECONDS),
                 bench_pictures_latency(&network.layers, network.weights, &test, 256, LATENCY_SECONDS));
    picture_network_clear(&network);
    workers_destroy(workers);
    return 0;
}
