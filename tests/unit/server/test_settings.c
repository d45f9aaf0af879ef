/* Settings: each source, which one wins, and whether an error says where it stands. */
#include "server/app/settings.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct settings settings;
static struct error error;
static char directory[] = "/tmp/inkling-settings-XXXXXX";

static void make_directory(void)
{
    cr_assert(mkdtemp(directory));
    settings_default(&settings);
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "%s", directory);
    error = (struct error){0};
}

static void write_file(const char *text)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/inkling.conf", directory);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

static void remove_directory(void)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/inkling.conf", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}

TestSuite(settings, .init = make_directory, .fini = remove_directory);

Test(settings, have_defaults_that_pass_the_check)
{
    cr_assert_eq(settings_check(&settings, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings.http_port, 8080);
    cr_assert_str_eq(settings.http_address, "127.0.0.1");
    cr_assert_str_eq(settings.log_level, "info");
    cr_assert(settings.neighbours_weight < 0);
}

Test(settings, load_without_a_file)
{
    cr_assert_eq(settings_load(&settings, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings.http_port, 8080);
}

Test(settings, read_the_file)
{
    write_file("; a comment\n[http]\nport = 9000\n\n[neighbours]\nweight = 0.25\n[log]\nlevel=debug\n");
    cr_assert_eq(settings_load(&settings, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings.http_port, 9000);
    cr_assert_eq(settings.neighbours_weight, 0.25);
    cr_assert_str_eq(settings.log_level, "debug");
}

Test(settings, let_the_environment_win_over_the_file)
{
    write_file("[http]\nport = 9000\nthreads = 3\n");
    setenv("INKLING_HTTP_PORT", "9001", 1);
    cr_assert_eq(settings_load(&settings, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings.http_port, 9001);
    cr_assert_eq(settings.http_threads, 3);
}

Test(settings, let_a_later_set_win)
{
    cr_assert_eq(settings_set(&settings, "http.port", "1", "--set", &error), STATUS_OK);
    cr_assert_eq(settings_set(&settings, "http.port", "2", "--set", &error), STATUS_OK);
    cr_assert_eq(settings.http_port, 2);
}

Test(settings, name_the_line_of_a_bad_value)
{
    write_file("[http]\n\nport = many\n");
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert_str_eq(error.detail, "inkling.conf line 3: http.port must be an integer from 0 to 65535, not \"many\"");
}

Test(settings, name_the_line_of_an_unknown_name)
{
    write_file("[http]\nprot = 1\n");
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "line 2") && strstr(error.detail, "http.prot"), "%s", error.detail);
}

Test(settings, name_the_line_that_is_no_setting)
{
    write_file("[http]\nport = 1\nwhat\n");
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "line 3"), "%s", error.detail);
}

Test(settings, report_the_first_of_two_mistakes)
{
    write_file("[http]\nport = x\nthreads = y\n");
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "line 2"), "%s", error.detail);
}

Test(settings, refuse_a_line_that_would_be_cut)
{
    char text[600] = "[log]\nlevel = info ;";
    memset(text + strlen(text), 'x', 500);
    write_file(text);
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "line 2"), "%s", error.detail);
}

Test(settings, name_the_variable_of_a_bad_value)
{
    setenv("INKLING_HTTP_PORT", "65536", 1);
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "INKLING_HTTP_PORT") && strstr(error.detail, "65535"), "%s", error.detail);
}

Test(settings, refuse_a_variable_with_a_known_section_and_an_unknown_name)
{
    setenv("INKLING_HTTP_PROT", "1", 1);
    cr_assert_eq(settings_load(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "http.prot"), "%s", error.detail);
}

Test(settings, ignore_the_variables_that_an_orchestrator_makes_for_a_service_of_this_name)
{
    setenv("INKLING_SERVICE_HOST", "10.0.0.1", 1);
    setenv("INKLING_PORT_8080_TCP", "tcp://10.0.0.1:8080", 1);
    setenv("INKLING_PORT", "tcp://10.0.0.1:8080", 1);
    cr_assert_eq(settings_load(&settings, &error), STATUS_OK, "%s", error.detail);
}

