/* `inkling retrain`: train a model from what is stored and make it live. A server starts this very verb with --json and reads its lines, so
 * what is printed there is a contract (server/app/jobs.h). */
#include "core/base/clock.h"
#include "core/base/emit.h"
#include "server/app/model_files.h"
#include "server/app/picture_page.h"
#include "server/app/picture_retraining.h"
#include "server/app/registration.h"
#include "server/app/retraining.h"
#include "server/app/training_data.h"
#include "server/verbs/interrupt.h"
#include "server/verbs/model_summary.h"
#include "server/verbs/picture_summary.h"
#include "server/verbs/progress_bar.h"
#include "server/verbs/verb_settings.h"
#include "server/verbs/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES       4096u
#define PATH_BYTES       4400
#define LINE_INTERVAL_NS 200000000ull

static const char help[] = "Usage: inkling retrain --data DIR [options]\n"
                           "\n"
                           "Search the settings that suit the events in DIR, train a model with them, judge it on events that\n"
                           "were held out from training, and train it again on everything (the refit). Unless the model is\n"
                           "worse than the live one by more than gate.margin, it goes live. A server that runs on DIR goes on\n"
                           "answering and takes the new model up by itself; without one, the next start serves it.\n"
                           "Where items have words or pictures (the live picture model's), a second network then learns to\n"
                           "place new ones by them; --set retrain.content=false leaves it out.\n"
                           "The same data, seed and settings make the same model, at any number of threads.\n"
                           "\n"
                           "  --data DIR        the data directory\n"
                           "  --budget TIME     how long search, training and refit may take together, on two cores: 20min, 90s,\n"
                           "                    1h; 0 searches none and takes the defaults. Without it: with a live model,\n"
                           "                    its settings and no search; else the setting retrain.budget (20min)\n"
                           "  --settings MODEL  take the settings of an earlier model, by its version, and search none;\n"
                           "                    \"live\" is the model that is live\n"
                           "  --no-refit        leave the refit out: the held-out events are never trained on\n"
                           "  --fresh           as if no model were live: search, and start from nothing. Otherwise training\n"
                           "                    continues from the live model when the catalogue has only grown since\n"
                           "  --force           go live even if the model is worse than the live one\n"
                           "  --split time      hold out the newest tenth of the events (the default): how well would\n"
                           "                    this model have served the newest events?\n"
                           "  --split last      hold out the last event of every user\n"
                           "  --epochs N        passes over the data at most; training stops by itself when the held-out\n"
                           "                    events are ranked no better for a while\n"
                           "  --seed N          start of the random numbers (default: 1)\n"
                           "  --threads N       processors to use (default: all)\n"
                           "  --set NAME=VALUE  a setting for this run, as in DIR/inkling.conf; e.g. weights.view=0.5,\n"
                           "                    gate.metric=hr10, gate.margin=1 (`inkling serve --help` lists them)\n"
                           "  --json            progress as one JSON object a line on standard output, at the end\n"
                           "                    {\"model_version\": …, \"state\": \"live\" or \"rejected\", \"reason\": …}\n"
                           "                    or {\"error\": …}\n"
                           "  --help            this text\n"
                           "\n"
                           "  --only pictures   train the network that names pictures, from the items' pictures and their first\n"
                           "                    categories, instead; of the options above --epochs, --seed, --threads, --json\n"
                           "                    and --no-refit go with it. A tenth of the pictures is held out for the figures;\n"
                           "                    the refit then learns from all of them. Pictures are kept with sides of 64\n"
                           "                    pixels at most, and learned from as such; more than 1024 categories are refused.\n"
                           "                    A behaviour model that learned with the pictures of an older model places new\n"
                           "                    items by their words alone until it is trained again\n"
                           "  --preset best     with batch norm, moved and mirrored pictures, soft labels and a falling rate (the\n"
                           "                    default), 24 epochs, or more of few pictures; the last one is kept\n"
                           "  --preset seed     the plain network, 10 epochs; the one that named the held-out pictures best is\n"
                           "                    kept, and the refit stops there\n"
                           "  --html FILE       write a page with the confusion of categories and the curve of training\n"
                           "\n"
                           "Examples:\n"
                           "  inkling retrain --data /var/lib/inkling\n"
                           "  inkling retrain --data shop                            every night: goes on from what is live\n"
                           "  inkling retrain --data shop --budget 1h --fresh        once a month: look again\n"
                           "  inkling retrain --data shop --budget 0 --split last --epochs 20 --seed 7 --no-refit\n"
                           "  inkling retrain --data shop --only pictures --html pictures.html\n"
                           "\n"
                           "Ends with 0 when the new model goes live, 5 when it was rejected (it is kept; the reason is\n"
                           "said), 1 when there is none (the reason is said), 2 on wrong usage. Ctrl-C stops it with\n"
                           "nothing left behind.\n";

