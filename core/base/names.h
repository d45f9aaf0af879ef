/* Names: callers' ids (texts) as dense numbers 0, 1, 2, … in the order in which they were first seen.
 *
 * Threads: any. Texts never move: a pointer from names_text is good until names_destroy.
 * A number is never given twice: a forgotten name keeps its number as a hole, and the same text added again gets a new one. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include "core/base/status.h"

#include <stdint.h>

#define NAMES_NONE UINT32_MAX

struct names;

struct names *names_create(void); /* NULL on no memory */
void names_destroy(struct names *names);
DEFINE_SCOPED(struct names *, names_destroy);

/* The number of text, added if it is new. Fails with STATUS_NOMEM only. */
enum status names_add(struct names *names, const char *text, uint32_t *out_number) MUST_CHECK;

/* Append a hole: the next number, with no text (a name that was erased before a restart). */
enum status names_add_hole(struct names *names) MUST_CHECK;

/* The number of text, or NAMES_NONE. */
uint32_t names_find(const struct names *names, const char *text);

/* The text of number, or NULL if number was forgotten or never given. Borrowed. */
const char *names_text(const struct names *names, uint32_t number);

/* Make number a hole. Its text stays readable through pointers taken before, and is given back by names_destroy. */
void names_forget(struct names *names, uint32_t number);

/* How many numbers were given, holes included. */
uint32_t names_count(const struct names *names);

#endif
