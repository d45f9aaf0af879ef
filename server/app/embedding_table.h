/* Embedding table: a vector of one fixed width for each item that has one, each an immutable piece that is swapped whole.
 *
 * So a table is right while it is filled: one thread goes through what was there before and fills in what nothing newer was said of, the
 * writer publishes what changes meanwhile, and readers see what there is so far.
 * Memory: 8 bytes an item, in chunks of 4096 items, and the vectors.
 * Threads: readers inside the epoch; reserve, prepare and publish by the writer's thread; reserve, prepare and fill by one other, inside
 * the epoch. */
#ifndef APP_EMBEDDING_TABLE_H
#define APP_EMBEDDING_TABLE_H

#include "core/base/epoch.h"

#include <stdint.h>

struct embedding_table;

/* Empty. width: floats of a vector. Borrows epoch for its life. STATUS_NOMEM. */
enum status embedding_table_create(uint32_t width, struct epoch *epoch, struct embedding_table **out_table) MUST_CHECK;
void embedding_table_destroy(struct embedding_table *table); /* no reader may be inside. Accepts NULL */
DEFINE_SCOPED(struct embedding_table *, embedding_table_destroy);

uint32_t embedding_table_count(const struct embedding_table *table); /* items that have a vector. Any thread */

/* --- writing --- */

/* All that can fail. reserve: room under that item's number, without which nothing is published or filled there. prepare: and memory for a
 * vector [width], 64-byte aligned; one that does not go into the table is memory_free's. STATUS_NOMEM. */
enum status embedding_table_reserve(struct embedding_table *table, uint32_t item) MUST_CHECK;
enum status embedding_table_prepare(struct embedding_table *table, uint32_t item, float **out_vector) MUST_CHECK;

/* The item has vector from now on, or none (NULL). Takes vector. From outside the epoch. */
void embedding_table_publish(struct embedding_table *table, uint32_t item, float *vector);

/* The item has vector from now on if nothing was published for it since get gave seen, which was inside the same stay in the epoch and
 * before anything was read that vector is made of. Takes vector. Gives what is not in the table then, vector or seen (NULL: nothing), to be
 * retired once outside the epoch. */
float *embedding_table_fill(struct embedding_table *table, uint32_t item, const float *seen, float *vector) MUST_CHECK;

/* --- reading --- */

/* [width], or NULL: the item has none. */
const float *embedding_table_get(const struct embedding_table *table, uint32_t item);

#endif