struct retrain_options {
    struct verb_settings settings;
    struct retrain_query query;
    enum picture_preset preset;
    const char *page; /* of a picture model; NULL: none */
    bool only_pictures, wants_json, wants_help;
    const char *of_behaviour, *of_pictures; /* an option that was given and goes with one of the two alone; NULL: none */
};

static int usage(const char *words, const char *value)
{
    (void)fprintf(stderr, "inkling retrain: %s%s%s. See: inkling retrain --help\n", words, value ? ", not " : "", value ? value : "");
    return EXIT_CODE_USAGE;
}

/* The index of word in words (NULL-terminated), or -1. */
static int find_word(const char *const words[], const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

static int read_budget(const char *value, int64_t *out_seconds)
{
    int64_t seconds = 0;
    if (!parse_seconds(value, &seconds) || seconds > RETRAIN_BUDGET_MOST)
        return usage("--budget wants a time up to 24h such as 90s, 20min or 1h, or 0", value);
    *out_seconds = seconds;
    return EXIT_CODE_DONE;
}

static int read_settings_version(const char *value, char out_version[MODEL_VERSION_BYTES])
{
    if (strcmp(value, "live") != 0 && !is_model_version(value))
        return usage("--settings wants the version of a model (m and 16 hexadecimal digits) or live", value);
    (void)snprintf(out_version, MODEL_VERSION_BYTES, "%s", value);
    return EXIT_CODE_DONE;
}

static int read_preset(const char *value, struct retrain_options *options)
{
    for (int preset = 0; preset < PICTURE_PRESETS; preset++) {
        if (strcmp(picture_preset_names[preset], value) == 0) {
            options->preset = (enum picture_preset)preset;
            return EXIT_CODE_DONE;
        }
    }
    return usage("--preset wants seed or best", value);
}

static int read_option(int option, const char *value, struct retrain_options *options)
{
    switch (option) {
    case 'd': options->settings.directory = value; return EXIT_CODE_DONE;
    case 'j': options->wants_json = true; return EXIT_CODE_DONE;
    case 'h': options->wants_help = true; return EXIT_CODE_DONE;
    case 'n': options->query.no_refit = true; return EXIT_CODE_DONE;
    case 'f': options->query.force = true; return EXIT_CODE_DONE;
    case 'F': options->query.fresh = true; return EXIT_CODE_DONE;
    case 'b': return read_budget(value, &options->query.budget_seconds);
    case 'V': return read_settings_version(value, options->query.settings_version);
    case 'o': options->only_pictures = true; return strcmp(value, "pictures") ? usage("--only wants pictures", value) : EXIT_CODE_DONE;
    case 'p': return read_preset(value, options);
    case 'H': options->page = value; return EXIT_CODE_DONE;
    case 's': {
        int split = find_word(split_names, value);
        options->query.split = (enum split_kind)split;
        return split >= 0 ? EXIT_CODE_DONE : usage("--split wants time or last", value);
    }
    case 'e':
        return option_number(value, 1, 10000, &options->query.epochs) ? EXIT_CODE_DONE
                                                                      : usage("--epochs wants a number from 1 to 10000", value);
    case 'r':
        return option_number(value, 0, INT64_MAX, &options->query.seed) ? EXIT_CODE_DONE : usage("--seed wants a number from 0 up", value);
    case 't':
        return option_number(value, 1, 256, &options->query.n_threads) ? EXIT_CODE_DONE
                                                                       : usage("--threads wants a number from 1 to 256", value);
    case 'S': return verb_settings_add(&options->settings, value) ? EXIT_CODE_DONE : usage("too many --set", NULL);
    default: return usage("wrong option", NULL);
    }
}

/* Options that go with one kind of model alone, by their letters in long_options. */
static const char for_behaviour[] = "sbVfFS", for_pictures[] = "pH";

static int check_kind(const struct retrain_options *options)
{
    if (options->only_pictures && options->of_behaviour)
        (void)fprintf(stderr, "inkling retrain: --%s does not go with --only pictures. See: inkling retrain --help\n",
                      options->of_behaviour);
    else if (!options->only_pictures && options->of_pictures)
        (void)fprintf(stderr, "inkling retrain: --%s goes with --only pictures alone. See: inkling retrain --help\n", options->of_pictures);
    else
        return EXIT_CODE_DONE;
    return EXIT_CODE_USAGE;
}

static int read_options(int argc, char **argv, struct retrain_options *options)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'},
        {"split", required_argument, NULL, 's'},
        {"epochs", required_argument, NULL, 'e'},
        {"seed", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'},
        {"set", required_argument, NULL, 'S'},
        {"budget", required_argument, NULL, 'b'},
        {"settings", required_argument, NULL, 'V'},
        {"no-refit", no_argument, NULL, 'n'},
        {"force", no_argument, NULL, 'f'},
        {"fresh", no_argument, NULL, 'F'},
        {"json", no_argument, NULL, 'j'},
        {"only", required_argument, NULL, 'o'},
        {"preset", required_argument, NULL, 'p'},
        {"html", required_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 0;
    int at = 0; /* in long_options */
    for (int option; (option = getopt_long(argc, argv, "", long_options, &at)) != -1;) {
        int code = read_option(option, optarg, options);
        if (code != EXIT_CODE_DONE)
            return code;
        if (strchr(for_behaviour, option))
            options->of_behaviour = long_options[at].name;
        if (strchr(for_pictures, option))
            options->of_pictures = long_options[at].name;
    }
    return optind < argc ? usage("no arguments are expected behind the options", argv[optind]) : check_kind(options);
}

/* --- progress as JSON lines --- */

struct json_lines {
    char phase[48], note[160];
    uint64_t written_ns;
};

static void write_line(const struct buffer *line)
{
    if (!line->failed) {
        (void)printf("%s\n", line->bytes);
        (void)fflush(stdout);
    }
}

/* One object for every new phase or note and at the end of a phase; between them no more than five a second. */
static bool report_json(void *context, const struct progress_step *step)
{
    struct json_lines *lines = context;
    const char *note = step->note ? step->note : "";
    uint64_t now_ns = clock_monotonic_ns();
    bool is_new =
        strncmp(lines->phase, step->phase, sizeof lines->phase - 1) != 0 || strncmp(lines->note, note, sizeof lines->note - 1) != 0;
    if (is_new || step->done == step->total || now_ns - lines->written_ns >= LINE_INTERVAL_NS) {
        SCOPED(buffer_clear) struct buffer line;
        struct emit emit;
        buffer_init(&line, LINE_BYTES);
        emit_init(&emit, &line);
        emit_open_object(&emit, NULL);
        emit_text(&emit, "phase", step->phase);
        emit_integer(&emit, "done", (int64_t)step->done);
        emit_integer(&emit, "total", (int64_t)step->total);
        emit_text(&emit, "note", step->note);
        emit_close_object(&emit);
        write_line(&line);
        lines->written_ns = now_ns;
        (void)snprintf(lines->phase, sizeof lines->phase, "%s", step->phase);
        (void)snprintf(lines->note, sizeof lines->note, "%s", note);
    }
    return !interrupt_pending();
}

static void write_failure(const char *detail)
{
    SCOPED(buffer_clear) struct buffer line;
    struct emit emit;
    buffer_init(&line, LINE_BYTES);
    emit_init(&emit, &line);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "error", detail);
    emit_close_object(&emit);
    write_line(&line);
}

static void write_model(const char *version, const struct verdict *verdict)
{
    SCOPED(buffer_clear) struct buffer line;
    struct emit emit;
    buffer_init(&line, LINE_BYTES);
    emit_init(&emit, &line);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "model_version", version);
    emit_text(&emit, "state", verdict_state_names[verdict->state]);
    emit_text(&emit, "reason", verdict->reason[0] ? verdict->reason : NULL);
    emit_close_object(&emit);
    write_line(&line);
}

