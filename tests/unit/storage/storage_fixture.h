/* A fresh data directory for a test, and what most tests of storage write into it. A test is a process of its own, so one set of globals
 * serves. */
#ifndef TESTS_STORAGE_FIXTURE_H
#define TESTS_STORAGE_FIXTURE_H

#include "storage/event_store.h"
#include "storage/store.h"

#include <criterion/criterion.h>

extern char fixture_directory[64]; /* DIR */
extern struct error fixture_error;

void fixture_make(void);
void fixture_remove(void);
const char *fixture_path(const char *name); /* DIR/name; valid until the next call */

struct store *fixture_open(enum store_mode mode); /* must succeed */

/* The write between begin and commit, which must succeed. */
void fixture_write(struct store *store, void (*write)(struct store *store));

/* Names user-0 … user-(n-1), item-0 …, and the types view and click. */
void fixture_names(struct store *store, uint32_t n);

/* One event with event_id "event-SEQ". */
struct stored_event fixture_event(uint64_t seq, uint32_t user, uint32_t item);
bool fixture_insert(struct store *store, const struct stored_event *event); /* must succeed; was it inserted? */

uint64_t fixture_count(struct store *store);

/* Overwrite a byte of DIR/name, or read it. */
void fixture_patch(const char *name, long offset, unsigned char byte);

#define assert_ok(expr)                                                                                                                    \
    do {                                                                                                                                   \
        enum status assert_status_ = (expr);                                                                                               \
        cr_assert_eq(assert_status_, STATUS_OK, "%s: %s", status_text(assert_status_), fixture_error.detail);                              \
    } while (0)

/* expr fails with wanted, and the words hold the text. */
#define assert_fails(expr, wanted, words)                                                                                                  \
    do {                                                                                                                                   \
        enum status assert_status_ = (expr);                                                                                               \
        cr_assert_eq(assert_status_, wanted, "%s: %s", status_text(assert_status_), fixture_error.detail);                                 \
        cr_assert(strstr(fixture_error.detail, words), "\"%s\" says nothing of \"%s\"", fixture_error.detail, words);                      \
    } while (0)

#endif
