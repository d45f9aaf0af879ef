/* A queue of a few batches of records between the thread that reads and the one that stores. Batches go round: empty ones to the reader,
 * full ones to the storer; when none is left, the faster side waits. Threads: one on each side. The inside of importer.h. */
#ifndef APP_IMPORT_QUEUE_H
#define APP_IMPORT_QUEUE_H

#include "server/app/import_record.h"

#define BATCH_RECORDS 1024u
#define BATCH_BYTES   (1u << 19) /* of lines; one line more may stand in it */

struct import_batch {
    struct import_batch *next;
    struct arena *arena; /* of the records' texts */
    struct import_record records[BATCH_RECORDS];
    size_t n_records, n_bytes;
    uint64_t position; /* of the file, when the batch was full */
};

struct import_queue;

struct import_queue *import_queue_create(unsigned n_batches); /* NULL on no memory */
void import_queue_destroy(struct import_queue *queue);        /* no thread may use it. Accepts NULL */
DEFINE_SCOPED(struct import_queue *, import_queue_destroy);

/* The reader's side. NULL: the storer has given up. */
struct import_batch *import_queue_take_empty(struct import_queue *queue);
void import_queue_give_full(struct import_queue *queue, struct import_batch *batch);
void import_queue_finish(struct import_queue *queue); /* there will be no more */

/* The storer's side. NULL: that was all. */
struct import_batch *import_queue_take_full(struct import_queue *queue);
void import_queue_give_empty(struct import_queue *queue, struct import_batch *batch);
void import_queue_abandon(struct import_queue *queue);

#endif
