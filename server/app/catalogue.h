/* The catalogue in memory: one immutable record an item, swapped whole when it changes.
 *
 * Threads: one writer (the writer thread); readers inside the app's epoch: a record borrowed from catalogue_item is good until the
 * reader leaves. Items that only events have named have a record with known = false: they may be recommended (the catalogue may lag
 * behind), as kind content. */
#ifndef APP_CATALOGUE_H
#define APP_CATALOGUE_H

#include "core/base/epoch.h"
#include "core/base/names.h"
#include "storage/item_store.h"

struct item {
    uint32_t number;
    const char *item_id;
    bool known;             /* false: only events have named it */
    struct stored_item row; /* texts belong to the record */
    uint32_t n_categories;
    const uint32_t *categories; /* numbers of catalogue_categories */
};

struct catalogue;

struct catalogue *catalogue_create(struct epoch *epoch); /* borrows epoch */
void catalogue_destroy(struct catalogue *catalogue);
DEFINE_SCOPED(struct catalogue *, catalogue_destroy);

/* item_id is borrowed for the catalogue's life (it is the names' text). row = NULL: an item known from an event only. */
enum status catalogue_put(struct catalogue *catalogue, uint32_t item, const char *item_id, const struct stored_item *row) MUST_CHECK;

/* The same in two steps: all that can fail before a commit, and what cannot after it. A record that is not published is memory_free's. */
enum status catalogue_prepare(struct catalogue *catalogue, uint32_t item, const char *item_id, const struct stored_item *row,
                              struct item **out_record) MUST_CHECK;
void catalogue_publish(struct catalogue *catalogue, struct item *record); /* takes record */

/* NULL if there is no such number (or a hole below the count). Inside the epoch. */
const struct item *catalogue_item(const struct catalogue *catalogue, uint32_t item);

uint32_t catalogue_count(const struct catalogue *catalogue); /* numbers given, = V of the answers */
const struct names *catalogue_categories(const struct catalogue *catalogue);

#endif
