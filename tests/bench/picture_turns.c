/* Trains the network of a picture preset epoch by epoch when told to, so that rivals can take turns with it, then answers how well and how
 * fast it names pictures. Driven by compare_pictures.py. No store, no server; nothing is held out of the training, and the test pictures
 * are named after each epoch.
 *
 *     picture_turns --epochs N --threads N --seed N --pictures N TRAIN_IMAGES TRAIN_LABELS TEST_IMAGES TEST_LABELS
 *
 * It begins with a line of what it is. Then standard input carries commands, one a line, each answered by one line of JSON:
 *
 *     epoch          train the next epoch, as many times as --epochs says: seconds of all its steps
 *     curve          accuracy on the test pictures and mean loss of each epoch
 *     latency N S    microseconds, the median, of naming N pictures on one thread, over S seconds
 *
 * An epoch's clock starts behind its first step, as naming the test pictures lies in front of that; the step counts as the mean of the
 * others. What is left out is the order of the epoch, about a millisecond. */
#include "core/base/clock.h"
#include "core/kernels/kernels.h"
#include "tests/bench/bench_pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct turns {
    struct picture_settings settings;
    uint64_t seed, began_ns; /* behind an epoch's first step */
    unsigned n_threads;
    uint32_t n_pictures, n_steps; /* 0: all; of an epoch */
    char line[128];               /* the command */
};

/* The next command; at the end of input the program ends. */
static void wait_for_command(struct turns *turns)
{
    if (fflush(stdout) || !fgets(turns->line, sizeof turns->line, stdin))
        exit(0);
    turns->line[strcspn(turns->line, "\n")] = '\0';
}

static void wait_for_epoch(struct turns *turns)
{
    wait_for_command(turns);
    if (strcmp(turns->line, "epoch") != 0)
        bench_pictures_give_up(turns->line, "expected \"epoch\": training is not over");
}

static bool count_step(void *context, const struct progress_step *step)
{
    struct turns *turns = context;
    double n_steps = turns->n_steps;
    if (step->done % turns->n_steps == 1)
        turns->began_ns = clock_monotonic_ns();
    if (step->done % turns->n_steps != 0)
        return true;
    (void)printf("{\"seconds\": %.4f}\n", (double)(clock_monotonic_ns() - turns->began_ns) / 1e9 * n_steps / (n_steps - 1));
    if (step->done < step->total)
        wait_for_epoch(turns);
    return true;
}

static void set_option(struct turns *turns, const char *name, const char *value)
{
    if (strcmp(name, "--epochs") == 0)
        turns->settings.epochs = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--threads") == 0)
        turns->n_threads = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--seed") == 0)
        turns->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--pictures") == 0)
        turns->n_pictures = (uint32_t)strtoul(value, NULL, 10);
    else
        bench_pictures_give_up(name, "unknown option");
}

static void print_curve(const struct picture_network *network)
{
    (void)printf("{\"accuracy\": [");
    for (uint32_t epoch = 0; epoch < network->n_epochs; epoch++)
        (void)printf("%s%.4f", epoch ? ", " : "", network->curve[epoch].accuracy);
    (void)printf("], \"loss\": [");
    for (uint32_t epoch = 0; epoch < network->n_epochs; epoch++)
        (void)printf("%s%.6f", epoch ? ", " : "", network->curve[epoch].loss);
    (void)printf("]}\n");
}

static void answer(const struct turns *turns, const struct picture_network *network, const struct pictures *test)
{
    char *end = NULL;
    if (strcmp(turns->line, "curve") == 0) {
        print_curve(network);
        return;
    }
    unsigned long n = strncmp(turns->line, "latency ", 8) == 0 ? strtoul(turns->line + 8, &end, 10) : 0;
    double seconds = end ? strtod(end, NULL) : 0;
    if (n < 1 || n > 256 || !(seconds > 0))
        bench_pictures_give_up(turns->line, "expected \"curve\" or \"latency N SECONDS\", N from 1 to 256");
    (void)printf("{\"microseconds\": %.3f}\n", bench_pictures_latency(&network->layers, network->weights, test, (uint32_t)n, seconds));
}

int main(int argc, char *argv[])
{
    struct turns turns = {.settings = picture_settings_of(PICTURE_SEED), .seed = 1, .n_threads = workers_processors()};
    struct error error = {.detail = ""};
    struct picture_network network;
    kernels_choose_blas(argv);
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
        set_option(&turns, argv[i], argv[i + 1]);
    if (argc - i != 4)
        bench_pictures_give_up("usage", "picture_turns [--epochs N] [--threads N] [--seed N] [--pictures N] TRAIN_IMAGES TRAIN_LABELS "
                                        "TEST_IMAGES TEST_LABELS");
    struct pictures train = bench_pictures_read(argv[i], argv[i + 1], turns.n_pictures);
    struct pictures test = bench_pictures_read(argv[i + 2], argv[i + 3], 0);
    struct workers *workers = workers_create(turns.n_threads);
    struct progress progress = {.report = count_step, .context = &turns};
    if (!workers || turns.settings.batch == 0 || test.n_classes != train.n_classes)
        bench_pictures_give_up("picture_turns", "no threads, or the test pictures have other labels");
    turns.n_steps = (train.n + turns.settings.batch - 1) / turns.settings.batch;
    if (turns.n_steps < 2)
        bench_pictures_give_up("picture_turns", "an epoch must be more than one batch");
    (void)printf("{\"kernels\": \"%s\", \"batch\": %u, \"rate\": %g, \"pictures\": %u, \"classes\": %u, \"threads\": %u}\n",
                 kernels_fast()->name, turns.settings.batch, (double)turns.settings.learning_rate, train.n, train.n_classes,
                 workers_count(workers));
    wait_for_epoch(&turns);
    if (picture_training_run(&train, &test, &turns.settings, turns.seed, workers, &progress, &network, &error) != STATUS_OK)
        bench_pictures_give_up("training", error.detail);
    for (;;) {
        wait_for_command(&turns);
        answer(&turns, &network, &test);
    }
}
