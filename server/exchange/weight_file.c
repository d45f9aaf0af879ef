/* Everything that HDF5 gives is an id that must be closed: a struct of its own kind, so that scopes do it. Paths are walked link by link.
 */
#include "server/exchange/weight_file.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES   700
#define NAME_BYTES   400
#define WEIGHTS_MOST 8 /* of a layer */
#define SIDES_MOST   4

struct weight_file {
    enum weight_layout layout;
    hid_t file;
};

/* --- ids --- */

struct id {
    hid_t id;
};

static void id_close_scoped(struct id *id)
{
    if (id->id >= 0)
        (void)H5Idec_ref(id->id);
}
#define ID SCOPED(id_close) struct id

/* What H5Aread allocates for texts of any length. */
struct texts_read {
    hid_t type, space;
    char **texts;
};

static void texts_read_free_scoped(struct texts_read *read)
{
    if (read->texts)
        (void)H5Dvlen_reclaim(read->type, read->space, H5P_DEFAULT, read->texts);
    free(read->texts);
}

/* --- life --- */

enum status weight_file_open(const void *bytes, size_t n_bytes, enum weight_layout layout, struct weight_file **out_file,
                             struct error *error)
{
    SCOPED(weight_file_close) struct weight_file *file = calloc(1, sizeof *file);
    if (!file)
        return fail(error, STATUS_NOMEM, "no memory to read the weights");
    file->layout = layout;
    file->file = -1;
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0)
        return fail(error, STATUS_NOMEM, "no memory for HDF5");
    ID access = {H5Pcreate(H5P_FILE_ACCESS)};
    if (access.id < 0 || H5Pset_fapl_core(access.id, 1u << 16, false) < 0 || H5Pset_file_image(access.id, (void *)bytes, n_bytes) < 0)
        return fail(error, STATUS_NOMEM, "no memory to read the weights");
    file->file = H5Fopen("weights", H5F_ACC_RDONLY, access.id);
    if (file->file < 0)
        return fail(error, STATUS_CORRUPT, "damaged: not an HDF5 file that can be read");
    *out_file = file;
    file = NULL;
    return STATUS_OK;
}

void weight_file_close(struct weight_file *file)
{
    if (!file)
        return;
    if (file->file >= 0)
        (void)H5Fclose(file->file);
    free(file);
}

/* --- paths --- */

/* Is there something at path that hard links lead to? Every link on the way is looked at. */
static bool is_there(hid_t place, const char *path)
{
    char part[PATH_BYTES];
    H5L_info_t info;
    for (const char *at = path; at;) {
        const char *slash = strchr(at, '/');
        size_t n = slash ? (size_t)(slash - path) : strlen(path);
        if (n >= sizeof part)
            return false;
        memcpy(part, path, n);
        part[n] = '\0';
        if (H5Lexists(place, part, H5P_DEFAULT) <= 0 || H5Lget_info(place, part, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
            return false;
        at = slash ? slash + 1 : NULL;
    }
    return true;
}

/* The group that holds a layer's weights: "layers/conv2d_1/vars", or "model_weights/conv2d_1". */
static void layer_path(const struct weight_file *file, const struct keras_layer *layer, char out_path[PATH_BYTES])
{
    const char *stem = layer->kind == KERAS_CONVOLUTION ? "conv2d" : layer->kind == KERAS_DENSE ? "dense" : "batch_normalization";
    if (file->layout == WEIGHTS_OF_H5)
        (void)snprintf(out_path, PATH_BYTES, "model_weights/%s", layer->name);
    else if (layer->number == 0)
        (void)snprintf(out_path, PATH_BYTES, "layers/%s/vars", stem);
    else
        (void)snprintf(out_path, PATH_BYTES, "layers/%s_%u/vars", stem, layer->number);
}

static enum status open_layer(const struct weight_file *file, const struct keras_layer *layer, struct id *out_group, struct error *error)
{
    char path[PATH_BYTES];
    layer_path(file, layer, path);
    hid_t group = is_there(file->file, path) ? H5Gopen2(file->file, path, H5P_DEFAULT) : -1;
    if (group < 0)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): the file has no group %.100s with its weights", layer->name,
                    keras_class(layer->kind), path);
    out_group->id = group;
    return STATUS_OK;
}

/* --- texts in attributes --- */

/* What a fixed text of n bytes holds, appended with its NUL. */
static bool append_fixed(hid_t attribute, hid_t type, size_t n_texts, size_t most, struct buffer *out)
{
    size_t n = H5Tget_size(type);
    if (n == 0 || n > most || n_texts > WEIGHTS_MOST)
        return false;
    SCOPED(memory_free) char *bytes = calloc(n_texts, n);
    if (!bytes || H5Aread(attribute, type, bytes) < 0)
        return false;
    for (size_t t = 0; t < n_texts; t++) {
        buffer_append(out, bytes + t * n, strnlen(bytes + t * n, n));
        buffer_append(out, "", 1);
    }
    return true;
}

