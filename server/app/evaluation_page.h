/* The evaluation page: an evaluation as one HTML file that needs nothing else, no network and no script. What `inkling evaluate --html`
 * writes. Threads: any. */
#ifndef APP_EVALUATION_PAGE_H
#define APP_EVALUATION_PAGE_H

#include "server/app/evaluating.h"

/* Append the whole page. training: the model's own report (struct model_facts, report), from which the loss curve and the search are drawn;
 * NULL or without them: the page says that they are not there. */
void evaluation_page_append(const struct evaluation_report *report, const char *training, struct buffer *out);

/* Write the page: temporary name beside path, fsync, rename; a file of that name is replaced. STATUS_IO: it could not be written, and
 * nothing is left behind. STATUS_NOMEM. */
enum status evaluation_page_write(const char *path, const struct evaluation_report *report, const char *training,
                                  struct error *error) MUST_CHECK;

#endif
