/* A Keras file is parsed by a child process that has given up everything but its memory: no files, no sockets, no processes, a processor's
 * time and a memory of their own limit (server/pictures/confinement.h). What it answers is no more trusted than the file was: sizes are
 * computed here again from the list of layers.
 * Threads: the process must have no other that matters, because it forks. */
#ifndef EXCHANGE_KERAS_CHILD_H
#define EXCHANGE_KERAS_CHILD_H

#include "server/exchange/keras_file.h"

#define KERAS_CHILD_SECONDS 300u
#define KERAS_CHILD_MEMORY  (UINT64_C(8) << 30)

/* keras_file_parse, or what a test has in its place; it runs in the child. */
typedef enum status keras_parser(const struct keras_file *file, struct keras_network *out_network, struct error *error);

/* Fails as parse does; STATUS_CORRUPT also: the child was ended by a signal, or answered what cannot be. STATUS_IO: no child. */
enum status keras_child_parse(keras_parser *parse, const struct keras_file *file, struct keras_network *out_network,
                              struct error *error) MUST_CHECK;

#endif
