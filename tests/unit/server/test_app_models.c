/* The service and its models: which one becomes live, which are refused, and what a training job leads to. */
#include "tests/unit/server/app_fixture.h"

#include "core/base/clock.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static struct fixture fixture;

static void open_service(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, 40, 30);
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(app_models, .init = open_service, .fini = close_service, .timeout = 120);

/* Look until it is so; the watcher works on its own. */
static bool wait_for_live(const char *version)
{
    int64_t until_ms = clock_now_ms() + PATIENCE_MS;
    while (clock_now_ms() < until_ms) {
        const char *live = fixture_live_version(&fixture);
        if (live && strcmp(live, version) == 0)
            return true;
        (void)poll(NULL, 0, 5);
    }
    return false;
}

static struct job wait_for_end(const struct job *job)
{
    int64_t until_ms = clock_now_ms() + PATIENCE_MS;
    struct job now = *job;
    while (now.state == JOB_RUNNING && clock_now_ms() < until_ms) {
        (void)poll(NULL, 0, 5);
        cr_assert_eq(app_job(fixture.app, job->job_id, &now), STATUS_OK);
    }
    return now;
}

/* Train with the service stopped, so that the watcher does not see the file before the test has done something to it. */
static void train_stopped(int64_t seed, char out_version[MODEL_VERSION_BYTES])
{
    fixture_stop(&fixture);
    fixture_train(&fixture, seed, out_version);
}

static void damage(const char *version)
{
    char path[160];
    fixture_model_path(&fixture, version, path);
    FILE *file = fopen(path, "r+b");
    cr_assert(file);
    cr_assert_eq(fseek(file, -9, SEEK_END), 0);
    int byte = fgetc(file);
    cr_assert_eq(fseek(file, -9, SEEK_END), 0);
    cr_assert_neq(fputc(byte ^ 1, file), EOF);
    cr_assert_eq(fclose(file), 0);
}

static void run_shell(const char *format, const char *first, const char *second)
{
    char command[512];
    (void)snprintf(command, sizeof command, format, first, second); // NOLINT: tests only
    cr_assert_eq(system(command), 0);
}

Test(app_models, adopts_a_file_that_appears_while_it_runs)
{
    char version[MODEL_VERSION_BYTES];
    cr_assert_null(fixture_live_version(&fixture));
    fixture_train(&fixture, 1, version);
    cr_assert(wait_for_live(version));
    cr_assert_str_eq(fixture_model_state(&fixture, version, NULL), "live");
    struct recommend_query query = {.user_id = "user-1", .limit = 5, .kind = KIND_ANY, .exclude_seen = true};
    struct recommendations answer;
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    cr_assert_str_eq(answer.model_version, version);
    cr_assert_eq(answer.n_items, 5);
    cr_assert_eq(answer.items[0].reason, REASON_BEHAVIOUR);
}

/* The items of an answer to user-1, of which at most 30 exist. */
static struct answer_items {
    uint32_t n, items[30];
} ask(double weight, bool exclude_seen)
{
    struct recommend_query query = {.user_id = "user-1", .limit = 30, .kind = KIND_ANY, .exclude_seen = exclude_seen};
    struct recommendations answer;
    struct answer_items found = {0};
    fixture.settings.neighbours_weight = weight;
    arena_reset(fixture.arena);
    unsigned slot = app_enter(fixture.app);
    cr_assert_eq(app_recommend(fixture.app, &query, fixture.arena, &answer, NULL), STATUS_OK);
    app_leave(fixture.app, slot);
    for (size_t i = 0; i < answer.n_items; i++) {
        found.items[found.n++] = answer.items[i].item;
        cr_expect(i == 0 || answer.items[i].score <= answer.items[i - 1].score);
    }
    return found;
}

static bool holds(const struct answer_items *answer, uint32_t item)
{
    for (uint32_t i = 0; i < answer->n; i++)
        if (answer->items[i] == item)
            return true;
    return false;
}

Test(app_models, leave_what_a_user_had_at_the_place_that_the_network_gives_it)
{
    char version[MODEL_VERSION_BYTES];
    fixture_train(&fixture, 1, version);
    cr_assert(wait_for_live(version));
    struct answer_items network = ask(0, false), fresh = ask(.5, true), both = ask(.5, false);
    cr_assert_eq(network.n, 30);
    cr_assert_eq(both.n, 30);
    cr_assert_eq(fresh.n, 18, "twelve were seen");
    for (uint32_t i = 0, n_fresh = 0; i < network.n; i++) {
        bool was_had = !holds(&fresh, network.items[i]);
        cr_expect_eq(both.items[i], was_had ? network.items[i] : fresh.items[n_fresh], "place %u", i + 1);
        n_fresh += !was_had;
    }
}

