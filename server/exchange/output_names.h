/* The names of an imported model's outputs: lines of a file, or numbers. Threads: any. */
#ifndef EXCHANGE_OUTPUT_NAMES_H
#define EXCHANGE_OUTPUT_NAMES_H

#include "server/app/category_names.h"

/* As category_names_read, exactly n, none twice. STATUS_INVALID also if n is beyond PICTURE_CATEGORIES_MAX. */
enum status output_names_read(const char *path, uint32_t n, struct arena *arena, struct category_names *out_names,
                              struct error *error) MUST_CHECK;

#endif
