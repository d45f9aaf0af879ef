/* The importer: files of events, items, users and pictures into a store that no server holds.
 *
 *     importer_open → importer_read for every file, or one of the other two → importer_finish → importer_close
 *
 * Names are held in memory (they are what the store's numbers mean, and a folder's to be sorted), nothing else grows with the files. A
 * second thread reads and parses lines while the caller's stores. After a failure no other file can be read (finish and close as always);
 * what was committed stays. Threads: one caller. */
#ifndef APP_IMPORTER_H
#define APP_IMPORTER_H

#include "core/base/progress.h"
#include "core/base/status.h"

struct import_counts {
    uint64_t n_events, n_duplicates; /* duplicates: events whose event_id is there already; they are not among n_events */
    uint64_t n_items, n_users;
    uint64_t n_pictures;
    uint64_t n_refused;
};

struct import_options {
    bool is_strict;           /* a file with a refused line is refused as a whole */
    bool drops_originals;     /* of pictures of a folder: the file is not kept (pictures.keep_originals = false) */
    size_t max_picture_bytes; /* of a file in it; 0: PICTURE_BYTES_MAX, and never more */
    uint64_t
        expected_bytes; /* of all files together, as they lie on the disk; 0: not known. Decides whether indexes are built at the end */
    const struct progress *progress; /* may be NULL */
    /* Called for every refused line, in order within a file, and for every refused picture, with line 0; may be NULL. Texts are borrowed
     * for the call. */
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

/* Read a pair of IDX files (idx_reader.h): picture number i becomes the item "<file name of images>:i" with its label as the one category,
 * by its number or, if names is not NULL, by that line of the file names (category_names.h). An item that is there is replaced. The error
 * names the file. STATUS_INVALID, STATUS_CORRUPT: what idx_reader.h and category_names.h say; the whole pictures before that are kept
 * unless is_strict. STATUS_INVALID: a label has no name; nothing is kept. Otherwise as importer_read. */
enum status importer_read_idx(struct importer *importer, const char *images, const char *labels, const char *names,
                              struct error *error) MUST_CHECK;

/* Read the pictures of a folder (picture_folder.h) into items that are there: each file's picture, made small, and the file itself unless
 * drops_originals. Decodes in this process, which a crafted file may end: what was committed stays. A picture that is none or too large, or
 * whose item is not there, is refused with its path; the others go on. The error names the folder. STATUS_INVALID: refused by is_strict;
 * STATUS_NOT_FOUND; otherwise as importer_read. */
enum status importer_read_pictures(struct importer *importer, const char *folder, struct error *error) MUST_CHECK;

/* Build what was left for the end. */
enum status importer_finish(struct importer *importer, struct error *error) MUST_CHECK;

/* What is in the store because of this importer, and what was refused. */
struct import_counts importer_counts(const struct importer *importer);

#endif
