/* The recorder: what the writer's thread remembers from one batch of writes to the next. Shared by record.c (the transaction, and memory
 * after it), record_rows.c (the rows of each kind of write) and record_vectors.c (what models say of the items that it changes). Threads:
 * the writer's alone. */
#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include "server/app/service.h"

/* What will stand in a table of vectors. */
struct pending_vector {
    uint32_t item;
    float *vector; /* NULL: the item has none any more */
};

struct pending_vectors {
    struct pending_vector *list; /* [n], in the order in which they are to be published */
    size_t n, capacity;
};

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
    struct pending_vectors pictures, places; /* for the live picture index, and the live model's newcomers */
    bool is_early;                           /* places were made before the index had all pictures */
};

/* May the write be tried at all? Nothing is written yet. */
enum status record_check(struct recorder *recorder, const struct write *write, struct error *error) MUST_CHECK;

/* Inside the transaction: write its rows, and get ready what memory will need. Fails only as the store or memory fails. */
enum status record_rows(struct recorder *recorder, struct write *write, struct error *error) MUST_CHECK;

/* The rows of names that the store does not have yet. */
enum status record_names(struct recorder *recorder, enum name_kind kind, struct error *error) MUST_CHECK;

/* The item as it will be after what this batch has written so far; NULL: there is none. */
const struct item *record_latest(const struct recorder *recorder, uint32_t item);

/* --- record_vectors.c --- */

/* Inside the transaction: the vector of the item's new picture (NULL: it has none any more). STATUS_NOMEM. */
enum status record_picture(struct recorder *recorder, uint32_t item, const struct picture *picture, struct error *error) MUST_CHECK;

/* After all rows, before the commit: the places of the items that the batch has changed. STATUS_NOMEM. */
enum status record_places(struct recorder *recorder, struct error *error) MUST_CHECK;

/* After the commit, when the catalogue has the items: show the vectors. Or, after a failure, forget them. */
void record_vectors_publish(struct recorder *recorder);
void record_vectors_discard(struct recorder *recorder);
void record_vectors_clear(struct recorder *recorder); /* and their memory */

#endif
