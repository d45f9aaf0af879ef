/* How well new items are found: content towers behind a short behaviour training, against rankings by category and by chance (the protocol
 * is in cold_input.h, the rivals in cold_rivals.h). Prints NDCG@20, HR@20 and coverage@20 of the cold items (ranked among each other;
 * coverage is the share of them in anybody's first 20, equals in random order), and NDCG@10 of warm cases with and without the mix by
 * evidence.
 *
 *     zcat ../shared/data/s3rec/Beauty.txt.gz | build/release/tests/bench/bench_cold --epochs 8 \
 *         --attributes ../shared/data/s3rec/Beauty_item2attributes.json --temperature .1
 *     zcat ../shared/data/uci-online-retail/online_retail_541909.csv.gz | build/release/tests/bench/bench_cold --epochs 8 --retail yes
 *
 * --cold-seed N draws other cold items; not the number of --seed, by which held-out items are drawn.
 *
 * --model FILE takes a behaviour model that an earlier run wrote (its name is printed) in the place of training one; the other options are
 * those of train_bench and of struct content_settings. */
#include "core/base/clock.h"
#include "core/base/node.h"
#include "core/content_evidence.h"
#include "core/content_training.h"
#include "core/encoder_scores.h"
#include "core/kernels/kernels.h"
#include "core/model_network.h"
#include "tests/bench/cold_rivals.h"

#include <stdlib.h>
#include <string.h>

struct options {
    struct training_settings settings;
    struct content_settings content;
    const char *attributes, *model, *directory;
    uint64_t cold_seed;
    bool is_retail, refits;
};

static bool take_content_option(struct content_settings *content, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *count;
        float *number;
    } table[] = {
        {"--content-epochs", &content->epochs, NULL},       {"--content-patience", &content->patience, NULL},
        {"--content-batch", &content->batch_rows, NULL},    {"--contents", &content->max_contents, NULL},
        {"--shared", &content->max_shared, NULL},           {"--channels", &content->shape.channels, NULL},
        {"--embedding", &content->shape.embedding, NULL},   {"--buckets", &content->shape.n_buckets, NULL},
        {"--features", &content->shape.max_features, NULL}, {"--content-rate", NULL, &content->learning_rate},
        {"--probability", NULL, &content->probability},     {"--content-dropout", NULL, &content->dropout},
        {"--content-averaging", NULL, &content->averaging}, {"--word-dropout", NULL, &content->word_dropout},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].count)
            *table[i].count = (uint32_t)strtoul(value, NULL, 10);
        else
            *table[i].number = strtof(value, NULL);
        return true;
    }
    return false;
}

static bool take_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--attributes") == 0)
        options->attributes = value;
    else if (strcmp(name, "--model") == 0)
        options->model = value;
    else if (strcmp(name, "--directory") == 0)
        options->directory = value;
    else if (strcmp(name, "--cold-seed") == 0)
        options->cold_seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--retail") == 0)
        options->is_retail = strcmp(value, "yes") == 0;
    else if (strcmp(name, "--refit") == 0)
        options->refits = strcmp(value, "yes") == 0;
    else
        return take_content_option(&options->content, name, value) || bench_setting(&options->settings, name, value);
    return true;
}

/* --- the models --- */

static enum status train_behaviour(const struct cold_input *cold, const struct cold_protocol *protocol, const struct split *split,
                                   const struct options *options, struct model **out_model, struct error *error)
{
    char version[MODEL_VERSION_BYTES], path[512];
    SCOPED(memory_free) const char **ids = calloc(protocol->n_items, sizeof *ids);
    if (!ids)
        return STATUS_NOMEM;
    if (options->model)
        return model_open(options->model, out_model, error);
    for (uint32_t v = 0; v < protocol->n_items; v++)
        ids[v] = names_text(cold->input.items, v);
    uint64_t began_ns = clock_monotonic_ns();
    TRY(trainer_run(protocol->train, split, ids, &options->settings, options->directory, NULL, version, error));
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", options->directory, version);
    (void)printf("behaviour: %s in %.1f s\n", path, (double)(clock_monotonic_ns() - began_ns) / 1e9);
    return model_open(path, out_model, error);
}

static enum status train_content(const struct content_ground *ground, const struct options *options, struct content_trained *trained,
                                 struct error *error)
{
    struct content_settings settings = options->content;
    TRY(content_training_run(ground, &settings, NULL, trained, error));
    (void)printf("content: %u items learned from, judged by %u cases on %u items, best epoch %u\n", trained->n_contents, trained->n_cases,
                 trained->n_candidates, trained->best_epoch);
    for (uint32_t epoch = 0; epoch < trained->n_epochs; epoch++)
        (void)printf("  epoch %2u  loss %.4f  NDCG@20 held out %.4f  %.1f s\n", epoch + 1, trained->curve[epoch].loss,
                     trained->curve[epoch].ndcg20, trained->curve[epoch].seconds);
    (void)fflush(stdout);
    return STATUS_OK;
}