/* The live model's returns, to be set by a test that has no other reader. */
static struct returns *live_returns(void)
{
    return (struct returns *)(uintptr_t)&model_facts(live_get(&fixture.app->live)->model)->returns;
}

Test(app_models, raise_what_a_user_comes_back_to)
{
    char version[MODEL_VERSION_BYTES];
    fixture_train(&fixture, 1, version);
    cr_assert(wait_for_live(version));
    *live_returns() = (struct returns){{0}};
    struct answer_items never = ask(0, false), fresh = ask(0, true);
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        live_returns()->weights[c] = 1000;
    struct answer_items always = ask(0, false), fresh_again = ask(0, true);
    cr_expect_neq(memcmp(&never, &always, sizeof never), 0);
    for (uint32_t i = 0; i < always.n; i++)
        cr_expect_eq(holds(&fresh, always.items[i]), i >= always.n - fresh.n, "place %u: what was had comes first", i + 1);
    cr_expect_arr_eq(&fresh, &fresh_again, sizeof fresh, "without what was seen nothing changes");
}

Test(app_models, adopts_a_file_at_start)
{
    char version[MODEL_VERSION_BYTES];
    train_stopped(1, version);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), version);
}

Test(app_models, keeps_the_live_model_over_a_restart)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_stopped(1, first);
    fixture_start(&fixture);
    train_stopped(2, second);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), second);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = first}), STATUS_OK);
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "ready");
}

Test(app_models, refuses_a_damaged_new_file)
{
    char version[MODEL_VERSION_BYTES];
    const char *reason = NULL;
    train_stopped(1, version);
    damage(version);
    fixture_start(&fixture);
    cr_assert_null(fixture_live_version(&fixture));
    cr_assert_str_eq(fixture_model_state(&fixture, version, &reason), "damaged");
    cr_assert_not_null(reason);
    cr_assert_neq(reason[0], '\0');
}

Test(app_models, falls_back_to_the_newest_other_when_the_live_file_is_damaged)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_stopped(1, first);
    fixture_start(&fixture);
    train_stopped(2, second);
    fixture_start(&fixture);
    fixture_stop(&fixture);
    damage(second);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "damaged");
    cr_assert_str_eq(fixture_model_state(&fixture, first, NULL), "live");
}

Test(app_models, answers_without_a_model_when_the_only_one_is_gone)
{
    char version[MODEL_VERSION_BYTES], path[160];
    train_stopped(1, version);
    fixture_start(&fixture);
    fixture_stop(&fixture);
    fixture_model_path(&fixture, version, path);
    cr_assert_eq(unlink(path), 0);
    fixture_start(&fixture);
    cr_assert_null(fixture_live_version(&fixture));
    cr_assert_str_eq(fixture_model_state(&fixture, version, NULL), "damaged");
    cr_assert_neq(fixture_recommend(&fixture, "user-1", 3)[0], '\0');
}

Test(app_models, refuses_to_activate_a_damaged_file_and_goes_on_with_the_live_one)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_stopped(1, first);
    fixture_start(&fixture);
    train_stopped(2, second);
    fixture_start(&fixture);
    damage(first);
    struct write write = {.kind = WRITE_MODEL_ACTIVATE, .id = first};
    cr_assert_eq(fixture_write(&fixture, &write), STATUS_CORRUPT);
    cr_assert_neq(write.error.detail[0], '\0');
    cr_assert_str_eq(fixture_live_version(&fixture), second);
    cr_assert_str_eq(fixture_model_state(&fixture, first, NULL), "damaged");
}

Test(app_models, knows_no_version_that_was_never_trained)
{
    struct write write = {.kind = WRITE_MODEL_ACTIVATE, .id = "m0000000000000000"};
    cr_assert_eq(fixture_write(&fixture, &write), STATUS_NOT_FOUND);
}

Test(app_models, refuses_a_model_of_another_store)
{
    char version[MODEL_VERSION_BYTES], path[160];
    const char *reason = NULL;
    train_stopped(1, version);
    fixture_model_path(&fixture, version, path);
    run_shell("mv %s %s", path, fixture.directory);
    run_shell("rm -rf %s/data%s", fixture.directory, "");
    fixture_start(&fixture);
    for (int i = 0; i < 60; i++) { /* as many items, by other names */
        char item[32];
        (void)snprintf(item, sizeof item, "other-%d", i);
        cr_assert_eq(fixture_event(&fixture, "u", item, "view"), STATUS_OK);
    }
    fixture_stop(&fixture);
    run_shell("mv %s/*.safetensors %s/data/models/", fixture.directory, fixture.directory);
    fixture_start(&fixture);
    cr_assert_null(fixture_live_version(&fixture));
    cr_assert_str_eq(fixture_model_state(&fixture, version, &reason), "damaged");
    cr_assert(strstr(reason, "foreign"), "%s", reason);
}

