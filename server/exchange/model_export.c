/* A model is opened by the reader of its kind first: what cannot be used is not given to anybody else. */
#include "server/exchange/model_export.h"

#include "core/model.h"
#include "core/picture_model.h"
#include "server/app/model_files.h"
#include "server/app/page_file.h"
#include "server/exchange/onnx_graph.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4400

static bool is_version(const char *text, char letter)
{
    return text[0] == letter && strlen(text) == MODEL_VERSION_BYTES - 1 && strspn(text + 1, "0123456789abcdef") == MODEL_VERSION_BYTES - 2;
}

static enum status check_version(const char *found, const char *version, struct error *error)
{
    if (strcmp(found, version) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: the content of %s is that of %s", version, found);
    return STATUS_OK;
}

static enum status check_behaviour(const char *path, const char *version, struct error *error)
{
    SCOPED(model_close) struct model *model = NULL;
    TRY(model_open(path, &model, error));
    return check_version(model_facts(model)->version, version, error);
}

/* The file is immutable, so it may be looked at in place. */
static enum status copy(const char *path, const char *output, struct error *error)
{
    struct stat stat;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is_open = file >= 0 && fstat(file, &stat) == 0 && stat.st_size > 0;
    size_t n = is_open ? (size_t)stat.st_size : 0;
    void *bytes = is_open ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    int reason = errno;
    if (file >= 0)
        (void)close(file);
    if (bytes == MAP_FAILED)
        return fail(error, STATUS_IO, "cannot read %.160s: %s", path, strerror(reason));
    enum status status = page_file_write(output, bytes, n, error);
    (void)munmap(bytes, n);
    return status;
}

static enum status write_onnx(const struct picture_model *model, const char *output, struct error *error)
{
    SCOPED(memory_free) unsigned char *bytes = NULL;
    size_t n = 0;
    TRY(onnx_graph_pack(model, &bytes, &n, error));
    return page_file_write(output, (const char *)bytes, n, error);
}

enum status model_export(const char *directory, const char *version, enum export_format format, const char *output, struct error *error)
{
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    char path[PATH_BYTES];
    bool is_picture = is_version(version, PICTURE_LETTER);
    if (!is_picture && !is_version(version, BEHAVIOUR_LETTER))
        return fail(error, STATUS_INVALID, "\"%.40s\" is no version of a model: expected m or p and 16 hexadecimal digits", version);
    if (!is_picture && format == EXPORT_ONNX)
        return fail(error, STATUS_INVALID, "%s is a model of behaviour: only picture models (p…) can be written as ONNX", version);
    if ((size_t)snprintf(path, sizeof path, "%s/models/%s" MODEL_EXTENSION, directory, version) >= sizeof path)
        return fail(error, STATUS_INVALID, "the path of the data directory is too long");
    if (!is_picture)
        TRY(check_behaviour(path, version, error));
    else
        TRY(picture_model_open(path, &model, error));
    if (is_picture)
        TRY(check_version(picture_model_facts(model)->version, version, error));
    return format == EXPORT_ONNX ? write_onnx(model, output, error) : copy(path, output, error);
}
