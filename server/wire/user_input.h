/* A user's profile as callers write it. */
#ifndef WIRE_USER_INPUT_H
#define WIRE_USER_INPUT_H

#include "core/base/fields.h"

struct user_input {
    const char *user_id;    /* required in files; PUT takes it from the path */
    const char *attributes; /* a JSON object of up to 8192 bytes; NULL: not given */
};

extern const struct fields user_input_fields;

#endif