/* The same on all items, as far as the best epoch. */
static enum status refit_content(const struct content_ground *ground, const struct options *options, struct content_trained *trained,
                                 struct error *error)
{
    struct content_settings settings = options->content;
    settings.last_epoch = trained->best_epoch;
    settings.held_out = 0;
    content_trained_clear(trained);
    return content_training_run(ground, &settings, NULL, trained, error);
}

/* --- cold cases --- */

struct cold_figures {
    uint32_t *ranks; /* [n_cases] */
    bool *shown;     /* [n_cold] in anybody's first 20 */
};

static void figures_init(struct cold_figures *figures, const struct cold_protocol *protocol)
{
    figures->ranks = calloc((size_t)protocol->n_cases + 1, sizeof *figures->ranks);
    figures->shown = calloc((size_t)protocol->n_cold + 1, sizeof *figures->shown);
    if (!figures->ranks || !figures->shown)
        exit(3);
}

static void print_figures(struct cold_figures *figures, const struct cold_protocol *protocol, const char *name)
{
    struct method_figures means;
    uint32_t n_shown = 0;
    figures_from_ranks(figures->ranks, protocol->n_cases, &means);
    for (uint32_t i = 0; i < protocol->n_cold; i++)
        n_shown += figures->shown[i];
    (void)printf("  %-18s NDCG@20 %.4f  HR@20 %.4f  coverage@20 %.3f\n", name, means.ndcg20, means.hr20,
                 (double)n_shown / protocol->n_cold);
    free(figures->ranks);
    free(figures->shown);
}

/* The target's rank among the cold items, and the first 20, equals in an order that is random for every case. */
static void note_case(struct cold_figures *figures, const struct cold_protocol *protocol, uint32_t number, const float scores[])
{
    const struct cold_case *judged = &protocol->cases[number];
    uint32_t target = 0, best[LIST_LENGTH], n = 0;
    uint64_t luck[LIST_LENGTH];
    struct random random;
    random_init(&random, protocol->seed + 1, number);
    for (uint32_t i = 0; i < protocol->n_cold; i++) {
        uint64_t mine = random_next(&random);
        uint32_t place = n;
        target = protocol->cold_items[i] == judged->target ? i : target;
        while (place > 0 && (scores[i] > scores[best[place - 1]] || (scores[i] == scores[best[place - 1]] && mine > luck[place - 1])))
            place--;
        if (place == LIST_LENGTH)
            continue;
        n += n < LIST_LENGTH;
        memmove(best + place + 1, best + place, (n - 1 - place) * sizeof *best);
        memmove(luck + place + 1, luck + place, (n - 1 - place) * sizeof *luck);
        best[place] = i;
        luck[place] = mine;
    }
    for (uint32_t i = 0; i < n; i++)
        figures->shown[best[i]] = true;
    figures->ranks[number] = rank_of_target(scores, protocol->n_cold, target);
}

static void judge_rivals(const struct cold_protocol *protocol)
{
    struct cold_rivals rivals;
    SCOPED(memory_free) float *scores = calloc((size_t)protocol->n_cold + 1, sizeof *scores);
    if (!scores)
        exit(3);
    cold_rivals_init(&rivals, protocol);
    for (enum rival rival = 0; rival < RIVALS; rival++) {
        struct cold_figures figures;
        figures_init(&figures, protocol);
        for (uint32_t i = 0; i < protocol->n_cases; i++) {
            cold_rivals_score(&rivals, rival, protocol->cases[i].user, scores);
            note_case(&figures, protocol, i, scores);
        }
        print_figures(&figures, protocol, rival_names[rival]);
    }
    cold_rivals_clear(&rivals);
}

