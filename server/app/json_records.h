/* Records from NDJSON: one JSON object a line. The inside of importer.h. */
#ifndef APP_JSON_RECORDS_H
#define APP_JSON_RECORDS_H

#include "server/app/import_record.h"
#include "server/app/line_reader.h"

/* Give every line to sink, the bad ones as refused. STATUS_CONFLICT: the sink said stop. STATUS_NOMEM; what the stream says. */
enum status json_records_read(struct line_reader *reader, const struct record_sink *sink, struct error *error) MUST_CHECK;

#endif
