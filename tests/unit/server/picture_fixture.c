/* See picture_fixture.h. */
#include "tests/unit/server/picture_fixture.h"

#include <criterion/criterion.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <webp/encode.h>

enum { WIDTH = PICTURE_FIXTURE_WIDTH, HEIGHT = PICTURE_FIXTURE_HEIGHT };

void picture_fixture_paint(uint8_t colours[HEIGHT * WIDTH * 3])
{
    for (int i = 0; i < HEIGHT; i++)
        for (int j = 0; j < WIDTH; j++) {
            uint8_t *pixel = colours + (i * WIDTH + j) * 3;
            pixel[0] = (uint8_t)(10 * j);
            pixel[1] = (uint8_t)(15 * i);
            pixel[2] = 100;
        }
}

static struct picture_file copy_of(const void *bytes, size_t n)
{
    struct picture_file file = {malloc(n), n};
    cr_assert(file.bytes);
    memcpy(file.bytes, bytes, n);
    return file;
}

struct picture_file picture_fixture_png_of(const uint8_t *pixels, size_t n_pixels, uint8_t colour_type, uint32_t width, uint32_t height)
{
    struct spng_ihdr header = {.width = width, .height = height, .bit_depth = 8, .color_type = colour_type};
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    int code = 0;
    struct picture_file file;
    cr_assert_eq(spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1), 0);
    cr_assert_eq(spng_set_ihdr(context, &header), 0);
    cr_assert_eq(spng_encode_image(context, pixels, n_pixels, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
    file.bytes = spng_get_png_buffer(context, &file.n, &code);
    cr_assert(file.bytes);
    spng_ctx_free(context);
    return file;
}

static struct picture_file jpeg_of(const uint8_t *colours, int width, int height, int sampling, int flags)
{
    tjhandle handle = tjInitCompress();
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    cr_assert_eq(tjCompress2(handle, colours, width, 0, height, TJPF_RGB, &bytes, &n, sampling, 95, flags), 0);
    struct picture_file file = copy_of(bytes, n);
    tjFree(bytes);
    (void)tjDestroy(handle);
    return file;
}

static struct picture_file webp_of(const uint8_t *colours, int width, int height)
{
    uint8_t *bytes = NULL;
    size_t n = WebPEncodeLosslessRGB(colours, width, height, width * 3, &bytes);
    cr_assert_gt(n, 0);
    struct picture_file file = copy_of(bytes, n);
    WebPFree(bytes);
    return file;
}

struct picture_file picture_fixture_png(void)
{
    uint8_t colours[HEIGHT * WIDTH * 3];
    picture_fixture_paint(colours);
    return picture_fixture_png_of(colours, sizeof colours, SPNG_COLOR_TYPE_TRUECOLOR, WIDTH, HEIGHT);
}

struct picture_file picture_fixture_jpeg_of(int sampling)
{
    uint8_t colours[HEIGHT * WIDTH * 3];
    picture_fixture_paint(colours);
    return jpeg_of(colours, WIDTH, HEIGHT, sampling, 0);
}

struct picture_file picture_fixture_jpeg(void)
{
    return picture_fixture_jpeg_of(TJSAMP_444);
}

struct picture_file picture_fixture_webp(void)
{
    uint8_t colours[HEIGHT * WIDTH * 3];
    picture_fixture_paint(colours);
    return webp_of(colours, WIDTH, HEIGHT);
}

/* --- large ones --- */

static uint8_t *one_colour(uint32_t side)
{
    uint8_t *colours = malloc((size_t)side * side * 3);
    cr_assert(colours);
    memset(colours, 0x50, (size_t)side * side * 3);
    return colours;
}

struct picture_file picture_fixture_large_jpeg(uint32_t side)
{
    uint8_t *colours = one_colour(side);
    struct picture_file file = jpeg_of(colours, (int)side, (int)side, TJSAMP_444, TJFLAG_PROGRESSIVE);
    free(colours);
    return file;
}

struct picture_file picture_fixture_large_png(uint32_t side)
{
    uint8_t *colours = one_colour(side);
    struct picture_file file = picture_fixture_png_of(colours, (size_t)side * side * 3, SPNG_COLOR_TYPE_TRUECOLOR, side, side);
    free(colours);
    return file;
}

struct picture_file picture_fixture_large_webp(uint32_t side)
{
    uint8_t *colours = one_colour(side);
    struct picture_file file = webp_of(colours, (int)side, (int)side);
    free(colours);
    return file;
}
