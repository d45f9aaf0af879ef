/* The page stands alone, escapes what it is given, says what is missing, and appears whole or not at all. */
#include "server/app/evaluation_page.h"
#include "server/app/html_text.h"
#include "server/app/page_file.h"
#include "server/app/svg_chart.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A report with figures that can be found again. */
static struct evaluation_report *sample_report(void)
{
    struct evaluation_report *report = calloc(1, sizeof *report);
    struct evaluation *evaluation = &report->evaluation;
    (void)snprintf(report->model_version, sizeof report->model_version, "m<i>&'\"");
    report->is_model_split = true;
    report->n_events = 1234567;
    *evaluation = (struct evaluation){
        .n_cases = 500, .n_items = 90, .has_encoder = true, .neighbours_weight = .05f, .n_held_out_events = 10, .n_repeats = 3};
    for (int group = 0; group < GROUPS; group++)
        for (int method = 0; method < METHODS; method++)
            evaluation->groups[group].methods[method] = (struct judged_method){.figures = {.hr10 = .1 * (method + 1), .ndcg10 = .0512},
                                                                               .low = {.hr10 = .1 * method, .ndcg10 = .0489},
                                                                               .high = {.hr10 = .5, .ndcg10 = .0537}};
    evaluation->blend_over_neighbours = (struct difference){.value = .002, .low = .001, .high = .003};
    evaluation->encoder_over_neighbours = (struct difference){.value = -.002, .low = -.003, .high = .001};
    evaluation->encoder_reliability =
        (struct reliability){.n_bins = 2, .bins = {{.01, .012, 5000}, {.1, 0, 700}}, .n = 5700, .predicted = .02, .observed = .01};
    return report;
}

static char *page_of(const struct evaluation_report *report, const char *training)
{
    struct buffer page;
    buffer_init(&page, 1 << 20);
    evaluation_page_append(report, training, &page);
    cr_assert_not(page.failed);
    return page.bytes;
}

static const char curve[] =
    "{\"curve\": [{\"epoch\": 1, \"loss\": 8.5, \"ndcg10\": 0.01}, {\"epoch\": 2, \"loss\": 7.25, \"ndcg10\": 0.02}], "
    "\"search\": {\"tried\": [{\"settings\": \"dropout <b>.3</b>\", \"rounds\": 2, \"epochs\": 4, \"ndcg10\": 0.0311}, {}]}}";

Test(evaluation_page, needs_nothing_from_elsewhere)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, curve);
    static const char *const strangers[] = {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<img", "onload"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        cr_expect_null(strstr(page, strangers[i]), "the page has %s", strangers[i]);
    cr_expect_not_null(strstr(page, "prefers-color-scheme:dark"));
    cr_expect_not_null(strstr(page, "<svg"));
    free(page);
    free(report);
}

Test(evaluation_page, escapes_what_it_is_given)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, curve);
    cr_expect_null(strstr(page, "<i>"));
    cr_expect_null(strstr(page, "<b>"));
    cr_expect_not_null(strstr(page, "m&lt;i&gt;&amp;&#39;&quot;"));
    cr_expect_not_null(strstr(page, "dropout &lt;b&gt;.3&lt;/b&gt;"));
    free(page);
    free(report);
}

Test(evaluation_page, shows_figures_with_their_intervals)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, curve);
    cr_expect_not_null(strstr(page, "0.0512<small>0.0489–0.0537"));
    cr_expect_not_null(strstr(page, "40.0&nbsp;% of 500 held-out events"));
    cr_expect_not_null(
        strstr(page, "The blend ranks better than the neighbours alone; the encoder cannot be told from the neighbours alone"));
    cr_expect_not_null(strstr(page, "Repeats: 30.0&nbsp;%"));
    cr_expect_not_null(strstr(page, "1&#8239;234&#8239;567"));
    cr_expect_not_null(strstr(page, "The encoder promises more than comes true"));
    free(page);
    free(report);
}

Test(evaluation_page, draws_the_loss_curve)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, curve);
    cr_expect_not_null(strstr(page, "In 2 epochs the loss went from 8.500 to 7.250"));
    cr_expect_not_null(strstr(page, "epoch 2: 7.25"));
    free(page);
    free(report);
}

Test(evaluation_page, shows_how_items_are_placed_by_their_content)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, "{\"content\": {\"is_used\": true, \"n_contents\": 900, \"n_judged_items\": 100, \"curve\": [{\"epoch\": "
                                 "1, \"loss\": 7, \"ndcg20\": 0.1125}], \"k\": 2, \"choices\": [{\"k\": 0, \"ndcg10\": 0.05}, {\"k\": 2, "
                                 "\"ndcg10\": 0.0512}]}}");
    cr_expect_not_null(strstr(page, "New items are placed by their words and pictures"));
    cr_expect_not_null(strstr(page, "epoch 1: 0.1125"));
    cr_expect_not_null(strstr(page, "<td>2.0</td><td>0.0512</td><td class=\"words\">chosen"));
    free(page);
    page = page_of(report, "{\"content\": {\"is_used\": false, \"n_contents\": 900, \"n_judged_items\": 100}}");
    cr_expect_not_null(strstr(page, "did not pay"));
    free(page);
    free(report);
}

Test(evaluation_page, says_that_there_is_no_loss_curve)
{
    static const char *const trainings[] = {NULL,
                                            "",
                                            "{}",
                                            "[]",
                                            "{",
                                            "null",
                                            "{\"curve\": 3}",
                                            "{\"curve\": []}",
                                            "{\"curve\": [1, null, [], {}, {\"epoch\": \"x\", \"loss\": 1}]}",
                                            "{\"curve\": {}, \"search\": []}",
                                            "{\"search\": {\"tried\": 1}}"};
    struct evaluation_report *report = sample_report();
    for (size_t i = 0; i < sizeof trainings / sizeof trainings[0]; i++) {
        char *page = page_of(report, trainings[i]);
        cr_expect_not_null(strstr(page, "holds no loss curve"), "%s", trainings[i] ? trainings[i] : "NULL");
        free(page);
    }
    free(report);
}

