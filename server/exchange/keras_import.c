/* Reading is keras_child.h's; here is what a network needs to become a model in DIR. */
#include "server/exchange/keras_import.h"

#include "server/exchange/keras_child.h"
#include "server/exchange/output_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MODELS_BYTES      4300
#define ARENA_BLOCK_BYTES 4096u
#define ARENA_MAX_BYTES   (1u << 20) /* the names and their table */

static enum status read_model(const char *path, struct keras_network *out_network, struct error *error)
{
    SCOPED(keras_file_clear) struct keras_file file = {NULL, 0};
    struct error reason = {.detail = ""};
    enum status status = keras_file_read(path, &file, &reason);
    if (status == STATUS_OK)
        status = keras_child_parse(keras_file_parse, &file, out_network, &reason);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "%.60s: %.190s", path, reason.detail);
}

static enum status make_directory(const char *directory, char out_models[MODELS_BYTES], struct error *error)
{
    int n = snprintf(out_models, MODELS_BYTES, "%s/models", directory);
    if (n < 0 || n >= MODELS_BYTES)
        return fail(error, STATUS_INVALID, "the path of the data directory is too long");
    if ((mkdir(directory, 0750) && errno != EEXIST) || (mkdir(out_models, 0750) && errno != EEXIST))
        return fail(error, STATUS_IO, "cannot make %.120s: %s", out_models, strerror(errno));
    return STATUS_OK;
}

enum status keras_import(const char *directory, const char *path, const char *names, char out_version[FILE_VERSION_BYTES],
                         enum adoption *out_adoption, struct error *error)
{
    SCOPED(keras_network_clear) struct keras_network network = {.weights = NULL};
    SCOPED(arena_destroy) struct arena *arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    struct category_names categories;
    struct verdict verdict;
    char models[MODELS_BYTES];
    if (!arena)
        return fail(error, STATUS_NOMEM, "no memory for the names");
    TRY(read_model(path, &network, error));
    uint32_t n = layers_output(&network.layers).C;
    TRY(output_names_read(names, n, arena, &categories, error));
    const struct picture_facts facts = {
        .origin = "imported", .preset = "", .n_categories = n, .categories = categories.names, .report = "{}"};
    TRY(make_directory(directory, models, error));
    TRY(picture_model_write(models, &facts, &network.layers, network.weights, out_version, error));
    return registration_adopt(directory, out_version, &verdict, out_adoption, error);
}
