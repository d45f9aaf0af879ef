/* Jobs: children that do well, badly, or not at all. The children are shell scripts in place of `inkling retrain`. */
#include "server/app/jobs.h"

#include "core/base/log.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct jobs *jobs;
static char directory[] = "/tmp/inkling-jobs-XXXXXX", script[96];
static struct settings settings;
static struct job_outcome outcome;
static const struct retrain_query query = {.split = SPLIT_LAST, .epochs = 3, .seed = 7, .n_threads = 0};

/* The program of this test: its arguments are in $@, $0.args can be written. */
static void become(const char *body, int64_t grace_ms)
{
    cr_assert(mkdtemp(directory));
    (void)snprintf(script, sizeof script, "%s/retrain", directory);
    FILE *file = fopen(script, "w");
    cr_assert(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", body);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(script, 0700), 0);
    cr_assert_geq(sodium_init(), 0);
    log_set_level(LOG_ERROR);
    settings_default(&settings);
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "%s", directory);
    jobs = jobs_create(&(struct job_program){.path = script, .grace_ms = grace_ms}, &settings);
    cr_assert(jobs);
}

static void clean(void)
{
    char command[128];
    if (jobs)
        jobs_end_all(jobs);
    jobs_destroy(jobs);
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(system(command), 0);
}

static struct job start(void)
{
    struct job job;
    cr_assert_eq(jobs_add(jobs, &query, &job, NULL), STATUS_OK);
    return job;
}

static struct job look(const struct job *job)
{
    struct job now;
    cr_assert_eq(jobs_find(jobs, job->job_id, &now), STATUS_OK);
    return now;
}

/* Drive like the watcher does, until the job's note says so (or it has ended). */
static struct job drive_until(const struct job *job, const char *note)
{
    for (;;) {
        bool goes_on = jobs_drive(jobs, &outcome);
        struct job now = look(job);
        if (!goes_on || outcome.version[0] || (note && strcmp(now.note, note) == 0))
            return now;
        struct pollfd file = {.fd = jobs_file(jobs), .events = POLLIN};
        (void)poll(&file, 1, 20);
    }
}

TestSuite(jobs, .fini = clean, .timeout = 120);

#define SETTINGS_TRAINED_WITH                                                                                                              \
    " --set neighbours.weight=-1 --set neighbours.max_row=512 --set retrain.budget=1200s --set retrain.clock=true --set retrain.content=true --set gate.metric=ndcg10 --set gate.margin=0.02"

static struct job start_with(const struct retrain_query *question)
{
    struct job job;
    cr_assert_eq(jobs_add(jobs, question, &job, NULL), STATUS_OK);
    return job;
}

/* What the child says when it is asked what it was asked: what it was asked behind --data DIR, up to the settings. */
static const char *asked(const struct retrain_query *question)
{
    static char arguments[256];
    become("shift 4; echo \"{\\\"error\\\":\\\"${*%%--set neighbours*}\\\"}\"; exit 1", 1000);
    struct job job = start_with(question), end = drive_until(&job, NULL);
    (void)snprintf(arguments, sizeof arguments, "%s", end.detail);
    return arguments;
}

Test(jobs, pass_the_question_on_as_arguments)
{
    cr_assert_str_eq(asked(&(struct retrain_query){.split = SPLIT_LAST, .epochs = 3, .seed = 7, .budget_seconds = BUDGET_DEFAULT}),
                     "--seed 7 --epochs 3 --split last ");
}

Test(jobs, pass_every_part_of_a_question_on)
{
    struct retrain_query all = {.split = SPLIT_TIME,
                                .seed = 7,
                                .n_threads = 2,
                                .budget_seconds = 90,
                                .settings_version = "m0123456789abcdef",
                                .no_refit = true,
                                .force = true,
                                .fresh = true};
    cr_assert_str_eq(asked(&all),
                     "--seed 7 --threads 2 --no-refit --split time --budget 90s --settings m0123456789abcdef --force --fresh ");
}

Test(jobs, pass_on_what_goes_with_pictures_and_nothing_else)
{
    struct retrain_query pictures = {.split = SPLIT_TIME,
                                     .epochs = 4,
                                     .seed = 7,
                                     .budget_seconds = BUDGET_DEFAULT,
                                     .no_refit = true,
                                     .only_pictures = true,
                                     .preset = PICTURE_SEED};
    cr_assert_str_eq(asked(&pictures), "--seed 7 --epochs 4 --no-refit --only pictures --preset seed");
}

Test(jobs, ask_for_no_search_when_the_budget_is_0)
{
    cr_assert_str_eq(asked(&(struct retrain_query){.split = SPLIT_TIME, .seed = 1}), "--seed 1 --split time --budget 0s ");
}

