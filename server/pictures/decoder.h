/* Pictures decoded where they can take nothing down: in child processes that may do nothing but that.
 *
 * A file that crashes a library, turns it in circles or makes it ask for too much costs a child and is answered STATUS_INVALID or
 * STATUS_LIMIT; the next picture gets a fresh child. A child is the same program again (`inkling decode-pictures`, see decoder_child.h):
 * started for the first picture, kept for the next ones, ended with its parent by the kernel.
 *
 * Bounded: n_children pictures at once, max_waiting behind them, each for deadline_ms at most in the queue and again in the child.
 * Threads: any may submit; done is called on a thread of the decoder, without a lock: whoever is told may submit again. */
#ifndef PICTURES_DECODER_H
#define PICTURES_DECODER_H

#include "server/pictures/picture.h"

struct decoder;

struct decoder_options {
    const char *program; /* run with the argument "decode-pictures"; borrowed */
    unsigned n_children;
    unsigned max_waiting;
    unsigned deadline_ms;
};

struct decoding {
    /* filled by the caller */
    const uint8_t *bytes; /* [n_bytes], borrowed until done */
    size_t n_bytes;
    void (*done)(void *context);
    void *context;
    /* set when done is called: STATUS_OK and what follows error; or what picture_decode says; STATUS_INVALID also if the file broke the
     * decoder or took longer than the deadline, STATUS_LIMIT if it took more than DECODER_MEMORY_BYTES; STATUS_BUSY: it was not tried */
    enum status status;
    struct error error;
    uint32_t width, height, channels; /* of the file's picture */
    struct picture small;             /* as picture_make_small makes it, its pixels are small_pixels */
    uint8_t small_pixels[PICTURE_SMALL_BYTES];
    /* the decoder's */
    struct decoding *next;
    uint64_t submitted_ns;
};

/* STATUS_NOMEM, or STATUS_BUSY if there is no thread to be had. */
enum status decoder_start(const struct decoder_options *options, struct decoder **out_decoder, struct error *error) MUST_CHECK;

/* Answers what waits STATUS_BUSY, waits for what is being decoded, ends the children. Accepts NULL. */
void decoder_stop(struct decoder *decoder);
DEFINE_SCOPED(struct decoder *, decoder_stop);

/* Takes decoding until done is called. STATUS_BUSY at once (done is not called) if too many wait or the decoder is stopping. */
enum status decoder_submit(struct decoder *decoder, struct decoding *decoding, struct error *error) MUST_CHECK;

/* How many children were started so far: one more than n_children at most is one that did not live to the end. */
unsigned long decoder_children(const struct decoder *decoder);

#endif
