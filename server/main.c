/* inkling: a real-time recommendation and ad-scoring service. `inkling VERB …`; the table is the program. */
#include "server/verbs/verbs.h"

#include "core/kernels/kernels.h"

#include <stdio.h>
#include <string.h>

static int help_verb(int argc, char **argv);

static const struct verb verbs[] = {
    {"serve", serve_verb, "take in events and answer requests over HTTP"},
    {"import", import_verb, "read items, users and events from files"},
    {"retrain", retrain_verb, "train a new model from what is stored"},
    {"evaluate", evaluate_verb, "show how well the live model ranks held-out events"},
    {"model", model_verb, "take in a model of Keras, give one to other programs"},
    {"version", version_verb, "print the version"},
    {"decode-pictures", decode_pictures_verb, NULL},
    {"help", help_verb, "print this, or the help of a verb: inkling help import"},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static void print_verbs(FILE *stream)
{
    (void)fprintf(
        stream,
        "Usage: inkling VERB --data DIR …\n\nReal-time recommendations: events in, a network that learns from them, ranked items out.\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (verbs[i].summary)
            (void)fprintf(stream, "  %-10s%s\n", verbs[i].name, verbs[i].summary);
    (void)fprintf(stream, "\n`inkling VERB --help` tells more about each. A first walk: ./deploy/demo\n");
}

static int help_verb(int argc, char **argv)
{
    const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
    if (argc > 1 && (!verb || !verb->summary)) {
        (void)fprintf(stderr, "inkling help: there is no verb \"%s\"\n\n", argv[1]);
        print_verbs(stderr);
        return EXIT_CODE_USAGE;
    }
    if (verb && verb->run != help_verb)
        return verb->run(2, (char *[]){argv[1], (char[]){"--help"}, NULL});
    print_verbs(stdout);
    return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

int main(int argc, char **argv)
{
    kernels_choose_blas(argv);
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help_verb(1, argv);
    const struct verb *verb = find_verb(strcmp(name, "--version") == 0 ? "version" : name);
    if (!verb) {
        if (argc > 1)
            (void)fprintf(stderr, "inkling: there is no verb \"%s\"\n\n", argv[1]);
        print_verbs(stderr);
        return EXIT_CODE_USAGE;
    }
    return verb->run(argc - 1, argv + 1);
}
