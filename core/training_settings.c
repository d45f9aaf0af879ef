/* The table says for each setting where it stands, its kind and its limits; nothing else in the program lists them. */
#include "core/training_settings.h"

#include "core/base/emit.h"
#include "core/base/node.h"
#include "core/tensors.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct setting {
    const char *name;
    size_t offset;
    bool is_count; /* uint32_t, else float */
    double least, most;
};

#define COUNT(name, least, most)                                                                                                           \
    {                                                                                                                                      \
#name, offsetof(struct training_settings, name), true, least, most                                                                 \
    }
#define NUMBER(name, least, most)                                                                                                          \
    {                                                                                                                                      \
#name, offsetof(struct training_settings, name), false, least, most                                                                \
    }

// clang-format off
static const struct setting table[] = {
    {"width",       offsetof(struct training_settings, shape.width),       true,  1, WIDTH_MAX},
    {"taps",        offsetof(struct training_settings, shape.taps),        true,  1, TAPS_MAX},
    {"blocks",      offsetof(struct training_settings, shape.n_blocks),    true,  0, BLOCKS_MAX},
    {"history",     offsetof(struct training_settings, shape.history),     true,  1, HISTORY_MAX},
    {"temperature", offsetof(struct training_settings, shape.temperature), false, 0, 1000},
    COUNT(epochs,        1, 100000),
    COUNT(patience,      0, 100000),
    COUNT(batch_rows,    1, 1 << 20),
    COUNT(n_negatives,   0, 1 << 20),
    NUMBER(learning_rate, 1e-9, 1),
    NUMBER(dropout,      0, 0.98),
    NUMBER(reach,        0, 0.9),
    NUMBER(recency,      0, 20),
    NUMBER(averaging,    0, 0.999999),
};
// clang-format on
#define TABLE_ENTRIES (sizeof table / sizeof table[0])

struct training_settings training_settings_default(void)
{
    struct training_settings settings = {
        .shape = {.width = 64, .taps = 16, .n_blocks = 2, .history = 50, .temperature = 0},
        .epochs = 60,
        .patience = 6,
        .batch_rows = 3072,
        .learning_rate = 3e-3f,
        .dropout = 0.5f,
        .averaging = 0.998f,
        .seed = 1,
        .n_threads = 1,
        .neighbours_max_row = 1000,
    };
    for (unsigned i = 0; i < EVENT_TYPES_MAX; i++)
        settings.type_weights.weights[i] = 1;
    return settings;
}

static double value_of(const struct training_settings *settings, const struct setting *setting)
{
    const char *place = (const char *)settings + setting->offset;
    uint32_t count;
    float number;
    memcpy(&count, place, sizeof count);
    memcpy(&number, place, sizeof number);
    return setting->is_count ? (double)count : (double)number;
}

static bool is_within(const struct setting *setting, double value)
{
    return value >= (double)(float)setting->least && value <= setting->most; /* a limit may itself be stored as a float */
}

enum status training_settings_check(const struct training_settings *settings, struct error *error)
{
    for (size_t i = 0; i < TABLE_ENTRIES; i++) {
        double value = value_of(settings, &table[i]);
        if (!is_within(&table[i], value))
            return fail(error, STATUS_INVALID, "the setting %s is %g, expected %g to %g", table[i].name, value, table[i].least,
                        table[i].most);
    }
    if (settings->averaging > 0 && settings->n_negatives > 0)
        return fail(error, STATUS_INVALID,
                    "averaging and n_negatives do not go together: a mean over all weights a step is what sampling saves");
    return settings->n_threads ? STATUS_OK : fail(error, STATUS_INVALID, "training needs one thread at least");
}

void training_settings_write(const struct training_settings *settings, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_object(&emit, NULL);
    for (size_t i = 0; i < TABLE_ENTRIES; i++) {
        if (table[i].is_count)
            emit_integer(&emit, table[i].name, (int64_t)value_of(settings, &table[i]));
        else
            emit_number(&emit, table[i].name, value_of(settings, &table[i]), 9);
    }
    emit_integer(&emit, "seed", (int64_t)settings->seed);
    emit_open_array(&emit, "type_weights");
    unsigned n = EVENT_TYPES_MAX;
    while (n > 0 && settings->type_weights.weights[n - 1] == 0)
        n--;
    for (unsigned i = 0; i < n; i++)
        emit_number(&emit, NULL, (double)settings->type_weights.weights[i], 9);
    emit_close_array(&emit);
    emit_close_object(&emit);
}

static enum status read_setting(const struct node *object, const struct setting *setting, struct training_settings *settings,
                                struct error *error)
{
    const struct node *node = node_get(object, setting->name);
    if (!node)
        return STATUS_OK;
    bool is_number = node_kind(node) == NODE_INTEGER || (node_kind(node) == NODE_REAL && !setting->is_count);
    double value = is_number ? node_number(node) : NAN;
    if (!is_within(setting, value))
        return fail(error, STATUS_CORRUPT, "the model's setting %s is not a number from %g to %g", setting->name, setting->least,
                    setting->most);
    char *place = (char *)settings + setting->offset;
    uint32_t count = setting->is_count ? (uint32_t)value : 0;
    float number = (float)value;
    memcpy(place, setting->is_count ? (const void *)&count : (const void *)&number, sizeof count);
    return STATUS_OK;
}

enum status training_settings_read(const char *json, struct training_settings *settings, struct error *error)
{
    SCOPED(node_destroy) struct node *object = NULL;
    struct error reason = {.detail = ""};
    struct training_settings read = *settings;
    enum status status = node_parse(json, strlen(json), &object, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the model's settings");
    if (status != STATUS_OK || node_kind(object) != NODE_OBJECT)
        return fail(error, STATUS_CORRUPT, "the model's settings are not a JSON object: %.160s", reason.detail);
    for (size_t i = 0; i < TABLE_ENTRIES; i++)
        TRY(read_setting(object, &table[i], &read, error));
    *settings = read;
    return STATUS_OK;
}
