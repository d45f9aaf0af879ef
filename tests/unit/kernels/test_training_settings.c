/* Settings go through their text and come back; what a text says wrongly is refused by name. */
#include "core/training_settings.h"

#include <criterion/criterion.h>
#include <string.h>

Test(training_settings, come_back_from_their_text)
{
    struct training_settings written = training_settings_default(), read = training_settings_default();
    struct error error = {.detail = ""};
    SCOPED(buffer_clear) struct buffer text;
    buffer_init(&text, 65536);
    written.shape.width = 128;
    written.shape.temperature = .07f;
    written.dropout = .3f;
    written.averaging = .998f;
    written.n_negatives = 4096;
    written.reach = .3f;
    written.recency = 2.5f;
    written.epochs = 17;
    training_settings_write(&written, &text);
    cr_assert(buffer_finish(&text, &error) == STATUS_OK);
    cr_assert(training_settings_read(text.bytes, &read, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_eq(read.shape.width, 128);
    cr_expect_eq(read.shape.temperature, .07f);
    cr_expect_eq(read.dropout, .3f);
    cr_expect_eq(read.averaging, .998f);
    cr_expect_eq(read.n_negatives, 4096);
    cr_expect_eq(read.reach, .3f);
    cr_expect_eq(read.recency, 2.5f);
    cr_expect_eq(read.epochs, 17);
}

Test(training_settings, keep_what_a_text_does_not_say)
{
    struct training_settings read = training_settings_default();
    struct error error = {.detail = ""};
    read.seed = 9;
    cr_assert(training_settings_read("{\"width\": 32, \"of_a_later_version\": [1]}", &read, &error) == STATUS_OK, "%s", error.detail);
    cr_expect_eq(read.shape.width, 32);
    cr_expect_eq(read.shape.taps, 16);
    cr_expect_eq(read.seed, 9);
}

Test(training_settings, refuse_a_text_by_the_name_of_what_is_wrong)
{
    static const char *const wrong[][2] = {
        {"{\"width\": 0}", "width"},         {"{\"width\": 1.5}", "width"}, {"{\"dropout\": \"half\"}", "dropout"},
        {"{\"dropout\": 2}", "dropout"},     {"{\"taps\": null}", "taps"},  {"{\"learning_rate\": 0}", "learning_rate"},
        {"{\"history\": 99999}", "history"}, {"[]", "not a JSON object"},   {"{", "not a JSON object"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct training_settings read = training_settings_default(), before = read;
        struct error error = {.detail = ""};
        cr_expect_eq(training_settings_read(wrong[i][0], &read, &error), STATUS_CORRUPT, "%s", wrong[i][0]);
        cr_expect(strstr(error.detail, wrong[i][1]), "%s: %s", wrong[i][0], error.detail);
        cr_expect(memcmp(&read, &before, sizeof read) == 0, "changed on failure");
    }
}
