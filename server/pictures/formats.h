/* The three formats, for picture.c alone: bytes that begin like such a file. Failures as picture_decode. */
#ifndef PICTURES_FORMATS_H
#define PICTURES_FORMATS_H

#include "server/pictures/picture.h"

#include <stdbool.h>

enum status picture_decode_png(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error) MUST_CHECK;
enum status picture_decode_jpeg(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error) MUST_CHECK;
enum status picture_decode_webp(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error) MUST_CHECK;

/* May a picture of this size be decoded? */
enum status picture_check_size(uint64_t width, uint64_t height, struct error *error) MUST_CHECK;

/* A picture of n = width · height pixels of red, green, blue and opacity, in place: laid on white, as 3 channels or, if is_grey, as 1.
 * Takes the memory of pixels. */
struct picture picture_from_rgba(uint8_t *pixels, uint32_t width, uint32_t height, bool is_grey);

#endif
