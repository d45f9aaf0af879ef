/* Retraining is asked for here and done by a child process; a job is where its progress is seen. */
#include "server/api/api.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/api/query.h"
#include "server/app/model_files.h"

#include <stdio.h>
#include <string.h>

#define JOBS_MAX 64

static const char *const splits[] = {[SPLIT_LAST] = "last", [SPLIT_TIME] = "time", NULL};

#define ONLY_NOTHING (-1)
static const char *const kinds[] = {"pictures", NULL}; /* that are trained only when asked for */
static const char *const presets[] = {[PICTURE_SEED] = "seed", [PICTURE_BEST] = "best", NULL};

struct retrain_input {
    int split, only, preset;
    int64_t epochs, seed, n_threads, budget_seconds;
    const char *settings_version;
    bool refit, force, fresh;
};

static const struct retrain_input defaults = {.split = SPLIT_TIME,
                                              .only = ONLY_NOTHING,
                                              .preset = PICTURE_BEST,
                                              .seed = 1,
                                              .budget_seconds = BUDGET_DEFAULT,
                                              .refit = true}; /* as the verb's: the same request makes the same model */

/* clang-format off */
static const struct field table[] = {
    {.name = "split",          .kind = FIELD_CHOICE,  .offset = offsetof(struct retrain_input, split),            .choices = splits},
    {.name = "epochs",         .kind = FIELD_INTEGER, .offset = offsetof(struct retrain_input, epochs),           .least = 1, .most = 1000},
    {.name = "seed",           .kind = FIELD_INTEGER, .offset = offsetof(struct retrain_input, seed),             .least = 0, .most = 9007199254740991.0},
    {.name = "threads",        .kind = FIELD_INTEGER, .offset = offsetof(struct retrain_input, n_threads),        .least = 1, .most = 256},
    {.name = "budget_seconds", .kind = FIELD_INTEGER, .offset = offsetof(struct retrain_input, budget_seconds),   .least = 0, .most = RETRAIN_BUDGET_MOST},
    {.name = "settings",       .kind = FIELD_ID,      .offset = offsetof(struct retrain_input, settings_version)},
    {.name = "refit",          .kind = FIELD_BOOLEAN, .offset = offsetof(struct retrain_input, refit)},
    {.name = "force",          .kind = FIELD_BOOLEAN, .offset = offsetof(struct retrain_input, force)},
    {.name = "fresh",          .kind = FIELD_BOOLEAN, .offset = offsetof(struct retrain_input, fresh)},
    {.name = "only",           .kind = FIELD_CHOICE,  .offset = offsetof(struct retrain_input, only),             .choices = kinds},
    {.name = "preset",         .kind = FIELD_CHOICE,  .offset = offsetof(struct retrain_input, preset),           .choices = presets},
};
/* clang-format on */

static const struct fields fields = {.what = "a training request",
                                     .fields = table,
                                     .n_fields = sizeof table / sizeof table[0],
                                     .record_bytes = sizeof(struct retrain_input),
                                     .defaults = &defaults};

/* An empty text is "not yet". */
static void emit_text_or_null(struct emit *emit, const char *name, const char *text)
{
    emit_text(emit, name, text[0] ? text : NULL);
}

static void emit_job(struct emit *emit, const struct job *job)
{
    emit_open_object(emit, NULL);
    emit_text(emit, "job_id", job->job_id);
    emit_text(emit, "state", job_state_names[job->state]);
    emit_text_or_null(emit, "phase", job->phase);
    emit_text_or_null(emit, "note", job->note);
    emit_integer(emit, "done", (int64_t)job->done);
    emit_integer(emit, "total", (int64_t)job->total);
    emit_time(emit, "created_at", job->created_at_ms);
    emit_time(emit, "finished_at", job->finished_at_ms);
    emit_text_or_null(emit, "model_version", job->model_version);
    emit_text_or_null(emit, "model_state", job->model_state);
    emit_text_or_null(emit, "detail", job->detail);
    emit_close_object(emit);
}

static enum status reply_job(struct exchange *exchange, unsigned code, const struct job *job)
{
    struct emit emit;
    emit_init(&emit, exchange_out(exchange));
    emit_job(&emit, job);
    return exchange_reply(exchange, code, NULL);
}

