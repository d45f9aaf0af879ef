/* Importing. What can be said as text is a folder of import_cases: `input` is imported into a fresh store, `expected` is what was reported
 * and what the store then holds; a folder whose name begins with strict_ is imported with is_strict. The rest is here. */
#include "core/base/names.h"
#include "core/base/node.h"
#include "server/app/importer.h"
#include "storage/event_store.h"
#include "storage/item_store.h"
#include "storage/name_store.h"
#include "storage/user_store.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEXT_BYTES 65536

static char directory[64], data[96], input[96];
static struct error error;
static char said[TEXT_BYTES]; /* what was reported and what the store holds */

static void make(void)
{
    node_start();
    (void)snprintf(directory, sizeof directory, "/tmp/inkling-import-XXXXXX");
    cr_assert(mkdtemp(directory));
    (void)snprintf(data, sizeof data, "%s/data", directory);
    (void)snprintf(input, sizeof input, "%s/input", directory);
}

static void clear(void)
{
    static const char *const names[] = {
        "data/inkling.db", "data/inkling.db-wal", "data/inkling.db-shm", "data/lock", "data/models", "data", "input", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)remove(path);
    }
}

TestSuite(importer, .init = make, .fini = clear, .timeout = 120);

#define SAY(...) (void)snprintf(said + strlen(said), sizeof said - strlen(said), __VA_ARGS__)

/* --- what the store holds, as text --- */

struct dump {
    struct store *store;
    struct names *names[NAME_KINDS];
};

static enum status take_name(void *context, uint32_t number, const char *text)
{
    uint32_t given = number;
    cr_assert_eq(text ? names_add(context, text, &given) : names_add_hole(context), STATUS_OK);
    cr_assert_eq(given, number);
    return STATUS_OK;
}

static void say_text(const char *name, const char *text)
{
    if (text)
        SAY(" %s=%s", name, text);
}

static enum status say_event(void *context, const struct stored_event *event)
{
    struct dump *dump = context;
    SAY("event %llu: %s %s %s %lld", (unsigned long long)event->seq, names_text(dump->names[NAME_USER], event->user),
        names_text(dump->names[NAME_ITEM], event->item), names_text(dump->names[NAME_TYPE], event->type), (long long)event->at_ms);
    say_text("id", event->event_id);
    if (!isnan(event->value))
        SAY(" value=%g", event->value);
    if (event->quantity)
        SAY(" quantity=%lld", (long long)event->quantity);
    if (event->position >= 0)
        SAY(" position=%lld", (long long)event->position);
    say_text("session", event->session_id);
    say_text("recommendation", event->recommendation_id);
    say_text("slot", event->slot);
    say_text("context", event->context);
    SAY("\n");
    return STATUS_OK;
}

static enum status say_item(void *context, const struct stored_item *item)
{
    static const char *const kinds[] = {"content", "product", "ad"};
    struct dump *dump = context;
    SAY("item %s: %s%s", names_text(dump->names[NAME_ITEM], item->item), kinds[item->kind], item->hidden ? " hidden" : "");
    say_text("title", item->title);
    say_text("categories", item->categories);
    say_text("tags", item->tags);
    say_text("attributes", item->attributes);
    if (!isnan(item->price))
        SAY(" price=%g", item->price);
    SAY("\n");
    return STATUS_OK;
}

static enum status say_user(void *context, const struct stored_user *user)
{
    struct dump *dump = context;
    SAY("user %s: %s\n", names_text(dump->names[NAME_USER], user->user), user->attributes ? user->attributes : "-");
    return STATUS_OK;
}

