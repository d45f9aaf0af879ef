/* Item words: everything in words that is known of an item, as a content tower reads it (core/content_tower.h), put together in the same
 * way in training and in serving: title, categories, tags, text, each on a line of its own. Categories that a picture model has guessed are
 * left out: no network learns from another's guesses. Pure functions. Threads: any. */
#ifndef APP_ITEM_WORDS_H
#define APP_ITEM_WORDS_H

#include "storage/item_store.h"

#include <stddef.h>

/* out [max_bytes] = the words, cut where there is no more room; no NUL. *out_n: their bytes; 0: there are none, or the item is deleted.
 * Lists are JSON arrays as the store has them; what is no text in them, or no list, is passed over. STATUS_NOMEM. */
enum status item_words_write(const struct stored_item *row, char out[], size_t max_bytes, size_t *out_n) MUST_CHECK;

#endif
