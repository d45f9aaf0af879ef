/* Evaluation table: what `inkling evaluate` prints for people. Threads: one caller. */
#ifndef VERBS_EVALUATION_TABLE_H
#define VERBS_EVALUATION_TABLE_H

#include "server/app/evaluating.h"

/* To standard output; the caller looks whether it could be written. */
void evaluation_table_print(const struct evaluation_report *report);

#endif
