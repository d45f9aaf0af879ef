/* Models of pictures in the registry: which one names pictures, what is said of them, and that they are no models of behaviour. */
#include "tests/unit/server/app_fixture.h"
#include "tests/unit/server/painted_shop.h"

#include "core/base/clock.h"
#include "server/app/registration.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static struct fixture fixture;

static void open_service(void)
{
    shop_open(&fixture);
}

static void close_service(void)
{
    fixture_close(&fixture);
}

TestSuite(picture_models, .init = open_service, .fini = close_service, .timeout = 120);

/* Which model names pictures; "" if none does. */
static const char *naming(void)
{
    static char version[FILE_VERSION_BYTES];
    unsigned slot = app_enter(fixture.app);
    const struct picture_index *index = picture_live_get(fixture.app->pictures);
    (void)snprintf(version, sizeof version, "%s", index ? picture_index_version(index) : "");
    app_leave(fixture.app, slot);
    return version;
}

static enum status activate(const char *version)
{
    return fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ACTIVATE, .id = version});
}

static const char *path_of(const char *version)
{
    static char path[160];
    fixture_model_path(&fixture, version, path);
    return path;
}

static void change_time(const char *version, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    cr_assert_eq(utimensat(AT_FDCWD, path_of(version), times, 0), 0);
}

static void expect_state(const char *version, const char *state)
{
    const char *found = fixture_model_state(&fixture, version, NULL);
    cr_expect_str_eq(found ? found : "not there", state, "%s is %s, expected %s", version, found ? found : "not there", state);
}

/* --- which one is live --- */

Test(picture_models, that_are_found_go_live)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, first);
    cr_expect_str_eq(naming(), first);
    shop_adopt_model(&fixture, 2, second);
    cr_expect_str_eq(naming(), second);
    expect_state(first, "ready");
    expect_state(second, "live");
}

Test(picture_models, that_are_activated_stay_live_whatever_the_times_of_the_files_are)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, first);
    shop_adopt_model(&fixture, 2, second);
    cr_assert_eq(activate(first), STATUS_OK);
    cr_expect_str_eq(naming(), first);
    change_time(first, 1);
    change_time(second, 2000000000);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_MODEL_ADOPT}), STATUS_OK);
    cr_expect_str_eq(naming(), first);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    cr_expect_str_eq(naming(), first);
    expect_state(first, "live");
    expect_state(second, "ready");
}

Test(picture_models, of_an_old_directory_are_registered_in_the_order_of_their_times)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES], third[FILE_VERSION_BYTES];
    struct model_row *rows = NULL;
    size_t n = 0;
    fixture_stop(&fixture);
    shop_write_model(&fixture, 1, first);
    shop_write_model(&fixture, 2, second);
    shop_write_model(&fixture, 3, third);
    change_time(first, 3000);
    change_time(second, 1000);
    change_time(third, 2000);
    fixture_start(&fixture);
    cr_expect_str_eq(naming(), first);
    cr_assert_eq(app_models(fixture.app, fixture.arena, &rows, &n, NULL), STATUS_OK);
    cr_assert_eq(n, 3);
    cr_expect_str_eq(rows[0].version, first, "newest first");
    cr_expect_str_eq(rows[1].version, third);
    cr_expect_str_eq(rows[2].version, second);
}

static void damage(const char *version)
{
    cr_assert_eq(truncate(path_of(version), 100), 0);
}

Test(picture_models, that_are_damaged_are_refused_and_listed)
{
    char whole[FILE_VERSION_BYTES], damaged[FILE_VERSION_BYTES];
    const char *reason = NULL;
    shop_adopt_model(&fixture, 1, whole);
    fixture_stop(&fixture);
    shop_write_model(&fixture, 2, damaged);
    damage(damaged);
    fixture_start(&fixture);
    cr_expect_str_eq(naming(), whole);
    expect_state(damaged, "damaged");
    cr_expect_eq(activate(damaged), STATUS_CORRUPT);
    cr_expect_str_eq(naming(), whole);
    cr_assert(fixture_model_state(&fixture, damaged, &reason) && reason && reason[0]);
}

Test(picture_models, give_way_to_the_newest_other_when_the_live_file_is_damaged)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, first);
    shop_adopt_model(&fixture, 2, second);
    fixture_stop(&fixture);
    damage(second);
    fixture_start(&fixture);
    cr_expect_str_eq(naming(), first);
    expect_state(first, "live");
    expect_state(second, "damaged");
}

/* --- what is said of them --- */

