/* Pictures and their labels from a pair of IDX files, the format of MNIST and the data sets made in its likeness (LeCun, Cortes, Burges,
 * "The MNIST database of handwritten digits", which describes it). All numbers are 32 bits, big-endian:
 *
 *     images   0x00000803, n, height, width, then n · height · width bytes: the pictures row by row, 0 to 255
 *     labels   0x00000801, n, then n bytes: the labels
 *
 * Each file plain or packed, as input_stream.h reads them. Memory is that of one picture, whatever the headers say. Threads: one at a
 * time. */
#ifndef APP_IDX_READER_H
#define APP_IDX_READER_H

#include "server/pictures/picture.h"

#include <stdbool.h>

struct idx_sizes {
    uint32_t n, height, width; /* n may be 0; the sides are 1 to PICTURE_SIDE_MAX, a picture has at most PICTURE_PIXELS_MAX pixels */
};

struct idx_reader;

/* Opens both files and reads their headers; paths are borrowed until close. Every error here and below names the file and what was
 * expected. STATUS_NOT_FOUND, STATUS_IO, STATUS_NOMEM; STATUS_INVALID: a file is no IDX file of that kind, its pictures are of no allowed
 * size, or the two do not agree on how many there are; STATUS_CORRUPT: it cannot be unpacked, or ends within its header. */
enum status idx_reader_open(const char *images, const char *labels, struct idx_reader **out_reader, struct error *error) MUST_CHECK;
void idx_reader_close(struct idx_reader *reader); /* accepts NULL */
DEFINE_SCOPED(struct idx_reader *, idx_reader_close);

struct idx_sizes idx_reader_sizes(const struct idx_reader *reader);

/* The next picture (gives its pixels; one channel) and its label. *out_has_picture = false: there were as many as the headers say, and
 * nothing is behind them. STATUS_CORRUPT: a file ends before that or cannot be unpacked; STATUS_INVALID: it goes on after it; STATUS_IO,
 * STATUS_NOMEM. */
enum status idx_reader_next(struct idx_reader *reader, struct picture *out_picture, uint8_t *out_label, bool *out_has_picture,
                            struct error *error) MUST_CHECK;

struct idx_label {
    uint32_t at; /* whose it is: the picture's number */
    uint8_t label;
};

/* Look through a file of labels for the first one of least or above, before any of them is used. The file is read a second time for that,
 * so it must be a regular one (else STATUS_INVALID). It is looked at as far as it can be read: idx_reader_next says what is wrong with its
 * end. Otherwise as idx_reader_open. */
enum status idx_labels_find(const char *labels, uint32_t least, bool *out_is_found, struct idx_label *out_label,
                            struct error *error) MUST_CHECK;

#endif
