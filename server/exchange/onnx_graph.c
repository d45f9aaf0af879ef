/* One walk along the layers. Nodes and tensors have places of fixed size in one piece of memory, so nothing can fail on the way; their
 * messages only point there. Maps are [N, C, H, W] in ONNX, rows of numbers are not; a dense layer's input is turned back first. */
#include "server/exchange/onnx_graph.h"

#include "core/base/emit.h"
#include "core/base/floats.h"
#include "server/exchange/onnx.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX   (4 * LAYERS_MAX + 4)
#define TENSORS_MAX (3 * LAYERS_MAX + 4)
#define NAME_BYTES  40

enum onnx_type { ONNX_FLOAT = 1, ONNX_INT64 = 7 };
enum onnx_attribute { ONNX_INT = 2, ONNX_INTS = 7 };

struct node_place {
    Onnx__NodeProto node;
    char *inputs[3], *outputs[1];
    char output[NAME_BYTES];
    Onnx__AttributeProto attributes[3], *pointers[3];
    int64_t ints[3][4];
};

struct tensor_place {
    Onnx__TensorProto tensor;
    char name[NAME_BYTES];
    int64_t dims[4];
    int64_t shape[4]; /* the values of a tensor of shapes */
};

struct value_place {
    Onnx__ValueInfoProto value;
    Onnx__TypeProto type;
    Onnx__TensorTypeProto tensor;
    Onnx__TensorShapeProto shape;
    Onnx__DimensionProto dims[4], *pointers[4];
};

struct graph {
    const struct layers *layers;
    const float *weights;
    float *turned; /* [layers->n_floats], kernels in ONNX' layout at the places of the others */
    uint32_t n_nodes, n_tensors;
    struct node_place nodes[NODES_MAX];
    struct tensor_place tensors[TENSORS_MAX];
    Onnx__NodeProto *node_pointers[NODES_MAX];
    Onnx__TensorProto *tensor_pointers[TENSORS_MAX];
    struct value_place input, output;
    const char *last; /* the name of what the next node takes */
    bool is_row;      /* that is [N, units], not a map */
};

static void graph_destroy(struct graph *graph)
{
    if (graph)
        free(graph->turned);
    free(graph);
}
DEFINE_SCOPED(struct graph *, graph_destroy);

/* Messages have char * everywhere; none of these is ever written through. */
static char *unwritten(const char *text)
{
    return (char *)text;
}

/* --- tensors --- */

static const char *add_tensor(struct graph *graph, enum onnx_type type, const void *data, size_t n_bytes, const int64_t dims[],
                              unsigned n_dims, const char *format, unsigned number)
{
    struct tensor_place *place = &graph->tensors[graph->n_tensors];
    onnx__tensor_proto__init(&place->tensor);
    (void)snprintf(place->name, sizeof place->name, "layer.%u.%s", number, format);
    memcpy(place->dims, dims, n_dims * sizeof *dims);
    place->tensor.name = place->name;
    place->tensor.data_type = (int32_t)type;
    place->tensor.n_dims = n_dims;
    place->tensor.dims = place->dims;
    place->tensor.raw_data = (ProtobufCBinaryData){n_bytes, (uint8_t *)data};
    graph->tensor_pointers[graph->n_tensors++] = &place->tensor;
    return place->name;
}

/* What a Reshape takes: rows of any number, then these sides. */
static const char *add_shape(struct graph *graph, const int64_t sides[], unsigned n_sides, unsigned number)
{
    int64_t *shape = graph->tensors[graph->n_tensors].shape;
    const int64_t dims[] = {n_sides + 1};
    shape[0] = -1;
    memcpy(shape + 1, sides, n_sides * sizeof *sides);
    return add_tensor(graph, ONNX_INT64, shape, (n_sides + 1) * sizeof *shape, dims, 1, "shape", number);
}

/* [KH, KW, C, O] becomes [O, C, KH, KW]. */
static void turn_kernel(float *out, const float *kernel, const struct layer *layer, uint32_t C)
{
    size_t O = layer->n_out, KH = layer->height, KW = layer->width;
    for (size_t o = 0; o < O; o++)
        for (size_t c = 0; c < C; c++)
            for (size_t u = 0; u < KH; u++)
                for (size_t v = 0; v < KW; v++)
                    *out++ = kernel[((u * KW + v) * C + c) * O + o];
}

/* --- nodes --- */

/* A node of what came last and up to two tensors; its output comes last then. */
static struct node_place *add_node(struct graph *graph, const char *op, const char *second, const char *third, unsigned number)
{
    struct node_place *place = &graph->nodes[graph->n_nodes];
    onnx__node_proto__init(&place->node);
    (void)snprintf(place->output, sizeof place->output, "layer.%u.%s", number, op);
    place->inputs[0] = unwritten(graph->last);
    place->inputs[1] = unwritten(second);
    place->inputs[2] = unwritten(third);
    place->outputs[0] = place->output;
    place->node.op_type = unwritten(op);
    place->node.name = place->output;
    place->node.n_input = 1u + (second != NULL) + (third != NULL);
    place->node.input = place->inputs;
    place->node.n_output = 1;
    place->node.output = place->outputs;
    place->node.attribute = place->pointers;
    graph->last = place->output;
    graph->node_pointers[graph->n_nodes++] = &place->node;
    return place;
}

