/* What a line of a file became: an event, an item, a user, or the reason why it is none. The inside of importer.h. */
#ifndef APP_IMPORT_RECORD_H
#define APP_IMPORT_RECORD_H

#include "server/wire/event_input.h"
#include "server/wire/item_input.h"
#include "server/wire/user_input.h"

struct import_record {
    enum record_kind { RECORD_EVENT, RECORD_ITEM, RECORD_USER, RECORD_REFUSED } kind;
    uint64_t line; /* of the file, from 1; where it begins */
    union {
        struct event_input event; /* complete */
        struct item_input item;
        struct user_input user;
        const char *reason;
    };
};

/* Where records go. prepare gives the arena of the next record, whose line has n_bytes (NULL: stop); accept takes the record, whose texts
 * live there. */
struct record_sink {
    struct arena *(*prepare)(void *context, size_t n_bytes);
    void (*accept)(void *context, const struct import_record *record);
    void *context;
};

extern const struct fields *const record_fields[]; /* by record_kind */

/* Which kind has these fields? RECORD_REFUSED: none. An event has both ids, an item only item_id, a user only user_id. */
enum record_kind record_kind_of(bool has_user_id, bool has_item_id);

/* The member of record that its fields are read into. */
void *record_body(struct import_record *record);

/* Make record a refused one. The first few mistakes become its reason. */
void record_refuse(struct import_record *record, struct arena *arena, const struct mistakes *mistakes);
void record_refuse_because(struct import_record *record, struct arena *arena, const char *reason);

/* The last check of a record that was read without a mistake: may turn it into a refused one. */
void record_complete(struct import_record *record, struct arena *arena);

#endif