static void say_store(void)
{
    struct dump dump;
    cr_assert_eq(store_open(data, STORE_READ, &dump.store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(store_check_integrity(dump.store, &error), STATUS_OK, "%s", error.detail);
    for (int kind = 0; kind < NAME_KINDS; kind++) {
        dump.names[kind] = names_create();
        cr_assert_eq(name_store_scan(dump.store, (enum name_kind)kind, take_name, dump.names[kind], &error), STATUS_OK);
    }
    for (uint32_t user = 0; user < names_count(dump.names[NAME_USER]); user++)
        cr_assert_eq(event_store_of_user(dump.store, user, UINT64_MAX, 100, say_event, &dump, &error), STATUS_OK);
    cr_assert_eq(item_store_scan(dump.store, say_item, &dump, &error), STATUS_OK);
    for (uint32_t user = 0; user < names_count(dump.names[NAME_USER]); user++)
        (void)!user_store_get(dump.store, user, say_user, &dump, &error);
    for (int kind = 0; kind < NAME_KINDS; kind++)
        names_destroy(dump.names[kind]);
    store_close(dump.store);
}

/* --- importing --- */

static void say_refused(void *context, const char *path, uint64_t line, const char *reason)
{
    (void)context;
    (void)path;
    SAY("%llu: %s\n", (unsigned long long)line, reason);
}

static struct import_options plain_options = {.refused = say_refused};
static struct import_counts counts;

static enum status import_file(const char *path, const struct import_options *options)
{
    struct importer *importer = NULL;
    struct error finish_error = {0};
    said[0] = '\0';
    cr_assert_eq(importer_open(data, options, &importer, &error), STATUS_OK, "%s", error.detail);
    enum status status = importer_read(importer, path, &error);
    cr_assert_eq(importer_finish(importer, &finish_error), STATUS_OK, "%s", finish_error.detail);
    counts = importer_counts(importer);
    importer_close(importer);
    return status;
}

static void write_input(const char *bytes, size_t n_bytes)
{
    FILE *file = fopen(input, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

/* count events of one user, numbered from first. */
static void write_events(unsigned first, unsigned count)
{
    FILE *file = fopen(input, "wb");
    cr_assert(file);
    for (unsigned i = first; i < first + count; i++)
        (void)fprintf(file, "{\"event_id\":\"e%u\",\"user_id\":\"u%u\",\"item_id\":\"i%u\",\"type\":\"view\",\"timestamp\":%u}\n", i,
                      i % 97, i % 31, i);
    cr_assert_eq(fclose(file), 0);
}

static void read_text_file(const char *path, char text[TEXT_BYTES])
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s cannot be read", path);
    text[fread(text, 1, TEXT_BYTES - 1, file)] = '\0';
    (void)fclose(file);
}

static void run_case(const char *name)
{
    static char expected[TEXT_BYTES];
    char path[4096];
    struct import_options options = plain_options;
    options.is_strict = strncmp(name, "strict_", 7) == 0;
    (void)snprintf(path, sizeof path, "%s/%s/expected", IMPORT_CASES, name);
    read_text_file(path, expected);
    (void)snprintf(path, sizeof path, "%s/%s/input", IMPORT_CASES, name);
    enum status status = import_file(path, &options);
    SAY("%s%s%s\n", status_text(status), status == STATUS_OK ? "" : ": ", status == STATUS_OK ? "" : strstr(error.detail, "input: ") + 7);
    SAY("events %llu, duplicates %llu, items %llu, users %llu, refused %llu\n", (unsigned long long)counts.n_events,
        (unsigned long long)counts.n_duplicates, (unsigned long long)counts.n_items, (unsigned long long)counts.n_users,
        (unsigned long long)counts.n_refused);
    say_store();
    cr_expect_str_eq(said, expected, "%s:\n--- expected\n%s--- got\n%s", name, expected, said);
    clear();
    make(); /* a fresh store for the next one */
}

Test(importer, does_what_the_cases_say)
{
    int n = 0;
    DIR *folder = opendir(IMPORT_CASES);
    cr_assert(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        run_case(entry->d_name);
        n++;
    }
    (void)closedir(folder);
    cr_assert_geq(n, 15);
}

Test(importer, names_the_file_that_is_not_there)
{
    cr_assert_eq(import_file("/nowhere.ndjson", &plain_options), STATUS_NOT_FOUND);
    cr_assert(strstr(error.detail, "/nowhere.ndjson"), "%s", error.detail);
}

Test(importer, refuses_a_directory_in_use)
{
    struct store *store = NULL;
    struct importer *importer = NULL;
    cr_assert_eq(store_open(data, STORE_WRITE, &store, &error), STATUS_OK);
    cr_assert_eq(importer_open(data, &plain_options, &importer, &error), STATUS_BUSY);
    cr_assert_null(importer);
    store_close(store);
}

Test(importer, counts_a_file_read_twice_once)
{
    struct import_options options = {.expected_bytes = 1 << 20}; /* indexes at the end the first time */
    write_events(0, 5000);
    cr_assert_eq(import_file(input, &options), STATUS_OK);
    cr_assert(counts.n_events == 5000 && counts.n_duplicates == 0);
    cr_assert_eq(import_file(input, &options), STATUS_OK);
    cr_assert(counts.n_events == 0 && counts.n_duplicates == 5000);
}

Test(importer, goes_on_with_the_names_and_numbers_of_a_store)
{
    write_events(0, 200);
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK);
    write_events(200, 200);
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK);
    cr_assert_eq(counts.n_events, 200);
    struct store *store = NULL;
    uint64_t count = 0, last_seq = 0;
    cr_assert_eq(store_open(data, STORE_READ, &store, &error), STATUS_OK);
    cr_assert_eq(store_check_integrity(store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(event_store_count(store, &count, &last_seq, &error), STATUS_OK);
    cr_assert(count == 400 && last_seq == 400);
    store_close(store);
}

Test(importer, commits_a_long_file_in_parts)
{
    write_events(0, 150000); /* more than two transactions hold */
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK, "%s", error.detail);
    cr_assert_eq(counts.n_events, 150000);
}

static void limit_files(rlim_t n_bytes)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = n_bytes, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(importer, says_what_it_kept_when_the_disk_is_full)
{
    struct importer *importer = NULL;
    struct store *store = NULL;
    struct error finish_error = {0};
    uint64_t count = 0, last_seq = 0;
    write_events(0, 200000);
    cr_assert_eq(importer_open(data, &plain_options, &importer, &error), STATUS_OK);
    limit_files(8 << 20); /* as on a full disk: room for the first transaction, not for all */
    cr_assert_eq(importer_read(importer, input, &error), STATUS_IO);
    cr_assert(strstr(error.detail, "inkling.db"), "%s", error.detail);
    limit_files(RLIM_INFINITY);
    cr_assert_eq(importer_finish(importer, &finish_error), STATUS_OK);
    counts = importer_counts(importer);
    importer_close(importer);
    cr_assert_eq(store_open(data, STORE_READ, &store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(store_check_integrity(store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(event_store_count(store, &count, &last_seq, &error), STATUS_OK);
    store_close(store);
    cr_assert(count == counts.n_events && count > 0 && count < 200000, "%llu of %llu", (unsigned long long)count,
              (unsigned long long)counts.n_events);
}

static bool stop_at_once(void *context, const struct progress_step *step)
{
    (void)context;
    (void)step;
    return false;
}

Test(importer, stops_when_the_progress_says_so)
{
    struct progress progress = {.report = stop_at_once};
    struct import_options options = {.progress = &progress};
    write_events(0, 100000);
    cr_assert_eq(import_file(input, &options), STATUS_CONFLICT);
    cr_assert_eq(counts.n_events, 0);
    said[0] = '\0';
    say_store();
    cr_assert_str_empty(said);
}

Test(importer, refuses_lines_longer_than_a_mebibyte)
{
    static const char good[] = "{\"user_id\":\"u\"}\n";
    size_t n_long = (1 << 20) + 1, n_bytes = 0;
    char *bytes = malloc(3 * n_long);
    memcpy(bytes, good, sizeof good - 1);
    n_bytes = sizeof good - 1;
    memset(bytes + n_bytes, 'x', n_long);
    n_bytes += n_long;
    bytes[n_bytes++] = '\n';
    memcpy(bytes + n_bytes, good, sizeof good - 1);
    n_bytes += sizeof good - 1;
    write_input(bytes, n_bytes);
    free(bytes);
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK, "%s", error.detail);
    cr_assert(counts.n_users == 2 && counts.n_refused == 1);
    cr_assert_str_eq(said, "2: longer than 1 MiB\n");
}

Test(importer, refuses_a_csv_row_that_an_open_quote_makes_endless)
{
    FILE *file = fopen(input, "wb");
    (void)fprintf(file, "user_id,attributes\nu1,\"open\n");
    for (int i = 0; i < 200000; i++)
        (void)fprintf(file, "u%d,{}\n", i);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK, "%s", error.detail);
    cr_assert_eq(counts.n_refused, 1);
    cr_assert_eq(strncmp(said, "2: longer than 1 MiB\n", 21), 0, "%.100s", said);
    cr_assert_gt(counts.n_users, 50000);
}

Test(importer, takes_64_event_types_and_no_more)
{
    FILE *file = fopen(input, "wb");
    for (int i = 0; i < 66; i++)
        (void)fprintf(file, "{\"user_id\":\"u\",\"item_id\":\"i\",\"type\":\"t%d\",\"timestamp\":1}\n", i);
    (void)fprintf(file, "{\"user_id\":\"u\",\"item_id\":\"i\",\"type\":\"t0\",\"timestamp\":1}\n");
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(import_file(input, &plain_options), STATUS_OK);
    cr_assert(counts.n_events == 65 && counts.n_refused == 2);
    cr_assert_eq(strncmp(said, "65: type: ", 10), 0, "%s", said);
}