/* HDF5 allocates what it reads here: as much as the file has at most. */
static bool append_variable(hid_t attribute, hid_t type, hid_t space, size_t n_texts, struct buffer *out)
{
    if (n_texts > WEIGHTS_MOST)
        return false;
    SCOPED(texts_read_free) struct texts_read read = {type, space, calloc(n_texts + 1, sizeof(char *))};
    if (!read.texts || H5Aread(attribute, type, read.texts) < 0)
        return false;
    for (size_t t = 0; t < n_texts; t++) {
        buffer_append_text(out, read.texts[t] ? read.texts[t] : "");
        buffer_append(out, "", 1);
    }
    return true;
}

/* Append the texts of an attribute, each with its NUL. An attribute that is an empty list of anything is no texts. */
static enum status append_texts(hid_t place, const char *name, size_t most, struct buffer *out, size_t *out_n, struct error *error)
{
    if (H5Aexists(place, name) <= 0)
        return fail(error, STATUS_INVALID, "the file has no attribute %s as Keras writes it", name);
    ID attribute = {H5Aopen(place, name, H5P_DEFAULT)};
    ID type = {attribute.id < 0 ? -1 : H5Aget_type(attribute.id)};
    ID space = {attribute.id < 0 ? -1 : H5Aget_space(attribute.id)};
    hssize_t n = space.id < 0 ? -1 : H5Sget_simple_extent_npoints(space.id);
    if (type.id < 0 || n < 0)
        return fail(error, STATUS_CORRUPT, "damaged: the attribute %s cannot be read", name);
    *out_n = (size_t)n;
    if (n == 0)
        return STATUS_OK;
    if (H5Tget_class(type.id) != H5T_STRING)
        return fail(error, STATUS_INVALID, "the attribute %s is not a text", name);
    bool is_read = H5Tis_variable_str(type.id) > 0 ? append_variable(attribute.id, type.id, space.id, (size_t)n, out)
                                                   : append_fixed(attribute.id, type.id, (size_t)n, most, out);
    if (!is_read)
        return fail(error, STATUS_CORRUPT, "damaged, or too large: the attribute %s cannot be read", name);
    return buffer_finish(out, error);
}

enum status weight_file_config(struct weight_file *file, struct buffer *out, struct error *error)
{
    size_t n = 0;
    TRY(append_texts(file->file, "model_config", KERAS_CONFIG_MAX_BYTES, out, &n, error));
    if (n != 1)
        return fail(error, STATUS_INVALID, "the attribute model_config is not one text");
    return STATUS_OK;
}

/* --- weights --- */

/* Keras numbers the groups of a .keras file by class and, lately, writes the layer's name beside: a group of another layer is noticed. */
static enum status check_name(hid_t group, const struct keras_layer *layer, struct error *error)
{
    SCOPED(buffer_clear) struct buffer names;
    size_t n = 0;
    buffer_init(&names, NAME_BYTES);
    if (H5Aexists(group, "name") <= 0)
        return STATUS_OK;
    TRY(append_texts(group, "name", NAME_BYTES, &names, &n, error));
    if (n != 1 || strcmp(names.bytes, layer->name) != 0)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): the weights in its place are those of \"%.60s\"", layer->name,
                    keras_class(layer->kind), n == 1 && utf8_is_id(names.bytes, strlen(names.bytes)) ? names.bytes : "?");
    return STATUS_OK;
}

enum status weight_file_count(struct weight_file *file, const struct keras_layer *layer, unsigned n, struct error *error)
{
    SCOPED(buffer_clear) struct buffer names;
    ID group = {-1};
    H5G_info_t info = {.nlinks = 0};
    size_t found = 0;
    buffer_init(&names, WEIGHTS_MOST * NAME_BYTES);
    TRY(open_layer(file, layer, &group, error));
    if (file->layout == WEIGHTS_OF_KERAS)
        TRY(check_name(group.id, layer, error));
    if (file->layout == WEIGHTS_OF_H5) {
        TRY(append_texts(group.id, "weight_names", NAME_BYTES, &names, &found, error));
    } else if (H5Gget_info(group.id, &info) < 0) {
        return fail(error, STATUS_CORRUPT, "damaged: the weights of layer \"%.60s\" cannot be counted", layer->name);
    } else {
        found = (size_t)info.nlinks;
    }
    if (found != n)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): the file has %zu weights of it, its options want %u", layer->name,
                    keras_class(layer->kind), found, n);
    return STATUS_OK;
}

