/* `inkling import`: files of events, items, users and pictures into a data directory that no server holds. The summary goes to standard
 * output; refused lines, progress and errors go to standard error, with control characters of the input made visible as '?': what is in a
 * file must not drive a terminal. */
#include "core/base/clock.h"
#include "server/app/importer.h"
#include "server/verbs/interrupt.h"
#include "server/verbs/progress_bar.h"
#include "server/verbs/verb_settings.h"
#include "server/verbs/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SHOWN_LINES 20u /* refused lines that are shown; more are counted */

static const char help[] =
    "Usage: inkling import --data DIR [--strict] FILE…\n"
    "       inkling import --data DIR [--strict] --idx IMAGES LABELS [--names NAMES]\n"
    "       inkling import --data DIR [--strict] --pictures FOLDER\n"
    "\n"
    "Read events, items and users from files into DIR, which is made if it is not there. A file is\n"
    "NDJSON (one JSON object a line) or CSV with a header line, plain or packed with gzip or zstd;\n"
    "its content says which, not its name. \"-\" is standard input. What a line is, its fields say:\n"
    "\n"
    "  event  user_id, item_id, type; if you have them event_id, timestamp, value, quantity,\n"
    "         session_id, recommendation_id, position, slot, context\n"
    "  item   item_id; if you have them kind (content, product, ad), title, text, categories, price,\n"
    "         currency, tags, url, attributes, hidden, created_at, expires_at\n"
    "  user   user_id; attributes\n"
    "\n"
    "  {\"event_id\": \"e1\", \"user_id\": \"u7\", \"item_id\": \"film-1\", \"type\": \"view\", \"timestamp\": 1764000000000}\n"
    "  {\"item_id\": \"film-1\", \"kind\": \"content\", \"title\": \"Alien\", \"categories\": [\"horror\", \"space\"]}\n"
    "  {\"user_id\": \"u7\", \"attributes\": {\"country\": \"NO\"}}\n"
    "\n"
    "  item_id,title,categories,price\n"
    "  film-1,\"Alien, the first\",horror|space,9.50\n"
    "\n"
    "Times are RFC 3339 or Unix milliseconds; an event without one happens now. An event_id that is\n"
    "there already is a duplicate and counts once, so a file may be read again. An item or user\n"
    "replaces what was known of it. A bad line is shown with file, line and reason, and left out.\n"
    "\n"
    "With --idx, pictures and their labels from two IDX files, as MNIST and Fashion-MNIST come in,\n"
    "plain or packed with gzip or zstd. Picture 0 of train-images.gz becomes the item\n"
    "\"train-images:0\", of kind content, whose one category is the label's number or, with --names,\n"
    "that line of NAMES (UTF-8; the first line is label 0). An item that is there is replaced, so the\n"
    "files may be read again. Of sides above 64 pixels a picture of 64 x 64 is kept. Files that do not\n"
    "fit together, or have a label without a name, are refused before anything is written; of a file\n"
    "that is damaged further on, the pictures before that are kept, with --strict none.\n"
    "\n"
    "With --pictures, the files NAME.png, .jpg, .jpeg and .webp of FOLDER (not of folders in it, in\n"
    "the order of their names) are the pictures of the items NAME, which must be there. In NAME, %XX\n"
    "is a byte as in URLs, so that every id can be a name: a%2Fb.png is the picture of the item a/b.\n"
    "Kept are a small picture and, unless pictures.keep_originals is false, the file as it is. An item\n"
    "has one picture, the last one read. A picture that cannot be read, is larger than\n"
    "pictures.max_bytes, or whose item is not there, is shown with the reason and left out.\n"
    "No picture model is asked for categories here: pictures.predict is for pictures that are PUT.\n"
    "Pictures are decoded in this process: a file made to break it can end the import, not a server.\n"
    "\n"
    "  --data DIR          the data directory; no server may be running on it\n"
    "  --strict            refuse a whole file for one bad line, or a folder for one bad picture:\n"
    "                      nothing of it is kept, and no file behind it is read\n"
    "  --idx               the two files are pictures and labels in IDX\n"
    "  --names NAMES       the categories' names, a line a label\n"
    "  --pictures FOLDER   read the pictures of items that are there\n"
    "  --set NAME=VALUE    a setting for this run, as in DIR/inkling.conf; of those (`inkling serve --help`\n"
    "                      lists them) pictures.keep_originals and pictures.max_bytes count here\n"
    "  --help              this text\n"
    "\n"
    "Examples:\n"
    "  inkling import --data shop items.csv events.ndjson.zst\n"
    "  zcat logs/*.gz | inkling import --data shop --strict -\n"
    "  inkling import --data shop --idx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz\n"
    "  inkling import --data shop --pictures shop-pictures --set pictures.keep_originals=false\n"
    "\n"
    "Ends with 0 when all was read, 1 when something failed (what was read before is kept), 2 on\n"
    "wrong usage, 3 when some lines or pictures were refused, 4 when a server or another import holds DIR.\n";

