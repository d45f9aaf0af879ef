/* An item as callers write it. */
#ifndef WIRE_ITEM_INPUT_H
#define WIRE_ITEM_INPUT_H

#include "core/base/fields.h"
#include "storage/item_store.h"

/* Texts live in the reader's arena; NULL is "not given". */
struct item_input {
    const char *item_id; /* required in batches and files; PUT takes it from the path */
    int kind;            /* enum item_kind, by name: "content" (default), "product", "ad" */
    const char *title, *text, *currency, *url; /* up to 1024 and 16384 bytes, three capital letters, up to 2048 bytes */
    struct texts categories, tags;             /* up to 64 each */
    bool predicted;                            /* categories are a picture model's; nobody can write it */
    const char *attributes;                    /* a JSON object of up to 8192 bytes */
    double price;                              /* NAN: not given */
    bool hidden;
    int64_t created_at_ms, expires_at_ms; /* "created_at", "expires_at"; INT64_MIN: not given */
};

extern const struct fields item_input_fields;

/* The row of an item: lists as JSON in the arena. STATUS_NOMEM. */
enum status item_input_store(const struct item_input *input, uint32_t item, struct arena *arena, struct stored_item *out_row) MUST_CHECK;

/* And back: what PATCH starts from. STATUS_NOMEM, or STATUS_CORRUPT: a list in the row is none. */
enum status item_input_load(const struct stored_item *row, const char *item_id, struct arena *arena, struct item_input *out_input) MUST_CHECK;

#endif
