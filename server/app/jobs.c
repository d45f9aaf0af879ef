/* A ring of the last jobs and at most one child. A job's end is decided by how the child ended and what it said last: exit code 0 (or
 * EXIT_REJECTED, if it said so) and a version is a model to adopt, even if a cancellation came too late. */
#include "server/app/jobs.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/node.h"
#include "server/app/child.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h> /* libsodium: random ids; ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define END_POLL_MS     10
#define ARGUMENTS_MAX   256    /* the question, and two for every setting and weight */
#define ARGUMENTS_BYTES 65536u /* of a block */

const char *const job_state_names[] = {"running", "succeeded", "failed", "cancelled"};

enum stage { STAGE_NONE, STAGE_WAITING /* to be started */, STAGE_CHILD, STAGE_ADOPTING };

struct jobs {
    pthread_mutex_t lock; /* guards everything below but what is constant */
    struct job_program program;
    const struct settings *settings;
    struct job jobs[JOBS_KEPT];
    uint64_t n_added;
    enum stage stage; /* of the newest job */
    struct retrain_query query;
    struct child child;
    bool is_cancelled;
    uint64_t kill_at_ns;     /* 0: SIGTERM was not sent yet */
    struct job_outcome said; /* by the child */
    char said_reason[sizeof((struct job *)0)->detail], said_error[sizeof((struct job *)0)->detail];
};

struct jobs *jobs_create(const struct job_program *program, const struct settings *settings)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->program = *program;
    jobs->settings = settings;
    jobs->child.out = -1;
    (void)pthread_mutex_init(&jobs->lock, NULL); /* cannot fail with default attributes */
    return jobs;
}