/* weights: with every cold item placed by its content. */
static void judge_content(const struct cold_protocol *protocol, const struct encoder *encoder, const float *weights, const char *name)
{
    size_t C = encoder->shape.width;
    bool is_tempered = encoder->shape.temperature > 0;
    SCOPED(memory_free) void *workspace = aligned_alloc(64, (encoder_last_bytes(encoder) + 63) / 64 * 64);
    SCOPED(memory_free) float *scores = calloc((size_t)protocol->n_cold + 1, sizeof *scores);
    struct cold_figures figures;
    if (!workspace || !scores)
        exit(3);
    figures_init(&figures, protocol);
    for (uint32_t number = 0; number < protocol->n_cases; number++) {
        uint64_t first = protocol->train->starts[protocol->cases[number].user],
                 end = protocol->train->starts[protocol->cases[number].user + 1];
        float state[WIDTH_MAX];
        encoder_last(encoder, weights, protocol->train->items + first, NULL, protocol->train->types + first, (uint32_t)(end - first),
                     workspace, state);
        double length = is_tempered ? content_length(state, C) * (double)encoder->shape.temperature : 1;
        for (uint32_t i = 0; i < protocol->n_cold; i++) {
            const float *item = weights + encoder->tensors.items + protocol->cold_items[i] * C;
            double score = 0, divisor = is_tempered ? content_length(item, C) * length : 1;
            for (size_t c = 0; c < C; c++)
                score += (double)item[c] * (double)state[c];
            scores[i] = (float)(divisor > 0 ? score / divisor : 0) + weights[encoder->tensors.bias + protocol->cold_items[i]];
        }
        note_case(&figures, protocol, number, scores);
    }
    print_figures(&figures, protocol, name);
}

/* --- warm cases --- */

static enum status judge_warm(const struct cold_protocol *protocol, const struct content_ground *ground, const float *weights,
                              const char *words)
{
    SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
    SCOPED(split_destroy) struct split *split = NULL;
    struct method_figures figures;
    uint32_t n = 0;
    TRY(dataset_split(protocol->warm, SPLIT_LAST, ground->type_weights, 0, &split));
    for (uint32_t i = 0; i < split->n_held_out; i++)
        if (!protocol->ends_cold[split->held_out[i].user])
            split->held_out[n++] = split->held_out[i];
    split->n_held_out = n;
    TRY(encoder_scores_init(&scores, ground->encoder, weights, ground->type_weights, workers_count(ground->workers)));
    TRY(evaluate_encoder(protocol->warm, split, &scores.view, ground->workers, &figures));
    (void)printf("  %-34s NDCG@10 %.4f  HR@10 %.4f  (%u cases)\n", words, figures.ndcg10, figures.hr10, n);
    return STATUS_OK;
}

/* The mix, but cold items as they were: what warm items lose to each other. */
static void put_back_cold(const struct cold_protocol *protocol, const struct content_ground *ground, float weights[])
{
    const struct tensors *at = &ground->encoder->tensors;
    size_t C = ground->encoder->shape.width;
    for (uint32_t i = 0; i < protocol->n_cold; i++) {
        size_t item = protocol->cold_items[i];
        memcpy(weights + at->items + item * C, ground->weights + at->items + item * C, C * sizeof *weights);
        weights[at->bias + item] = ground->weights[at->bias + item];
    }
}

/* Where the tower puts every item. */
static enum status place_all(const struct cold_protocol *protocol, const struct content_ground *ground,
                             const struct content_trained *trained, float placed[], struct error *error)
{
    return content_place_all(&trained->tower, trained->weights, protocol->contents, protocol->n_items, ground->workers, placed, error);
}

/* As core/content_phase.h does: by the tower that has not seen its held-out items. */
static enum status choose_evidence(const struct cold_protocol *protocol, const struct split *split, const struct content_ground *ground,
                                   const uint32_t item_events[], const float placed[], struct evidence *evidence)
{
    struct evidence_figures figures;
    TRY(evidence_choose(evidence, ground, protocol->train, split, item_events, placed, &figures));
    (void)printf("warm items\n  NDCG@10 held out: ids %.4f, shift", figures.ids);
    for (size_t i = 0; i < EVIDENCE_SHIFTS; i++)
        (void)printf(" %g %.4f%s", (double)evidence_shifts[i], figures.by_shift[i], evidence_shifts[i] == evidence->shift ? "*" : "");
    (void)printf(", k");
    for (size_t i = 0; i < EVIDENCE_CHOICES; i++)
        (void)printf(" %g %.4f%s", (double)evidence_choices[i], figures.by_choice[i], evidence_choices[i] == evidence->k ? "*" : "");
    (void)printf("\n");
    return STATUS_OK;
}

