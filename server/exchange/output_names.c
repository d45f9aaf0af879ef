/* As many as the network has outputs, so a file of another model is noticed. */
#include "server/exchange/output_names.h"

#include "core/picture_model.h"

#include <string.h>

static enum status refuse_twins(const struct category_names *names, struct error *error)
{
    for (uint32_t c = 0; c < names->n; c++)
        for (uint32_t b = 0; b < c; b++)
            if (strcmp(names->names[b], names->names[c]) == 0)
                return fail(error, STATUS_INVALID, "%.100s: line %u: \"%.100s\" is there twice", names->path, c + 1, names->names[c]);
    return STATUS_OK;
}

enum status output_names_read(const char *path, uint32_t n, struct arena *arena, struct category_names *out_names, struct error *error)
{
    struct category_names names;
    if (n > PICTURE_CATEGORIES_MAX)
        return fail(error, STATUS_INVALID, "the model has %u categories; %u are possible", n, PICTURE_CATEGORIES_MAX);
    TRY(category_names_read(path, n, arena, &names, error));
    if (names.n < n)
        return fail(error, STATUS_INVALID, "%.100s: %u lines; the model has %u categories", path, names.n, n);
    TRY(refuse_twins(&names, error));
    *out_names = names;
    return STATUS_OK;
}