Test(picture_models, are_listed_with_what_their_file_says)
{
    char version[FILE_VERSION_BYTES];
    struct model_row row;
    shop_adopt_model(&fixture, 1, version);
    cr_assert_eq(app_model(fixture.app, version, fixture.arena, &row, NULL), STATUS_OK);
    cr_expect_str_eq(row.kind, "pictures");
    static const char *const facts[] = {"\"accuracy\":", "\"preset\":\"seed\"", "\"height\":12", "\"name\":\"left\"", "\"report\":{"};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        cr_expect(strstr(row.facts, facts[i]), "%s is not in %s", facts[i], row.facts);
    cr_expect(strstr(row.facts, version), "%s", row.facts);
}

/* --- beside models of behaviour --- */

Test(picture_models, leave_the_model_of_behaviour_alone)
{
    char behaviour[MODEL_VERSION_BYTES], pictures[FILE_VERSION_BYTES], other[FILE_VERSION_BYTES];
    fixture_fill(&fixture, 40, 30);
    shop_adopt_model(&fixture, 1, pictures);
    fixture_stop(&fixture);
    fixture_train(&fixture, 1, behaviour);
    shop_write_model(&fixture, 2, other);
    fixture_start(&fixture);
    cr_expect_str_eq(fixture_live_version(&fixture), behaviour);
    cr_expect_str_eq(naming(), other);
    cr_assert_eq(activate(pictures), STATUS_OK);
    cr_assert_eq(activate(behaviour), STATUS_OK);
    cr_expect_str_eq(fixture_live_version(&fixture), behaviour);
    expect_state(behaviour, "live");
    expect_state(pictures, "live");
    expect_state(other, "ready");
}

Test(picture_models, are_not_what_a_training_of_behaviour_goes_on_from)
{
    char pictures[FILE_VERSION_BYTES], live[MODEL_VERSION_BYTES] = "?";
    struct error error = {.detail = ""};
    shop_adopt_model(&fixture, 1, pictures);
    cr_assert_eq(registration_find_live(fixture.app->store, MODEL_BEHAVIOUR, live, &error), STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(live, "");
    cr_assert_eq(registration_find_live(fixture.app->store, MODEL_PICTURES, live, &error), STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(live, pictures);
}

/* --- without a service, and beside one --- */

static enum adoption adopt(const char *version)
{
    char directory[96];
    struct verdict verdict = {.state = VERDICT_REJECTED};
    struct error error = {.detail = ""};
    enum adoption adoption = ADOPTED;
    (void)snprintf(directory, sizeof directory, "%s/data", fixture.directory);
    cr_assert_eq(registration_adopt(directory, version, &verdict, &adoption, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(verdict.state, VERDICT_LIVE, "nothing judges them");
    return adoption;
}

Test(picture_models, that_are_made_without_a_service_answer_at_its_next_start)
{
    char made[FILE_VERSION_BYTES], older[FILE_VERSION_BYTES];
    fixture_stop(&fixture);
    shop_write_model(&fixture, 1, older); /* which nobody has registered */
    shop_write_model(&fixture, 2, made);
    change_time(older, 2000000000);
    cr_expect_eq(adopt(made), ADOPTED);
    fixture_start(&fixture);
    cr_expect_str_eq(naming(), made);
    expect_state(older, "ready");
}

Test(picture_models, that_a_service_has_already_are_left_to_operators)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES];
    shop_adopt_model(&fixture, 1, first);
    cr_expect_eq(adopt(first), LEFT_TO_SERVER, "it is live");
    shop_adopt_model(&fixture, 2, second);
    cr_expect_eq(adopt(first), LEFT_TO_OPERATORS);
    cr_expect_str_eq(naming(), second);
}

Test(picture_models, are_live_when_their_job_has_succeeded)
{
    char first[FILE_VERSION_BYTES], second[FILE_VERSION_BYTES], shell[128];
    struct retrain_query query = {.split = SPLIT_TIME, .seed = 1, .only_pictures = true};
    struct error error = {.detail = ""};
    struct job job;
    shop_adopt_model(&fixture, 1, first);
    shop_adopt_model(&fixture, 2, second);
    (void)snprintf(shell, sizeof shell, "echo '{\"model_version\":\"%s\",\"state\":\"live\"}'", first); /* it was made again */
    fixture_program(&fixture, shell);
    cr_assert_eq(app_retrain(fixture.app, &query, &job, &error), STATUS_OK, "%s", error.detail);
    for (int64_t until_ms = clock_now_ms() + PATIENCE_MS; job.state == JOB_RUNNING && clock_now_ms() < until_ms;) {
        (void)poll(NULL, 0, 5);
        cr_assert_eq(app_job(fixture.app, job.job_id, &job), STATUS_OK);
    }
    cr_assert_eq(job.state, JOB_SUCCEEDED, "%s", job.detail);
    cr_expect_str_eq(naming(), first);
    expect_state(first, "live");
}