static void add_attribute(struct node_place *place, const char *name, enum onnx_attribute type, const int64_t values[], size_t n)
{
    size_t at = place->node.n_attribute++;
    Onnx__AttributeProto *attribute = place->pointers[at] = &place->attributes[at];
    onnx__attribute_proto__init(attribute);
    memcpy(place->ints[at], values, n * sizeof *values);
    attribute->name = unwritten(name);
    attribute->type = (int32_t)type;
    if (type == ONNX_INT) {
        attribute->i = values[0];
    } else {
        attribute->n_ints = n;
        attribute->ints = place->ints[at];
    }
}

static void add_transpose(struct graph *graph, const int64_t order[4], unsigned number)
{
    add_attribute(add_node(graph, "Transpose", NULL, NULL, number), "perm", ONNX_INTS, order, 4);
}

/* [N, C, H, W] becomes [N, H · W · C]. */
static void make_row(struct graph *graph, struct map_shape in, unsigned number)
{
    const int64_t sides[] = {(int64_t)map_floats(in)};
    if (!graph->is_row) {
        add_transpose(graph, (const int64_t[]){0, 2, 3, 1}, number);
        (void)add_node(graph, "Reshape", add_shape(graph, sides, 1, number), NULL, number);
    }
    graph->is_row = true;
}

/* [N, units] becomes [N, units, 1, 1]: a convolution may stand behind a dense layer here. */
static void make_map(struct graph *graph, struct map_shape in, unsigned number)
{
    const int64_t sides[] = {in.C, 1, 1};
    if (graph->is_row)
        (void)add_node(graph, "Reshape", add_shape(graph, sides, 3, number), NULL, number);
    graph->is_row = false;
}

static void add_product(struct graph *graph, uint32_t l)
{
    const struct layer *layer = &graph->layers->layers[l];
    const struct layer_place *place = &graph->layers->places[l];
    const int64_t kernel[] = {layer->n_out, place->in.C, layer->height, layer->width};
    const int64_t matrix[] = {(int64_t)map_floats(place->in), layer->n_out}, row[] = {layer->n_out};
    const float *weights = graph->weights + place->weights;
    bool is_dense = layer->kind == LAYER_DENSE;
    if (!is_dense) {
        turn_kernel(graph->turned + place->weights, weights, layer, place->in.C);
        weights = graph->turned + place->weights;
    }
    const char *weight = add_tensor(graph, ONNX_FLOAT, weights, place->n_weights * sizeof *weights, is_dense ? matrix : kernel,
                                    is_dense ? 2 : 4, "weight", l + 1);
    const char *bias = add_tensor(graph, ONNX_FLOAT, graph->weights + place->bias, place->n_bias * sizeof *weights, row, 1, "bias", l + 1);
    struct node_place *node = add_node(graph, is_dense ? "Gemm" : "Conv", weight, bias, l + 1);
    if (is_dense)
        return;
    int64_t above = layer->same ? layer->height / 2 : 0, left = layer->same ? layer->width / 2 : 0;
    add_attribute(node, "kernel_shape", ONNX_INTS, kernel + 2, 2);
    add_attribute(node, "pads", ONNX_INTS, (const int64_t[]){above, left, above, left}, 4);
}

static void add_layer(struct graph *graph, uint32_t l)
{
    const struct layer *layer = &graph->layers->layers[l];
    struct map_shape in = graph->layers->places[l].in;
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        make_map(graph, in, l + 1);
        add_product(graph, l);
        break;
    case LAYER_DENSE:
        make_row(graph, in, l + 1);
        add_product(graph, l);
        break;
    case LAYER_POOL: {
        const int64_t window[] = {layer->height, layer->width};
        make_map(graph, in, l + 1);
        struct node_place *node = add_node(graph, "MaxPool", NULL, NULL, l + 1);
        add_attribute(node, "kernel_shape", ONNX_INTS, window, 2);
        add_attribute(node, "strides", ONNX_INTS, window, 2);
        break;
    }
    case LAYER_RELU: (void)add_node(graph, "Relu", NULL, NULL, l + 1); break;
    case LAYER_BATCH_NORM: /* a model's file has neither */
    case LAYER_DROPOUT: break;
    }
}

/* --- the model --- */

