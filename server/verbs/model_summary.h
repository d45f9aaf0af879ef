/* What a training has chosen, in a few lines for people. Threads: one. */
#ifndef VERBS_MODEL_SUMMARY_H
#define VERBS_MODEL_SUMMARY_H

#include "core/model.h"

/* Print the settings of the model DIR/models/<version> and its figures on held-out events. A model that cannot be read, which whoever has
 * registered it has said already, prints nothing. */
void model_summary_print(const char *data_directory, const char *version);

#endif
