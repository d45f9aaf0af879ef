/* The reading side of an import: a thread that turns one file into batches of records. The inside of importer.h. */
#ifndef APP_IMPORT_READER_H
#define APP_IMPORT_READER_H

#include "server/app/import_queue.h"

struct import_reader;

/* Opens path and starts the thread, which fills queue and finishes it. Borrows both. STATUS_NOT_FOUND, STATUS_IO, STATUS_NOMEM. */
enum status import_reader_start(const char *path, struct import_queue *queue, struct import_reader **out_reader,
                                struct error *error) MUST_CHECK;

/* Wait for the end of the thread (abandon the queue first to hurry it) and say how the reading went; frees reader. */
enum status import_reader_stop(struct import_reader *reader, struct error *error) MUST_CHECK;

#endif
