/* Files with pictures in them, made by the encoders of the same libraries. What fails ends the test. */
#ifndef TESTS_PICTURE_FIXTURE_H
#define TESTS_PICTURE_FIXTURE_H

#include "server/pictures/picture.h"

enum { PICTURE_FIXTURE_WIDTH = 24, PICTURE_FIXTURE_HEIGHT = 16 };

struct picture_file {
    uint8_t *bytes; /* malloc's */
    size_t n;
};

/* The picture that is in the three files: smooth, so that lossy formats come close. */
void picture_fixture_paint(uint8_t colours[PICTURE_FIXTURE_HEIGHT * PICTURE_FIXTURE_WIDTH * 3]);

struct picture_file picture_fixture_png(void);
struct picture_file picture_fixture_jpeg(void);
struct picture_file picture_fixture_webp(void);

/* Others: colour_type is one of enum spng_color_type, sampling one of enum TJSAMP. */
struct picture_file picture_fixture_png_of(const uint8_t *pixels, size_t n_pixels, uint8_t colour_type, uint32_t width, uint32_t height);
struct picture_file picture_fixture_jpeg_of(int sampling);

/* Of one colour, side · side, progressive, with all that a decoder must keep at once. */
struct picture_file picture_fixture_large_jpeg(uint32_t side);
struct picture_file picture_fixture_large_png(uint32_t side);
struct picture_file picture_fixture_large_webp(uint32_t side);

#endif
