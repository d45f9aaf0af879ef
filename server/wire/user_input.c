/* The table of a user's profile. */
#include "server/wire/user_input.h"

#include <stddef.h>

#define ATTRIBUTES_MAX_BYTES 8192

static const struct field table[] = {
    {.name = "user_id", .kind = FIELD_ID, .offset = offsetof(struct user_input, user_id), .required = true},
    {.name = "attributes", .kind = FIELD_JSON, .offset = offsetof(struct user_input, attributes), .max = ATTRIBUTES_MAX_BYTES},
};

const struct fields user_input_fields = {
    .what = "a user",
    .fields = table,
    .n_fields = sizeof table / sizeof table[0],
    .record_bytes = sizeof(struct user_input),
};
