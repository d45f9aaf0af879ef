/* Files of any bytes, as the import reads them: plain or packed, NDJSON or CSV. Records come with rising line numbers, and the refused ones
 * with a reason. */
#include "server/app/csv_records.h"
#include "server/app/json_records.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

struct seen {
    struct arena *arena;
    uint64_t last_line;
};

static struct arena *prepare(void *context, size_t n_bytes)
{
    struct seen *seen = context;
    (void)n_bytes;
    arena_reset(seen->arena);
    return seen->arena;
}

static void accept_record(void *context, const struct import_record *record)
{
    struct seen *seen = context;
    assert(record->line >= seen->last_line);
    assert(record->kind != RECORD_REFUSED || record->reason[0]);
    assert(record->kind != RECORD_EVENT || (record->event.user_id[0] && record->event.item_id[0] && record->event.at_ms >= 0));
    seen->last_line = record->line;
}

static void read_as(const char *path, enum status (*read)(struct line_reader *, const struct record_sink *, struct error *))
{
    struct error error = {0};
    struct seen seen = {.arena = arena_create(4096, 1 << 26)};
    struct record_sink sink = {.prepare = prepare, .accept = accept_record, .context = &seen};
    struct input_stream *stream = NULL;
    if (input_stream_open(path, &stream, &error) == STATUS_OK) {
        char first;
        struct line_reader *lines = line_reader_create(stream);
        if (line_reader_peek(lines, &first, &error) == STATUS_OK && read(lines, &sink, &error) != STATUS_OK)
            assert(error.detail[0]);
        line_reader_destroy(lines);
    }
    input_stream_close(stream);
    arena_destroy(seen.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    char path[64];
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (write(file, bytes, n_bytes) == (ssize_t)n_bytes) {
        read_as(path, json_records_read);
        read_as(path, csv_records_read);
    }
    (void)close(file);
    return 0;
}
