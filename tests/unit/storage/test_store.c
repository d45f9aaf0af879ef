/* The store as a whole: who may open what, and what a transaction promises. */
#include "tests/unit/storage/storage_fixture.h"

#include "storage/engine.h"
#include "storage/name_store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(store, .init = fixture_make, .fini = fixture_remove);

/* Offsets in the header of an SQLite file (https://sqlite.org/fileformat.html, 1.3), big-endian. */
#define USER_VERSION_LAST_BYTE   63
#define APPLICATION_ID_LAST_BYTE 71

static void write_some(struct store *store)
{
    fixture_names(store, 50);
    for (uint64_t seq = 1; seq <= 500; seq++) {
        struct stored_event event = fixture_event(seq, (uint32_t)(seq % 50), (uint32_t)(seq % 7));
        cr_assert(fixture_insert(store, &event));
    }
}

static void make_data(void)
{
    struct store *store = fixture_open(STORE_WRITE);
    fixture_write(store, write_some);
    store_close(store);
}

static unsigned mode_of(const char *path)
{
    struct stat facts;
    cr_assert_eq(stat(path, &facts), 0, "%s is not there", path);
    return facts.st_mode & 0777;
}

Test(store, is_made_for_its_owner_alone)
{
    (void)umask(0);
    struct store *store = fixture_open(STORE_WRITE);
    fixture_write(store, write_some);
    cr_expect_eq(mode_of(fixture_directory), 0700);
    cr_expect_eq(mode_of(fixture_path("models")), 0700);
    cr_expect_eq(mode_of(fixture_path("inkling.db")), 0600);
    cr_expect_eq(mode_of(fixture_path("inkling.db-wal")), 0600);
    cr_expect_eq(mode_of(fixture_path("lock")), 0600);
    cr_expect_str_eq(store_models_directory(store), fixture_path("models"));
    store_close(store);
}

Test(store, keeps_what_was_committed)
{
    make_data();
    struct store *store = fixture_open(STORE_WRITE);
    cr_assert_eq(fixture_count(store), 500);
    assert_ok(store_check_integrity(store, &fixture_error));
    store_close(store);
}

Test(store, has_one_writer)
{
    struct store *store = fixture_open(STORE_WRITE), *second = NULL;
    assert_fails(store_open(fixture_directory, STORE_WRITE, &second, &fixture_error), STATUS_BUSY, fixture_directory);
    cr_assert_null(second);
    store_close(store);
    second = fixture_open(STORE_WRITE);
    store_close(second);
}

Test(store, may_be_read_while_it_is_written)
{
    struct store *writer = fixture_open(STORE_WRITE);
    fixture_write(writer, write_some);
    struct store *reader = fixture_open(STORE_READ);
    cr_assert_eq(fixture_count(reader), 500);
    store_close(reader);
    store_close(writer);
}

Test(store, shows_a_reader_one_moment)
{
    struct store *writer = fixture_open(STORE_WRITE), *reader = fixture_open(STORE_READ);
    assert_ok(store_begin(reader, &fixture_error)); /* the snapshot is taken here, not at the first read */
    fixture_write(writer, write_some);
    cr_assert_eq(fixture_count(reader), 0);
    store_rollback(reader);
    cr_assert_eq(fixture_count(reader), 500);
    store_close(reader);
    store_close(writer);
}

Test(store, refuses_writing_through_a_reader)
{
    make_data();
    bool is_inserted;
    struct store *reader = fixture_open(STORE_READ);
    struct stored_event event = fixture_event(501, 0, 0);
    assert_fails(event_store_insert(reader, &event, &is_inserted, &fixture_error), STATUS_IO, "inkling.db");
    cr_assert_eq(fixture_count(reader), 500);
    store_close(reader);
}

Test(store, is_not_found_before_it_was_made)
{
    struct store *store = NULL;
    assert_fails(store_open(fixture_directory, STORE_READ, &store, &fixture_error), STATUS_NOT_FOUND, fixture_directory);
    cr_assert_eq(access(fixture_directory, F_OK), -1, "reading has made a directory");
}

