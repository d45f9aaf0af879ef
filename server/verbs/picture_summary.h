/* What a training of the picture network came to, in a table for people. Threads: one. */
#ifndef VERBS_PICTURE_SUMMARY_H
#define VERBS_PICTURE_SUMMARY_H

#include "core/picture_model.h"

/* Print the model's figures: by category, and which are taken for each other most. */
void picture_summary_print(const struct picture_model *model);

#endif