struct import_verb_options {
    struct verb_settings settings;
    const char *names, *pictures;
    bool is_strict, is_idx, wants_help;
    char **files;
    int n_files;
};

static int usage(const char *words)
{
    (void)fprintf(stderr, "inkling import: %s. See: inkling import --help\n", words);
    return EXIT_CODE_USAGE;
}

/* The files, by what is imported. */
static int check_files(const struct import_verb_options *options)
{
    if (options->pictures && (options->is_idx || options->names || options->n_files > 0))
        return usage("--pictures reads one folder and nothing else");
    if (options->pictures)
        return *options->pictures ? EXIT_CODE_DONE : usage("--pictures wants a folder");
    if (options->names && !options->is_idx)
        return usage("--names is for --idx only");
    if (options->is_idx && options->n_files != 2)
        return usage("--idx wants two files: pictures and labels");
    if (options->is_idx && (strcmp(options->files[0], "-") == 0 || strcmp(options->files[1], "-") == 0))
        return usage("--idx cannot read from standard input: items are named by the file");
    return options->n_files > 0 ? EXIT_CODE_DONE : usage("no file is named");
}

static int read_options(int argc, char **argv, struct import_verb_options *options)
{
    static const struct option long_options[] = {{"data", required_argument, NULL, 'd'},
                                                 {"strict", no_argument, NULL, 's'},
                                                 {"idx", no_argument, NULL, 'i'},
                                                 {"names", required_argument, NULL, 'n'},
                                                 {"pictures", required_argument, NULL, 'p'},
                                                 {"set", required_argument, NULL, 'S'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'd': options->settings.directory = optarg; break;
        case 's': options->is_strict = true; break;
        case 'i': options->is_idx = true; break;
        case 'n': options->names = optarg; break;
        case 'p': options->pictures = optarg; break;
        case 'h': options->wants_help = true; break;
        case 'S':
            if (!verb_settings_add(&options->settings, optarg))
                return usage("too many --set");
            break;
        default: return usage("wrong option");
        }
    }
    options->files = argv + optind;
    options->n_files = argc - optind;
    if (options->wants_help)
        return EXIT_CODE_DONE;
    if (!options->settings.directory || !*options->settings.directory)
        return usage("--data DIR is missing");
    return check_files(options);
}

/* --- words --- */

/* text on standard error, without what a terminal would obey: C0 and C1 controls and DEL. */
static void put_safely(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool is_c1 = *at == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F;
        (void)fputc(*at < 0x20 || *at == 0x7F || is_c1 ? '?' : *at, stderr);
        at += is_c1;
    }
}

struct refusals {
    struct progress_bar *bar;
    uint64_t n_shown;
};

static void show_refused(void *context, const char *path, uint64_t line, const char *reason)
{
    struct refusals *refusals = context;
    if (refusals->n_shown > SHOWN_LINES)
        return;
    progress_bar_finish(refusals->bar);
    if (refusals->n_shown++ == SHOWN_LINES) {
        (void)fputs(line ? "more refused lines are counted, not shown\n" : "more refused pictures are counted, not shown\n", stderr);
        return;
    }
    put_safely(path);
    if (line)
        (void)fprintf(stderr, ":%llu", (unsigned long long)line);
    (void)fputs(": ", stderr);
    put_safely(reason);
    (void)fputc('\n', stderr);
}

/* "198 502 events" */
static void print_count(const char *before, uint64_t count, const char *what)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    (void)fputs(before, stdout);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            (void)putchar(' ');
        (void)putchar(digits[i]);
    }
    (void)printf(" %s%s", what, count == 1 ? "" : "s");
}

static void print_picture_summary(const struct import_counts *counts, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns * 1e-9;
    print_count("imported ", counts->n_pictures, "picture");
    if (counts->n_items)
        print_count(" and ", counts->n_items, "item");
    print_count("; ", counts->n_refused, "picture");
    (void)printf(" refused; %.1f s", seconds);
    if (counts->n_pictures && seconds > 0)
        print_count(", ", (uint64_t)((double)counts->n_pictures / seconds), "picture");
    (void)printf("%s\n", counts->n_pictures && seconds > 0 ? "/s" : "");
}