/* What does not go with pictures, or with pictures alone. */
static enum status check_kind(struct exchange *exchange, const struct retrain_input *input, struct mistakes *mistakes)
{
    const struct {
        const char *pointer;
        bool is_given;
    } of_behaviour[] = {{"/split", input->split != defaults.split},
                        {"/budget_seconds", input->budget_seconds != defaults.budget_seconds},
                        {"/settings", input->settings_version != NULL},
                        {"/force", input->force},
                        {"/fresh", input->fresh}};
    bool only_pictures = input->only != ONLY_NOTHING;
    for (size_t i = 0; only_pictures && i < sizeof of_behaviour / sizeof of_behaviour[0]; i++)
        if (of_behaviour[i].is_given)
            mistakes_add(mistakes, exchange_arena(exchange), of_behaviour[i].pointer, "does not go with \"only\": \"pictures\"");
    if (!only_pictures && input->preset != defaults.preset)
        mistakes_add(mistakes, exchange_arena(exchange), "/preset", "goes with \"only\": \"pictures\" alone");
    return mistakes->n_mistakes ? STATUS_INVALID : STATUS_OK;
}

/* Read the body, if there is one, into what the verb would have been told. */
static enum status read_request(struct exchange *exchange, struct retrain_query *out_query, struct mistakes *mistakes)
{
    struct retrain_input input = defaults;
    if (exchange_body_kind(exchange) != BODY_NONE)
        TRY(body_read(exchange, &fields, &input, NULL, mistakes));
    TRY(check_kind(exchange, &input, mistakes));
    struct retrain_query query = {.split = (enum split_kind)input.split,
                                  .epochs = input.epochs,
                                  .seed = input.seed,
                                  .n_threads = input.n_threads,
                                  .budget_seconds = input.budget_seconds,
                                  .no_refit = !input.refit,
                                  .force = input.force,
                                  .fresh = input.fresh,
                                  .only_pictures = input.only != ONLY_NOTHING,
                                  .preset = (enum picture_preset)input.preset};
    const char *version = input.settings_version ? input.settings_version : "";
    if (version[0] && strcmp(version, "live") != 0 && !is_model_version(version)) {
        mistakes_add(mistakes, exchange_arena(exchange), "/settings", "expected \"live\" or the version of a model, got \"%.40s\"",
                     version);
        return STATUS_INVALID;
    }
    (void)snprintf(query.settings_version, sizeof query.settings_version, "%s", version);
    *out_query = query;
    return STATUS_OK;
}

enum status retrain_post(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct retrain_query query;
    struct job job;
    TRY(query_refuse_all(exchange, error));
    enum status status = read_request(exchange, &query, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    TRY(app_retrain(api_of(exchange)->app, &query, &job, error));
    const char *location = arena_format(exchange_arena(exchange), "/v1/jobs/%s", job.job_id);
    if (location)
        exchange_header(exchange, "Location", location);
    return reply_job(exchange, 202, &job);
}

enum status jobs_get(struct exchange *exchange, struct error *error)
{
    struct emit emit;
    TRY(query_refuse_all(exchange, error));
    struct job *jobs = arena_alloc_array(exchange_arena(exchange), JOBS_MAX, sizeof *jobs);
    if (!jobs)
        return fail(error, STATUS_NOMEM, "no memory for the list of jobs");
    size_t n = app_jobs(api_of(exchange)->app, JOBS_MAX, jobs);
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_open_array(&emit, "jobs");
    for (size_t i = 0; i < n; i++)
        emit_job(&emit, &jobs[i]);
    emit_close_array(&emit);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}

enum status job_get(struct exchange *exchange, struct error *error)
{
    struct job job;
    const char *job_id = exchange_segment(exchange, 0);
    TRY(query_refuse_all(exchange, error));
    if (app_job(api_of(exchange)->app, job_id, &job) != STATUS_OK)
        return fail(error, STATUS_NOT_FOUND, "there is no job %.128s", job_id);
    return reply_job(exchange, 200, &job);
}

enum status job_delete(struct exchange *exchange, struct error *error)
{
    struct job job;
    TRY(query_refuse_all(exchange, error));
    TRY(app_cancel_job(api_of(exchange)->app, exchange_segment(exchange, 0), &job, error));
    return reply_job(exchange, 202, &job);
}
