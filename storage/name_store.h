/* The numbers of users, items and event types: what core/base/names holds in memory, kept. A number is written once, in rising order without gaps. */
#ifndef STORAGE_NAME_STORE_H
#define STORAGE_NAME_STORE_H

#include "storage/store.h"

enum name_kind { NAME_USER, NAME_ITEM, NAME_TYPE, NAME_KINDS };

/* number must be the count so far. */
enum status name_store_insert(struct store *store, enum name_kind kind, uint32_t number, const char *text, struct error *error) MUST_CHECK;

/* Call visit for every number in order; text = NULL is a hole (an erased user). */
enum status name_store_scan(struct store *store, enum name_kind kind, enum status (*visit)(void *context, uint32_t number, const char *text), void *context,
                            struct error *error) MUST_CHECK;

#endif
