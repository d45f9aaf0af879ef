/* What the file is, its first byte says: '{' is NDJSON, anything else must be the header of CSV. */
#include "server/app/import_reader.h"

#include "server/app/csv_records.h"
#include "server/app/json_records.h"

#include <pthread.h>
#include <stdlib.h>

struct import_reader {
    pthread_t thread;
    struct input_stream *stream;
    struct line_reader *lines;
    struct import_queue *queue;
    struct import_batch *batch; /* being filled */
    enum status status;         /* of the thread, with error */
    struct error error;
};

static void give_batch(struct import_reader *reader)
{
    if (!reader->batch)
        return;
    reader->batch->position = input_stream_position(reader->stream);
    import_queue_give_full(reader->queue, reader->batch);
    reader->batch = NULL;
}

static struct arena *prepare_record(void *context, size_t n_bytes)
{
    struct import_reader *reader = context;
    if (reader->batch && (reader->batch->n_records == BATCH_RECORDS || reader->batch->n_bytes > BATCH_BYTES))
        give_batch(reader);
    if (!reader->batch)
        reader->batch = import_queue_take_empty(reader->queue);
    if (!reader->batch)
        return NULL;
    reader->batch->n_bytes += n_bytes;
    return reader->batch->arena;
}

static void accept_record(void *context, const struct import_record *record)
{
    struct import_reader *reader = context;
    reader->batch->records[reader->batch->n_records++] = *record;
}

static enum status read_all(struct import_reader *reader, struct error *error)
{
    struct record_sink sink = {.prepare = prepare_record, .accept = accept_record, .context = reader};
    char first;
    TRY(line_reader_peek(reader->lines, &first, error));
    if (first == 0)
        return STATUS_OK; /* an empty file has no records, which is no mistake */
    if (first == '[')
        return fail(error, STATUS_INVALID, "a JSON array; expected one object a line (`jq -c '.[]'` makes that of it)");
    return first == '{' ? json_records_read(reader->lines, &sink, error) : csv_records_read(reader->lines, &sink, error);
}

static void *run(void *context)
{
    struct import_reader *reader = context;
    reader->status = read_all(reader, &reader->error);
    give_batch(reader);
    import_queue_finish(reader->queue);
    return NULL;
}

static void reader_free(struct import_reader *reader)
{
    line_reader_destroy(reader->lines);
    input_stream_close(reader->stream);
    free(reader);
}

enum status import_reader_start(const char *path, struct import_queue *queue, struct import_reader **out_reader, struct error *error)
{
    struct import_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fail(error, STATUS_NOMEM, "no memory to read it");
    reader->queue = queue;
    enum status status = input_stream_open(path, &reader->stream, error);
    if (status == STATUS_OK) {
        reader->lines = line_reader_create(reader->stream);
        if (!reader->lines || pthread_create(&reader->thread, NULL, run, reader))
            status = fail(error, STATUS_NOMEM, "no memory for a thread to read it");
    }
    if (status != STATUS_OK) {
        reader_free(reader);
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
}

enum status import_reader_stop(struct import_reader *reader, struct error *error)
{
    (void)pthread_join(reader->thread, NULL);
    enum status status = reader->status;
    if (status != STATUS_OK && error)
        *error = reader->error;
    reader_free(reader);
    return status;
}
