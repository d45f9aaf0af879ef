/* Interrupts: SIGINT and SIGTERM as something that is asked for between steps, or waited for with sigwait, so that work can leave nothing
 * half done behind.
 *
 * The signals are blocked in the calling thread (threads started later inherit that) and stay pending; a thread of a library that has them
 * unblocked gives them back. A second Ctrl-C does no more than the first; Ctrl-\ and kill -9 still end the process at once. */
#ifndef VERBS_INTERRUPT_H
#define VERBS_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void interrupt_begin(sigset_t *out_signals); /* block them; call before threads start. out_signals (may be NULL): which, for sigwait */
bool interrupt_pending(void);                /* has one come in? */

#endif