Test(jobs, pass_the_settings_of_the_service_on)
{
    become("while [ \"$1\" != --set ]; do shift; done; echo \"{\\\"error\\\":\\\" $*\\\"}\"; exit 1", 1000);
    cr_assert_eq(settings_set(&settings, "weights.view", "0.5", "--set", NULL), STATUS_OK);
    cr_assert_eq(settings_set(&settings, "weights.a=b", "3", "--set", NULL), STATUS_OK);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_str_eq(end.detail, SETTINGS_TRAINED_WITH " --set weights.view=0.5");
}

Test(jobs, pass_a_gate_on_that_was_set_on_the_command_line)
{
    become("echo \"$*\" | grep -q -e '--set gate.metric=hr10 --set gate.margin=0.125' && echo '{\"error\":\"yes\"}'; exit 1", 1000);
    cr_assert_eq(settings_set(&settings, "gate.margin", "0.125", "--set", NULL), STATUS_OK);
    cr_assert_eq(settings_set(&settings, "gate.metric", "hr10", "--set", NULL), STATUS_OK);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_str_eq(end.detail, "yes");
}

Test(jobs, show_progress_line_by_line)
{
    become("echo '{\"phase\":\"training\",\"done\":3,\"total\":60,\"note\":\"epoch 3\"}'; exec tail -f /dev/null", 0);
    struct job job = start(), now = drive_until(&job, "epoch 3");
    cr_assert_eq(now.state, JOB_RUNNING);
    cr_assert_str_eq(now.phase, "training");
    cr_assert_eq(now.done, 3);
    cr_assert_eq(now.total, 60);
    cr_assert_eq(now.finished_at_ms, INT64_MIN);
}

Test(jobs, hand_over_the_version_of_a_child_that_ended_well)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\"}'", 1000);
    struct job job = start(), now = drive_until(&job, NULL);
    cr_assert_str_eq(outcome.version, "m0123456789abcdef");
    cr_assert_eq(now.state, JOB_RUNNING, "not before it is live");
    jobs_finish(jobs, NULL);
    cr_assert_eq(look(&job).state, JOB_SUCCEEDED);
    cr_assert_str_eq(look(&job).model_version, "m0123456789abcdef");
}

Test(jobs, say_what_became_of_the_model)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\",\"state\":\"live\",\"reason\":\"better\"}'", 1000);
    struct job job = start();
    (void)drive_until(&job, NULL);
    cr_assert_eq(outcome.state, VERDICT_LIVE);
    cr_assert_eq(look(&job).model_state[0], '\0', "not yet");
    jobs_finish(jobs, NULL);
    cr_assert_str_eq(look(&job).model_state, "live");
    cr_assert_str_eq(look(&job).detail, "better");
}

Test(jobs, succeed_when_the_model_is_rejected)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\",\"state\":\"rejected\",\"reason\":\"worse\"}'; exit 5", 1000);
    struct job job = start();
    (void)drive_until(&job, NULL);
    cr_assert_str_eq(outcome.version, "m0123456789abcdef");
    cr_assert_eq(outcome.state, VERDICT_REJECTED);
    jobs_finish(jobs, NULL);
    cr_assert_eq(look(&job).state, JOB_SUCCEEDED);
    cr_assert_str_eq(look(&job).model_state, "rejected");
    cr_assert_str_eq(look(&job).detail, "worse");
}

Test(jobs, fail_when_the_exit_code_contradicts_the_words)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\",\"state\":\"live\"}'; exit 5", 1000);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_eq(outcome.version[0], '\0');
}

Test(jobs, fail_when_the_model_is_refused)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\"}'", 1000);
    struct job job = start();
    (void)drive_until(&job, NULL);
    jobs_finish(jobs, &(struct error){.detail = "damaged"});
    cr_assert_eq(look(&job).state, JOB_FAILED);
    cr_assert_str_eq(look(&job).detail, "damaged");
}

Test(jobs, fail_with_the_words_of_the_child)
{
    become("echo '{\"error\":\"too few events\"}'; exit 3", 1000);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_str_eq(end.detail, "too few events");
}

Test(jobs, fail_with_the_exit_code_of_a_child_without_words)
{
    become("exit 3", 1000);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_str_eq(end.detail, "training ended with exit code 3");
}

Test(jobs, fail_when_a_child_names_a_version_and_fails_after_it)
{
    become("echo '{\"model_version\":\"m0123456789abcdef\"}'; exit 1", 1000);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_eq(outcome.version[0], '\0');
}

