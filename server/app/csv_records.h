/* Records from CSV with a header line, by RFC 4180: quotes, doubled quotes and line ends inside quotes, CRLF or LF. An empty cell is "not
 * given". Lists are written with '|' between their entries, objects as JSON. The inside of importer.h. */
#ifndef APP_CSV_RECORDS_H
#define APP_CSV_RECORDS_H

#include "server/app/import_record.h"
#include "server/app/line_reader.h"

/* Give every row to sink, the bad ones as refused. STATUS_INVALID: the header does not fit events, items or users. STATUS_CONFLICT: the
 * sink said stop. STATUS_NOMEM; what the stream says. */
enum status csv_records_read(struct line_reader *reader, const struct record_sink *sink, struct error *error) MUST_CHECK;

#endif
