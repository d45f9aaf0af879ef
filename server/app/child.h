/* A child process that prints lines: started, read without blocking, signalled, waited for. The jobs' own piece.
 * Threads: one, the same from child_start to the end: the kernel ends the child when the thread that forked it ends. */
#ifndef APP_CHILD_H
#define APP_CHILD_H

#include "core/base/status.h"

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_LINE_BYTES 4096 /* longer lines are left out */

struct child {
    pid_t pid; /* 0: none */
    int out;   /* its standard output, or -1 */
    size_t n_bytes;
    bool is_too_long; /* the line that is being read */
    char line[CHILD_LINE_BYTES];
};

/* Run arguments[0] with arguments (NULL-terminated): niced, no signals blocked, no file of ours but standard error. */
enum status child_start(struct child *child, char *const arguments[], struct error *error) MUST_CHECK;

/* Read what is there and call visit for every whole line (without its end). */
void child_read(struct child *child, void (*visit)(void *context, const char *line, size_t n_bytes), void *context);

/* Has it ended? out_result is as from waitpid. */
bool child_has_ended(struct child *child, int *out_result);

/* After child_has_ended: close the pipe, forget the process. */
void child_clear(struct child *child);

#endif