Test(jobs, fail_when_the_child_is_killed)
{
    become("kill -9 $$", 1000);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_str_eq(end.detail, "killed by signal 9");
}

Test(jobs, fail_when_there_is_no_program)
{
    become("exit 0", 1000);
    cr_assert_eq(unlink(script), 0);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert_str_eq(end.detail, "training ended with exit code 126");
}

Test(jobs, pass_over_lines_that_are_no_objects)
{
    become("echo hello; echo '[1]'; echo '{'; head -c 10000 /dev/zero | tr '\\0' x; echo; echo '{\"done\":\"x\",\"phase\":7}';"
           "echo '{\"model_version\":\"m0123456789abcdef\"}'",
           1000);
    struct job job = start();
    (void)drive_until(&job, NULL);
    cr_assert_str_eq(outcome.version, "m0123456789abcdef");
}

Test(jobs, run_one_at_a_time)
{
    struct error error = {0};
    struct job other;
    become("exec tail -f /dev/null", 0);
    struct job job = start();
    cr_assert_eq(jobs_add(jobs, &query, &other, &error), STATUS_CONFLICT);
    cr_assert(strstr(error.detail, job.job_id), "%s", error.detail);
}

Test(jobs, end_at_the_callers_wish)
{
    become("trap 'kill $!; exit 4' TERM; tail -f /dev/null & echo '{\"phase\":\"x\",\"note\":\"ready\"}'; wait", 60000);
    struct job job = start(), now;
    (void)drive_until(&job, "ready");
    cr_assert_eq(jobs_cancel(jobs, job.job_id, &now, NULL), STATUS_OK);
    cr_assert_eq(now.state, JOB_RUNNING);
    cr_assert_eq(drive_until(&job, NULL).state, JOB_CANCELLED);
}

Test(jobs, kill_a_child_that_does_not_listen)
{
    become("trap '' TERM; echo '{\"phase\":\"x\",\"note\":\"deaf\"}'; exec tail -f /dev/null", 1);
    struct job job = start(), now;
    (void)drive_until(&job, "deaf");
    cr_assert_eq(jobs_cancel(jobs, job.job_id, &now, NULL), STATUS_OK);
    cr_assert_eq(drive_until(&job, NULL).state, JOB_CANCELLED);
}

Test(jobs, that_wait_to_be_started_can_be_cancelled)
{
    become("exit 0", 1000);
    struct job job = start(), now;
    cr_assert_eq(jobs_cancel(jobs, job.job_id, &now, NULL), STATUS_OK);
    cr_assert_eq(drive_until(&job, NULL).state, JOB_CANCELLED);
}

Test(jobs, that_have_ended_cannot_be_cancelled)
{
    struct error error = {0};
    become("exit 1", 1000);
    struct job job = start(), now;
    (void)drive_until(&job, NULL);
    cr_assert_eq(jobs_cancel(jobs, job.job_id, &now, &error), STATUS_CONFLICT);
    cr_assert_eq(jobs_cancel(jobs, "nobody", &now, &error), STATUS_NOT_FOUND);
}

Test(jobs, start_children_with_no_signal_blocked)
{
    sigset_t all;
    become("grep SigBlk /proc/self/status | { read name mask; echo \"{\\\"error\\\":\\\"$mask\\\"}\"; }; exit 1", 1000);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_str_eq(end.detail, "0000000000000000");
}

Test(jobs, start_children_without_our_files)
{
    become("ls /proc/self/fd | wc -l | { read n; echo \"{\\\"error\\\":\\\"$n\\\"}\"; }; exit 1", 1000);
    int kept = dup(1); /* not close-on-exec */
    cr_assert_geq(kept, 0);
    struct job job = start(), end = drive_until(&job, NULL);
    cr_assert_str_eq(end.detail, "4", "0, 1, 2 and the directory that ls reads: %s", end.detail);
}

Test(jobs, keep_the_last_64)
{
    become("exit 1", 1000);
    struct job first = start(), kept[JOBS_KEPT + 1], gone;
    (void)drive_until(&first, NULL);
    for (int i = 0; i < JOBS_KEPT; i++) {
        struct job job = start(), now;
        cr_assert_eq(jobs_cancel(jobs, job.job_id, &now, NULL), STATUS_OK);
        (void)drive_until(&job, NULL);
    }
    cr_assert_eq(jobs_list(jobs, JOBS_KEPT + 1, kept), JOBS_KEPT);
    cr_assert_eq(jobs_find(jobs, first.job_id, &gone), STATUS_NOT_FOUND);
    cr_assert_geq(kept[0].created_at_ms, kept[JOBS_KEPT - 1].created_at_ms);
}
