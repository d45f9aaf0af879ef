/* Names only: what is in a file is looked at by core/model_file.h and verdict.h. */
#include "server/app/model_files.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/verdict.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_CHARS  (MODEL_VERSION_BYTES - 1)
#define FORGOTTEN_MS   (INT64_C(24) * 3600 * 1000)
#define PROCESS_DIGITS 10
#define PATH_BYTES     4352

static bool starts_with_version(const char *text, char letter)
{
    if (strlen(text) < VERSION_CHARS || text[0] != letter)
        return false;
    return strspn(text + 1, "0123456789abcdef") >= VERSION_CHARS - 1;
}

bool is_model_version(const char *text)
{
    return strlen(text) == VERSION_CHARS && starts_with_version(text, BEHAVIOUR_LETTER);
}

enum model_kind model_version_kind(const char *version)
{
    return version[0] == PICTURE_LETTER ? MODEL_PICTURES : MODEL_BEHAVIOUR;
}

static bool is_named(const char *name, char letter, const char *extension)
{
    return starts_with_version(name, letter) && strcmp(name + VERSION_CHARS, extension) == 0;
}

static bool is_model(const char *name)
{
    return is_named(name, BEHAVIOUR_LETTER, MODEL_EXTENSION) || is_named(name, PICTURE_LETTER, MODEL_EXTENSION);
}

enum status model_files_each(const char *directory, enum status (*visit)(void *context, const struct model_file *file), void *context,
                             struct error *error)
{
    DIR *entries = opendir(directory);
    if (!entries)
        return fail(error, STATUS_IO, "%.160s cannot be read: %s", directory, strerror(errno));
    enum status status = STATUS_OK;
    struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(entries))) {
        struct stat facts;
        if (!is_model(entry->d_name) || fstatat(dirfd(entries), entry->d_name, &facts, 0))
            continue;
        struct model_file file = {.kind = model_version_kind(entry->d_name), .changed_at = facts.st_mtim};
        memcpy(file.version, entry->d_name, VERSION_CHARS);
        status = visit(context, &file);
    }
    (void)closedir(entries);
    return status;
}

int model_file_compare(const void *left, const void *right)
{
    const struct model_file *a = left, *b = right;
    if (a->changed_at.tv_sec != b->changed_at.tv_sec)
        return a->changed_at.tv_sec < b->changed_at.tv_sec ? -1 : 1;
    if (a->changed_at.tv_nsec != b->changed_at.tv_nsec)
        return a->changed_at.tv_nsec < b->changed_at.tv_nsec ? -1 : 1;
    return strcmp(a->version, b->version);
}

/* ".m….123.partial" of a process 123 that is no more. Another user's process is one that is. */
static bool is_given_up(const char *name)
{
    size_t length = strlen(name), tail = strlen(PARTIAL_EXTENSION);
    bool is_ours = name[0] == '.' && (starts_with_version(name + 1, BEHAVIOUR_LETTER) || starts_with_version(name + 1, PICTURE_LETTER));
    if (!is_ours || length <= tail || strcmp(name + length - tail, PARTIAL_EXTENSION) != 0)
        return false;
    size_t first = length - tail;
    while (first > 0 && name[first - 1] >= '0' && name[first - 1] <= '9')
        first--;
    size_t n_digits = length - tail - first;
    if (n_digits == 0 || n_digits > PROCESS_DIGITS || first == 0 || name[first - 1] != '.')
        return false;
    long process = strtol(name + first, NULL, 10);
    return process > 0 && process <= INT_MAX && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

static bool is_forgotten(int directory, const char *name, int64_t now_ms)
{
    char model[VERSION_CHARS + sizeof MODEL_EXTENSION];
    struct stat facts;
    if (!is_named(name, BEHAVIOUR_LETTER, VERDICT_EXTENSION))
        return false;
    (void)snprintf(model, sizeof model, "%.*s" MODEL_EXTENSION, (int)VERSION_CHARS, name);
    if (fstatat(directory, model, &facts, 0) == 0 || errno != ENOENT || fstatat(directory, name, &facts, AT_SYMLINK_NOFOLLOW))
        return false;
    return now_ms - (int64_t)facts.st_mtim.tv_sec * 1000 > FORGOTTEN_MS;
}

void model_files_clean(const char *directory)
{
    DIR *entries = opendir(directory);
    int64_t now_ms = clock_now_ms();
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!is_given_up(entry->d_name) && !is_forgotten(dirfd(entries), entry->d_name, now_ms))
            continue;
        if (unlinkat(dirfd(entries), entry->d_name, 0) == 0)
            log_line(LOG_INFO, "models", "%.100s was left behind by a training that did not end: removed", entry->d_name);
    }
    if (entries)
        (void)closedir(entries);
}