/* --- the work --- */

static int say_failure(const struct retrain_options *options, enum status status, const struct error *error)
{
    const char *detail = error->detail[0] ? error->detail : status_text(status);
    if (options->wants_json)
        write_failure(detail);
    else
        (void)fprintf(stderr, "inkling retrain: %s\n", detail);
    return status == STATUS_BUSY ? EXIT_CODE_IN_USE : EXIT_CODE_FAILED;
}

static void say_live(const char *version, enum adoption adoption, const char *directory)
{
    switch (adoption) {
    case ADOPTED: (void)printf("model %s is trained and live: the next `inkling serve` answers with it\n", version); break;
    case LEFT_TO_SERVER: (void)printf("model %s is trained; the server that runs on %s takes it up by itself\n", version, directory); break;
    case LEFT_TO_OPERATORS:
        (void)printf("model %s is trained; the server that runs on %s has it already and answers by another: POST /v1/models/%s/activate "
                     "makes it live\n",
                     version, directory, version);
        break;
    }
}

static void say_model(const char *version, const struct verdict *verdict, enum adoption adoption, const char *directory)
{
    switch (verdict->state) {
    case VERDICT_LIVE: say_live(version, adoption, directory); break;
    case VERDICT_READY: (void)printf("model %s is trained and kept; it does not go live by itself\n", version); break;
    case VERDICT_REJECTED: (void)printf("model %s is trained and rejected: the live model stays\n", version); break;
    }
    if (verdict->reason[0])
        (void)printf("%s\n", verdict->reason);
    if (verdict->state == VERDICT_REJECTED)
        (void)printf("It is kept: POST /v1/models/%s/activate makes it live all the same, as does another run with --force.\n", version);
}

