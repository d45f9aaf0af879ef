/* Files of Keras models for tests: the golden ones (tests/golden/make_keras.py), and what can be made of them. Files are made in a folder
 * of the test's own. Whatever is not as expected fails the test. */
#ifndef TESTS_KERAS_FIXTURE_H
#define TESTS_KERAS_FIXTURE_H

#include "server/exchange/keras_archive.h"
#include "server/exchange/keras_file.h"

#include <stdbool.h>
#include <stddef.h>

#define GOLDEN_KERAS GOLDEN_FOLDER "/small.keras"
#define GOLDEN_H5    GOLDEN_FOLDER "/small.h5"
#define FOLDER_BYTES 64

/* A fresh folder; and it is gone, with the files and the folders of files in it. */
void folder_make(char out_folder[FOLDER_BYTES]);
void folder_remove(const char *folder);

/* A whole file. Gives the bytes, with a NUL behind them. */
char *file_read(const char *path, size_t *out_n);
void file_write(const char *path, const char *bytes, size_t n_bytes);

/* text with its first from replaced by to. Gives the text. */
char *text_replace(const char *text, const char *from, const char *to);

/* The members of the golden .keras file. Cleared with keras_archive_clear. */
struct keras_archive keras_golden(void);

/* A .keras file at path of these members; one that is NULL is left out. */
void keras_write(const char *path, const struct keras_archive *archive, bool deflated);

/* The golden .keras file with the first from in its config.json replaced by to. */
void keras_write_changed(const char *path, const char *from, const char *to);

/* A file read and parsed in this process, so that the sanitizers see all of it. */
enum status keras_model_read(const char *path, struct keras_network *out_network, struct error *error);

#endif
