/* The child's side of the decoder: a process that reads pictures from its standard input, which is a socket, and answers there.
 *
 * Before the first picture it gives up what it does not need: memory beyond DECODER_MEMORY_BYTES, further files, core dumps, any way to
 * more rights, and (where there is no sanitizer) every call to the kernel but those that reading, writing and memory take. */
#ifndef PICTURES_DECODER_CHILD_H
#define PICTURES_DECODER_CHILD_H

#include "server/pictures/picture.h"

/* Of address space, the program itself included. A picture of PICTURE_PIXELS_MAX takes up to 200 MiB: in a progressive JPEG 2 bytes for
 * each of 3 or 4 channels before the pixels, in a WebP 4 bytes twice. */
#define DECODER_MEMORY_BYTES (UINT64_C(512) << 20)

/* Answer requests until the other end is closed: then 0. 1: something else was said than requests, or a limit could not be set. decode is
 * picture_decode, but in tests. */
int decoder_child_run(int socket, enum status (*decode)(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture,
                                                        struct error *error)) MUST_CHECK;

#endif
