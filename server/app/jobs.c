/* A ring of the last jobs and at most one child. A job's end is decided by how the child ended and what it said last: exit code 0 and a
 * version is a model to adopt, even if a cancellation came too late. */
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

#define END_POLL_MS 10

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
    uint64_t kill_at_ns; /* 0: SIGTERM was not sent yet */
    char said_version[MODEL_VERSION_BYTES], said_error[sizeof((struct job *)0)->detail];
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
        status = fail(error, STATUS_CONFLICT, "the job's model is trained and is going live");
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

struct arguments {
    const char *texts[16 + 2 * sizeof((struct settings *)0)->weights_by_name / sizeof((struct settings *)0)->weights_by_name[0]];
    size_t n;
    char numbers[3][24];
    size_t n_numbers;
    char weights[sizeof((struct settings *)0)->weights_by_name / sizeof((struct settings *)0)->weights_by_name[0]][192];
};

static void add_text(struct arguments *arguments, const char *option, const char *value)
{
    arguments->texts[arguments->n++] = option;
    arguments->texts[arguments->n++] = value;
}

static void add_number(struct arguments *arguments, const char *option, int64_t value)
{
    char *text = arguments->numbers[arguments->n_numbers++];
    (void)snprintf(text, sizeof arguments->numbers[0], "%" PRId64, value);
    add_text(arguments, option, text);
}

/* The child reads the file and the environment itself; what was given to the service with --set it can know only from here. */
static void add_weights(struct arguments *arguments, const struct settings *settings)
{
    for (uint32_t i = 0; i < settings->n_weights; i++) {
        const char *weight = settings->weights_by_name[i];
        if (strchr(weight, '=') != strrchr(weight, '='))
            continue; /* a type with "=" in its name cannot be said on a command line */
        (void)snprintf(arguments->weights[i], sizeof arguments->weights[i], "weights.%s", weight);
        add_text(arguments, "--set", arguments->weights[i]);
    }
}

static void write_arguments(const struct jobs *jobs, struct arguments *arguments)
{
    const struct retrain_query *query = &jobs->query;
    *arguments = (struct arguments){.texts = {jobs->program.path, "retrain", "--json"}, .n = 3};
    add_text(arguments, "--data", jobs->settings->data_directory);
    add_text(arguments, "--split", query->split == SPLIT_LAST ? "last" : "time");
    add_number(arguments, "--seed", query->seed);
    if (query->epochs)
        add_number(arguments, "--epochs", query->epochs);
    if (query->n_threads)
        add_number(arguments, "--threads", query->n_threads);
    add_weights(arguments, jobs->settings);
    arguments->texts[arguments->n] = NULL;
}

static void start_child(struct jobs *jobs)
{
    struct arguments arguments;
    struct error error = {0};
    write_arguments(jobs, &arguments);
    jobs->said_version[0] = jobs->said_error[0] = '\0';
    jobs->kill_at_ns = 0;
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

static void read_progress(struct jobs *jobs, const struct node *line)
{
    const char *phase = text_member(line, "phase"), *note = text_member(line, "note");
    const char *version = text_member(line, "model_version"), *failure = text_member(line, "error");
    struct job *job = newest(jobs);
    if (version)
        copy_text(jobs->said_version, sizeof jobs->said_version, version);
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

/* The child has ended: decide what that means. True: there is a model to adopt. */
static bool judge_end(struct jobs *jobs, int result)
{
    char detail[sizeof newest(jobs)->detail];
    bool is_good = WIFEXITED(result) && WEXITSTATUS(result) == 0;
    if (is_good && jobs->said_version[0]) {
        struct job *job = newest(jobs);
        jobs->stage = STAGE_ADOPTING;
        copy_text(job->phase, sizeof job->phase, "going live");
        memcpy(job->model_version, jobs->said_version, sizeof job->model_version);
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

static void drive_child(struct jobs *jobs, char out_version[MODEL_VERSION_BYTES])
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
        memcpy(out_version, jobs->said_version, MODEL_VERSION_BYTES);
}

int jobs_file(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    int file = jobs->stage == STAGE_CHILD ? jobs->child.out : -1;
    (void)pthread_mutex_unlock(&jobs->lock);
    return file;
}

bool jobs_drive(struct jobs *jobs, char out_version[MODEL_VERSION_BYTES])
{
    (void)pthread_mutex_lock(&jobs->lock);
    if (jobs->stage == STAGE_WAITING && jobs->is_cancelled)
        end_job(jobs, JOB_CANCELLED, "");
    else if (jobs->stage == STAGE_WAITING)
        start_child(jobs);
    if (jobs->stage == STAGE_CHILD)
        drive_child(jobs, out_version);
    bool goes_on = jobs->stage != STAGE_NONE;
    (void)pthread_mutex_unlock(&jobs->lock);
    return goes_on;
}

void jobs_finish(struct jobs *jobs, const struct error *error)
{
    (void)pthread_mutex_lock(&jobs->lock);
    if (jobs->stage == STAGE_ADOPTING)
        end_job(jobs, error ? JOB_FAILED : JOB_SUCCEEDED, error ? error->detail : "");
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
