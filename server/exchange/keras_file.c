/* The file is read whole: zip and HDF5 both jump about in it, and a file that changes meanwhile is one danger less. */
#include "server/exchange/keras_file.h"

#include "server/exchange/keras_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char zip_magic[] = {'P', 'K', 3, 4};
static const char hdf5_magic[] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

void keras_file_clear(struct keras_file *file)
{
    free(file->bytes);
    *file = (struct keras_file){NULL, 0};
}

static void close_file_scoped(const int *file)
{
    if (*file >= 0)
        (void)close(*file);
}

static enum status read_whole(int file, char *bytes, size_t n_bytes, struct error *error)
{
    for (size_t at = 0; at < n_bytes;) {
        ssize_t n = read(file, bytes + at, n_bytes - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(error, STATUS_IO, "cannot be read: %s", n < 0 ? strerror(errno) : "it became shorter meanwhile");
        at += (size_t)n;
    }
    return STATUS_OK;
}

enum status keras_file_read(const char *path, struct keras_file *out_file, struct error *error)
{
    struct stat stat;
    SCOPED(close_file) int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot be opened: %s", strerror(errno));
    if (fstat(file, &stat) != 0 || !S_ISREG(stat.st_mode))
        return fail(error, STATUS_INVALID, "not a file");
    if (stat.st_size > (off_t)KERAS_FILE_MAX_BYTES)
        return fail(error, STATUS_LIMIT, "has %lld bytes; %u are possible", (long long)stat.st_size, KERAS_FILE_MAX_BYTES);
    SCOPED(memory_free) char *bytes = malloc((size_t)stat.st_size + 1);
    if (!bytes)
        return fail(error, STATUS_NOMEM, "no memory for %lld bytes", (long long)stat.st_size);
    TRY(read_whole(file, bytes, (size_t)stat.st_size, error));
    *out_file = (struct keras_file){bytes, (size_t)stat.st_size};
    bytes = NULL;
    return STATUS_OK;
}

static enum status read_network(const char *json, size_t n_json, struct weight_file *file, struct keras_network *out_network,
                                struct error *error)
{
    SCOPED(memory_free) struct keras_config *config = calloc(1, sizeof *config);
    if (!config)
        return fail(error, STATUS_NOMEM, "no memory for the model's config");
    TRY(keras_config_read(json, n_json, config, error));
    return keras_network_read(config, file, out_network, error);
}

static enum status read_keras(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    SCOPED(keras_archive_clear) struct keras_archive archive = {.config = NULL};
    SCOPED(weight_file_close) struct weight_file *weights = NULL;
    TRY(keras_archive_read(file->bytes, file->n_bytes, KERAS_FILE_MAX_BYTES, &archive, error));
    TRY(weight_file_open(archive.weights, archive.n_weights, WEIGHTS_OF_KERAS, &weights, error));
    return read_network(archive.config, archive.n_config, weights, out_network, error);
}

static enum status read_h5(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    SCOPED(weight_file_close) struct weight_file *weights = NULL;
    SCOPED(buffer_clear) struct buffer config;
    buffer_init(&config, KERAS_CONFIG_MAX_BYTES + 1);
    TRY(weight_file_open(file->bytes, file->n_bytes, WEIGHTS_OF_H5, &weights, error));
    TRY(weight_file_config(weights, &config, error));
    return read_network(config.bytes, strlen(config.bytes), weights, out_network, error);
}

static bool begins_with(const struct keras_file *file, const char *magic, size_t n)
{
    return file->n_bytes >= n && memcmp(file->bytes, magic, n) == 0;
}

enum status keras_file_parse(const struct keras_file *file, struct keras_network *out_network, struct error *error)
{
    if (begins_with(file, zip_magic, sizeof zip_magic))
        return read_keras(file, out_network, error);
    if (begins_with(file, hdf5_magic, sizeof hdf5_magic))
        return read_h5(file, out_network, error);
    return fail(error, STATUS_INVALID, "neither a .keras file (a zip) nor an .h5 file (HDF5)");
}