static int adopt(const struct retrain_options *options, const struct settings *settings, const char *version)
{
    struct error error = {0};
    struct verdict verdict;
    enum adoption adoption = ADOPTED;
    enum status status = registration_adopt(settings->data_directory, version, &verdict, &adoption, &error);
    if (status != STATUS_OK)
        return say_failure(options, status, &error);
    if (options->wants_json) {
        write_model(version, &verdict);
    } else {
        model_summary_print(settings->data_directory, version);
        say_model(version, &verdict, adoption, settings->data_directory);
    }
    if (fflush(stdout) != 0)
        return EXIT_CODE_FAILED;
    return verdict.state == VERDICT_REJECTED ? EXIT_CODE_REJECTED : EXIT_CODE_DONE;
}

static enum status open_picture_model(const struct settings *settings, const char *version, struct picture_model **out_model,
                                      struct error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/models/%s" MODEL_EXTENSION, settings->data_directory, version);
    return picture_model_open(path, out_model, error);
}

/* A picture model has no gate: it goes live. */
static int adopt_pictures(const struct retrain_options *options, const struct settings *settings, const char *version)
{
    struct verdict verdict;
    enum adoption adoption = ADOPTED;
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    struct error error = {0};
    enum status status = open_picture_model(settings, version, &model, &error);
    if (status == STATUS_OK && options->page)
        status = picture_page_write(options->page, model, &error);
    if (status == STATUS_OK)
        status = registration_adopt(settings->data_directory, version, &verdict, &adoption, &error);
    if (status != STATUS_OK)
        return say_failure(options, status, &error);
    if (options->wants_json) {
        write_model(version, &verdict);
    } else {
        picture_summary_print(model);
        say_live(version, adoption, settings->data_directory);
        if (options->page)
            (void)printf("the page with the pictures is %s\n", options->page);
    }
    return fflush(stdout) != 0 ? EXIT_CODE_FAILED : EXIT_CODE_DONE;
}

static enum status train(const struct retrain_options *options, const struct settings *settings, const struct progress *progress,
                         char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    const struct retrain_query *query = &options->query;
    if (!options->only_pictures)
        return retraining_run(settings, query, progress, out_version, error);
    const struct picture_query pictures = {.preset = options->preset,
                                           .epochs = (uint32_t)query->epochs,
                                           .seed = (uint64_t)query->seed,
                                           .n_threads = (unsigned)query->n_threads,
                                           .no_refit = query->no_refit};
    return picture_retraining_run(settings->data_directory, &pictures, progress, out_version, error);
}

static int retrain(const struct retrain_options *options, const struct settings *settings)
{
    struct error error = {0};
    struct progress_bar bar;
    struct json_lines lines = {0};
    char version[MODEL_VERSION_BYTES];
    interrupt_begin(NULL);
    progress_bar_init(&bar);
    struct progress progress = progress_bar_progress(&bar);
    if (options->wants_json)
        progress = (struct progress){.report = report_json, .context = &lines};
    enum status status = train(options, settings, &progress, version, &error);
    progress_bar_finish(&bar);
    if (status == STATUS_CONFLICT && interrupt_pending())
        (void)fail(&error, status, "stopped: no model was written");
    if (status != STATUS_OK)
        return say_failure(options, status, &error);
    return options->only_pictures ? adopt_pictures(options, settings, version) : adopt(options, settings, version);
}

int retrain_verb(int argc, char **argv)
{
    struct retrain_options options = {.query = {.split = SPLIT_TIME, .seed = 1, .budget_seconds = BUDGET_DEFAULT}, .preset = PICTURE_BEST};
    struct settings settings;
    struct error error = {0};
    int code = read_options(argc, argv, &options);
    if (code != EXIT_CODE_DONE)
        return code;
    if (options.wants_help)
        return fputs(help, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    if (verb_settings_load(&options.settings, &settings, &error) != STATUS_OK)
        return usage(error.detail, NULL);
    return retrain(&options, &settings);
}
