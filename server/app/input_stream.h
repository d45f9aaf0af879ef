/* A file as a stream of bytes: plain, gzip or zstd, told by its first bytes and not by its name; "-" is standard input.
 *
 * Unpacked as it is read: memory does not depend on what is in the file (a zstd window above 128 MiB is refused). Threads: one at a time.
 */
#ifndef APP_INPUT_STREAM_H
#define APP_INPUT_STREAM_H

#include "core/base/status.h"

#include <stdint.h>

struct input_stream;

/* STATUS_NOT_FOUND: no such file. STATUS_IO: it cannot be read. path is borrowed until close. */
enum status input_stream_open(const char *path, struct input_stream **out_stream, struct error *error) MUST_CHECK;
void input_stream_close(struct input_stream *stream); /* accepts NULL */
DEFINE_SCOPED(struct input_stream *, input_stream_close);

/* Up to max bytes; *out_n = 0 is the end. STATUS_CORRUPT: it cannot be unpacked, or ends in the middle. STATUS_IO. */
enum status input_stream_read(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error) MUST_CHECK;

/* How many bytes of the file itself were read (before unpacking). */
uint64_t input_stream_position(const struct input_stream *stream);

#endif
