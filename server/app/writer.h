/* The writer: one queue, one thread, group commit. What waits is taken together, up to a batch, so that one fsync serves many callers.
 *
 * The queue is bounded: when it is full, writer_submit says STATUS_BUSY at once and nothing waits outside of it. Threads: any may submit;
 * the actions run on the writer's own thread. */
#ifndef APP_WRITER_H
#define APP_WRITER_H

#include "server/app/app.h"

#define WRITER_BATCH_ROWS 2000 /* events and items of a batch; one larger write makes a batch of its own */

struct writer_actions {
    /* Write the list (through next), all in one transaction, and set status, error and figures of each. */
    void (*record)(void *context, struct write *batch);
    void (*idle)(void *context); /* called once after the queue has been empty for a while */
    void *context;
};

struct writer;

/* Gives a running writer. STATUS_NOMEM, or STATUS_BUSY if there is no thread to be had. */
enum status writer_start(uint32_t max_waiting, const struct writer_actions *actions, struct writer **out_writer,
                         struct error *error) MUST_CHECK;
void writer_stop(struct writer *writer); /* refuses what comes, writes what waits, ends the thread. Accepts NULL */
DEFINE_SCOPED(struct writer *, writer_stop);

/* Takes write until its done is called. */
enum status writer_submit(struct writer *writer, struct write *write, struct error *error) MUST_CHECK;
uint32_t writer_waiting(struct writer *writer);

#endif
