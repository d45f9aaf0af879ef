/* A model that was trained in Keras 3 becomes inkling's live picture model. Threads: any, but one at a time (HDF5). */
#ifndef EXCHANGE_KERAS_IMPORT_H
#define EXCHANGE_KERAS_IMPORT_H

#include "core/picture_model.h"
#include "server/app/registration.h"

/* Read path, write it into directory/models, which is made if it is not there, and register it (registration.h). names: a text file, one
 * category a line; NULL: the categories are "0", "1", …. path's content says whether it is a .keras or an .h5 file, not its name. Fails as
 * keras_file_read, keras_child_parse, category_names_read, picture_model_write and registration_adopt do. */
enum status keras_import(const char *directory, const char *path, const char *names, char out_version[FILE_VERSION_BYTES],
                         enum adoption *out_adoption, struct error *error) MUST_CHECK;

#endif
