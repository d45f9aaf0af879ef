/* The recorder: what the writer's thread remembers from one batch of writes to the next. Shared by record.c (the transaction, and memory
 * after it) and record_rows.c (the rows of each kind of write). Threads: the writer's alone. */
#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include "server/app/service.h"

struct recorder {
    struct app *app;
    struct arena *arena;                /* of a batch */
    uint32_t kept_names[NAME_KINDS];    /* rows in the store */
    uint32_t written_names[NAME_KINDS]; /* and with those of this transaction */
    uint64_t last_seq, kept_seq;
    struct item **records; /* [n_records] to be published */
    size_t n_records, records_capacity;
    struct learned_event *events; /* [n_events] accepted */
    size_t n_events, events_capacity;
};

/* May the write be tried at all? Nothing is written yet. */
enum status record_check(struct recorder *recorder, const struct write *write, struct error *error) MUST_CHECK;

/* Inside the transaction: write its rows, and get ready what memory will need. Fails only as the store or memory fails. */
enum status record_rows(struct recorder *recorder, struct write *write, struct error *error) MUST_CHECK;

/* The rows of names that the store does not have yet. */
enum status record_names(struct recorder *recorder, enum name_kind kind, struct error *error) MUST_CHECK;

#endif
