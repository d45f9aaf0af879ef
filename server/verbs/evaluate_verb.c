/* `inkling evaluate`: a table of how well the live model ranks held-out events, beside what costs no training. */
#include "server/app/evaluating.h"
#include "server/app/training_data.h"
#include "server/verbs/evaluation_table.h"
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

static void print_json(const struct evaluation_report *report)
{
    SCOPED(buffer_clear) struct buffer text;
    buffer_init(&text, 1u << 20);
    evaluation_report_emit(report, &text);
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
        evaluation_table_print(&report);
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
