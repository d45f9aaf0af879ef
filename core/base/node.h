/* Reading JSON: a strict parser (jansson's, behind names of our own: nothing else includes jansson.h).
 *
 * A document is a tree of nodes; nodes are borrowed from it. Duplicate keys, invalid UTF-8, NUL in texts, trailing bytes and nesting
 * deeper than 32 are errors. Threads: node_start once, before any other thread; then a document belongs to one thread at a time. */
#ifndef BASE_NODE_H
#define BASE_NODE_H

#include "core/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct node;

enum node_kind { NODE_NULL, NODE_BOOLEAN, NODE_INTEGER, NODE_REAL, NODE_TEXT, NODE_ARRAY, NODE_OBJECT };

void node_start(void); /* seed the hash of object keys, so that nobody can prepare keys that collide */

/* Gives a document. STATUS_INVALID (the error says line and column) or STATUS_NOMEM. */
enum status node_parse(const char *bytes, size_t n_bytes, struct node **out_document, struct error *error) MUST_CHECK;
void node_destroy(struct node *document);
DEFINE_SCOPED(struct node *, node_destroy);

enum node_kind node_kind(const struct node *node);
const char *node_kind_text(enum node_kind kind); /* "an object", "a number", … */

/* The value of a node of that kind; a node of another kind is a bug. */
bool node_boolean(const struct node *node);
int64_t node_integer(const struct node *node);
double node_number(const struct node *node);                         /* integer or real */
const char *node_text(const struct node *node, size_t *out_n_bytes); /* NUL-terminated; out_n_bytes may be NULL */

size_t node_count(const struct node *node); /* members of an array or object */
const struct node *node_at(const struct node *array, size_t index);
const struct node *node_get(const struct node *object, const char *key); /* NULL if it is not there */

/* Call visit for every member in the order of the text until it returns something else than STATUS_OK; return that. */
enum status node_each(const struct node *object, enum status (*visit)(void *context, const char *key, const struct node *value),
                      void *context) MUST_CHECK;

/* Append node as compact JSON, members in the order of the text. */
void node_dump(const struct node *node, struct buffer *out);

#endif
