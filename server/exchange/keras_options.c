/* An option is read, must have the one value that is understood, or is passed over; what is not in the table may only be null. */
#include "server/exchange/keras_options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum option_kind {
    OPTION_ANY,        /* plays no part in what the layer computes */
    OPTION_COUNT,      /* uint32_t, from 1 */
    OPTION_PAIR,       /* two of them, or one for both: at offset, and behind it */
    OPTION_ONES,       /* one or two numbers, all 1 */
    OPTION_NUMBER,     /* double */
    OPTION_ZERO,       /* the number 0 */
    OPTION_FLAG,       /* bool */
    OPTION_FALSE,      /* false */
    OPTION_WORD,       /* the text wanted */
    OPTION_PADDING,    /* "valid" or "same" */
    OPTION_ACTIVATION, /* "linear", "relu" or "softmax" */
    OPTION_LAST_AXIS,  /* -1, alone or in a list */
    OPTION_FLOAT32,    /* a policy or its name */
};

struct option_rule {
    const char *name;
    enum option_kind kind;
    bool required;
    size_t offset;
    const char *wanted;
};

struct keras_class {
    const char *name;
    enum keras_kind kind;
    const struct option_rule *rules; /* up to one without a name */
};

#define AT(member)    offsetof(struct keras_options, member)
#define LAYER(member) offsetof(struct keras_options, layer.member)
#define PASSED(word)                                                                                                                       \
    {                                                                                                                                      \
        .name = word, .kind = OPTION_ANY                                                                                                   \
    }
#define COMMON                                                                                                                             \
    PASSED("name"), PASSED("trainable"), PASSED("activity_regularizer"),                                                                   \
    {                                                                                                                                      \
        .name = "dtype", .kind = OPTION_FLOAT32                                                                                            \
    }
#define CHANNELS_LAST                                                                                                                      \
    {                                                                                                                                      \
        .name = "data_format", .kind = OPTION_WORD, .wanted = "channels_last"                                                              \
    }
#define KERNEL_TRAINING                                                                                                                    \
    PASSED("kernel_initializer"), PASSED("bias_initializer"), PASSED("kernel_regularizer"), PASSED("bias_regularizer"),                    \
        PASSED("kernel_constraint"), PASSED("bias_constraint")
#define ACTIVATION                                                                                                                         \
    {                                                                                                                                      \
        .name = "activation", .kind = OPTION_ACTIVATION, .required = true, .offset = LAYER(activation)                                     \
    }
#define USE_BIAS                                                                                                                           \
    {                                                                                                                                      \
        .name = "use_bias", .kind = OPTION_FLAG, .required = true, .offset = LAYER(has_bias)                                               \
    }
#define END                                                                                                                                \
    {                                                                                                                                      \
        .name = NULL                                                                                                                       \
    }

static const struct option_rule conv2d_rules[] = {
    COMMON,
    CHANNELS_LAST,
    KERNEL_TRAINING,
    ACTIVATION,
    USE_BIAS,
    {.name = "filters", .kind = OPTION_COUNT, .required = true, .offset = LAYER(n_out)},
    {.name = "kernel_size", .kind = OPTION_PAIR, .required = true, .offset = LAYER(height)},
    {.name = "padding", .kind = OPTION_PADDING, .required = true, .offset = LAYER(same)},
    {.name = "strides", .kind = OPTION_ONES},
    {.name = "dilation_rate", .kind = OPTION_ONES},
    {.name = "groups", .kind = OPTION_ONES},
    END,
};
static const struct option_rule pool_rules[] = {
    COMMON,
    CHANNELS_LAST,
    {.name = "pool_size", .kind = OPTION_PAIR, .required = true, .offset = LAYER(height)},
    {.name = "strides", .kind = OPTION_PAIR, .offset = AT(stride_height)},
    {.name = "padding", .kind = OPTION_WORD, .required = true, .wanted = "valid"},
    END,
};
static const struct option_rule dense_rules[] = {
    COMMON, KERNEL_TRAINING, ACTIVATION, USE_BIAS, {.name = "units", .kind = OPTION_COUNT, .required = true, .offset = LAYER(n_out)}, END,
};
static const struct option_rule norm_rules[] = {
    COMMON,
    {.name = "axis", .kind = OPTION_LAST_AXIS, .required = true},
    {.name = "epsilon", .kind = OPTION_NUMBER, .required = true, .offset = LAYER(epsilon)},
    {.name = "momentum", .kind = OPTION_NUMBER, .required = true, .offset = LAYER(momentum)},
    {.name = "scale", .kind = OPTION_FLAG, .required = true, .offset = LAYER(has_scale)},
    {.name = "center", .kind = OPTION_FLAG, .required = true, .offset = LAYER(has_shift)},
    {.name = "renorm", .kind = OPTION_FALSE},
    PASSED("renorm_clipping"),
    PASSED("renorm_momentum"),
    PASSED("synchronized"),
    PASSED("beta_initializer"),
    PASSED("gamma_initializer"),
    PASSED("moving_mean_initializer"),
    PASSED("moving_variance_initializer"),
    PASSED("beta_regularizer"),
    PASSED("gamma_regularizer"),
    PASSED("beta_constraint"),
    PASSED("gamma_constraint"),
    END,
};
static const struct option_rule relu_rules[] = {
    COMMON, {.name = "negative_slope", .kind = OPTION_ZERO}, {.name = "threshold", .kind = OPTION_ZERO}, END};