Test(settings, refuse_what_is_no_number)
{
    const char *const values[] = {"", " 1", "1 ", "1x", "0x10", "99999999999999999999", "1.5", "-1"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        cr_assert_eq(settings_set(&settings, "http.port", values[i], "--set", &error), STATUS_INVALID, "\"%s\"", values[i]);
    cr_assert_eq(settings_set(&settings, "neighbours.weight", "nan", "--set", &error), STATUS_INVALID);
    cr_assert_eq(settings_set(&settings, "neighbours.weight", "inf", "--set", &error), STATUS_INVALID);
    cr_assert_eq(settings.http_port, 8080);
}

Test(settings, list_the_choices_of_a_bad_choice)
{
    cr_assert_eq(settings_set(&settings, "log.level", "loud", "--set", &error), STATUS_INVALID);
    cr_assert_str_eq(error.detail, "--set: log.level must be one of error, warning, info, debug, not \"loud\"");
}

Test(settings, weigh_event_types_without_being_told)
{
    cr_assert_eq(settings_type_weight(&settings, "impression"), -0.05F);
    cr_assert_eq(settings_type_weight(&settings, "dislike"), -1);
    cr_assert_eq(settings_type_weight(&settings, "anything"), 1);
}

Test(settings, weigh_event_types_as_configured)
{
    write_file("[weights]\nview = 0.5\nimpression = 0.125\n");
    setenv("INKLING_WEIGHTS_PURCHASE", "3", 1);
    cr_assert_eq(settings_load(&settings, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings_type_weight(&settings, "view"), 0.5F);
    cr_assert_eq(settings_type_weight(&settings, "impression"), 0.125F);
    cr_assert_eq(settings_type_weight(&settings, "purchase"), 3);
    cr_assert_eq(settings_type_weight(&settings, "vie"), 1, "a name that begins the same is another name");
}

Test(settings, replace_the_weight_of_a_type)
{
    cr_assert_eq(settings_set(&settings, "weights.a=b", "2", "--set", &error), STATUS_OK);
    cr_assert_eq(settings_set(&settings, "weights.a=b", "4", "--set", &error), STATUS_OK);
    cr_assert_eq(settings_type_weight(&settings, "a=b"), 4);
    cr_assert_eq(settings_type_weight(&settings, "a"), 1);
    cr_assert_eq(settings.n_weights, 1);
}

Test(settings, bound_the_number_of_weights)
{
    char name[32];
    for (int i = 0; i < 64; i++) {
        (void)snprintf(name, sizeof name, "weights.type-%d", i);
        cr_assert_eq(settings_set(&settings, name, "1", "--set", &error), STATUS_OK);
    }
    cr_assert_eq(settings_set(&settings, "weights.one-more", "1", "--set", &error), STATUS_LIMIT);
}

Test(settings, refuse_weights_out_of_range)
{
    cr_assert_eq(settings_set(&settings, "weights.click", "101", "--set", &error), STATUS_INVALID);
    cr_assert_eq(settings_set(&settings, "weights.", "1", "--set", &error), STATUS_INVALID);
}

Test(settings, refuse_to_be_open_to_everybody)
{
    const char *const open[] = {"0.0.0.0", "192.168.1.1", "::", "example.org", "127.0.0.1.example.org"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        cr_assert_eq(settings_set(&settings, "http.address", open[i], "--set", &error), STATUS_OK);
        cr_assert_eq(settings_check(&settings, &error), STATUS_INVALID, "%s", open[i]);
    }
    cr_assert_eq(settings_set(&settings, "http.address", "::1", "--set", &error), STATUS_OK);
    cr_assert_eq(settings_check(&settings, &error), STATUS_OK);
}

Test(settings, need_a_data_directory)
{
    settings.data_directory[0] = '\0';
    cr_assert_eq(settings_check(&settings, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "--data"), "%s", error.detail);
}

Test(settings, help_names_every_setting)
{
    SCOPED(buffer_clear) struct buffer help;
    buffer_init(&help, 65536);
    settings_help(&help);
    cr_assert(strstr(help.bytes, "http.port") && strstr(help.bytes, "weights.<event type>") && strstr(help.bytes, "log.level"));
}

/* --- training --- */

Test(settings, read_times_with_their_units)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } times[] = {{"0", 0}, {"0s", 0}, {"90s", 90}, {"20min", 1200}, {"1h", 3600}, {"999999999s", 999999999}};
    static const char *const others[] = {"", "1", "min", "-1s", "1.5h", " 1s", "1 s", "1d", "1S", "1minutes", "+1s", "1000000000s", "00x"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t seconds = -1;
        cr_expect(parse_seconds(times[i].text, &seconds), "%s", times[i].text);
        cr_expect_eq(seconds, times[i].seconds, "%s", times[i].text);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int64_t seconds = -1;
        cr_expect_not(parse_seconds(others[i], &seconds), "%s", others[i]);
        cr_expect_eq(seconds, -1, "%s: untouched", others[i]);
    }
}

