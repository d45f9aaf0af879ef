/* Sizes are those of the zip's directory, checked before memory is taken; a member that is longer or shorter than it says is damaged, and
 * libzip compares its checksum at its end. */
#include "server/exchange/keras_archive.h"

#include "server/exchange/keras_config.h"

#include <stdlib.h>
#include <zip.h>

static void close_zip_scoped(zip_t **zip)
{
    if (*zip)
        zip_discard(*zip);
}

static void close_member_scoped(zip_file_t **member)
{
    if (*member)
        (void)zip_fclose(*member);
}

void keras_archive_clear(struct keras_archive *archive)
{
    free(archive->config);
    free(archive->weights);
    *archive = (struct keras_archive){.config = NULL};
}

/* Exactly n bytes, and then the end. */
static bool read_whole(zip_file_t *member, char *bytes, size_t n)
{
    char more;
    size_t at = 0;
    for (zip_int64_t got; at < n && (got = zip_fread(member, bytes + at, n - at)) > 0;)
        at += (size_t)got;
    return at == n && zip_fread(member, &more, 1) == 0;
}

static enum status read_member(zip_t *zip, const char *name, size_t most, char **out_bytes, size_t *out_n, struct error *error)
{
    const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t stat;
    if (zip_stat(zip, name, 0, &stat) != 0)
        return fail(error, STATUS_INVALID, "the archive has no %s: not a model as Keras 3 saves it", name);
    if ((stat.valid & wanted) != wanted || stat.encryption_method != ZIP_EM_NONE ||
        (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE))
        return fail(error, STATUS_INVALID, "%s in the archive is neither stored nor deflated", name);
    if (stat.size > most)
        return fail(error, STATUS_LIMIT, "%s in the archive has %llu bytes; %zu are possible", name, (unsigned long long)stat.size, most);
    SCOPED(memory_free) char *bytes = malloc((size_t)stat.size + 1);
    SCOPED(close_member) zip_file_t *member = zip_fopen(zip, name, 0);
    if (!bytes)
        return fail(error, STATUS_NOMEM, "no memory for %s", name);
    if (!member || !read_whole(member, bytes, (size_t)stat.size))
        return fail(error, STATUS_CORRUPT, "damaged: %s in the archive cannot be unpacked", name);
    bytes[stat.size] = '\0';
    *out_n = (size_t)stat.size;
    *out_bytes = bytes;
    bytes = NULL;
    return STATUS_OK;
}

enum status keras_archive_read(const void *bytes, size_t n_bytes, size_t weights_most, struct keras_archive *out_archive,
                               struct error *error)
{
    SCOPED(keras_archive_clear) struct keras_archive archive = {.config = NULL};
    zip_error_t reason;
    zip_error_init(&reason);
    zip_source_t *source = zip_source_buffer_create(bytes, n_bytes, 0, &reason);
    SCOPED(close_zip) zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &reason) : NULL;
    if (source && !zip)
        zip_source_free(source);
    if (!zip) {
        enum status status = fail(error, STATUS_CORRUPT, "damaged: not a zip that can be read: %.120s", zip_error_strerror(&reason));
        zip_error_fini(&reason);
        return status;
    }
    zip_error_fini(&reason);
    TRY(read_member(zip, "config.json", KERAS_CONFIG_MAX_BYTES, &archive.config, &archive.n_config, error));
    TRY(read_member(zip, "model.weights.h5", weights_most, &archive.weights, &archive.n_weights, error));
    *out_archive = archive;
    archive = (struct keras_archive){.config = NULL};
    return STATUS_OK;
}
