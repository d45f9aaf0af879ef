/* One table of metrics, printed by one loop; a family with labels is a row a label. */
#include "server/app/service.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name, *labels; /* labels: without braces, NULL: none */
    enum metric_kind kind;
    const char *help; /* NULL: the family of the row before */
    size_t offset;    /* into struct figures */
    double scale;     /* of the stored number */
};

#define FIGURE(member) offsetof(struct figures, member)

// clang-format off
static const struct metric table[] = {
    {"inkling_events_stored",               NULL,                    METRIC_GAUGE,   "Events in the store.",                                   FIGURE(events),             1},
    {"inkling_events_accepted_total",       NULL,                    METRIC_COUNTER, "Events stored and acknowledged.",                        FIGURE(events_accepted),    1},
    {"inkling_events_duplicate_total",      NULL,                    METRIC_COUNTER, "Events whose event_id was there already.",               FIGURE(events_duplicate),   1},
    {"inkling_writes_failed_total",         NULL,                    METRIC_COUNTER, "Writes that the store could not keep.",                  FIGURE(writes_failed),      1},
    {"inkling_writes_refused_total",        NULL,                    METRIC_COUNTER, "Writes refused for what they ask.",                      FIGURE(writes_refused),     1},
    {"inkling_commits_total",               NULL,                    METRIC_COUNTER, "Transactions committed.",                                FIGURE(commits),            1},
    {"inkling_commits_failed_total",        NULL,                    METRIC_COUNTER, "Transactions that failed and were rolled back.",         FIGURE(commits_failed),     1},
    {"inkling_commit_seconds_total",        NULL,                    METRIC_COUNTER, "Time spent in transactions that committed.",             FIGURE(commit_ns),          1e-9},
    {"inkling_last_commit_failed",          NULL,                    METRIC_GAUGE,   "1 while the last transaction has failed.",               FIGURE(last_commit_failed), 1},
    {"inkling_recommendations_total",       "reason=\"behaviour\"",  METRIC_COUNTER, "Answers, by the reason of their first item.",            FIGURE(answers[0]),         1},
    {"inkling_recommendations_total",       "reason=\"neighbours\"", METRIC_COUNTER, NULL,                                                     FIGURE(answers[1]),         1},
    {"inkling_recommendations_total",       "reason=\"content\"",    METRIC_COUNTER, NULL,                                                     FIGURE(answers[2]),         1},
    {"inkling_recommendations_total",       "reason=\"popular\"",    METRIC_COUNTER, NULL,                                                     FIGURE(answers[3]),         1},
    {"inkling_recommendations_total",       "reason=\"none\"",       METRIC_COUNTER, NULL,                                                     FIGURE(answers[4]),         1},
    {"inkling_recommendations_degraded_total", NULL,                 METRIC_COUNTER, "Answers made without a part that should have been in.",  FIGURE(answers_degraded),   1},
    {"inkling_encodings_total",             "way=\"kept\"",          METRIC_COUNTER, "Users encoded: the state was kept, it was advanced by what is new, or all was encoded.", FIGURE(encodings[ENCODING_KEPT]), 1},
    {"inkling_encodings_total",             "way=\"advanced\"",      METRIC_COUNTER, NULL,                                                     FIGURE(encodings[ENCODING_ADVANCED]), 1},
    {"inkling_encodings_total",             "way=\"whole\"",         METRIC_COUNTER, NULL,                                                     FIGURE(encodings[ENCODING_WHOLE]), 1},
    {"inkling_pictures_total",              "outcome=\"decoded\"",    METRIC_COUNTER, "Pictures put for items, by what the decoder said; those refused before it for their type or bytes (413, 415), and those to classify, are not among them.", FIGURE(pictures_decoded),   1},
    {"inkling_pictures_total",              "outcome=\"refused\"",    METRIC_COUNTER, NULL,                                                     FIGURE(pictures_refused),   1},
    {"inkling_models_adopted_total",        NULL,                    METRIC_COUNTER, "Model files registered.",                                FIGURE(models_adopted),     1},
    {"inkling_models_damaged_total",        NULL,                    METRIC_COUNTER, "Model files refused.",                                   FIGURE(models_damaged),     1},
    {"inkling_model_swaps_total",           NULL,                    METRIC_COUNTER, "Times that another model became live.",                  FIGURE(model_swaps),        1},
};
// clang-format on

static void print_head(struct buffer *out, const char *name, const char *help, enum metric_kind kind)
{
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind == METRIC_COUNTER ? "counter" : "gauge");
}

