/* The files of DIR/models by their names: the models, and what others have left behind there. Threads: any. */
#ifndef APP_MODEL_FILES_H
#define APP_MODEL_FILES_H

#include "core/model.h"
#include "storage/model_registry.h"

#include <stdbool.h>
#include <time.h>

#define MODEL_EXTENSION   ".safetensors"
#define PARTIAL_EXTENSION ".partial" /* ".<name>.<process>.partial" is being written by that process */

/* The letter that a version begins with. */
#define BEHAVIOUR_LETTER 'm'
#define PICTURE_LETTER   'p'

/* Of behaviour: "m" and 16 hexadecimal digits in lower case. */
bool is_model_version(const char *text);

enum model_kind model_version_kind(const char *version);

struct model_file {
    char version[MODEL_VERSION_BYTES];
    enum model_kind kind;
    struct timespec changed_at;
};

/* Visit every file that is named like a model, of either kind, in no order, until a visit returns something else than STATUS_OK; return
 * that. STATUS_IO: the directory cannot be read. */
enum status model_files_each(const char *directory, enum status (*visit)(void *context, const struct model_file *file), void *context,
                             struct error *error) MUST_CHECK;

/* For qsort: older files first, those of one time by version. */
int model_file_compare(const void *left, const void *right);

/* Remove what nobody will finish or ask for: partial files of processes that are gone, and verdicts older than a day on models that are not
 * there. What cannot be removed is left. Call it when the service or a training starts. */
void model_files_clean(const char *directory);

#endif
