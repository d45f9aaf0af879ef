/* Directories and rows for the tests of storage. */
#include "tests/unit/storage/storage_fixture.h"

#include "storage/name_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char fixture_directory[64];
struct error fixture_error;

static char parent[48];

void fixture_make(void)
{
    (void)snprintf(parent, sizeof parent, "/tmp/inkling-storage-XXXXXX");
    cr_assert(mkdtemp(parent));
    (void)snprintf(fixture_directory, sizeof fixture_directory, "%s/data", parent);
    fixture_error = (struct error){0};
}

const char *fixture_path(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", fixture_directory, name);
    return path;
}

void fixture_remove(void)
{
    static const char *const files[] = {"inkling.db", "inkling.db-wal", "inkling.db-shm", "inkling.db-journal", "lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        (void)unlink(fixture_path(files[i]));
    (void)rmdir(fixture_path("models"));
    (void)rmdir(fixture_directory);
    (void)unlink(fixture_directory);
    (void)rmdir(parent);
}

struct store *fixture_open(enum store_mode mode)
{
    struct store *store = NULL;
    assert_ok(store_open(fixture_directory, mode, &store, &fixture_error));
    return store;
}

void fixture_write(struct store *store, void (*write)(struct store *store))
{
    assert_ok(store_begin(store, &fixture_error));
    write(store);
    assert_ok(store_commit(store, &fixture_error));
}

void fixture_names(struct store *store, uint32_t n)
{
    char text[32];
    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(text, sizeof text, "user-%u", i);
        assert_ok(name_store_insert(store, NAME_USER, i, text, &fixture_error));
        (void)snprintf(text, sizeof text, "item-%u", i);
        assert_ok(name_store_insert(store, NAME_ITEM, i, text, &fixture_error));
    }
    assert_ok(name_store_insert(store, NAME_TYPE, 0, "view", &fixture_error));
    assert_ok(name_store_insert(store, NAME_TYPE, 1, "click", &fixture_error));
}

struct stored_event fixture_event(uint64_t seq, uint32_t user, uint32_t item)
{
    static char event_id[32];
    (void)snprintf(event_id, sizeof event_id, "event-%llu", (unsigned long long)seq);
    return (struct stored_event){.seq = seq,
                                 .event_id = event_id,
                                 .user = user,
                                 .item = item,
                                 .at_ms = 1700000000000 + (int64_t)seq,
                                 .value = (double)NAN,
                                 .position = -1};
}

bool fixture_insert(struct store *store, const struct stored_event *event)
{
    bool is_inserted = false;
    assert_ok(event_store_insert(store, event, &is_inserted, &fixture_error));
    return is_inserted;
}

uint64_t fixture_count(struct store *store)
{
    uint64_t count = 0, last_seq = 0;
    assert_ok(event_store_count(store, &count, &last_seq, &fixture_error));
    return count;
}

void fixture_patch(const char *name, long offset, unsigned char byte)
{
    FILE *file = fopen(fixture_path(name), "r+b");
    cr_assert(file);
    cr_assert_eq(fseek(file, offset, SEEK_SET), 0);
    cr_assert_eq(fputc(byte, file), byte);
    cr_assert_eq(fclose(file), 0);
}
