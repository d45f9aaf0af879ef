/* The files of DIR/models by their names: the models, and what others have left behind there. Threads: any. */
#ifndef APP_MODEL_FILES_H
#define APP_MODEL_FILES_H

#include "core/model.h"

#include <stdbool.h>
#include <time.h>

#define MODEL_EXTENSION   ".safetensors"
#define PARTIAL_EXTENSION ".partial" /* ".<name>.<process>.partial" is being written by that process */

/* "m" and 16 hexadecimal digits in lower case. */
bool is_model_version(const char *text);

struct model_file {
    char version[MODEL_VERSION_BYTES];
    struct timespec changed_at;
};

/* The letter that a version begins with. */
#define BEHAVIOUR_LETTER 'm'
#define PICTURE_LETTER   'p'

/* Visit every file that is named like a model of that letter, in no order, until a visit returns something else than STATUS_OK; return
 * that. STATUS_IO: the directory cannot be read. */
enum status model_files_each(const char *directory, char letter, enum status (*visit)(void *context, const struct model_file *file),
                             void *context, struct error *error) MUST_CHECK;

/* The newest of them, but for the version refused (which may be ""). STATUS_NOT_FOUND: there is none; STATUS_IO. */
enum status model_files_newest(const char *directory, char letter, const char *refused, struct model_file *out_file,
                               struct error *error) MUST_CHECK;

/* For qsort: older files first, those of one time by version. */
int model_file_compare(const void *left, const void *right);

/* Make DIRECTORY/<version> the newest: the same training makes the same file, and whoever asks for it again wants it to answer. STATUS_IO.
 */
enum status model_files_renew(const char *directory, const char *version, struct error *error) MUST_CHECK;

/* Remove what nobody will finish or ask for: partial files of processes that are gone, and verdicts older than a day on models that are not
 * there. What cannot be removed is left. Call it when the service or a training starts. */
void model_files_clean(const char *directory);

#endif
