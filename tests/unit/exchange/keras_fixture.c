/* Archives are packed by libzip, as they are unpacked; the golden one comes from another program. */
#include "keras_fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define FILE_MOST_BYTES (1u << 20)

void folder_make(char out_folder[FOLDER_BYTES])
{
    (void)snprintf(out_folder, FOLDER_BYTES, "/tmp/inkling-exchange-XXXXXX");
    cr_assert(mkdtemp(out_folder));
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat, (void)type, (void)place;
    return remove(path);
}

void folder_remove(const char *folder)
{
    cr_assert_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

char *file_read(const char *path, size_t *out_n)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(FILE_MOST_BYTES + 1);
    cr_assert(file && bytes, "%s", path);
    *out_n = fread(bytes, 1, FILE_MOST_BYTES, file);
    bytes[*out_n] = '\0';
    (void)fclose(file);
    return bytes;
}

void file_write(const char *path, const char *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

char *text_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    cr_assert(at, "there is no %s", from);
    size_t n = strlen(text) + strlen(to) + 1;
    char *fresh = malloc(n);
    cr_assert(fresh);
    (void)snprintf(fresh, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return fresh;
}

struct keras_archive keras_golden(void)
{
    struct keras_archive archive;
    struct error error = {.detail = ""};
    size_t n = 0;
    char *bytes = file_read(GOLDEN_KERAS, &n);
    cr_assert_eq(keras_archive_read(bytes, n, FILE_MOST_BYTES, &archive, &error), STATUS_OK, "%s", error.detail);
    free(bytes);
    return archive;
}

static void add_member(zip_t *zip, const char *name, const char *bytes, size_t n_bytes, bool deflated)
{
    if (!bytes)
        return;
    zip_source_t *source = zip_source_buffer(zip, bytes, n_bytes, 0);
    zip_int64_t at = zip_file_add(zip, name, source, 0);
    cr_assert(at >= 0);
    cr_assert_eq(zip_set_file_compression(zip, (zip_uint64_t)at, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0), 0);
}

void keras_write(const char *path, const struct keras_archive *archive, bool deflated)
{
    int reason = 0;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    cr_assert(zip, "%s: %d", path, reason);
    add_member(zip, "config.json", archive->config, archive->n_config, deflated);
    add_member(zip, "metadata.json", "{}", 2, deflated);
    add_member(zip, "model.weights.h5", archive->weights, archive->n_weights, deflated);
    cr_assert_eq(zip_close(zip), 0);
}

void keras_write_changed(const char *path, const char *from, const char *to)
{
    struct keras_archive archive = keras_golden();
    char *fresh = text_replace(archive.config, from, to);
    free(archive.config);
    archive.config = fresh;
    archive.n_config = strlen(fresh);
    keras_write(path, &archive, false);
    keras_archive_clear(&archive);
}

enum status keras_model_read(const char *path, struct keras_network *out_network, struct error *error)
{
    SCOPED(keras_file_clear) struct keras_file file = {NULL, 0};
    TRY(keras_file_read(path, &file, error));
    return keras_file_parse(&file, out_network, error);
}
