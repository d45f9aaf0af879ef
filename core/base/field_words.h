/* The words of fields.c: mistakes with a JSON pointer (RFC 6901), what was expected and what came. The inside of fields.h; nobody else
 * includes it. */
#ifndef BASE_FIELD_WORDS_H
#define BASE_FIELD_WORDS_H

#include "core/base/fields.h"

struct reading {
    struct arena *arena;
    struct mistakes *mistakes;
};

/* Where something stands; a list on the stack that becomes a pointer only when there is something to say. */
struct place {
    const struct place *outer; /* NULL: key is the pointer of the whole */
    const char *key;           /* NULL: index is meant */
    size_t index;
};

/* Each adds one mistake and returns STATUS_INVALID. */

/* "expected …, got …": value, or text if value is NULL. */
enum status say_expected(struct reading *reading, const struct place *place, const struct field *field, const struct node *value,
                         const char *text);
enum status say_missing(struct reading *reading, const struct place *place, const struct field *field);
enum status say_unknown(struct reading *reading, const struct place *place, const struct fields *fields);
enum status say_no_object(struct reading *reading, const struct place *place, const struct fields *fields, const struct node *value);

#endif
