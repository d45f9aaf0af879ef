/* Request bodies: one JSON object, or several things at once.
 *
 * Several things come as {"events": [...]} or as NDJSON, one object a line. There a bad one does not spoil the others: it is put on the
 * list of rejections. A single bad one is a mistake. Everything lives in the exchange's arena. */
#ifndef API_BODY_H
#define API_BODY_H

#include "server/http/exchange.h"

/* Read the body as one JSON object. present (may be NULL) as in fields_read. STATUS_INVALID with mistakes, STATUS_NOMEM. */
enum status body_read(struct exchange *exchange, const struct fields *fields, void *out_record, uint64_t *present,
                      struct mistakes *mistakes) MUST_CHECK;

/* What a batch holds. */
struct batch_kind {
    const struct fields *fields;
    const char *list_name;                                   /* "events": the one member of a body that holds several */
    enum status (*check)(void *record, struct error *error); /* what the table cannot say; may be NULL */
};

struct rejection {
    size_t index;                 /* in the list; of NDJSON, lines without anything are not counted */
    const char *pointer, *detail; /* pointer: into the element */
};

struct batch {
    void *records; /* [n_records] the good ones, in order */
    size_t n_records;
    struct rejection *rejections; /* [n_rejections] */
    size_t n_rejections;
};

/* STATUS_INVALID with mistakes: no JSON, or a single one that is wrong. STATUS_LIMIT with error: more than max. STATUS_NOMEM. */
enum status batch_read(struct exchange *exchange, const struct batch_kind *kind, size_t max, struct batch *out_batch,
                       struct mistakes *mistakes, struct error *error) MUST_CHECK;

/* "rejected": [{"index", "pointer", "detail"}] */
void batch_emit_rejections(const struct batch *batch, struct emit *emit);

/* record = record with the fields whose bit is set in present taken from patch: both are read by the same table. */
void record_overlay(const struct fields *fields, uint64_t present, const void *patch, void *record);

#endif
