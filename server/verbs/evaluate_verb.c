/* `inkling evaluate`: a table of how well the live model ranks held-out events, beside what costs no training. */
#include "core/base/emit.h"
#include "server/app/evaluating.h"
#include "server/app/training_data.h"
#include "server/verbs/interrupt.h"
#include "server/verbs/progress_bar.h"
#include "server/verbs/verb_settings.h"
#include "server/verbs/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "Usage: inkling evaluate --data DIR [options]\n"
                           "\n"
                           "How well does the live model rank events that it was not trained on? For every held-out event\n"
                           "all items are ranked from what the user did before it, what the user had is left out, and\n"
                           "the place of the item that was really next is counted. Four methods are judged alike:\n"
                           "  popular      the most used items, the same for everybody\n"
                           "  neighbours   what follows the user's last items; no training\n"
                           "  encoder      the trained network alone\n"
                           "  blend        encoder and neighbours together: what the server answers with\n"
                           "HR@k is the share of events whose item is among the first k; NDCG@k and MRR@10 also reward\n"
                           "a place nearer to the top. A server may run beside it.\n"
                           "\n"
                           "  --data DIR        the data directory\n"
                           "  --split time|last as in `inkling retrain`; the default is what the model was trained with\n"
                           "  --threads N       processors to use (default: all)\n"
                           "  --set NAME=VALUE  a setting for this run, as in DIR/inkling.conf\n"
                           "  --json            the figures as one JSON object\n"
                           "  --help            this text\n"
                           "\n"
                           "Example:\n"
                           "  inkling evaluate --data /var/lib/inkling\n"
                           "\n"
                           "Ends with 0, with 1 when there is nothing to judge (the reason is said), 2 on wrong usage.\n";

struct evaluate_options {
    struct verb_settings settings;
    int split;
    int64_t n_threads;
    bool wants_json, wants_help;
};

static int usage(const char *words, const char *value)
{
    (void)fprintf(stderr, "inkling evaluate: %s%s%s. See: inkling evaluate --help\n", words, value ? ", not " : "", value ? value : "");
    return EXIT_CODE_USAGE;
}

static int read_split(const char *name, int *out_split)
{
    for (int split = 0; split_names[split]; split++) {
        if (strcmp(split_names[split], name) == 0) {
            *out_split = split;
            return EXIT_CODE_DONE;
        }
    }
    return usage("--split wants time or last", name);
}

static int read_option(int option, const char *value, struct evaluate_options *options)
{
    switch (option) {
    case 'd': options->settings.directory = value; return EXIT_CODE_DONE;
    case 's': return read_split(value, &options->split);
    case 't':
        return option_number(value, 1, 256, &options->n_threads) ? EXIT_CODE_DONE : usage("--threads wants a number from 1 to 256", value);
    case 'S': return verb_settings_add(&options->settings, value) ? EXIT_CODE_DONE : usage("too many --set", NULL);
    case 'j': options->wants_json = true; return EXIT_CODE_DONE;
    case 'h': options->wants_help = true; return EXIT_CODE_DONE;
    default: return usage("wrong option", NULL);
    }
}

static int read_options(int argc, char **argv, struct evaluate_options *options)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'},
        {"split", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"set", required_argument, NULL, 'S'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        int code = read_option(option, optarg, options);
        if (code != EXIT_CODE_DONE)
            return code;
    }
    return optind < argc ? usage("no arguments are expected behind the options", argv[optind]) : EXIT_CODE_DONE;
}

static void print_table(const struct evaluation_report *report)
{
    (void)printf("model %s, %s: %u held-out events of %llu events, %u users, %u items\n\n", report->model_version,
                 report->split == SPLIT_LAST ? "the last event of every user held out" : "the newest tenth of the time line held out",
                 report->n_held_out, (unsigned long long)report->n_events, report->n_users, report->n_items);
    (void)printf("%-12s %7s %7s %7s %8s %8s %8s %7s\n", "", "HR@5", "HR@10", "HR@20", "NDCG@5", "NDCG@10", "NDCG@20", "MRR@10");
    for (int method = 0; method < METHODS; method++) {
        const struct method_figures *row = &report->figures[method];
        (void)printf("%-12s %7.4f %7.4f %7.4f %8.4f %8.4f %8.4f %7.4f\n", method_names[method], row->hr5, row->hr10, row->hr20, row->ndcg5,
                     row->ndcg10, row->ndcg20, row->mrr10);
    }
    (void)printf("\nThe blend counts the neighbours with weight %g.\n", (double)report->neighbours_weight);
    if (report->n_held_out == 0)
        (void)printf("Nothing is held out by this split: the zeros above say nothing.\n");
    if (!report->is_model_split)
        (void)printf(
            "The model was trained with the other split and has seen some of these events: encoder and blend look better than they are.\n");
}

static void emit_figures(struct emit *emit, const char *name, const struct method_figures *figures)
{
    emit_open_object(emit, name);
    emit_number(emit, "hr@5", figures->hr5, 6);
    emit_number(emit, "hr@10", figures->hr10, 6);
    emit_number(emit, "hr@20", figures->hr20, 6);
    emit_number(emit, "ndcg@5", figures->ndcg5, 6);
    emit_number(emit, "ndcg@10", figures->ndcg10, 6);
    emit_number(emit, "ndcg@20", figures->ndcg20, 6);
    emit_number(emit, "mrr@10", figures->mrr10, 6);
    emit_close_object(emit);
}

static void print_json(const struct evaluation_report *report)
{
    SCOPED(buffer_clear) struct buffer text;
    struct emit emit;
    buffer_init(&text, 65536);
    emit_init(&emit, &text);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "model_version", report->model_version);
    emit_text(&emit, "split", split_names[report->split]);
    emit_boolean(&emit, "is_model_split", report->is_model_split);
    emit_integer(&emit, "events", (int64_t)report->n_events);
    emit_integer(&emit, "users", report->n_users);
    emit_integer(&emit, "items", report->n_items);
    emit_integer(&emit, "held_out", report->n_held_out);
    emit_number(&emit, "neighbours_weight", (double)report->neighbours_weight, 6);
    emit_open_object(&emit, "methods");
    for (int method = 0; method < METHODS; method++)
        emit_figures(&emit, method_names[method], &report->figures[method]);
    emit_close_object(&emit);
    emit_close_object(&emit);
    if (!text.failed)
        (void)printf("%s\n", text.bytes);
}

static int evaluate(const struct evaluate_options *options, const struct settings *settings)
{
    struct error error = {0};
    struct evaluation_report report;
    struct progress_bar bar;
    interrupt_begin();
    progress_bar_init(&bar);
    struct progress progress = progress_bar_progress(&bar);
    enum status status = evaluating_run(settings, options->split, (unsigned)options->n_threads, &progress, &report, &error);
    progress_bar_finish(&bar);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "inkling evaluate: %s\n", error.detail[0] ? error.detail : status_text(status));
        return EXIT_CODE_FAILED;
    }
    if (options->wants_json)
        print_json(&report);
    else
        print_table(&report);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

int evaluate_verb(int argc, char **argv)
{
    struct evaluate_options options = {.split = SPLIT_OF_MODEL};
    struct settings settings;
    struct error error = {0};
    int code = read_options(argc, argv, &options);
    if (code != EXIT_CODE_DONE)
        return code;
    if (options.wants_help)
        return fputs(help, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    if (verb_settings_load(&options.settings, &settings, &error) != STATUS_OK)
        return usage(error.detail, NULL);
    return evaluate(&options, &settings);
}