Test(settings, give_a_search_20_minutes)
{
    cr_assert_eq(settings.retrain_budget, 1200);
    cr_assert_eq(settings_set(&settings, "retrain.budget", "90s", "--set", &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(settings.retrain_budget, 90);
    cr_assert_eq(settings_set(&settings, "retrain.budget", "2", "--set", &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "retrain.budget"), "%s", error.detail);
    cr_assert_eq(settings_set(&settings, "retrain.budget", "25h", "--set", &error), STATUS_INVALID);
}

Test(settings, keep_the_gate_to_figures_that_there_are)
{
    cr_assert_str_eq(settings.gate_metric, "ndcg10");
    cr_assert_eq(settings.gate_margin, .02);
    cr_assert_eq(settings_set(&settings, "gate.metric", "recall10", "--set", &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "mrr20"), "%s", error.detail);
    cr_assert_eq(settings_set(&settings, "gate.margin", "1.1", "--set", &error), STATUS_INVALID);
    cr_assert_eq(settings_set(&settings, "gate.margin", "-0.1", "--set", &error), STATUS_INVALID);
    cr_assert_eq(settings_set(&settings, "gate.margin", "1", "--set", &error), STATUS_OK);
}

Test(settings, read_what_is_true_or_false)
{
    cr_assert(settings.pictures_keep_originals);
    cr_assert_eq(settings_set(&settings, "pictures.keep_originals", "false", "--set", &error), STATUS_OK);
    cr_assert(!settings.pictures_keep_originals);
    cr_assert_eq(settings_set(&settings, "pictures.keep_originals", "no", "--set", &error), STATUS_INVALID);
    cr_assert_str_eq(error.detail, "--set: pictures.keep_originals must be true or false, not \"no\"");
}

static void set_again(void *context, const char *name, const char *value)
{
    cr_expect_eq(settings_set(context, name, value, "--set", &error), STATUS_OK, "%s", error.detail);
}

Test(settings, can_be_handed_to_a_training)
{
    struct settings others;
    static const char *const sets[][2] = {{"neighbours.weight", "0.1"}, {"neighbours.max_row", "64"}, {"retrain.budget", "3min"},
                                          {"retrain.clock", "false"},   {"gate.metric", "mrr5"},      {"gate.margin", "0.3"},
                                          {"weights.buy", "2.5"}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        cr_assert_eq(settings_set(&settings, sets[i][0], sets[i][1], "--set", &error), STATUS_OK, "%s", error.detail);
    settings_default(&others);
    settings_for_training(&settings, set_again, &others);
    cr_expect_eq(others.neighbours_weight, .1, "to the last bit");
    cr_expect_eq(others.neighbours_max_row, 64);
    cr_expect_eq(others.retrain_budget, 180);
    cr_expect_not(others.retrain_clock);
    cr_expect_str_eq(others.gate_metric, "mrr5");
    cr_expect_eq(others.gate_margin, .3);
    cr_expect_eq(settings_type_weight(&others, "buy"), 2.5F);
}
