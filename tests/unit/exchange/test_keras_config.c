/* Architectures that are not understood: the golden config with one thing changed, and what is said about it. */
#include "keras_fixture.h"

#include "core/base/node.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGES                                                                                                                              \
    "\"name\": \"edges\", \"trainable\": true, \"dtype\": {\"module\": \"keras\", \"class_name\": \"DTypePolicy\", \"config\": "           \
    "{\"name\": "

struct change {
    const char *from, *to, *words;
};

static void expect_refused(const struct change changes[], size_t n)
{
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.keras", folder);
    for (size_t c = 0; c < n; c++) {
        struct keras_network network = {.weights = NULL};
        struct error error = {.detail = ""};
        keras_write_changed(path, changes[c].from, changes[c].to);
        cr_expect_eq(keras_model_read(path, &network, &error), STATUS_INVALID, "%s", changes[c].to);
        cr_expect(strstr(error.detail, changes[c].words), "%s: %s", changes[c].to, error.detail);
        cr_expect_null(network.weights);
        keras_network_clear(&network);
    }
    folder_remove(folder);
}
#define EXPECT_REFUSED(changes) expect_refused(changes, sizeof changes / sizeof changes[0])

Test(keras_config, names_the_layer_whose_option_is_not_understood)
{
    static const struct change changes[] = {
        {"\"strides\": [1, 1]", "\"strides\": [2, 2]", "layer \"edges\" (Conv2D): its strides must be 1"},
        {"\"strides\": [1, 1]", "\"strides\": 2", "its strides must be 1"},
        {"\"dilation_rate\": [1, 1]", "\"dilation_rate\": [1, 2]", "its dilation_rate must be 1"},
        {"\"groups\": 1", "\"groups\": 2", "its groups must be 1"},
        {"\"padding\": \"same\"", "\"padding\": \"causal\"", "its padding must be valid or same"},
        {"\"data_format\": \"channels_last\"", "\"data_format\": \"channels_first\"", "its data_format must be channels_last"},
        {"\"activation\": \"linear\"", "\"activation\": \"gelu\"", "its activation must be linear, relu or softmax"},
        {"\"activation\": \"linear\"", "\"activation\": \"softmax\"", "its activation must be linear or relu"},
        {"\"activation\": \"linear\"", "\"activation\": {\"class_name\": \"relu\"}", "its activation must be"},
        {"\"kernel_size\": [5, 5]", "\"kernel_size\": [5]", "its kernel_size must be one or two numbers"},
        {"\"kernel_size\": [5, 5]", "\"kernel_size\": [5, 0]", "its kernel_size must be one or two numbers"},
        {"\"kernel_size\": [5, 5]", "\"kernel_size\": [4, 5]", "has an even side, which same does not allow"},
        {"\"filters\": 4", "\"filters\": 4.0", "its filters must be a number"},
        {"\"filters\": 4", "\"filters\": 70000", "its filters must be a number"},
        {"\"filters\": 4", "\"filter\": 4", "its option filters is missing"},
        {"\"use_bias\": true", "\"use_bias\": 1", "its use_bias must be true or false"},
        {"\"groups\": 1", "\"groups\": 1, \"wings\": 2", "its option \"wings\" is not understood"},
        {EDGES "\"float32\"", EDGES "\"mixed_bfloat16\"", "its dtype must be float32"},
        {"\"axis\": -1", "\"axis\": 1", "(BatchNormalization): its axis must be -1"},
        {"\"renorm\": false", "\"renorm\": true", "its renorm must be false"},
        {"\"epsilon\": 0.001", "\"epsilon\": 0", "its epsilon must be between 0 and 1"},
        {"\"negative_slope\": 0.0", "\"negative_slope\": 0.1", "(ReLU): its negative_slope must be 0"},
        {"\"max_value\": null", "\"max_value\": 6.0", "its option \"max_value\" is not understood"},
        {"\"strides\": [2, 2]", "\"strides\": [1, 1]", "(MaxPooling2D): its strides must be its pool_size"},
        {"\"pool_size\": [2, 2], \"padding\": \"valid\"", "\"pool_size\": [2, 2], \"padding\": \"same\"", "its padding must be valid"},
    };
    EXPECT_REFUSED(changes);
}

Test(keras_config, names_the_layer_that_is_not_understood)
{
    static const struct change changes[] = {
        {"\"class_name\": \"Conv2D\"", "\"class_name\": \"SeparableConv2D\"", "layer \"edges\" (SeparableConv2D): understood are Conv2D"},
        {"\"class_name\": \"Conv2D\"", "\"class_name\": \"Conv2D\\u001b[2J\"", "(?): understood are"},
        {"\"class_name\": \"Conv2D\"", "\"class_name\": 7", "layer 1: expected an object with class_name"},
        {"\"name\": \"edges\"", "\"name\": \"ed/ges\"", "layer 1: expected a name"},
        {"\"name\": \"edges\"", "\"name\": \"ed\\nges\"", "layer 1: expected a name"},
        {"\"registered_name\": null, \"build_config\": {\"input_shape\": [null, 11, 10, 3]}}, {\"module\"",
         "\"registered_name\": \"my>Conv2D\"}, {\"module\"", "it is a class of the model's own"},
    };
    EXPECT_REFUSED(changes);
}

