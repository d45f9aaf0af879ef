/* What a decoder and its child say to each other over a pair of sockets: the child's DECODER_READY, then a request and an answer in turn.
 * Both are the same program, so structs go over as they are; but who reads an answer trusts nothing in it: the child may be in somebody
 * else's hands. For decoder.c and decoder_child.c alone. */
#ifndef PICTURES_DECODER_FRAME_H
#define PICTURES_DECODER_FRAME_H

#include "server/pictures/picture.h"

#define DECODER_READY 'r' /* the one byte that a child says when its limits are set */

/* Before the n_bytes of the file. */
struct decoder_request {
    uint32_t n_bytes;     /* at most PICTURE_BYTES_MAX */
    uint32_t cpu_seconds; /* that this picture may take of a processor */
};

struct decoder_answer {
    uint32_t status;                                /* enum status */
    uint32_t width, height, channels;               /* of the file's picture */
    uint32_t small_width, small_height;             /* of pixels, which have as many channels */
    char detail[sizeof((struct error *)0)->detail]; /* unless STATUS_OK */
    uint8_t pixels[PICTURE_SMALL_BYTES];
};

#endif
