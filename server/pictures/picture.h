/* Pictures: decoding what comes from outside, and making it the size that is wanted.
 *
 * Memory while one picture is decoded: at most PICTURE_PIXELS_MAX · 4 bytes for its pixels as they are decoded, three quarters of that for
 * the result, and what the library takes; sizes are looked at before any of it is allocated. A library may still be broken by a crafted
 * file: who may not go down must decode in a process of its own. Threads: any. */
#ifndef PICTURES_PICTURE_H
#define PICTURES_PICTURE_H

#include "core/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define PICTURE_BYTES_MAX  (8u << 20)
#define PICTURE_PIXELS_MAX (16u << 20)
#define PICTURE_SIDE_MAX   16384u

/* The longest side of what is kept of every picture for networks to see: theirs are 28 to 32 pixels wide today, and twice that is room to
 * shift and to zoom without asking for the file again, which need not be kept. */
#define PICTURE_SMALL_SIDE  64u
#define PICTURE_SMALL_BYTES (PICTURE_SMALL_SIDE * PICTURE_SMALL_SIDE * 3)

/* Pixels [height, width, channels] from 0 to 255, channels 1 (grey) or 3 (red, green, blue). */
struct picture {
    uint32_t width, height, channels;
    uint8_t *pixels;
};

void picture_clear(struct picture *picture);
static inline void picture_clear_scoped(struct picture *picture)
{
    picture_clear(picture);
}

/* What the first bytes say: "image/png", "image/jpeg", "image/webp", or NULL. */
const char *picture_media_type(const uint8_t *bytes, size_t n_bytes);

/* A PNG, JPEG or WebP, whole. What is transparent is laid on white; 16 bits a channel become 8; a picture without colours in a format that
 * knows them has one channel. STATUS_INVALID: none of these, damaged, cut short, or moving; STATUS_LIMIT: too large (says how large and
 * what is allowed); STATUS_NOMEM. */
enum status picture_decode(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error) MUST_CHECK;

/* The picture in another size and number of channels: each pixel is the mean of the area that it covers; grey from colours as ITU-R BT.601
 * weighs them. A picture of another form is fitted in the middle of a ground of the colour of its corner's pixel. to [height, width,
 * channels]; channels 1 or 3. */
void picture_fit(const struct picture *picture, uint32_t height, uint32_t width, uint32_t channels, uint8_t *to);

/* Make the picture small: as it is if no side is longer than PICTURE_SMALL_SIDE, else fitted into a square of that; channels as they are.
 * STATUS_NOMEM: unchanged. */
enum status picture_make_small(struct picture *picture, struct error *error) MUST_CHECK;

#endif
