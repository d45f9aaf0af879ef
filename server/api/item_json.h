/* An item as JSON: whole, as the catalogue shows it, or some parts beside a recommendation. Records are borrowed, inside the epoch. */
#ifndef API_ITEM_JSON_H
#define API_ITEM_JSON_H

#include "core/base/emit.h"
#include "core/base/fields.h"
#include "server/app/catalogue.h"

extern const char *const item_kind_names[]; /* by enum item_kind, NULL at the end */

#define ITEM_PARTS_MAX 8 /* that a list may be asked for by "fields" */

/* The set (a bit a part) that names ask for. STATUS_INVALID with mistakes: a name that is none; pointer is where the list stands. */
enum status item_parts_read(const struct texts *names, const char *pointer, struct arena *arena, unsigned *out_parts,
                            struct mistakes *mistakes) MUST_CHECK;

/* The members of the set, into an open object. What is not given is null, lists are empty. */
void item_emit_parts(const struct item *item, unsigned parts, struct emit *emit);

/* The whole item as an object. name = NULL at the top and in lists. */
void item_emit(const struct item *item, const char *name, struct emit *emit);

#endif