Test(app_models, refuses_a_file_by_another_name)
{
    char version[MODEL_VERSION_BYTES], path[160], other[160];
    train_stopped(1, version);
    fixture_model_path(&fixture, version, path);
    fixture_model_path(&fixture, "m0123456789abcdef", other);
    cr_assert_eq(rename(path, other), 0);
    fixture_start(&fixture);
    cr_assert_null(fixture_live_version(&fixture));
    cr_assert_str_eq(fixture_model_state(&fixture, "m0123456789abcdef", NULL), "damaged");
}

/* --- verdicts --- */

static void judge(const char *version, enum verdict_state state, const char *reason)
{
    char models[128];
    struct verdict verdict = verdict_of(state, reason);
    (void)snprintf(models, sizeof models, "%s/data/models", fixture.directory);
    cr_assert_eq(verdict_write(models, version, &verdict, NULL), STATUS_OK);
}

/* Two models of which the first is live; the second one's verdict says so. */
static void train_second(enum verdict_state state, const char *reason, char out_first[MODEL_VERSION_BYTES],
                         char out_second[MODEL_VERSION_BYTES])
{
    train_stopped(1, out_first);
    fixture_start(&fixture);
    train_stopped(2, out_second);
    judge(out_second, state, reason);
    fixture_start(&fixture);
}

Test(app_models, that_are_rejected_do_not_go_live)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    const char *reason = NULL;
    train_second(VERDICT_REJECTED, "worse by far", first, second);
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    cr_assert_str_eq(fixture_model_state(&fixture, second, &reason), "rejected");
    cr_assert_str_eq(reason, "worse by far");
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), first, "not after a restart either");
}

Test(app_models, that_are_rejected_are_not_fallen_back_to)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_second(VERDICT_REJECTED, "worse", first, second);
    fixture_stop(&fixture);
    damage(first);
    fixture_start(&fixture);
    cr_assert_null(fixture_live_version(&fixture));
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "rejected");
}

Test(app_models, that_are_rejected_go_live_when_an_operator_says_so)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    const char *reason = "";
    train_second(VERDICT_REJECTED, "worse", first, second);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = second}), STATUS_OK);
    cr_assert_str_eq(fixture_live_version(&fixture), second);
    cr_assert_str_eq(fixture_model_state(&fixture, second, &reason), "live");
    cr_assert_null(reason);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), second, "the verdict is not asked again");
}

Test(app_models, that_are_kept_beside_another_do_not_go_live)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_second(VERDICT_READY, "the selected model", first, second);
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "ready");
}

Test(app_models, go_live_when_their_verdict_is_damaged)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES], path[192];
    train_stopped(1, first);
    fixture_start(&fixture);
    train_stopped(2, second);
    (void)snprintf(path, sizeof path, "%s/data/models/%s.verdict", fixture.directory, second);
    run_shell("echo '{\"state\":\"reje' > %s%s", path, "");
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), second);
}

Test(app_models, go_live_if_they_are_the_newest_that_may)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES], third[MODEL_VERSION_BYTES], path[160];
    train_stopped(1, first);
    fixture_train(&fixture, 2, second);
    fixture_train(&fixture, 3, third);
    judge(third, VERDICT_REJECTED, "worse");
    fixture_model_path(&fixture, first, path);
    run_shell("touch -d @1700000000 %s%s", path, "");
    fixture_start(&fixture);
    cr_assert_str_eq(fixture_live_version(&fixture), second);
    cr_assert_str_eq(fixture_model_state(&fixture, first, NULL), "ready");
    cr_assert_str_eq(fixture_model_state(&fixture, third, NULL), "rejected");
}

/* --- jobs --- */

static struct job retrain(void)
{
    struct retrain_query query = {.split = SPLIT_TIME, .seed = 1};
    struct error error = {0};
    struct job job;
    cr_assert_eq(app_retrain(fixture.app, &query, &job, &error), STATUS_OK, "%s", error.detail);
    return job;
}