/* mixed: the encoder's weights, scratch. */
static enum status judge(const struct cold_protocol *protocol, const struct content_ground *ground, const uint32_t item_events[],
                         const float placed[], struct evidence evidence, float mixed[])
{
    const struct encoder *encoder = ground->encoder;
    TRY(judge_warm(protocol, ground, ground->weights, "ids alone"));
    evidence_apply(&evidence, ground, item_events, placed, mixed);
    TRY(judge_warm(protocol, ground, mixed, "mix, cold items by content"));
    (void)printf("cold items: %u cases on %u items\n", protocol->n_cases, protocol->n_cold);
    judge_content(protocol, encoder, mixed, "content tower");
    judge_rivals(protocol);
    put_back_cold(protocol, ground, mixed);
    TRY(judge_warm(protocol, ground, mixed, "mix, cold items as they were"));
    evidence.k = 0;
    evidence_apply(&evidence, ground, item_events, placed, mixed);
    TRY(judge_warm(protocol, ground, mixed, "k = 0, cold items by content"));
    judge_content(protocol, encoder, mixed, "content, k = 0");
    return STATUS_OK;
}

static enum status train_and_judge(const struct cold_protocol *protocol, const struct split *split, const struct content_ground *ground,
                                   const struct options *options, struct error *error)
{
    const struct encoder *encoder = ground->encoder;
    SCOPED(content_trained_clear) struct content_trained trained = {0};
    SCOPED(memory_free) float *placed = calloc((size_t)protocol->n_items * (encoder->shape.width + 1), sizeof *placed);
    SCOPED(memory_free) float *mixed = aligned_alloc(64, (encoder->tensors.n_floats * sizeof *mixed + 63) / 64 * 64);
    SCOPED(memory_free) uint32_t *item_events = calloc(protocol->n_items, sizeof *item_events);
    struct evidence evidence = {.width = encoder->shape.width, .is_tempered = encoder->shape.temperature > 0};
    if (!placed || !mixed || !item_events)
        return STATUS_NOMEM;
    content_count_events(ground->sequences, ground->type_weights, item_events);
    TRY(train_content(ground, options, &trained, error));
    TRY(place_all(protocol, ground, &trained, placed, error));
    evidence.length = trained.length;
    TRY(choose_evidence(protocol, split, ground, item_events, placed, &evidence));
    if (options->refits) {
        TRY(refit_content(ground, options, &trained, error));
        TRY(place_all(protocol, ground, &trained, placed, error));
    }
    return judge(protocol, ground, item_events, placed, evidence, mixed);
}

static enum status measure(const struct cold_input *cold, const struct options *options, struct error *error)
{
    struct cold_protocol protocol;
    struct split *split = NULL;
    struct model *model = NULL;
    SCOPED(sequences_clear) struct sequences sequences = {0};
    SCOPED(workers_destroy) struct workers *workers = workers_create(options->settings.n_threads);
    const struct type_weights *type_weights = &options->settings.type_weights;
    if (!workers)
        return STATUS_NOMEM;
    cold_protocol_init(&protocol, cold, options->cold_seed);
    enum status status = dataset_split(protocol.train, SPLIT_LAST, type_weights, 0, &split);
    if (status == STATUS_OK)
        status = train_behaviour(cold, &protocol, split, options, &model, error);
    if (status == STATUS_OK)
        status = sequences_init(&sequences, protocol.train, split, type_weights);
    if (status == STATUS_OK) {
        const struct content_ground ground = {model_encoder(model), model_weights(model), &sequences,
                                              type_weights,         protocol.contents,    workers};
        status = train_and_judge(&protocol, split, &ground, options, error);
    }
    model_close(model);
    split_destroy(split);
    cold_protocol_clear(&protocol);
    return status;
}

int main(int argc, char *argv[])
{
    struct options options = {
        .settings = training_settings_default(), .content = content_settings_default(), .directory = ".", .cold_seed = COLD_SEED};
    struct cold_input cold;
    struct error error = {.detail = ""};
    kernels_choose_blas(argv);
    options.settings.n_threads = workers_processors();
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc || !take_option(&options, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "bench_cold: unknown option %s, or it has no value\n", argv[i]);
            return 2;
        }
    }
    if (!options.is_retail && !options.attributes) {
        (void)fprintf(stderr, "bench_cold: either --attributes FILE or --retail yes is needed\n");
        return 2;
    }
    if (options.cold_seed == options.settings.seed) {
        (void)fprintf(stderr, "bench_cold: --cold-seed must not be --seed: the same items would be cold and held out\n");
        return 2;
    }
    options.content.seed = options.settings.seed;
    node_start();
    if (options.is_retail)
        cold_input_read_retail(&cold, stdin);
    else
        cold_input_read_attributes(&cold, stdin, options.attributes);
    bench_input_weights(&cold.input, &options.settings.type_weights);
    (void)printf("%u events, %u users, %u items\n", cold.input.n_events, names_count(cold.input.users), names_count(cold.input.items));
    enum status status = measure(&cold, &options, &error);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "bench_cold: %s: %s\n", status_text(status), error.detail);
    cold_input_clear(&cold);
    return status == STATUS_OK ? 0 : 1;
}