static void print_gauge(struct buffer *out, const char *name, const char *help, double value)
{
    print_head(out, name, help, METRIC_GAUGE);
    buffer_append_format(out, "%s %.17g\n", name, value);
}

static void print_counter(struct buffer *out, const char *name, const char *help, double value)
{
    print_head(out, name, help, METRIC_COUNTER);
    buffer_append_format(out, "%s %.17g\n", name, value);
}

static void print_table(const struct figures *figures, struct buffer *out)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct metric *metric = &table[i];
        const atomic_uint_fast64_t *figure = (const void *)((const char *)figures + metric->offset);
        double value = (double)atomic_load(figure) * metric->scale;
        if (metric->help)
            print_head(out, metric->name, metric->help, metric->kind);
        if (metric->labels)
            buffer_append_format(out, "%s{%s} %.17g\n", metric->name, metric->labels, value);
        else
            buffer_append_format(out, "%s %.17g\n", metric->name, value);
    }
}

static void print_behaviour(struct app *app, struct buffer *out)
{
    struct behaviour_figures figures;
    behaviour_measure(app->behaviour, &figures);
    print_gauge(out, "inkling_behaviour_bytes", "Memory of users' events.", (double)figures.bytes);
    print_counter(out, "inkling_behaviour_forgotten_total", "Idle users taken out of memory.", (double)figures.n_forgotten);
    print_counter(out, "inkling_behaviour_rebuilt_total", "Users read again from the store.", (double)figures.n_rebuilt);
}

static void print_encoder_cache(struct app *app, struct buffer *out)
{
    struct encoder_cache_figures figures = {0};
    if (app->encoder_cache)
        encoder_cache_measure(app->encoder_cache, &figures);
    print_gauge(out, "inkling_encoder_cache_bytes", "Memory of users' encoder states.", (double)figures.bytes);
    print_gauge(out, "inkling_encoder_cache_users", "Users whose encoder state is kept.", (double)figures.n_users);
    print_counter(out, "inkling_encoder_cache_evicted_total", "Encoder states that gave way to others.", (double)figures.n_evicted);
}

static void print_model(struct app *app, struct buffer *out)
{
    unsigned slot = epoch_enter(app->epoch);
    const struct live_model *live = live_get(&app->live);
    if (live->model) {
        print_head(out, "inkling_model_info", "The live model.", METRIC_GAUGE);
        buffer_append_format(out, "inkling_model_info{version=\"%s\"} 1\n", model_facts(live->model)->version);
    }
    uint32_t n_placed = live->newcomers ? newcomers_count(live->newcomers) : 0;
    epoch_leave(app->epoch, slot);
    print_gauge(out, "inkling_items_placed", "Items newer than the live model that it places by their words and pictures.", n_placed);
    print_gauge(out, "inkling_filling", "1 while stored pictures and items are brought into the models that became live.",
                !filler_is_idle(app->filler));
}

static void print_jobs(struct app *app, struct buffer *out)
{
    struct job jobs[JOBS_KEPT];
    size_t n = jobs_list(app->jobs, JOBS_KEPT, jobs);
    print_head(out, "inkling_jobs", "Training jobs of this run of the service, by state.", METRIC_GAUGE);
    for (int state = JOB_RUNNING; state <= JOB_CANCELLED; state++) {
        unsigned count = 0;
        for (size_t i = 0; i < n; i++)
            count += (int)jobs[i].state == state;
        buffer_append_format(out, "inkling_jobs{state=\"%s\"} %u\n", job_state_names[state], count);
    }
}

void app_metrics(struct app *app, struct buffer *out)
{
    print_table(&app->figures, out);
    print_counter(out, "inkling_picture_decoders_started_total", "Processes started to decode pictures; one for each that a picture broke.",
                  (double)decoder_children(app->decoder));
    print_gauge(out, "inkling_writes_waiting", "Writes that wait for the writer.", writer_waiting(app->writer));
    print_gauge(out, "inkling_users", "Users that were named, erased ones included.", names_count(app->names[NAME_USER]));
    print_gauge(out, "inkling_items", "Items that were named, deleted ones included.", catalogue_count(app->catalogue));
    print_gauge(out, "inkling_seen_seq", "Highest sequence number in memory.", (double)atomic_load(&app->seen_seq));
    print_behaviour(app, out);
    print_encoder_cache(app, out);
    print_model(app, out);
    print_jobs(app, out);
}