Test(keras_config, refuses_layers_that_do_not_stand_where_they_can)
{
    static const struct change changes[] = {
        {"\"class_name\": \"Flatten\"", "\"class_name\": \"Dropout\"", "option \"data_format\" is not understood"},
        {"\"class_name\": \"InputLayer\"", "\"class_name\": \"Flatten\"", "the first layer is not an InputLayer"},
        {"\"batch_shape\": [null, 11, 10, 3]", "\"batch_shape\": [null, null, 10, 3]", "expected a batch_shape"},
        {"\"batch_shape\": [null, 11, 10, 3]", "\"batch_shape\": [null, 11, 10, 4]", "expected a batch_shape"},
        {"\"batch_shape\": [null, 11, 10, 3]", "\"batch_shape\": [null, 11, 5000, 3]", "expected a batch_shape"},
        {"\"batch_shape\": [null, 11, 10, 3]", "\"batch_shape\": [null, 6, 6, 3]", "(Conv2D) is not possible here"},
        {"\"activation\": \"softmax\"", "\"activation\": \"linear\"", "the model does not end in a softmax"},
        {"\"activation\": \"softmax\"", "\"activation\": \"sigmoid\"", "its activation must be linear, relu or softmax"},
        {"\"activation\": \"relu\"}", "\"activation\": \"softmax\"}", "a softmax over a map is not understood"},
        {"\"units\": 7, \"activation\": \"linear\"", "\"units\": 7, \"activation\": \"softmax\"", "stands behind a softmax"},
        {"\"class_name\": \"Sequential\"", "\"class_name\": \"Functional\"", "only Sequential is understood"},
        {"\"layers\": [", "\"layer\": [", "no list of layers"},
        {"{", "[", "not a JSON object"},
    };
    EXPECT_REFUSED(changes);
}

#define RESCALING(more)                                                                                                                    \
    "{\"module\": \"keras.layers\", \"class_name\": \"Rescaling\", \"config\": {\"name\": \"rescaling\", " more "}}, {\"module\": "        \
    "\"keras.layers\", \"class_name\": \"Conv2D\""
#define CONVOLUTION "{\"module\": \"keras.layers\", \"class_name\": \"Conv2D\""

Test(keras_config, takes_a_rescaling_that_does_what_is_done_anyhow)
{
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
    struct keras_network plain = {.weights = NULL}, rescaled = {.weights = NULL};
    struct error error = {.detail = ""};
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/m.keras", folder);
    keras_write_changed(path, CONVOLUTION, RESCALING("\"scale\": 0.00392156862745098, \"offset\": 0.0"));
    cr_assert_eq(keras_model_read(path, &rescaled, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(keras_model_read(GOLDEN_KERAS, &plain, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(rescaled.layers.n_floats, plain.layers.n_floats);
    cr_assert_arr_eq(rescaled.weights, plain.weights, plain.layers.n_floats * sizeof(float));
    keras_network_clear(&plain);
    keras_network_clear(&rescaled);
    folder_remove(folder);
}

Test(keras_config, refuses_any_other_rescaling)
{
    static const struct change changes[] = {
        {CONVOLUTION, RESCALING("\"scale\": 0.00784313725490196, \"offset\": -1.0"), "so only 1/255 and 0 fit"},
        {CONVOLUTION, RESCALING("\"scale\": 0.00392156862745098, \"offset\": 0.5"), "so only 1/255 and 0 fit"},
        {CONVOLUTION, RESCALING("\"scale\": [0.1, 0.2, 0.3], \"offset\": 0.0"), "its scale must be a number"},
        {"\"class_name\": \"Dropout\", \"config\": {",
         "\"class_name\": \"Rescaling\", \"config\": {\"scale\": 0.00392156862745098, \"offset\": 0, ",
         "its option \"rate\" is not understood"},
    };
    EXPECT_REFUSED(changes);
}

Test(keras_config, is_not_read_beyond_its_limit)
{
    struct keras_config *config = calloc(1, sizeof *config);
    struct error error = {.detail = ""};
    cr_assert(config);
    cr_assert_eq(keras_config_read("{", KERAS_CONFIG_MAX_BYTES + 1, config, &error), STATUS_INVALID);
    cr_assert(strstr(error.detail, "more than 1048576 bytes"), "%s", error.detail);
    free(config);
}