void jobs_destroy(struct jobs *jobs)
{
    if (!jobs)
        return;
    assert(!jobs->child.pid);
    (void)pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

static struct job *newest(struct jobs *jobs)
{
    return &jobs->jobs[(jobs->n_added - 1) % JOBS_KEPT];
}

static size_t count_kept(const struct jobs *jobs)
{
    return jobs->n_added < JOBS_KEPT ? (size_t)jobs->n_added : JOBS_KEPT;
}

static void random_id(char out_id[33])
{
    unsigned char bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2hex(out_id, 33, bytes, sizeof bytes);
}

/* A text that may be longer than its place. */
static void copy_text(char *out, size_t n_bytes, const char *text)
{
    size_t length = strnlen(text, n_bytes - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

enum status jobs_add(struct jobs *jobs, const struct retrain_query *query, struct job *out_job, struct error *error)
{
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&jobs->lock);
    if (jobs->stage != STAGE_NONE) {
        status = fail(error, STATUS_CONFLICT, "job %s is running; wait for its end or cancel it", newest(jobs)->job_id);
    } else {
        jobs->n_added++;
        struct job *job = newest(jobs);
        *job = (struct job){.state = JOB_RUNNING, .created_at_ms = clock_now_ms(), .finished_at_ms = INT64_MIN};
        random_id(job->job_id);
        copy_text(job->phase, sizeof job->phase, "starting");
        jobs->query = *query;
        jobs->stage = STAGE_WAITING;
        jobs->is_cancelled = false;
        *out_job = *job;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return status;
}

static struct job *find(struct jobs *jobs, const char *job_id)
{
    for (size_t i = 0; i < count_kept(jobs); i++)
        if (strcmp(jobs->jobs[i].job_id, job_id) == 0)
            return &jobs->jobs[i];
    return NULL;
}

enum status jobs_find(struct jobs *jobs, const char *job_id, struct job *out_job)
{
    (void)pthread_mutex_lock(&jobs->lock);
    const struct job *job = find(jobs, job_id);
    if (job)
        *out_job = *job;
    (void)pthread_mutex_unlock(&jobs->lock);
    return job ? STATUS_OK : STATUS_NOT_FOUND;
}

size_t jobs_list(struct jobs *jobs, size_t max, struct job out_jobs[])
{
    (void)pthread_mutex_lock(&jobs->lock);
    size_t n = count_kept(jobs) < max ? count_kept(jobs) : max;
    for (size_t i = 0; i < n; i++)
        out_jobs[i] = jobs->jobs[(jobs->n_added - 1 - i) % JOBS_KEPT];
    (void)pthread_mutex_unlock(&jobs->lock);
    return n;
}

enum status jobs_cancel(struct jobs *jobs, const char *job_id, struct job *out_job, struct error *error)
{
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&jobs->lock);
    struct job *job = find(jobs, job_id);
    if (!job) {
        status = fail(error, STATUS_NOT_FOUND, "there is no job %.64s", job_id);
    } else if (job->state != JOB_RUNNING) {
        status = fail(error, STATUS_CONFLICT, "the job has ended: %s", job_state_names[job->state]);
    } else if (jobs->stage == STAGE_ADOPTING) {
        status = fail(error, STATUS_CONFLICT, "the job's model is trained and is being registered");
    } else {
        jobs->is_cancelled = true;
        copy_text(job->phase, sizeof job->phase, "stopping");
        *out_job = *job;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return status;
}

/* --- inside the lock, on the watcher's thread --- */

static void end_job(struct jobs *jobs, enum job_state state, const char *detail)
{
    struct job *job = newest(jobs);
    job->state = state;
    job->finished_at_ms = clock_now_ms();
    copy_text(job->detail, sizeof job->detail, detail);
    jobs->stage = STAGE_NONE;
    log_line(state == JOB_FAILED ? LOG_WARNING : LOG_INFO, "job", "%s %s%s%s", job->job_id, job_state_names[state], *detail ? ": " : "",
             detail);
}

/* The command line of a child: an option and its value at a time. */
struct arguments {
    struct arena *arena; /* holds all texts that are made for it */
    const char *texts[ARGUMENTS_MAX];
    size_t n;
    bool failed;
};

static void add_text(struct arguments *arguments, const char *text)
{
    arguments->failed |= !text || arguments->n + 1 >= ARGUMENTS_MAX;
    if (!arguments->failed)
        arguments->texts[arguments->n++] = text;
}

static void add_option(struct arguments *arguments, const char *option, const char *value)
{
    add_text(arguments, option);
    add_text(arguments, value);
}

static void add_number(struct arguments *arguments, const char *option, int64_t value, const char *unit)
{
    add_option(arguments, option, arena_format(arguments->arena, "%" PRId64 "%s", value, unit));
}

/* The child reads the file and the environment itself; what was given to the service with --set it can know only from here. */
static void add_setting(void *context, const char *name, const char *value)
{
    struct arguments *arguments = context;
    if (!strchr(name, '=')) /* a type with "=" in its name cannot be said on a command line */
        add_option(arguments, "--set", arena_format(arguments->arena, "%s=%s", name, value));
}

/* What goes with both kinds of model. */
static void add_common(struct arguments *arguments, const struct retrain_query *query)
{
    add_number(arguments, "--seed", query->seed, "");
    if (query->epochs)
        add_number(arguments, "--epochs", query->epochs, "");
    if (query->n_threads)
        add_number(arguments, "--threads", query->n_threads, "");
    if (query->no_refit)
        add_text(arguments, "--no-refit");
}

static void add_behaviour(struct arguments *arguments, const struct retrain_query *query)
{
    add_option(arguments, "--split", query->split == SPLIT_LAST ? "last" : "time");
    if (query->budget_seconds >= 0)
        add_number(arguments, "--budget", query->budget_seconds, "s");
    if (query->settings_version[0])
        add_option(arguments, "--settings", query->settings_version);
    if (query->force)
        add_text(arguments, "--force");
    if (query->fresh)
        add_text(arguments, "--fresh");
}

static bool write_arguments(const struct jobs *jobs, struct arguments *arguments)
{
    add_text(arguments, jobs->program.path);
    add_text(arguments, "retrain");
    add_text(arguments, "--json");
    add_option(arguments, "--data", jobs->settings->data_directory);
    add_common(arguments, &jobs->query);
    if (jobs->query.only_pictures) {
        add_option(arguments, "--only", "pictures");
        add_option(arguments, "--preset", picture_preset_names[jobs->query.preset]);
    } else {
        add_behaviour(arguments, &jobs->query);
        settings_for_training(jobs->settings, add_setting, arguments);
    }
    arguments->texts[arguments->n] = NULL;
    return !arguments->failed;
}

static void start_child(struct jobs *jobs)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(ARGUMENTS_BYTES, 16 * ARGUMENTS_BYTES);
    struct arguments arguments = {.arena = arena};
    struct error error = {0};
    jobs->said = (struct job_outcome){.state = VERDICT_LIVE};
    jobs->said_reason[0] = jobs->said_error[0] = '\0';
    jobs->kill_at_ns = 0;
    if (!arena || !write_arguments(jobs, &arguments)) {
        end_job(jobs, JOB_FAILED, "no memory for the arguments of the training");
        return;
    }
    if (child_start(&jobs->child, (char *const *)(size_t)arguments.texts, &error) != STATUS_OK) {
        end_job(jobs, JOB_FAILED, error.detail);
        return;
    }
    jobs->stage = STAGE_CHILD;
    log_line(LOG_INFO, "job", "%s: training started as process %d", newest(jobs)->job_id, (int)jobs->child.pid);
}

static const char *text_member(const struct node *object, const char *key)
{
    const struct node *member = node_get(object, key);
    return member && node_kind(member) == NODE_TEXT ? node_text(member, NULL) : NULL;
}

static uint64_t count_member(const struct node *object, const char *key)
{
    const struct node *member = node_get(object, key);
    return member && node_kind(member) == NODE_INTEGER && node_integer(member) > 0 ? (uint64_t)node_integer(member) : 0;
}

static void read_model(struct jobs *jobs, const char *version, const char *state, const char *reason)
{
    copy_text(jobs->said.version, sizeof jobs->said.version, version);
    copy_text(jobs->said_reason, sizeof jobs->said_reason, reason ? reason : "");
    jobs->said.state = VERDICT_LIVE;
    for (int i = 0; state && verdict_state_names[i]; i++)
        if (strcmp(verdict_state_names[i], state) == 0)
            jobs->said.state = (enum verdict_state)i;
}

static void read_progress(struct jobs *jobs, const struct node *line)
{
    const char *phase = text_member(line, "phase"), *note = text_member(line, "note");
    const char *version = text_member(line, "model_version"), *failure = text_member(line, "error");
    struct job *job = newest(jobs);
    if (version)
        read_model(jobs, version, text_member(line, "state"), text_member(line, "reason"));
    if (failure)
        copy_text(jobs->said_error, sizeof jobs->said_error, failure);
    if (phase && !jobs->is_cancelled) {
        copy_text(job->phase, sizeof job->phase, phase);
        copy_text(job->note, sizeof job->note, note ? note : "");
        job->done = count_member(line, "done");
        job->total = count_member(line, "total");
    }
}

/* What is not a JSON object is not for us. */
static void read_line(void *context, const char *line, size_t n_bytes)
{
    SCOPED(node_destroy) struct node *document = NULL;
    if (node_parse(line, n_bytes, &document, NULL) == STATUS_OK && node_kind(document) == NODE_OBJECT)
        read_progress(context, document);
}

static void send_due_signal(struct jobs *jobs)
{
    if (!jobs->is_cancelled)
        return;
    uint64_t now_ns = clock_monotonic_ns();
    if (!jobs->kill_at_ns) {
        jobs->kill_at_ns = now_ns + (uint64_t)jobs->program.grace_ms * 1000000 + 1;
        (void)kill(jobs->child.pid, SIGTERM);
    } else if (now_ns >= jobs->kill_at_ns) {
        (void)kill(jobs->child.pid, SIGKILL);
    }
}

static bool has_done_well(const struct jobs *jobs, int result)
{
    int wanted = jobs->said.version[0] && jobs->said.state == VERDICT_REJECTED ? EXIT_REJECTED : 0;
    return WIFEXITED(result) && WEXITSTATUS(result) == wanted;
}

/* The child has ended: decide what that means. True: there is a model to adopt. */
static bool judge_end(struct jobs *jobs, int result)
{
    char detail[sizeof newest(jobs)->detail];
    bool is_good = has_done_well(jobs, result);
    if (is_good && jobs->said.version[0]) {
        struct job *job = newest(jobs);
        jobs->stage = STAGE_ADOPTING;
        copy_text(job->phase, sizeof job->phase, jobs->said.state == VERDICT_LIVE ? "going live" : "registering");
        memcpy(job->model_version, jobs->said.version, sizeof job->model_version);
        return true;
    }
    if (WIFSIGNALED(result))
        (void)snprintf(detail, sizeof detail, "killed by signal %d", WTERMSIG(result));
    else if (jobs->said_error[0])
        copy_text(detail, sizeof detail, jobs->said_error);
    else
        (void)snprintf(detail, sizeof detail, "training ended with exit code %d%s", WEXITSTATUS(result), is_good ? " and no model" : "");
    end_job(jobs, jobs->is_cancelled ? JOB_CANCELLED : JOB_FAILED, jobs->is_cancelled ? "" : detail);
    return false;
}

static void drive_child(struct jobs *jobs, struct job_outcome *out_outcome)
{
    int result = 0;
    bool has_ended = child_has_ended(&jobs->child, &result); /* asked first: what it printed before its end is in the pipe */
    child_read(&jobs->child, read_line, jobs);
    if (!has_ended) {
        send_due_signal(jobs);
        return;
    }
    child_clear(&jobs->child);
    if (judge_end(jobs, result))
        *out_outcome = jobs->said;
}

int jobs_file(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    int file = jobs->stage == STAGE_CHILD ? jobs->child.out : -1;
    (void)pthread_mutex_unlock(&jobs->lock);
    return file;
}

bool jobs_drive(struct jobs *jobs, struct job_outcome *out_outcome)
{
    (void)pthread_mutex_lock(&jobs->lock);
    if (jobs->stage == STAGE_WAITING && jobs->is_cancelled)
        end_job(jobs, JOB_CANCELLED, "");
    else if (jobs->stage == STAGE_WAITING)
        start_child(jobs);
    if (jobs->stage == STAGE_CHILD)
        drive_child(jobs, out_outcome);
    bool goes_on = jobs->stage != STAGE_NONE;
    (void)pthread_mutex_unlock(&jobs->lock);
    return goes_on;
}

void jobs_finish(struct jobs *jobs, const struct error *error)
{
    (void)pthread_mutex_lock(&jobs->lock);
    if (jobs->stage == STAGE_ADOPTING && error) {
        end_job(jobs, JOB_FAILED, error->detail);
    } else if (jobs->stage == STAGE_ADOPTING) {
        copy_text(newest(jobs)->model_state, sizeof newest(jobs)->model_state, verdict_state_names[jobs->said.state]);
        end_job(jobs, JOB_SUCCEEDED, jobs->said_reason);
    }
    (void)pthread_mutex_unlock(&jobs->lock);
}

void jobs_end_all(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    int result = 0;
    jobs->is_cancelled = true;
    while (jobs->stage == STAGE_CHILD && !child_has_ended(&jobs->child, &result)) {
        send_due_signal(jobs);
        child_read(&jobs->child, read_line, jobs);
        (void)poll(NULL, 0, END_POLL_MS);
    }
    child_clear(&jobs->child);
    if (jobs->stage != STAGE_NONE)
        end_job(jobs, JOB_CANCELLED, "the service stopped");
    (void)pthread_mutex_unlock(&jobs->lock);
}
