/* What the parts of the importer share; nobody else includes it. importer.c has the transactions and the files of lines, idx_import.c and
 * folder_import.c the pictures.
 *
 * A file:  importer_begin_file → store_begin → a record's rows, then importer_step, again and again → importer_end_file */
#ifndef APP_IMPORTER_STATE_H
#define APP_IMPORTER_STATE_H

#include "core/base/names.h"
#include "server/app/import_queue.h"
#include "server/app/importer.h"
#include "storage/name_store.h"

struct importer {
    const struct import_options *options;
    struct store *store;
    struct import_queue *queue; /* of the present file of lines */
    struct names *names[NAME_KINDS];
    uint64_t last_seq;
    bool is_in_bulk;
    struct import_counts kept;    /* committed */
    struct import_counts pending; /* and with what the transaction holds */
    /* the present file */
    const char *path, *what; /* what it consists of: "lines" */
    uint64_t n_done, n_refused, file_bytes;
    size_t n_uncommitted, n_uncommitted_bytes;
    bool is_refused; /* strict, and a line was refused: the rest is only looked at */
};

/* Borrows the texts until importer_end_file. */
void importer_begin_file(struct importer *importer, const char *path, const char *what);

/* How the reading and the storing went together decides what is kept, and what is returned. */
enum status importer_end_file(struct importer *importer, enum status stored, enum status read, struct error *error) MUST_CHECK;

/* n_records more are stored, with n_bytes of pictures: commit and begin again if that is enough for one transaction. */
enum status importer_step(struct importer *importer, size_t n_records, size_t n_bytes, struct error *error) MUST_CHECK;

/* Tell the progress that n_done of total (0: not known) are done. STATUS_CONFLICT: it says stop. */
enum status importer_report(const struct importer *importer, uint64_t total, struct error *error) MUST_CHECK;

/* Count and tell a refused line of path (0: all of it). */
void importer_refuse(struct importer *importer, uint64_t line, const char *reason);

/* The number of a name; its row is written if it is new. */
enum status importer_number_of(struct importer *importer, enum name_kind kind, const char *text, uint32_t *out_number,
                               struct error *error) MUST_CHECK;

/* Insert or replace an item. arena: for its lists. */
enum status importer_put_item(struct importer *importer, const struct item_input *input, struct arena *arena, uint32_t *out_number,
                              struct error *error) MUST_CHECK;

#endif
