/* Interrupts: SIGINT and SIGTERM as a question that work asks between its steps, so that it can leave nothing half done behind.
 *
 * No handler and no global: the signals are blocked in the calling thread (threads started later inherit that) and looked for among the
 * pending ones. A second Ctrl-C does no more than the first; Ctrl-\ and kill -9 still end the process at once. */
#ifndef VERBS_INTERRUPT_H
#define VERBS_INTERRUPT_H

#include <stdbool.h>

void interrupt_begin(void);   /* block them; call before threads start */
bool interrupt_pending(void); /* has one come in? */

#endif