Test(evaluation_page, bears_a_report_of_strange_things)
{
    struct evaluation_report *report = sample_report();
    char *page = page_of(report, "{\"curve\": [{\"epoch\": 1e300, \"loss\": -1e300, \"ndcg10\": 0}, {\"epoch\": -5, \"loss\": 1e300}], "
                                 "\"search\": {\"tried\": [1, {}, null]}, \"content\": {\"n_contents\": 1, \"n_judged_items\": "
                                 "1e308, \"curve\": [{}], \"k\": [], \"choices\": [1, {\"k\": \"x\"}]}}");
    cr_expect_null(strstr(page, "nan"));
    cr_expect_null(strstr(page, "inf"));
    free(page);
    free(report);
}

Test(evaluation_page, of_zeros_is_a_page)
{
    struct evaluation_report *report = calloc(1, sizeof *report);
    char *page = page_of(report, NULL);
    cr_expect_not_null(strstr(page, "Nothing is held out"));
    cr_expect_null(strstr(page, "nan"));
    free(page);
    free(report);
}

Test(evaluation_page, says_whose_figures_they_are)
{
    struct evaluation_report *report = sample_report();
    (void)snprintf(report->refit_version, sizeof report->refit_version, "m<refit>");
    char *page = page_of(report, NULL);
    cr_expect_not_null(strstr(page, "Model m&lt;refit&gt; was made from this one"));
    free(page);
    report->refit_version[0] = '\0';
    report->is_refit = true;
    page = page_of(report, NULL);
    cr_expect_not_null(strstr(page, "was trained on the held-out events too"));
    free(page);
    free(report);
}

Test(svg_chart, draws_within_its_axes)
{
    struct buffer out;
    struct chart chart;
    buffer_init(&out, 1 << 20);
    chart_open(&chart, &out, "words & more", axis_over("x", 0, 3, false), axis_over("y", .001, .1, true));
    chart_point(&chart, "encoder", 99, 5, 0, 0, "far");
    chart_point(&chart, "encoder", NAN, 1, 0, 0, "nowhere");
    chart_close(&chart);
    cr_assert_not(out.failed);
    cr_expect_not_null(strstr(out.bytes, "words &amp; more"));
    cr_expect_not_null(strstr(out.bytes, "cx=\"446.0\" cy=\"12.0\""), "at the corner");
    cr_expect_null(strstr(out.bytes, "nowhere"));
    buffer_clear(&out);
}

Test(svg_chart, axes_end_at_round_values_around_what_is_shown)
{
    struct axis axis = axis_over("x", 0, .0689, false);
    cr_expect_float_eq(axis.low, 0, 1e-12);
    cr_expect_float_eq(axis.high, .08, 1e-12);
    axis = axis_over("x", -.05, .003, false);
    cr_expect(axis.low <= -.05 && axis.high >= .003);
    axis = axis_over("x", NAN, NAN, false);
    cr_expect(axis.high > axis.low);
    axis = axis_over("x", 0, 0, true);
    cr_expect(axis.low > 0 && axis.high > axis.low);
    axis = axis_between("y", 7.8, 7.8);
    cr_expect(axis.low <= 7.8 && axis.high > 7.8);
}

Test(html_text, leaves_out_control_characters)
{
    struct buffer out;
    buffer_init(&out, 100);
    html_append_text(&out, "a\x01\x1b[1mb\nž");
    cr_expect_str_eq(out.bytes, "a[1mb\nž");
    buffer_clear(&out);
}

/* --- the file --- */

static unsigned count_entries(const char *directory)
{
    unsigned n = 0;
    DIR *entries = opendir(directory);
    cr_assert(entries);
    while (readdir(entries))
        n++;
    (void)closedir(entries);
    return n - 2;
}

Test(page_file, replaces_a_file_and_leaves_nothing_else)
{
    char directory[] = "/tmp/test-page-XXXXXX", path[64], read[16] = "";
    cr_assert(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/page.html", directory);
    struct error error = {.detail = ""};
    cr_assert_eq(page_file_write(path, "first page", 10, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(page_file_write(path, "second", 6, &error), STATUS_OK, "%s", error.detail);
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    cr_expect_eq(fread(read, 1, sizeof read, file), 6);
    (void)fclose(file);
    cr_expect_str_eq(read, "second");
    cr_expect_eq(count_entries(directory), 1);
    (void)unlink(path);
    (void)rmdir(directory);
}

Test(page_file, says_why_it_cannot_be_written)
{
    char directory[] = "/tmp/test-page-XXXXXX", path[5000];
    cr_assert(mkdtemp(directory));
    struct error error = {.detail = ""};
    (void)snprintf(path, sizeof path, "%s/nowhere/page.html", directory);
    cr_expect_eq(page_file_write(path, "x", 1, &error), STATUS_IO);
    cr_expect_not_null(strstr(error.detail, "nowhere/page.html"), "%s", error.detail);
    cr_expect_not_null(strstr(error.detail, "No such file"), "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/folder", directory);
    cr_assert(mkdir(path, 0700) == 0);
    cr_expect_eq(page_file_write(path, "x", 1, &error), STATUS_IO, "the name is a folder's");
    cr_expect_eq(count_entries(directory), 1, "nothing is left behind");
    (void)rmdir(path);
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_expect_eq(page_file_write(path, "x", 1, &error), STATUS_IO);
    (void)rmdir(directory);
}
