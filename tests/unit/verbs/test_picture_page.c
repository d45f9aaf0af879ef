/* The page about a picture model: its figures are the report's, names cannot become markup, and a report that says little is no mistake. */
#include "server/app/picture_page.h"

#include "core/picture_network.h"
#include "server/app/picture_report.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT                                                                                                                             \
    "{\"n_left_out\":3,\"curve\":[{\"epoch\":1,\"loss\":0.9,\"accuracy\":0.5},{\"epoch\":2,\"loss\":0.4,\"accuracy\":0.75}],"              \
    "\"categories\":[{\"n_held_out\":10,\"n_right\":8,\"n_given\":9},{\"n_held_out\":6,\"n_right\":5,\"n_given\":7}],"                     \
    "\"confusion\":[[8,2],[1,5]]}"

static char directory[64];

/* A model in a fresh directory with that report. */
static struct picture_model *make_model(const char *report)
{
    static const char *const names[] = {"<b>shoes & \"boots\"</b>", "帽子"};
    struct picture_facts facts = {.origin = "trained",
                                  .preset = "seed",
                                  .n_pictures = 90,
                                  .n_held_out = 16,
                                  .is_refit = true,
                                  .epochs = 2,
                                  .accuracy = 0.8125,
                                  .n_categories = 2,
                                  .categories = names,
                                  .report = report};
    struct layers layers;
    struct error error = {.detail = ""};
    struct picture_model *model = NULL;
    char version[FILE_VERSION_BYTES], path[160];
    (void)snprintf(directory, sizeof directory, "/tmp/test_picture_page.XXXXXX");
    cr_assert(mkdtemp(directory));
    cr_assert_eq(picture_layers(PICTURE_SEED, (struct map_shape){12, 12, 1}, 2, &layers, &error), STATUS_OK, "%s", error.detail);
    float *weights = aligned_alloc(64, (layers.n_floats * sizeof(float) + 63) / 64 * 64);
    cr_assert(weights);
    layers_start(&layers, 1, weights);
    cr_assert_eq(picture_model_write(directory, &facts, &layers, weights, version, &error), STATUS_OK, "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", directory, version);
    cr_assert_eq(picture_model_open(path, &model, &error), STATUS_OK, "%s", error.detail);
    (void)unlink(path);
    free(weights);
    return model;
}

static char *write_page(const struct picture_model *model)
{
    char path[160];
    struct error error = {.detail = ""};
    (void)snprintf(path, sizeof path, "%s/page.html", directory);
    cr_assert_eq(picture_page_write(path, model, &error), STATUS_OK, "%s", error.detail);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    cr_assert(file && text);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, file), 0u);
    (void)fclose(file);
    (void)unlink(path);
    (void)rmdir(directory);
    return text;
}

Test(picture_report, is_read_back_and_the_most_frequent_mix_ups_come_first)
{
    SCOPED(picture_model_close) struct picture_model *model = make_model(REPORT);
    SCOPED(picture_report_clear) struct picture_report report = {0};
    struct mix_up mix_ups[5];
    cr_assert_eq(picture_report_read(model, &report), STATUS_OK);
    cr_expect_eq(report.n_left_out, 3);
    cr_expect_eq(report.n_epochs, 2);
    cr_expect_eq(report.accuracies[1], 0.75);
    cr_expect_eq(report.categories[1].n_given, 7);
    cr_assert_eq(picture_report_mix_ups(&report, 5, mix_ups), 2);
    cr_expect(mix_ups[0].category == 0 && mix_ups[0].taken_for == 1 && mix_ups[0].n == 2);
    cr_assert_eq(picture_report_mix_ups(&report, 1, mix_ups), 1);
    cr_expect_eq(mix_ups[0].n, 2);
    (void)rmdir(directory);
}

Test(picture_page, shows_the_confusion_and_no_name_becomes_markup)
{
    SCOPED(picture_model_close) struct picture_model *model = make_model(REPORT);
    SCOPED(memory_free) char *page = write_page(model);
    cr_expect(strstr(page, "81.2&nbsp;% of 16 pictures"));
    cr_expect(strstr(page, "3 pictures were left out"));
    cr_expect(strstr(page, "trained again, for as many epochs, on all 106 pictures"));
    cr_expect(strstr(page, "&lt;b&gt;shoes &amp; &quot;boots&quot;&lt;/b&gt;"));
    cr_expect(!strstr(page, "<b>shoes"));
    cr_expect(strstr(page, "帽子"));
    cr_expect(strstr(page, "was taken for <b>帽子</b> 2 times"));
    cr_expect(!strstr(page, " src=") && !strstr(page, "<link") && !strstr(page, "<script"), "nothing is fetched");
}

Test(picture_page, of_a_report_that_says_nothing_has_only_what_is_known)
{
    static const char *const reports[] = {"{}", "{\"curve\":7,\"categories\":[1,{}],\"confusion\":[[],3,[1,2,3]]}",
                                          "{\"confusion\":[[-1,1e99]]}"};
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        SCOPED(picture_model_close) struct picture_model *model = make_model(reports[i]);
        SCOPED(memory_free) char *page = write_page(model);
        cr_expect(strstr(page, "</html>"), "%s", reports[i]);
    }
}
