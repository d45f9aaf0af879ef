/* A golden file of numbers (tests/golden): what another program computed, read out of JSON for comparison. Whatever is not as expected
 * fails the test. */
#ifndef TESTS_GOLDEN_FILE_H
#define TESTS_GOLDEN_FILE_H

#include "core/base/node.h"

#include <stddef.h>
#include <stdint.h>

/* The document of tests/golden/data/name, to be destroyed. */
struct node *read_golden(const char *name);

/* The member of an object, which must be there. */
const struct node *golden_get(const struct node *object, const char *key);

/* An array of numbers; n of them are expected. To be freed. */
float *golden_floats(const struct node *array, size_t n);
uint32_t *golden_numbers(const struct node *array, size_t n);

#endif
