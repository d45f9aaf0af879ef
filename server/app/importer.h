/* The importer: files of events, items and users into a store that no server holds.
 *
 *     importer_open → importer_read for every file → importer_finish → importer_close
 *
 * Names are held in memory (they are what the store's numbers mean), nothing else grows with the files. A second thread reads and parses
 * while the caller's stores. After a failure no other file can be read (finish and close as always); what was committed stays. Threads: one
 * caller. */
#ifndef APP_IMPORTER_H
#define APP_IMPORTER_H

#include "core/base/progress.h"
#include "core/base/status.h"

struct import_counts {
    uint64_t n_events, n_duplicates; /* duplicates: events whose event_id is there already; they are not among n_events */
    uint64_t n_items, n_users;
    uint64_t n_refused;
};

struct import_options {
    bool is_strict; /* a file with a refused line is refused as a whole */
    uint64_t
        expected_bytes; /* of all files together, as they lie on the disk; 0: not known. Decides whether indexes are built at the end */
    const struct progress *progress; /* may be NULL */
    /* Called for every refused line, in order within a file; may be NULL. Texts are borrowed for the call. */
    void (*refused)(void *context, const char *path, uint64_t line, const char *reason);
    void *context;
};

struct importer;

/* Fails as store_open with STORE_WRITE; STATUS_BUSY: a server holds the directory. options is borrowed. */
enum status importer_open(const char *directory, const struct import_options *options, struct importer **out_importer,
                          struct error *error) MUST_CHECK;
void importer_close(struct importer *importer); /* accepts NULL */
DEFINE_SCOPED(struct importer *, importer_close);

/* Read one file ("-": standard input). The error names it. STATUS_INVALID: its form is none that is known, or it was refused by is_strict;
 * nothing of it is kept. STATUS_NOT_FOUND, STATUS_CORRUPT (it ends in the middle; the whole lines before that are kept unless is_strict),
 * STATUS_IO, STATUS_NOMEM, STATUS_CONFLICT (the progress said stop; what was committed is kept). */
enum status importer_read(struct importer *importer, const char *path, struct error *error) MUST_CHECK;

/* Build what was left for the end. */
enum status importer_finish(struct importer *importer, struct error *error) MUST_CHECK;

/* What is in the store because of this importer, and what was refused. */
struct import_counts importer_counts(const struct importer *importer);

#endif