static void set_value(struct value_place *place, const char *name, const int64_t sides[], unsigned n_sides)
{
    onnx__value_info_proto__init(&place->value);
    onnx__type_proto__init(&place->type);
    onnx__tensor_type_proto__init(&place->tensor);
    onnx__tensor_shape_proto__init(&place->shape);
    for (unsigned s = 0; s <= n_sides; s++) {
        Onnx__DimensionProto *dim = place->pointers[s] = &place->dims[s];
        onnx__dimension_proto__init(dim);
        dim->value_case = s == 0 ? ONNX__DIMENSION_PROTO__VALUE_DIM_PARAM : ONNX__DIMENSION_PROTO__VALUE_DIM_VALUE;
        if (s == 0)
            dim->dim_param = unwritten("N");
        else
            dim->dim_value = sides[s - 1];
    }
    place->shape.n_dim = n_sides + 1;
    place->shape.dim = place->pointers;
    place->tensor.elem_type = ONNX_FLOAT;
    place->tensor.shape = &place->shape;
    place->type.tensor_type = &place->tensor;
    place->value.type = &place->type;
    place->value.name = unwritten(name);
}

static void build(struct graph *graph, uint32_t n_categories)
{
    static const float scale[] = {1 / 255.0f};
    struct map_shape in = graph->layers->input;
    const int64_t one[] = {1}, sides[] = {in.H, in.W, in.C}, categories[] = {n_categories};
    graph->last = "pixels";
    (void)add_node(graph, "Mul", add_tensor(graph, ONNX_FLOAT, scale, sizeof scale, one, 1, "scale", 0), NULL, 0);
    add_transpose(graph, (const int64_t[]){0, 3, 1, 2}, 0);
    for (uint32_t l = 0; l < graph->layers->n_layers; l++)
        add_layer(graph, l);
    struct node_place *softmax = add_node(graph, "Softmax", NULL, NULL, graph->layers->n_layers);
    add_attribute(softmax, "axis", ONNX_INT, (const int64_t[]){-1}, 1);
    (void)snprintf(softmax->output, sizeof softmax->output, "probabilities");
    set_value(&graph->input, "pixels", sides, 3);
    set_value(&graph->output, "probabilities", categories, 1);
}

static void emit_categories(const struct picture_facts *facts, struct buffer *out)
{
    struct emit emit;
    emit_init(&emit, out);
    emit_open_array(&emit, NULL);
    for (uint32_t c = 0; c < facts->n_categories; c++)
        emit_text(&emit, NULL, facts->categories[c]);
    emit_close_array(&emit);
}

static enum status pack(struct graph *graph, const struct picture_facts *facts, char *categories, unsigned char **out_bytes, size_t *out_n,
                        struct error *error)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto proto = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto operators = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[] = {&operators};
    Onnx__StringStringEntryProto names = ONNX__STRING_STRING_ENTRY_PROTO__INIT, version = names, *entries[] = {&names, &version};
    Onnx__ValueInfoProto *inputs[] = {&graph->input.value}, *outputs[] = {&graph->output.value};
    names.key = unwritten("categories");
    names.value = categories;
    version.key = unwritten("version");
    version.value = unwritten(facts->version);
    proto.name = unwritten("pictures");
    proto.n_node = graph->n_nodes, proto.node = graph->node_pointers;
    proto.n_initializer = graph->n_tensors, proto.initializer = graph->tensor_pointers;
    proto.n_input = 1, proto.input = inputs;
    proto.n_output = 1, proto.output = outputs;
    operators.version = 13;
    model.ir_version = 8;
    model.producer_name = unwritten("inkling");
    model.producer_version = unwritten(facts->code_version);
    model.graph = &proto;
    model.n_opset_import = 1, model.opset_import = sets;
    model.n_metadata_props = 2, model.metadata_props = entries;
    size_t n = onnx__model_proto__get_packed_size(&model);
    unsigned char *bytes = malloc(n);
    if (!bytes)
        return fail(error, STATUS_NOMEM, "no memory for an ONNX file of %zu bytes", n);
    *out_n = onnx__model_proto__pack(&model, bytes);
    *out_bytes = bytes;
    return STATUS_OK;
}

enum status onnx_graph_pack(const struct picture_model *model, unsigned char **out_bytes, size_t *out_n, struct error *error)
{
    const struct picture_facts *facts = picture_model_facts(model);
    SCOPED(graph_destroy) struct graph *graph = calloc(1, sizeof *graph);
    SCOPED(buffer_clear) struct buffer categories;
    buffer_init(&categories, HEADER_MAX_BYTES);
    if (graph) {
        graph->layers = picture_model_layers(model);
        graph->weights = picture_model_weights(model);
        graph->turned = aligned_floats(graph->layers->n_floats);
    }
    if (!graph || !graph->turned)
        return fail(error, STATUS_NOMEM, "no memory for an ONNX model");
    build(graph, facts->n_categories);
    emit_categories(facts, &categories);
    TRY(buffer_finish(&categories, error));
    return pack(graph, facts, categories.bytes, out_bytes, out_n, error);
}