/* Is the last name of path part, as in "sequential/conv2d/kernel" or, of older writers, "conv2d/kernel:0"? */
static bool ends_in(const char *path, const char *part)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    size_t n = strcspn(last, ":");
    return n == strlen(part) && strncmp(last, part, n) == 0;
}

/* The path of a weight inside of its layer's group. */
static enum status weight_path(const struct weight_file *file, hid_t group, const struct keras_layer *layer, unsigned at, const char *part,
                               char out_path[NAME_BYTES], struct error *error)
{
    SCOPED(buffer_clear) struct buffer names;
    size_t n = 0;
    buffer_init(&names, WEIGHTS_MOST * NAME_BYTES);
    if (file->layout == WEIGHTS_OF_KERAS) {
        (void)snprintf(out_path, NAME_BYTES, "%u", at);
        return STATUS_OK;
    }
    TRY(append_texts(group, "weight_names", NAME_BYTES, &names, &n, error));
    const char *name = names.bytes;
    for (unsigned skipped = 0; skipped < at && skipped < n; skipped++)
        name += strlen(name) + 1;
    if (at >= n || strlen(name) >= NAME_BYTES || !ends_in(name, part))
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): weight %u of its weight_names is not its %s", layer->name,
                    keras_class(layer->kind), at + 1, part);
    (void)snprintf(out_path, NAME_BYTES, "%s", name);
    return STATUS_OK;
}

/* NULL, or what a data set is that is not plain floats in the file itself. */
static const char *find_fault(hid_t data)
{
    ID type = {H5Dget_type(data)};
    ID creation = {H5Dget_create_plist(data)};
    if (type.id < 0 || creation.id < 0)
        return "cannot be read";
    if (H5Tget_class(type.id) != H5T_FLOAT || H5Tget_size(type.id) > sizeof(double))
        return "is not of floats";
    H5D_layout_t layout = H5Pget_layout(creation.id);
    if ((layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) || H5Pget_external_count(creation.id) != 0)
        return "is packed, or outside of the file";
    return NULL;
}

static bool has_sides(hid_t data, const uint64_t sides[], unsigned n_sides, char *out_words, size_t n_words)
{
    hsize_t found[SIDES_MOST] = {0};
    ID space = {H5Dget_space(data)};
    int n = space.id < 0 ? -1 : H5Sget_simple_extent_ndims(space.id);
    if (n < 0 || n > SIDES_MOST || H5Sget_simple_extent_dims(space.id, found, NULL) != n) {
        (void)snprintf(out_words, n_words, "of too many sides");
        return false;
    }
    bool fits = (unsigned)n == n_sides;
    out_words[0] = '\0';
    for (int s = 0; s < n; s++) {
        size_t used = strlen(out_words);
        (void)snprintf(out_words + used, n_words - used, "%s%llu", s ? " x " : "", (unsigned long long)found[s]);
        fits = fits && found[s] == sides[s];
    }
    return fits;
}

static enum status check_finite(const struct keras_layer *layer, const char *part, const float *values, uint64_t n, struct error *error)
{
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): its %s has a value that is not finite", layer->name,
                        keras_class(layer->kind), part);
    return STATUS_OK;
}

enum status weight_file_read(struct weight_file *file, const struct keras_layer *layer, unsigned at, const char *part,
                             const uint64_t sides[], unsigned n_sides, float *out, struct error *error)
{
    ID group = {-1};
    char path[NAME_BYTES], found[120], wanted[120] = "";
    uint64_t n = 1;
    TRY(open_layer(file, layer, &group, error));
    TRY(weight_path(file, group.id, layer, at, part, path, error));
    ID data = {is_there(group.id, path) ? H5Dopen2(group.id, path, H5P_DEFAULT) : -1};
    if (data.id < 0)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): the file has no %s of it", layer->name, keras_class(layer->kind), part);
    for (unsigned s = 0; s < n_sides; s++) {
        size_t used = strlen(wanted);
        (void)snprintf(wanted + used, sizeof wanted - used, "%s%llu", s ? " x " : "", (unsigned long long)sides[s]);
        n *= sides[s];
    }
    if (!has_sides(data.id, sides, n_sides, found, sizeof found))
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): its %s is %s, its options want %s", layer->name, keras_class(layer->kind),
                    part, found, wanted);
    const char *fault = find_fault(data.id);
    if (fault)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): its %s %s", layer->name, keras_class(layer->kind), part, fault);
    if (H5Dread(data.id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        return fail(error, STATUS_CORRUPT, "damaged: the %s of layer \"%.60s\" cannot be read", part, layer->name);
    return check_finite(layer, part, out, n, error);
}
