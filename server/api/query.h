/* The parameters behind the "?": read by a field table (core/base/fields.h), so a parameter is described once.
 *
 * A list is written with commas, by repeating the parameter, or both; it is not empty. Any other parameter given twice, and one that the
 * table does not know, is a mistake; a mistake's pointer is the parameter's name. FIELD_RECORDS and FIELD_JSON have no place in such a
 * table. */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "server/http/exchange.h"

/* Read all parameters into out_record (fields->record_bytes); untouched on failure. STATUS_INVALID with mistakes, STATUS_NOMEM. */
enum status query_read(struct exchange *exchange, const struct fields *fields, void *out_record, struct mistakes *mistakes) MUST_CHECK;

/* For what takes no parameters: STATUS_INVALID if there is one. */
enum status query_refuse_all(const struct exchange *exchange, struct error *error) MUST_CHECK;

/* Answer a failed query_read or body_read: its mistakes as a problem, or the failure itself. */
enum status refuse(struct exchange *exchange, enum status status, const struct mistakes *mistakes, struct error *error) MUST_CHECK;

#endif
