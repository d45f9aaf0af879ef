/* inkling-model: what `inkling model` starts. Here, and not in inkling, are HDF5 and zip: large parsers of files that others have made, in
 * a process that lives for one file and serves no one. */
#include "server/exchange/keras_import.h"
#include "server/exchange/model_export.h"
#include "server/verbs/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4400

struct model_options {
    const char *directory, *names, *format, *output;
};

static int usage(const char *words)
{
    (void)fprintf(stderr, "inkling model: %s. See: inkling model --help\n", words);
    return EXIT_CODE_USAGE;
}

static int say_failure(enum status status, const struct error *error)
{
    (void)fprintf(stderr, "inkling model: %s\n", error->detail[0] ? error->detail : status_text(status));
    return EXIT_CODE_FAILED;
}

/* --- import --- */

static void print_layer(uint32_t number, const struct layer *layer, const struct layer_place *place)
{
    static const char *const words[] = {"convolution", "dense", "pool", "relu", "batch norm", "dropout"};
    (void)printf("  %2u  %-12s", number, words[layer->kind]);
    if (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_POOL)
        (void)printf("%u x %u%s", layer->height, layer->width, layer->same ? " same" : "");
    (void)printf("  -> %u x %u x %u\n", place->out.H, place->out.W, place->out.C);
}

static void print_adoption(const char *version, enum adoption adoption, const char *directory)
{
    switch (adoption) {
    case ADOPTED: (void)printf("model %s is imported and live: the next `inkling serve` names pictures by it\n", version); break;
    case LEFT_TO_SERVER:
        (void)printf("model %s is imported; the server that runs on %s takes it up by itself\n", version, directory);
        break;
    case LEFT_TO_OPERATORS:
        (void)printf("model %s is imported; the server that runs on %s has it already and answers by another: POST /v1/models/%s/activate "
                     "makes it live\n",
                     version, directory, version);
        break;
    }
}

static void print_model(const struct picture_model *model)
{
    const struct picture_facts *facts = picture_model_facts(model);
    const struct layers *layers = picture_model_layers(model);
    size_t n_weights = 0;
    for (uint32_t l = 0; l < layers->n_layers; l++)
        n_weights += layers->places[l].n_weights + layers->places[l].n_bias;
    (void)printf("pictures of %u x %u x %u, pixels divided by 255; %zu weights, %u categories\n", layers->input.H, layers->input.W,
                 layers->input.C, n_weights, facts->n_categories);
    for (uint32_t l = 0; l < layers->n_layers; l++)
        print_layer(l + 1, &layers->layers[l], &layers->places[l]);
}

static int import_model(const struct model_options *options, const char *path)
{
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    char version[FILE_VERSION_BYTES], written[PATH_BYTES];
    struct error error = {.detail = ""};
    enum adoption adoption = ADOPTED;
    enum status status = keras_import(options->directory, path, options->names, version, &adoption, &error);
    if (status == STATUS_OK) {
        (void)snprintf(written, sizeof written, "%s/models/%s.safetensors", options->directory, version);
        status = picture_model_open(written, &model, &error);
    }
    if (status != STATUS_OK)
        return say_failure(status, &error);
    print_model(model);
    print_adoption(version, adoption, options->directory);
    return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

/* --- export --- */

static int export_model(const struct model_options *options, const char *version)
{
    struct error error = {.detail = ""};
    bool is_onnx = strcmp(options->format, "onnx") == 0;
    if (!is_onnx && strcmp(options->format, "safetensors") != 0)
        return usage("--format wants safetensors or onnx");
    enum status status = model_export(options->directory, version, is_onnx ? EXPORT_ONNX : EXPORT_SAFETENSORS, options->output, &error);
    if (status != STATUS_OK)
        return say_failure(status, &error);
    (void)printf("model %s is in %s\n", version, options->output);
    return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

/* --- options --- */

/* False: an option that is not among these. */
static bool read_options(int argc, char **argv, const struct option long_options[], struct model_options *options)
{
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'd': options->directory = optarg; break;
        case 'n': options->names = optarg; break;
        case 'f': options->format = optarg; break;
        case 'o': options->output = optarg; break;
        default: return false;
        }
    }
    return true;
}

static int import_command(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'}, {"names", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    struct model_options options = {.directory = NULL};
    if (!read_options(argc, argv, long_options, &options))
        return usage("wrong option of import");
    if (!options.directory || !options.directory[0])
        return usage("import wants --data DIR");
    if (argc - optind != 1)
        return usage("import wants one FILE.keras or FILE.h5");
    return import_model(&options, argv[optind]);
}

static int export_command(int argc, char **argv)
{
    static const struct option long_options[] = {{"data", required_argument, NULL, 'd'},
                                                 {"format", required_argument, NULL, 'f'},
                                                 {"output", required_argument, NULL, 'o'},
                                                 {NULL, 0, NULL, 0}};
    struct model_options options = {.directory = NULL};
    if (!read_options(argc, argv, long_options, &options))
        return usage("wrong option of export");
    if (!options.directory || !options.directory[0] || !options.format || !options.output || !options.output[0])
        return usage("export wants --data DIR, --format safetensors or onnx, and --output FILE");
    if (argc - optind != 1)
        return usage("export wants the version of one model");
    return export_model(&options, argv[optind]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "import") == 0)
        return import_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "export") == 0)
        return export_command(argc - 1, argv + 1);
    return usage("expected import or export");
}
