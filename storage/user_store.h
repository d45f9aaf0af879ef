/* Profiles of users. A user that only events have named has no profile. */
#ifndef STORAGE_USER_STORE_H
#define STORAGE_USER_STORE_H

#include "storage/store.h"

struct stored_user {
    uint32_t user;
    const char *attributes; /* a JSON object, NULL is none */
    int64_t created_at_ms, updated_at_ms;
};

enum status user_store_put(struct store *store, const struct stored_user *user, struct error *error) MUST_CHECK;

/* visit is called once, or STATUS_NOT_FOUND. */
enum status user_store_get(struct store *store, uint32_t user, enum status (*visit)(void *context, const struct stored_user *user), void *context,
                           struct error *error) MUST_CHECK;

/* Delete the profile, and make the name a hole in name_store. Events are event_store_erase_user's. */
enum status user_store_erase(struct store *store, uint32_t user, struct error *error) MUST_CHECK;

#endif
