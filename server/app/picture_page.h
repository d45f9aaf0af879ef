/* The picture page: how well a picture model names pictures, as one HTML file that needs nothing else. What
 * `inkling retrain --only pictures --html` writes. Threads: any. */
#ifndef APP_PICTURE_PAGE_H
#define APP_PICTURE_PAGE_H

#include "core/picture_model.h"

/* Failures as page_file_write, and STATUS_NOMEM. */
enum status picture_page_write(const char *path, const struct picture_model *model, struct error *error) MUST_CHECK;

#endif