static const struct option_rule rescaling_rules[] = {
    COMMON,
    {.name = "scale", .kind = OPTION_NUMBER, .required = true, .offset = AT(scale)},
    {.name = "offset", .kind = OPTION_NUMBER, .required = true, .offset = AT(offset)},
    END,
};
static const struct option_rule flatten_rules[] = {COMMON, CHANNELS_LAST, END};
static const struct option_rule dropout_rules[] = {COMMON, PASSED("rate"), PASSED("seed"), PASSED("noise_shape"), END};
static const struct option_rule activation_rules[] = {COMMON, ACTIVATION, END};
static const struct option_rule softmax_rules[] = {COMMON, {.name = "axis", .kind = OPTION_LAST_AXIS, .required = true}, END};

static const struct keras_class classes[] = {
    {"Conv2D", KERAS_CONVOLUTION, conv2d_rules},
    {"MaxPooling2D", KERAS_POOL, pool_rules},
    {"Flatten", KERAS_FLATTEN, flatten_rules},
    {"Dense", KERAS_DENSE, dense_rules},
    {"Dropout", KERAS_DROPOUT, dropout_rules},
    {"BatchNormalization", KERAS_BATCH_NORM, norm_rules},
    {"ReLU", KERAS_RELU, relu_rules},
    {"Softmax", KERAS_SOFTMAX, softmax_rules},
    {"Rescaling", KERAS_RESCALING, rescaling_rules},
    {"Activation", KERAS_LINEAR, activation_rules},
};
#define CLASSES (sizeof classes / sizeof classes[0])

const struct keras_class *keras_class_find(const char *class_name)
{
    for (size_t c = 0; c < CLASSES; c++)
        if (strcmp(classes[c].name, class_name) == 0)
            return &classes[c];
    return NULL;
}

const char *keras_class(enum keras_kind kind)
{
    for (size_t c = 0; c < CLASSES; c++)
        if (classes[c].kind == kind)
            return classes[c].name;
    return "";
}

const char *keras_classes_text(void)
{
    return "Conv2D, MaxPooling2D, Flatten, Dense, Dropout, BatchNormalization, ReLU, Activation, Softmax and Rescaling";
}

/* --- values --- */

static bool is_number(const struct node *node)
{
    return node_kind(node) == NODE_INTEGER || node_kind(node) == NODE_REAL;
}

static bool is_text(const struct node *node, const char *wanted)
{
    return node_kind(node) == NODE_TEXT && strcmp(node_text(node, NULL), wanted) == 0;
}

static bool read_count(const struct node *node, uint32_t *out_count)
{
    if (!node || node_kind(node) != NODE_INTEGER || node_integer(node) < 1 || node_integer(node) > MAP_CHANNELS_MAX)
        return false;
    *out_count = (uint32_t)node_integer(node);
    return true;
}

static bool read_pair(const struct node *node, uint32_t out_pair[2])
{
    if (node_kind(node) != NODE_ARRAY)
        return read_count(node, &out_pair[0]) && read_count(node, &out_pair[1]);
    return node_count(node) == 2 && read_count(node_at(node, 0), &out_pair[0]) && read_count(node_at(node, 1), &out_pair[1]);
}

