/* `inkling evaluate`: a table of how well the live model ranks held-out events, beside what costs no training. */
#include "server/app/evaluation_page.h"
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
                           "\n"
                           "How good are the lists?\n"
                           "  HR@k         share of the events whose item is among the first k\n"
                           "  NDCG@k       the same, but a place counts 1 / log2(place + 1): 1, 0.63, 0.5 … 0.29 for the tenth\n"
                           "  MRR@k        the same, but a place counts 1 / place\n"
                           "  95 % interval  where the figure falls in 950 of 1000 draws of as many events: how much of it is luck.\n"
                           "               Differences are drawn together, so they are certain sooner than the figures are\n"
                           "  cold users, cold items  users, or items that were next, with at most 5 training events\n"
                           "What do they show?\n"
                           "  coverage@k   share of the catalogue that is among the first k of anybody's list\n"
                           "  Gini@10      how unevenly items are shown: 0 all alike, 1 one item takes every place\n"
                           "  novelty@10   how little known they are, in bits: one more means half as popular\n"
                           "  repeats      share of later events on items that the user had before; these are not judged\n"
                           "Are the encoder's probabilities true? The page (--html) has the picture.\n"
                           "\n"
                           "A refit, which was trained on everything, is not judged itself, but the selected model that it\n"
                           "was made from. A server may run beside it.\n"
                           "\n"
                           "  --data DIR        the data directory\n"
                           "  --model VERSION   judge this model instead of the live one\n"
                           "  --split time|last time: the newest tenth of the events is held out; last: everybody's last\n"
                           "                    event is; the default is what the model was trained with\n"
                           "  --threads N       processors to use (default: all)\n"
                           "  --set NAME=VALUE  a setting for this run, as in DIR/inkling.conf\n"
                           "  --json            everything as one JSON object\n"
                           "  --html FILE       write a page with pictures as well; it needs no network\n"
                           "  --help            this text\n"
                           "\n"
                           "Example:\n"
                           "  inkling evaluate --data /var/lib/inkling --html report.html\n"
                           "\n"
                           "Ends with 0, with 1 when there is nothing to judge or the page cannot be written (the reason is\n"
                           "said), 2 on wrong usage.\n";

struct evaluate_options {
    struct verb_settings settings;
    int split;
    int64_t n_threads;
    const char *version;   /* NULL: the live model */
    const char *page_path; /* NULL: no page */
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
    case 'm': options->version = value; return EXIT_CODE_DONE;
    case 'p': options->page_path = value; return value[0] ? EXIT_CODE_DONE : usage("--html wants the name of a file", NULL);
    case 'j': options->wants_json = true; return EXIT_CODE_DONE;
    case 'h': options->wants_help = true; return EXIT_CODE_DONE;
    default: return usage("wrong option", NULL);
    }
}

static int read_options(int argc, char **argv, struct evaluate_options *options)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'}, {"split", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
        {"set", required_argument, NULL, 'S'},  {"model", required_argument, NULL, 'm'}, {"html", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},       {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
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

static enum status judge(const struct evaluate_options *options, const struct settings *settings, struct evaluation_report *out_report,
                         struct error *error)
{
    struct progress_bar bar;
    interrupt_begin(NULL);
    progress_bar_init(&bar);
    struct progress progress = progress_bar_progress(&bar);
    const struct evaluate_query query = {.split = options->split, .version = options->version, .n_threads = (unsigned)options->n_threads};
    enum status status = evaluating_run(settings, &query, &progress, out_report, error);
    progress_bar_finish(&bar);
    return status;
}

static int evaluate(const struct evaluate_options *options, const struct settings *settings)
{
    struct error error = {0};
    SCOPED(evaluation_report_clear) struct evaluation_report report = {0};
    enum status status = judge(options, settings, &report, &error);
    if (status == STATUS_OK && options->wants_json)
        print_json(&report);
    else if (status == STATUS_OK)
        evaluation_table_print(&report);
    if (status == STATUS_OK && options->page_path)
        status = evaluation_page_write(options->page_path, &report, report.training.bytes, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "inkling evaluate: %s\n", error.detail[0] ? error.detail : status_text(status));
        return EXIT_CODE_FAILED;
    }
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
