/* The whole file is read at once: golden files are small. */
#include "golden_file.h"

#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define GOLDEN_MAX_BYTES (256u << 10)

struct node *read_golden(const char *name)
{
    char path[512];
    struct node *document = NULL;
    struct error error = {.detail = ""};
    (void)snprintf(path, sizeof path, "%s/%s", GOLDEN_FOLDER, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    SCOPED(memory_free) char *text = malloc(GOLDEN_MAX_BYTES);
    cr_assert(text);
    size_t n_bytes = fread(text, 1, GOLDEN_MAX_BYTES, file);
    (void)fclose(file);
    cr_assert(node_parse(text, n_bytes, &document, &error) == STATUS_OK, "%s: %s", path, error.detail);
    return document;
}

const struct node *golden_get(const struct node *object, const char *key)
{
    const struct node *member = node_get(object, key);
    cr_assert(member, "the golden file has no \"%s\"", key);
    return member;
}

float *golden_floats(const struct node *array, size_t n)
{
    cr_assert_eq(node_count(array), n, "%zu numbers instead of %zu", node_count(array), n);
    float *values = zero_floats(n);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)node_number(node_at(array, i));
    return values;
}

uint32_t *golden_numbers(const struct node *array, size_t n)
{
    cr_assert_eq(node_count(array), n, "%zu numbers instead of %zu", node_count(array), n);
    uint32_t *values = calloc(n ? n : 1, sizeof *values);
    cr_assert(values);
    for (size_t i = 0; i < n; i++)
        values[i] = (uint32_t)node_integer(node_at(array, i));
    return values;
}