Test(app_models, are_live_when_their_job_has_succeeded)
{
    char version[MODEL_VERSION_BYTES], path[160], shell[512];
    train_stopped(1, version);
    fixture_model_path(&fixture, version, path);
    run_shell("mv %s %s", path, fixture.directory);
    fixture_start(&fixture);
    (void)snprintf(shell, sizeof shell, "mv %s/%s.safetensors %s/data/models/ && echo '{\"model_version\":\"%s\"}'", fixture.directory,
                   version, fixture.directory, version);
    fixture_program(&fixture, shell);
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_SUCCEEDED, "%s", end.detail);
    cr_assert_str_eq(end.model_version, version);
    cr_assert_str_eq(fixture_live_version(&fixture), version);
}

/* A program that puts the model into its place with that verdict, as training does. */
static void program_that_trains(const char *version, const char *state)
{
    char path[160], shell[768];
    fixture_model_path(&fixture, version, path);
    run_shell("mv %s %s", path, fixture.directory);
    (void)snprintf(shell, sizeof shell,
                   "echo '{\"state\":\"%s\",\"reason\":\"because\"}' > %s/data/models/%s.verdict; mv %s/%s.safetensors %s/data/models/; "
                   "echo '{\"model_version\":\"%s\",\"state\":\"%s\",\"reason\":\"because\"}'; exit %d",
                   state, fixture.directory, version, fixture.directory, version, fixture.directory, version, state,
                   strcmp(state, "rejected") == 0 ? 5 : 0);
    fixture_program(&fixture, shell);
}

Test(app_models, that_are_rejected_end_their_job_well)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_stopped(1, first);
    fixture_start(&fixture);
    train_stopped(2, second);
    program_that_trains(second, "rejected");
    fixture_start(&fixture);
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_SUCCEEDED, "%s", end.detail);
    cr_assert_str_eq(end.model_version, second);
    cr_assert_str_eq(end.model_state, "rejected");
    cr_assert_str_eq(end.detail, "because");
    cr_assert_str_eq(fixture_live_version(&fixture), first);
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "rejected");
}

Test(app_models, that_were_ready_can_be_rejected_by_a_later_training)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES];
    train_second(VERDICT_READY, "kept", first, second);
    judge(second, VERDICT_REJECTED, "worse");
    char shell[256];
    (void)snprintf(shell, sizeof shell, "echo '{\"model_version\":\"%s\",\"state\":\"rejected\",\"reason\":\"worse\"}'; exit 5", second);
    fixture_program(&fixture, shell);
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_SUCCEEDED, "%s", end.detail);
    cr_assert_str_eq(fixture_model_state(&fixture, second, NULL), "rejected");
    cr_assert_str_eq(fixture_live_version(&fixture), first);
}

Test(app_models, that_were_rejected_go_live_when_a_later_training_is_forced)
{
    char first[MODEL_VERSION_BYTES], second[MODEL_VERSION_BYTES], shell[256];
    train_second(VERDICT_REJECTED, "worse", first, second);
    judge(second, VERDICT_LIVE, "waived");
    (void)snprintf(shell, sizeof shell, "echo '{\"model_version\":\"%s\",\"state\":\"live\",\"reason\":\"waived\"}'", second);
    fixture_program(&fixture, shell);
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_SUCCEEDED, "%s", end.detail);
    cr_assert_str_eq(end.model_state, "live");
    cr_assert_str_eq(fixture_live_version(&fixture), second);
}

Test(app_models, that_are_rejected_but_not_there_fail_their_job)
{
    fixture_program(&fixture, "echo '{\"model_version\":\"m0123456789abcdef\",\"state\":\"rejected\"}'; exit 5");
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert(strstr(end.detail, "m0123456789abcdef"), "%s", end.detail);
}

Test(app_models, that_are_refused_fail_their_job)
{
    fixture_program(&fixture, "echo '{\"model_version\":\"m0123456789abcdef\"}'");
    struct job job = retrain(), end = wait_for_end(&job);
    cr_assert_eq(end.state, JOB_FAILED);
    cr_assert(strstr(end.detail, "m0123456789abcdef"), "%s", end.detail);
}

Test(app_models, stay_as_they_are_when_a_job_is_cancelled)
{
    struct job now;
    fixture_program(&fixture, "exec tail -f /dev/null");
    struct job job = retrain();
    cr_assert_eq(app_cancel_job(fixture.app, job.job_id, &now, NULL), STATUS_OK);
    cr_assert_eq(wait_for_end(&job).state, JOB_CANCELLED);
    cr_assert_eq(app_cancel_job(fixture.app, job.job_id, &now, NULL), STATUS_CONFLICT);
    cr_assert_null(fixture_live_version(&fixture));
}

Test(app_models, do_not_keep_a_service_from_stopping_while_they_train)
{
    fixture_program(&fixture, "trap '' TERM; exec tail -f /dev/null");
    (void)retrain();
    fixture_stop(&fixture);
    fixture_start(&fixture);
}