static bool is_last_axis(const struct node *node)
{
    if (node_kind(node) == NODE_ARRAY && node_count(node) == 1)
        node = node_at(node, 0);
    return node_kind(node) == NODE_INTEGER && node_integer(node) == -1;
}

/* "float32", or {"class_name": "DTypePolicy", "config": {"name": "float32"}}. */
static bool is_float32(const struct node *node)
{
    const struct node *config = node_kind(node) == NODE_OBJECT ? node_get(node, "config") : NULL;
    const struct node *name = config && node_kind(config) == NODE_OBJECT ? node_get(config, "name") : NULL;
    return is_text(name ? name : node, "float32");
}

static bool read_activation(const struct node *node, enum keras_activation *out_activation)
{
    static const char *const words[] = {"linear", "relu", "softmax"};
    for (unsigned a = 0; a < sizeof words / sizeof words[0]; a++) {
        if (is_text(node, words[a])) {
            *out_activation = (enum keras_activation)a;
            return true;
        }
    }
    return false;
}

/* NULL, or what is expected of an option of that rule. */
static const char *take(const struct option_rule *rule, const struct node *node, struct keras_options *options)
{
    void *member = (char *)options + rule->offset;
    uint32_t pair[2] = {0};
    switch (rule->kind) {
    case OPTION_ANY: return NULL;
    case OPTION_COUNT: return read_count(node, member) ? NULL : "a number from 1 to 65536";
    case OPTION_PAIR: return read_pair(node, member) ? NULL : "one or two numbers from 1 to 65536";
    case OPTION_ONES: return read_pair(node, pair) && pair[0] == 1 && pair[1] == 1 ? NULL : "1 in every direction";
    case OPTION_ZERO: return is_number(node) && fabs(node_number(node)) == 0 ? NULL : "0";
    case OPTION_FALSE: return node_kind(node) == NODE_BOOLEAN && !node_boolean(node) ? NULL : "false";
    case OPTION_WORD: return is_text(node, rule->wanted) ? NULL : rule->wanted;
    case OPTION_ACTIVATION: return read_activation(node, member) ? NULL : "linear, relu or softmax";
    case OPTION_LAST_AXIS: return is_last_axis(node) ? NULL : "-1, the channels";
    case OPTION_FLOAT32: return is_float32(node) ? NULL : "float32";
    case OPTION_NUMBER:
        if (!is_number(node))
            return "a number";
        *(double *)member = node_number(node);
        return NULL;
    case OPTION_FLAG:
        if (node_kind(node) != NODE_BOOLEAN)
            return "true or false";
        *(bool *)member = node_boolean(node);
        return NULL;
    case OPTION_PADDING:
        if (!is_text(node, "same") && !is_text(node, "valid"))
            return "valid or same";
        *(bool *)member = is_text(node, "same");
        return NULL;
    }
    return "another kind of option";
}

struct unknown {
    const struct option_rule *rules;
    const char *who;
    struct error *error;
};

static enum status check_known(void *context, const char *key, const struct node *value)
{
    const struct unknown *unknown = context;
    for (const struct option_rule *rule = unknown->rules; rule->name; rule++)
        if (strcmp(rule->name, key) == 0)
            return STATUS_OK;
    if (node_kind(value) == NODE_NULL)
        return STATUS_OK;
    return fail(unknown->error, STATUS_INVALID, "%.150s: its option \"%.40s\" is not understood", unknown->who,
                utf8_is_id(key, strlen(key)) ? key : "?");
}

enum status keras_options_read(const struct keras_class *keras_class, const struct node *config, const char *who,
                               struct keras_options *out_options, struct error *error)
{
    struct keras_options options = {.layer = {.kind = keras_class->kind}};
    struct unknown unknown = {keras_class->rules, who, error};
    for (const struct option_rule *rule = keras_class->rules; rule->name; rule++) {
        const struct node *node = node_get(config, rule->name);
        bool is_there = node && node_kind(node) != NODE_NULL;
        if (!is_there && rule->required)
            return fail(error, STATUS_INVALID, "%.150s: its option %s is missing", who, rule->name);
        const char *expected = is_there ? take(rule, node, &options) : NULL;
        if (expected)
            return fail(error, STATUS_INVALID, "%.150s: its %s must be %s: nothing else is understood", who, rule->name, expected);
    }
    TRY(node_each(config, check_known, &unknown));
    *out_options = options;
    return STATUS_OK;
}
