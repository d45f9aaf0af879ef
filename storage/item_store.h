/* What the catalogue says of items. An item that only events have named has no row here (it is in name_store alone). */
#ifndef STORAGE_ITEM_STORE_H
#define STORAGE_ITEM_STORE_H

#include "storage/store.h"

enum item_kind { ITEM_CONTENT, ITEM_PRODUCT, ITEM_AD };

/* Texts are borrowed for the call; NULL is "not given". Lists and objects are JSON. */
struct stored_item {
    uint32_t item; /* number of name_store */
    enum item_kind kind;
    const char *title, *text, *currency, *url;
    const char *categories, *tags; /* JSON arrays of texts */
    bool predicted;                /* categories are a picture model's */
    const char *attributes;        /* a JSON object */
    double price;                  /* NAN: not given */
    bool hidden;
    bool deleted;                         /* the rest is empty; the item is never shown until it is put again */
    int64_t created_at_ms, expires_at_ms; /* INT64_MIN: not given */
};

/* Insert or replace. */
enum status item_store_put(struct store *store, const struct stored_item *item, struct error *error) MUST_CHECK;
enum status item_store_scan(struct store *store, enum status (*visit)(void *context, const struct stored_item *item), void *context,
                            struct error *error) MUST_CHECK;

#endif
