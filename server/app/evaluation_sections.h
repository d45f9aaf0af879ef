/* The parts of the evaluation page, each with its heading. Only evaluation_page.c calls them. Threads: any. */
#ifndef APP_EVALUATION_SECTIONS_H
#define APP_EVALUATION_SECTIONS_H

#include "core/base/buffer.h"
#include "core/evaluation.h"

/* Do probabilities come true? */
void section_reliability(const struct evaluation *evaluation, struct buffer *out);

/* The loss curve, and what a search tried, out of the model's report (JSON; NULL, or without them: says so). */
void section_training(const char *report, struct buffer *out);

#endif
