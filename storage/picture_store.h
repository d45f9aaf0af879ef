/* Pictures of items: the file that was sent, if originals are kept, and the small picture that networks see. */
#ifndef STORAGE_PICTURE_STORE_H
#define STORAGE_PICTURE_STORE_H

#include "storage/store.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes are borrowed for the call. */
struct stored_picture {
    uint32_t item; /* number of name_store */
    int64_t changed_at_ms;
    const char *media_type;  /* of original; NULL: it is not kept */
    const uint8_t *original; /* [n_original] */
    size_t n_original;
    uint32_t height, width, channels; /* of the small one */
    const uint8_t *pixels;            /* [height, width, channels] */
};

/* Insert or replace. */
enum status picture_store_put(struct store *store, const struct stored_picture *picture, struct error *error) MUST_CHECK;

/* Visit one, with its original. STATUS_NOT_FOUND. */
enum status picture_store_read(struct store *store, uint32_t item,
                               enum status (*visit)(void *context, const struct stored_picture *picture), void *context,
                               struct error *error) MUST_CHECK;

/* All in the order of items, without their originals. */
enum status picture_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_picture *picture),
                               void *context, struct error *error) MUST_CHECK;

/* out_deleted (may be NULL): was there one? It is no mistake if not. */
enum status picture_store_delete(struct store *store, uint32_t item, bool *out_deleted, struct error *error) MUST_CHECK;

#endif
