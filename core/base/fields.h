/* Fields: a table that says what a JSON object may hold, and one loop that reads an object into a C struct by that table.
 *
 * One table serves HTTP bodies, NDJSON lines and CSV rows, so a field is described once. Every mistake found in an object is
 * reported (up to the list's limit), each with a JSON pointer and what was expected. Unknown fields are mistakes; null means the
 * field is not there.
 * Threads: tables are constant; a call touches only its arguments. Everything that out_record points to lives in the arena. */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "core/base/arena.h"
#include "core/base/node.h"

enum field_kind {           /* the member of the C struct */
    FIELD_ID,               /* const char *: an id as in utf8_is_id */
    FIELD_TEXT,             /* const char *: up to max bytes of UTF-8 */
    FIELD_NUMBER,           /* double, finite, in [least, most] if least < most; give the struct NAN to know that it was not there */
    FIELD_INTEGER,          /* int64_t, in [least, most] if least < most */
    FIELD_BOOLEAN,          /* bool */
    FIELD_TIME,             /* int64_t Unix ms in the years 0000 to 9999, from RFC 3339 text or an integer */
    FIELD_IDS,              /* struct texts: up to max ids, each as FIELD_ID */
    FIELD_JSON,             /* const char *: an object as compact JSON of up to max bytes */
    FIELD_RECORDS,          /* struct records: up to max objects read by table `of` */
    FIELD_CHOICE,           /* int: the index in choices */
};

struct texts {
    const char **texts;
    size_t n_texts;
};

struct fields;

struct records {
    void *records; /* [n_records] structs of of->record_bytes */
    size_t n_records;
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    size_t offset; /* of the member in the record */
    size_t max;
    double least, most;
    const char *const *choices; /* NULL-terminated */
    const struct fields *of;
    /* FIELD_TEXT only: what the text must look like, and that in words ("three capital letters"). NULL: any. */
    bool (*accepts)(const char *text, size_t n_bytes);
    const char *shape;
};

struct fields {
    const char *what; /* "an event", for messages */
    const struct field *fields;
    size_t n_fields;
    size_t record_bytes;
    const void *defaults; /* a record; copied before reading. NULL: zeros */
};

#define MISTAKES_MAX 16

struct mistake {
    const char *pointer, *detail; /* in the arena */
};

struct mistakes {
    struct mistake mistakes[MISTAKES_MAX];
    size_t n_mistakes; /* up to MISTAKES_MAX; more are not kept */
};

/* Append a mistake. */
void mistakes_add(struct mistakes *mistakes, struct arena *arena, const char *pointer, const char *format, ...) PRINTF_LIKE(4, 5);

/* Read object into out_record (of->record_bytes). pointer is where the object stands ("" or "/events/3"). present (may be NULL)
 * gets bit i set for each fields[i] that was given, also as null: PATCH needs to know. STATUS_INVALID with mistakes, STATUS_NOMEM. */
enum status fields_read(const struct fields *fields, const struct node *object, const char *pointer, struct arena *arena,
                        void *out_record, uint64_t *present, struct mistakes *mistakes) MUST_CHECK;

/* Read one field from a CSV cell or query value into record. FIELD_IDS are split at separator ('|' in CSV); an empty text is none of them,
 * FIELD_TEXT may be empty, any other field may not. FIELD_RECORDS cannot. */
enum status field_read_text(const struct field *field, const char *text, char separator, const char *pointer, struct arena *arena,
                            void *record, struct mistakes *mistakes) MUST_CHECK;

/* The field of that name, or NULL. */
const struct field *fields_find(const struct fields *fields, const char *name);

#endif