static void print_summary(const struct import_counts *counts, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns * 1e-9;
    print_count("imported ", counts->n_events, "event");
    print_count(" (besides ", counts->n_duplicates, "duplicate");
    print_count("), ", counts->n_items, "item");
    print_count(" and ", counts->n_users, "user");
    print_count("; ", counts->n_refused, "line");
    (void)printf(" refused; %.1f s", seconds);
    if (counts->n_events && seconds > 0)
        print_count(", ", (uint64_t)((double)(counts->n_events + counts->n_duplicates) / seconds), "event");
    (void)printf("%s\n", counts->n_events && seconds > 0 ? "/s" : "");
}

static int say_failure(const struct import_verb_options *options, enum status status, const struct error *error)
{
    (void)fputs("inkling import: ", stderr);
    put_safely(error->detail[0] ? error->detail : status_text(status));
    (void)fputc('\n', stderr);
    if (status != STATUS_BUSY)
        return EXIT_CODE_FAILED;
    if (options->is_idx || options->pictures)
        (void)fputs("If that is a server, stop it first.\n", stderr);
    else
        (void)fprintf(stderr,
                      "If that is a server, send it the file: for events in NDJSON\n"
                      "  curl -H 'Content-Type: application/x-ndjson' --data-binary @%s http://127.0.0.1:8080/v1/events\n",
                      options->files[0]);
    return EXIT_CODE_IN_USE;
}

/* --- the work --- */

/* Of all files together; 0 if one of them has no size (a pipe). */
static uint64_t sum_sizes(const struct import_verb_options *options)
{
    uint64_t sum = 0;
    for (int i = 0; i < options->n_files; i++) {
        struct stat facts;
        if (stat(options->files[i], &facts) || !S_ISREG(facts.st_mode))
            return 0;
        sum += (uint64_t)facts.st_size;
    }
    return sum;
}

static enum status read_files(const struct import_verb_options *options, struct importer *importer, struct error *error)
{
    if (options->pictures)
        return importer_read_pictures(importer, options->pictures, error);
    if (options->is_idx)
        return importer_read_idx(importer, options->files[0], options->files[1], options->names, error);
    for (int i = 0; i < options->n_files; i++)
        TRY(importer_read(importer, options->files[i], error));
    return STATUS_OK;
}

static int import(const struct import_verb_options *options, const struct import_options *how, struct progress_bar *bar)
{
    struct error error = {0}, finish_error = {0};
    SCOPED(importer_close) struct importer *importer = NULL;
    uint64_t began_ns = clock_monotonic_ns();
    enum status status = importer_open(options->settings.directory, how, &importer, &error);
    if (status != STATUS_OK)
        return say_failure(options, status, &error);
    status = read_files(options, importer, &error);
    progress_bar_finish(bar);
    enum status finished = importer_finish(importer, &finish_error);
    struct import_counts counts = importer_counts(importer);
    (options->is_idx || options->pictures ? print_picture_summary : print_summary)(&counts, clock_monotonic_ns() - began_ns);
    if (fflush(stdout) || ferror(stdout))
        return EXIT_CODE_FAILED;
    if (status != STATUS_OK)
        return say_failure(options, status == STATUS_BUSY ? STATUS_IO : status, &error);
    if (finished != STATUS_OK)
        return say_failure(options, STATUS_IO, &finish_error);
    return counts.n_refused ? EXIT_CODE_SOME_REFUSED : EXIT_CODE_DONE;
}

int import_verb(int argc, char **argv)
{
    struct import_verb_options options = {0};
    int code = read_options(argc, argv, &options);
    if (code != EXIT_CODE_DONE)
        return code;
    if (options.wants_help)
        return fputs(help, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    struct settings settings;
    struct error error = {0};
    if (verb_settings_load(&options.settings, &settings, &error) != STATUS_OK)
        return usage(error.detail);
    struct progress_bar bar;
    interrupt_begin(NULL);
    progress_bar_init(&bar);
    struct progress progress = progress_bar_progress(&bar);
    struct refusals refusals = {.bar = &bar};
    struct import_options how = {.is_strict = options.is_strict,
                                 .drops_originals = !settings.pictures_keep_originals,
                                 .max_picture_bytes = (size_t)settings.pictures_max_bytes,
                                 .expected_bytes = options.is_idx || options.pictures ? 0 : sum_sizes(&options), /* of events: see there */
                                 .progress = &progress,
                                 .refused = show_refused,
                                 .context = &refusals};
    return import(&options, &how, &bar);
}
