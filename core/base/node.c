/* A node is a json_t under another name; the switch between the two is in value_of and node_of alone. */
#include "core/base/node.h"

#include <assert.h>
#include <jansson.h> /* jansson: a strict parser with limits and line numbers; MIT */

#define MAX_DEPTH 32

static const json_t *value_of(const struct node *node)
{
    return (const json_t *)node;
}

static const struct node *node_of(const json_t *value)
{
    return (const struct node *)value;
}

void node_start(void)
{
    json_object_seed(0);
}

/* jansson's own limit is 2048 levels, enough to overflow a small stack under a sanitizer; so count before it recurses. */
static bool too_deep(const char *bytes, size_t n_bytes)
{
    size_t depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < n_bytes; i++) {
        char byte = bytes[i];
        if (in_text && byte == '\\')
            i++;
        else if (byte == '"')
            in_text = !in_text;
        else if (!in_text && (byte == '{' || byte == '[') && ++depth > MAX_DEPTH)
            return true;
        else if (!in_text && (byte == '}' || byte == ']') && depth)
            depth--;
    }
    return false;
}

enum status node_parse(const char *bytes, size_t n_bytes, struct node **out_document, struct error *error)
{
    if (too_deep(bytes, n_bytes))
        return fail(error, STATUS_INVALID, "the JSON is nested deeper than %d levels", MAX_DEPTH);
    json_error_t problem;
    json_t *value = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!value && json_error_code(&problem) == json_error_out_of_memory)
        return fail(error, STATUS_NOMEM, "no memory for the JSON");
    if (!value && json_error_code(&problem) == json_error_null_character)
        return fail(error, STATUS_INVALID, "\\u0000 in a string is not allowed (line %d, column %d)", problem.line, problem.column);
    if (!value)
        return fail(error, STATUS_INVALID, "not valid JSON: %s (line %d, column %d)", problem.text, problem.line, problem.column);
    *out_document = (struct node *)value;
    return STATUS_OK;
}

void node_destroy(struct node *document)
{
    json_decref((json_t *)document);
}

enum node_kind node_kind(const struct node *node)
{
    switch (json_typeof(value_of(node))) {
    case JSON_OBJECT: return NODE_OBJECT;
    case JSON_ARRAY: return NODE_ARRAY;
    case JSON_STRING: return NODE_TEXT;
    case JSON_INTEGER: return NODE_INTEGER;
    case JSON_REAL: return NODE_REAL;
    case JSON_TRUE:
    case JSON_FALSE: return NODE_BOOLEAN;
    case JSON_NULL: return NODE_NULL;
    }
    return NODE_NULL;
}

const char *node_kind_text(enum node_kind kind)
{
    switch (kind) {
    case NODE_NULL: return "null";
    case NODE_BOOLEAN: return "a boolean";
    case NODE_INTEGER:
    case NODE_REAL: return "a number";
    case NODE_TEXT: return "a string";
    case NODE_ARRAY: return "an array";
    case NODE_OBJECT: return "an object";
    }
    return "a value";
}

bool node_boolean(const struct node *node)
{
    assert(node_kind(node) == NODE_BOOLEAN);
    return json_is_true(value_of(node));
}

int64_t node_integer(const struct node *node)
{
    assert(node_kind(node) == NODE_INTEGER);
    return json_integer_value(value_of(node));
}

double node_number(const struct node *node)
{
    assert(node_kind(node) == NODE_INTEGER || node_kind(node) == NODE_REAL);
    return json_number_value(value_of(node));
}

const char *node_text(const struct node *node, size_t *out_n_bytes)
{
    assert(node_kind(node) == NODE_TEXT);
    if (out_n_bytes)
        *out_n_bytes = json_string_length(value_of(node));
    return json_string_value(value_of(node));
}

size_t node_count(const struct node *node)
{
    return node_kind(node) == NODE_ARRAY ? json_array_size(value_of(node)) : json_object_size(value_of(node));
}

const struct node *node_at(const struct node *array, size_t index)
{
    return node_of(json_array_get(value_of(array), index));
}

const struct node *node_get(const struct node *object, const char *key)
{
    return node_of(json_object_get(value_of(object), key));
}

enum status node_each(const struct node *object, enum status (*visit)(void *, const char *, const struct node *), void *context)
{
    json_t *value = (json_t *)(size_t)object;
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
        TRY(visit(context, json_object_iter_key(at), node_of(json_object_iter_value(at))));
    return STATUS_OK;
}

static int append(const char *bytes, size_t n_bytes, void *out)
{
    buffer_append(out, bytes, n_bytes);
    return 0;
}

void node_dump(const struct node *node, struct buffer *out)
{
    if (json_dump_callback(value_of(node), append, out, JSON_COMPACT | JSON_ENCODE_ANY))
        out->failed = true;
}
