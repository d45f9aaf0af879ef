/* A progress bar on standard error for work that takes a struct progress: on a terminal one line that is redrawn (phase, bar, percent,
 * rate, time left, note), elsewhere a plain line at most once a second and one at the end of every phase.
 *
 *     struct progress_bar bar;
 *     progress_bar_init(&bar);
 *     struct progress progress = progress_bar_progress(&bar);
 *     … do_work(…, &progress) …
 *     progress_bar_finish(&bar);
 *
 * The work is asked to stop when SIGINT or SIGTERM came in since interrupt_begin (interrupt.h). Threads: one at a time. */
#ifndef VERBS_PROGRESS_BAR_H
#define VERBS_PROGRESS_BAR_H

#include "core/base/buffer.h"
#include "core/base/progress.h"

struct progress_bar {
    bool is_terminal;
    bool is_open;   /* a phase has begun, its last line is not ended */
    bool was_shown; /* what is in the fields below is on the screen */
    char phase[48];
    char note[128];
    uint64_t done, total;
    uint64_t began_ns, shown_ns; /* of the phase; of the last line */
};

void progress_bar_init(struct progress_bar *bar);

/* Borrows bar for as long as the progress is used. */
struct progress progress_bar_progress(struct progress_bar *bar);

/* End the open line: what is printed next starts on a line of its own. May be called any number of times. */
void progress_bar_finish(struct progress_bar *bar);

/* Append the line for a bar that has run for elapsed_ns, without line end, cut to columns (0: no bar and no cut). What a terminal or log
 * gets; here so that it can be tested. */
void progress_bar_write(const struct progress_bar *bar, uint64_t elapsed_ns, unsigned columns, struct buffer *out);

#endif