Test(store, forgets_a_transaction_that_is_rolled_back)
{
    make_data();
    struct store *store = fixture_open(STORE_WRITE);
    assert_ok(store_begin(store, &fixture_error));
    struct stored_event event = fixture_event(501, 0, 0);
    cr_assert(fixture_insert(store, &event));
    assert_ok(name_store_insert(store, NAME_USER, 50, "user-50", &fixture_error));
    store_rollback(store);
    cr_assert_eq(fixture_count(store), 500);
    assert_ok(store_begin(store, &fixture_error));
    assert_ok(name_store_insert(store, NAME_USER, 50, "another", &fixture_error)); /* the number is free again */
    assert_ok(store_commit(store, &fixture_error));
    store_close(store);
}

/* Run in a child that ends without closing anything, as kill -9 does. */
static void in_a_killed_process(void (*run)(struct store *store))
{
    pid_t child = fork();
    if (child == 0) {
        run(fixture_open(STORE_WRITE));
        _exit(0);
    }
    int state = -1;
    cr_assert_eq(waitpid(child, &state, 0), child);
    cr_assert_eq(state, 0);
}

static void commit_and_begin_more(struct store *store)
{
    fixture_write(store, write_some);
    assert_ok(store_begin(store, &fixture_error));
    struct stored_event event = fixture_event(501, 0, 0);
    (void)fixture_insert(store, &event);
}

Test(store, keeps_the_committed_part_of_a_killed_process)
{
    in_a_killed_process(commit_and_begin_more);
    struct store *store = fixture_open(STORE_WRITE);
    cr_assert_eq(fixture_count(store), 500);
    assert_ok(store_check_integrity(store, &fixture_error));
    store_close(store);
}

static void begin_bulk(struct store *store)
{
    assert_ok(store_bulk_begin(store, &fixture_error));
    fixture_write(store, write_some);
}

Test(store, builds_the_indexes_that_a_killed_import_left_out)
{
    in_a_killed_process(begin_bulk);
    struct store *reader = fixture_open(STORE_READ);
    assert_fails(store_check_integrity(reader, &fixture_error), STATUS_CORRUPT, "index");
    store_close(reader);
    struct store *store = fixture_open(STORE_WRITE);
    assert_ok(store_check_integrity(store, &fixture_error));
    cr_assert_eq(fixture_count(store), 500);
    store_close(store);
}

Test(store, is_whole_after_a_bulk_import)
{
    struct store *store = fixture_open(STORE_WRITE);
    begin_bulk(store);
    assert_ok(store_bulk_end(store, &fixture_error));
    assert_ok(store_check_integrity(store, &fixture_error));
    store_close(store);
}

Test(store, refuses_a_database_of_a_newer_version)
{
    make_data();
    fixture_patch("inkling.db", USER_VERSION_LAST_BYTE, 99);
    struct store *store = NULL;
    assert_fails(store_open(fixture_directory, STORE_WRITE, &store, &fixture_error), STATUS_CONFLICT, "99");
    assert_fails(store_open(fixture_directory, STORE_READ, &store, &fixture_error), STATUS_CONFLICT, "99");
    fixture_patch("inkling.db", USER_VERSION_LAST_BYTE, MIGRATIONS);
    store = fixture_open(STORE_WRITE);
    cr_assert_eq(fixture_count(store), 500, "the refusals have changed it");
    store_close(store);
}

Test(store, refuses_a_database_of_another_program)
{
    make_data();
    fixture_patch("inkling.db", APPLICATION_ID_LAST_BYTE, 1);
    struct store *store = NULL;
    assert_fails(store_open(fixture_directory, STORE_WRITE, &store, &fixture_error), STATUS_CORRUPT, "another program");
    assert_fails(store_open(fixture_directory, STORE_READ, &store, &fixture_error), STATUS_CORRUPT, "another program");
}

