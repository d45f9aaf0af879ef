/* A folder of pictures of items: its files NAME.png, NAME.jpg, NAME.jpeg and NAME.webp (capitals or not) in the order of their names, and
 * the item's id that a NAME stands for. Memory: all names, and one file. Threads: one at a time. */
#ifndef APP_PICTURE_FOLDER_H
#define APP_PICTURE_FOLDER_H

#include "core/base/status.h"
#include "core/base/utf8.h"

#include <stddef.h>
#include <stdint.h>

struct picture_folder {
    char **names; /* [n_names], sorted by their bytes */
    size_t n_names;
    int directory;  /* open */
    uint8_t *bytes; /* of the file that was read last */
};

/* STATUS_NOT_FOUND, STATUS_IO (it is no folder, or cannot be read), STATUS_NOMEM. */
enum status picture_folder_open(const char *path, struct picture_folder *out_folder, struct error *error) MUST_CHECK;
void picture_folder_close(struct picture_folder *folder); /* accepts one of zeros */
static inline void picture_folder_close_scoped(struct picture_folder *folder)
{
    picture_folder_close(folder);
}

/* The bytes of names[i], good until the next call. STATUS_NOT_FOUND: it is no regular file (links are followed), or gone; STATUS_LIMIT:
 * larger than max_bytes, which is at most PICTURE_BYTES_MAX; STATUS_IO. */
enum status picture_folder_read(struct picture_folder *folder, size_t i, size_t max_bytes, const uint8_t **out_bytes, size_t *out_n_bytes,
                                struct error *error) MUST_CHECK;

/* The id of a file's name: without its ending, %XX being the byte of these two hexadecimal digits, as in URLs, since a name cannot have
 * every byte: "a%2Fb.png" is "a/b". STATUS_INVALID: '%' without two digits, or what comes out is no id (utf8_is_id). */
enum status picture_folder_id(const char *name, char out_id[ID_MAX_BYTES + 1], struct error *error) MUST_CHECK;

#endif
