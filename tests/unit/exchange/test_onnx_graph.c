/* The graph as a reader of ONNX files finds it. That it computes the same is shown by onnxruntime (tests/golden/check_onnx.py). */
#include "keras_fixture.h"

#include "server/exchange/onnx.pb-c.h"
#include "server/exchange/onnx_graph.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHTS_MOST 4096

/* A model of these layers whose weights are 0, 1, 2, …, packed and read again. */
static Onnx__ModelProto *packed_model(const struct layer list[], uint32_t n_layers, struct map_shape input, const char *const categories[],
                                      uint32_t n_categories)
{
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 64], version[FILE_VERSION_BYTES];
    struct picture_model *model = NULL;
    struct error error = {.detail = ""};
    struct layers layers;
    float weights[WEIGHTS_MOST];
    unsigned char *bytes = NULL;
    size_t n = 0;
    cr_assert_eq(layers_init(&layers, input, list, n_layers, &error), STATUS_OK, "%s", error.detail);
    cr_assert_leq(layers.n_floats, WEIGHTS_MOST);
    for (size_t i = 0; i < WEIGHTS_MOST; i++)
        weights[i] = (float)i;
    const struct picture_facts facts = {
        .origin = "imported", .preset = "", .n_categories = n_categories, .categories = categories, .report = "{}"};
    folder_make(folder);
    cr_assert_eq(picture_model_write(folder, &facts, &layers, weights, version, &error), STATUS_OK, "%s", error.detail);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", folder, version);
    cr_assert_eq(picture_model_open(path, &model, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(onnx_graph_pack(model, &bytes, &n, &error), STATUS_OK, "%s", error.detail);
    Onnx__ModelProto *packed = onnx__model_proto__unpack(NULL, n, bytes);
    cr_assert(packed);
    free(bytes);
    picture_model_close(model);
    folder_remove(folder);
    return packed;
}

static const Onnx__TensorProto *find_tensor(const Onnx__ModelProto *model, const char *name)
{
    for (size_t t = 0; t < model->graph->n_initializer; t++)
        if (strcmp(model->graph->initializer[t]->name, name) == 0)
            return model->graph->initializer[t];
    cr_assert_fail("there is no %s", name);
    return NULL;
}

static void expect_operators(const Onnx__ModelProto *model, const char *const operators[], size_t n)
{
    cr_assert_eq(model->graph->n_node, n);
    for (size_t i = 0; i < n; i++) {
        const Onnx__NodeProto *node = model->graph->node[i];
        cr_expect_str_eq(node->op_type, operators[i]);
        cr_expect_str_eq(node->input[0], i ? model->graph->node[i - 1]->output[0] : "pixels");
    }
    cr_expect_str_eq(model->graph->node[n - 1]->output[0], "probabilities");
}
#define EXPECT_OPERATORS(model, operators) expect_operators(model, operators, sizeof operators / sizeof operators[0])

static const char *const names[] = {"a \"b\"", "ö"};

Test(onnx_graph, is_a_chain_from_pixels_to_probabilities)
{
    static const struct layer list[] = {
        {.kind = LAYER_CONVOLUTION, .n_out = 2, .height = 3, .width = 1, .same = true},
        {.kind = LAYER_RELU},
        {.kind = LAYER_POOL, .height = 2, .width = 3},
        {.kind = LAYER_DENSE, .n_out = 4},
        {.kind = LAYER_RELU},
        {.kind = LAYER_DENSE, .n_out = 2},
    };
    static const char *const operators[] = {"Mul",     "Transpose", "Conv", "Relu", "MaxPool", "Transpose",
                                            "Reshape", "Gemm",      "Relu", "Gemm", "Softmax"};
    Onnx__ModelProto *model = packed_model(list, 6, (struct map_shape){6, 7, 3}, names, 2);
    EXPECT_OPERATORS(model, operators);
    const Onnx__NodeProto *convolution = model->graph->node[2];
    cr_assert_eq(convolution->n_attribute, 2);
    cr_expect_arr_eq(convolution->attribute[0]->ints, ((int64_t[]){3, 1}), 2 * sizeof(int64_t));
    cr_expect_arr_eq(convolution->attribute[1]->ints, ((int64_t[]){1, 0, 1, 0}), 4 * sizeof(int64_t));
    cr_expect_arr_eq(find_tensor(model, "layer.4.shape")->raw_data.data, ((int64_t[]){-1, 12}), 2 * sizeof(int64_t));
    cr_expect_arr_eq(find_tensor(model, "layer.4.weight")->dims, ((int64_t[]){12, 4}), 2 * sizeof(int64_t));
    onnx__model_proto__free_unpacked(model, NULL);
}

Test(onnx_graph, turns_kernels_to_outputs_first)
{
    static const struct layer list[] = {{.kind = LAYER_CONVOLUTION, .n_out = 2, .height = 2, .width = 3},
                                        {.kind = LAYER_DENSE, .n_out = 2}};
    Onnx__ModelProto *model = packed_model(list, 2, (struct map_shape){3, 4, 3}, names, 2);
    const Onnx__TensorProto *weight = find_tensor(model, "layer.1.weight");
    float values[2 * 3 * 2 * 3];
    cr_assert_eq(weight->n_dims, 4);
    cr_expect_arr_eq(weight->dims, ((int64_t[]){2, 3, 2, 3}), 4 * sizeof(int64_t));
    cr_assert_eq(weight->raw_data.len, sizeof values);
    memcpy(values, weight->raw_data.data, sizeof values);
    for (unsigned o = 0; o < 2; o++)
        for (unsigned c = 0; c < 3; c++)
            for (unsigned u = 0; u < 2; u++)
                for (unsigned v = 0; v < 3; v++)
                    cr_expect_eq(values[((o * 3 + c) * 2 + u) * 3 + v], (float)(((u * 3 + v) * 3 + c) * 2 + o));
    onnx__model_proto__free_unpacked(model, NULL);
}

Test(onnx_graph, makes_a_map_of_a_dense_layers_units_again)
{
    static const struct layer list[] = {{.kind = LAYER_DENSE, .n_out = 5},
                                        {.kind = LAYER_CONVOLUTION, .n_out = 3, .height = 1, .width = 1},
                                        {.kind = LAYER_DENSE, .n_out = 2}};
    static const char *const operators[] = {"Mul",  "Transpose", "Transpose", "Reshape", "Gemm",   "Reshape",
                                            "Conv", "Transpose", "Reshape",   "Gemm",    "Softmax"};
    Onnx__ModelProto *model = packed_model(list, 3, (struct map_shape){2, 2, 1}, names, 2);
    EXPECT_OPERATORS(model, operators);
    cr_expect_arr_eq(find_tensor(model, "layer.2.shape")->raw_data.data, ((int64_t[]){-1, 5, 1, 1}), 4 * sizeof(int64_t));
    onnx__model_proto__free_unpacked(model, NULL);
}

Test(onnx_graph, has_the_categories_in_its_metadata)
{
    static const struct layer list[] = {{.kind = LAYER_DENSE, .n_out = 2}};
    Onnx__ModelProto *model = packed_model(list, 1, (struct map_shape){2, 2, 1}, names, 2);
    cr_assert_eq(model->n_metadata_props, 2);
    cr_expect_str_eq(model->metadata_props[0]->key, "categories");
    cr_expect_str_eq(model->metadata_props[0]->value, "[\"a \\\"b\\\"\",\"ö\"]");
    cr_assert_eq(model->n_opset_import, 1);
    cr_expect_eq(model->opset_import[0]->version, 13);
    onnx__model_proto__free_unpacked(model, NULL);
}