static void write_file(const char *name, const char *bytes, size_t n_bytes)
{
    FILE *file = fopen(fixture_path(name), "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

Test(store, leaves_a_file_alone_that_is_no_database)
{
    static char text[8192], after[8192];
    memset(text, 'x', sizeof text);
    cr_assert_eq(mkdir(fixture_directory, 0700), 0);
    write_file("inkling.db", text, sizeof text);
    struct store *store = NULL;
    assert_fails(store_open(fixture_directory, STORE_WRITE, &store, &fixture_error), STATUS_CORRUPT, "inkling.db");
    assert_fails(store_open(fixture_directory, STORE_READ, &store, &fixture_error), STATUS_CORRUPT, "inkling.db");
    FILE *file = fopen(fixture_path("inkling.db"), "rb");
    cr_assert_eq(fread(after, 1, sizeof after, file), sizeof after);
    cr_assert_eq(fgetc(file), EOF);
    (void)fclose(file);
    cr_assert_eq(memcmp(text, after, sizeof text), 0);
}

Test(store, finds_damage)
{
    make_data();
    struct stat facts;
    cr_assert_eq(stat(fixture_path("inkling.db"), &facts), 0);
    for (long offset = 4096; offset < facts.st_size; offset += 997)
        fixture_patch("inkling.db", offset, 0xA5);
    struct store *store = NULL;
    enum status status = store_open(fixture_directory, STORE_READ, &store, &fixture_error);
    if (status == STATUS_OK)
        status = store_check_integrity(store, &fixture_error);
    cr_assert_eq(status, STATUS_CORRUPT, "%s: %s", status_text(status), fixture_error.detail);
    store_close(store);
}

Test(store, refuses_a_directory_that_cannot_be_made)
{
    struct store *store = NULL;
    assert_fails(store_open("/nowhere/at/all", STORE_WRITE, &store, &fixture_error), STATUS_IO, "/nowhere/at/all");
    FILE *file = fopen(fixture_directory, "w"); /* a file stands where the directory should be */
    (void)fclose(file);
    assert_fails(store_open(fixture_directory, STORE_WRITE, &store, &fixture_error), STATUS_IO, "not a directory");
}

/* Files may not grow beyond n_bytes from here on: writing fails as it does on a full disk. */
static void limit_files(rlim_t n_bytes)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = n_bytes, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Insert and commit until something fails; what was acknowledged by then. */
static uint64_t write_until_failure(struct store *store)
{
    uint64_t last_committed = 0;
    for (uint64_t seq = 1; seq < 1000000; seq += 100) {
        bool is_inserted;
        enum status status = store_begin(store, &fixture_error);
        for (uint64_t i = 0; i < 100 && status == STATUS_OK; i++) {
            struct stored_event event = fixture_event(seq + i, 0, 0);
            status = event_store_insert(store, &event, &is_inserted, &fixture_error);
        }
        if (status == STATUS_OK)
            status = store_commit(store, &fixture_error);
        if (status != STATUS_OK) {
            cr_assert_eq(status, STATUS_IO, "%s: %s", status_text(status), fixture_error.detail);
            store_rollback(store);
            return last_committed;
        }
        last_committed = seq + 99;
    }
    cr_assert_fail("the limit was never met");
    return 0;
}

static void write_names(struct store *store)
{
    fixture_names(store, 1);
}

Test(store, loses_nothing_acknowledged_on_a_full_disk)
{
    struct store *store = fixture_open(STORE_WRITE);
    fixture_write(store, write_names);
    limit_files(1 << 20);
    uint64_t n_kept = write_until_failure(store);
    cr_assert_gt(n_kept, 0);
    cr_assert(strstr(fixture_error.detail, "inkling.db"), "%s", fixture_error.detail);
    cr_assert_eq(fixture_count(store), n_kept);
    limit_files(RLIM_INFINITY);
    struct stored_event event = fixture_event(n_kept + 1, 0, 0);
    assert_ok(store_begin(store, &fixture_error)); /* writing goes on when there is room again */
    cr_assert(fixture_insert(store, &event));
    assert_ok(store_commit(store, &fixture_error));
    store_close(store);
    store = fixture_open(STORE_WRITE);
    cr_assert_eq(fixture_count(store), n_kept + 1);
    assert_ok(store_check_integrity(store, &fixture_error));
    store_close(store);
}
