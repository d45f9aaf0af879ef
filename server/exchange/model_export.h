/* A stored model as a file for other programs. Threads: any. */
#ifndef EXCHANGE_MODEL_EXPORT_H
#define EXCHANGE_MODEL_EXPORT_H

#include "core/base/status.h"

enum export_format { EXPORT_SAFETENSORS, EXPORT_ONNX };

/* directory/models/<version> is read and checked whole, then written to output, whole or not at all; a file of that name is replaced.
 * EXPORT_SAFETENSORS: the bytes as they are; EXPORT_ONNX: a picture model (onnx_graph.h). STATUS_INVALID: version is none, or cannot be
 * that format; STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_NOMEM, STATUS_IO. */
enum status model_export(const char *directory, const char *version, enum export_format format, const char *output,
                         struct error *error) MUST_CHECK;

#endif
