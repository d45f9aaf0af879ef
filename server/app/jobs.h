/* Jobs: training runs as child processes. This file keeps the list, starts the child, reads what it prints and ends it; the watcher drives
 * it.
 *
 * A child prints NDJSON on its standard output: {"phase", "done", "total", "note"} as it goes, at the end {"model_version", "state",
 * "reason"} or {"error"}; its standard error is the log's. state is "live", "ready" or "rejected" (verdict.h); without one it is "live". A
 * job whose model was rejected has succeeded: it has made a model and judged it. It dies with the service, runs niced, and inherits no file
 * of ours. Threads: jobs_add, jobs_find, jobs_list, jobs_cancel by any; jobs_drive, jobs_file and jobs_end_all by the watcher thread only,
 * which must live as long as its children: the kernel ends them when the thread that forked them ends. */
#ifndef APP_JOBS_H
#define APP_JOBS_H

#include "server/app/app.h"
#include "server/app/verdict.h"

#define JOBS_KEPT 64

#define EXIT_REJECTED 5 /* of a child whose model was rejected; 0 otherwise */

struct job_program {
    const char *path; /* what is executed, with the arguments of `inkling retrain` */
    int64_t grace_ms; /* from SIGTERM to SIGKILL */
};

struct jobs;

/* Borrows the path and settings: children work on the same directory with the same settings of training (settings_for_training), wherever
 * the service has them from. NULL on no memory. */
struct jobs *jobs_create(const struct job_program *program, const struct settings *settings);
void jobs_destroy(struct jobs *jobs); /* after jobs_end_all. Accepts NULL */
DEFINE_SCOPED(struct jobs *, jobs_destroy);

/* Note a new job; the watcher starts it. STATUS_CONFLICT: one has not ended. */
enum status jobs_add(struct jobs *jobs, const struct retrain_query *query, struct job *out_job, struct error *error) MUST_CHECK;
enum status jobs_find(struct jobs *jobs, const char *job_id, struct job *out_job) MUST_CHECK;
size_t jobs_list(struct jobs *jobs, size_t max, struct job out_jobs[]); /* newest first */

/* Ask the job to end. STATUS_NOT_FOUND, STATUS_CONFLICT: it has ended. */
enum status jobs_cancel(struct jobs *jobs, const char *job_id, struct job *out_job, struct error *error) MUST_CHECK;

/* --- the watcher's --- */

/* The pipe of the running child to poll, or -1. */
int jobs_file(struct jobs *jobs);

/* What a child that has ended well has made. */
struct job_outcome {
    char version[MODEL_VERSION_BYTES]; /* empty: nothing */
    enum verdict_state state;
};

/* Start what waits, read what the child has printed, see whether it has ended, send signals that are due. False: nothing is going on. When
 * a child has ended well, out_outcome is set and the job stays running until jobs_finish; else out_outcome is left alone. */
bool jobs_drive(struct jobs *jobs, struct job_outcome *out_outcome);

/* The model of the job is registered, and live if it was to be (error = NULL), or was refused. */
void jobs_finish(struct jobs *jobs, const struct error *error);

/* End the running child, and wait for it. */
void jobs_end_all(struct jobs *jobs);

#endif
