/* Pictures: what the encoders of the same libraries write is read back; what is hostile is refused with a reason; sizes by hand. */
#include "tests/unit/server/picture_fixture.h"

#include <criterion/criterion.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { WIDTH = PICTURE_FIXTURE_WIDTH, HEIGHT = PICTURE_FIXTURE_HEIGHT };

static uint8_t colours[HEIGHT * WIDTH * 3];

static void paint(void)
{
    picture_fixture_paint(colours);
}

TestSuite(pictures, .init = paint);

static const struct {
    const char *type;
    struct picture_file (*make)(void);
    int tolerance;
} formats[] = {{"image/png", picture_fixture_png, 0}, {"image/jpeg", picture_fixture_jpeg, 6}, {"image/webp", picture_fixture_webp, 0}};
#define FORMATS (sizeof formats / sizeof formats[0])

Test(pictures, are_read_in_three_formats)
{
    for (size_t f = 0; f < FORMATS; f++) {
        struct picture_file file = formats[f].make();
        struct picture picture;
        struct error error = {.detail = ""};
        cr_expect_str_eq(picture_media_type(file.bytes, file.n), formats[f].type);
        cr_assert_eq(picture_decode(file.bytes, file.n, &picture, &error), STATUS_OK, "%s: %s", formats[f].type, error.detail);
        cr_assert(picture.width == WIDTH && picture.height == HEIGHT && picture.channels == 3);
        for (size_t i = 0; i < sizeof colours; i++)
            cr_assert_leq(abs(picture.pixels[i] - colours[i]), formats[f].tolerance, "%s, byte %zu", formats[f].type, i);
        picture_clear(&picture);
        free(file.bytes);
    }
}

Test(pictures, without_colours_have_one_channel)
{
    uint8_t greys[HEIGHT * WIDTH];
    for (size_t i = 0; i < sizeof greys; i++)
        greys[i] = (uint8_t)i;
    struct picture_file files[] = {picture_fixture_png_of(greys, sizeof greys, SPNG_COLOR_TYPE_GRAYSCALE, WIDTH, HEIGHT),
                                   picture_fixture_jpeg_of(TJSAMP_GRAY)};
    for (int f = 0; f < 2; f++) {
        struct picture picture;
        struct error error = {.detail = ""};
        cr_assert_eq(picture_decode(files[f].bytes, files[f].n, &picture, &error), STATUS_OK, "%s", error.detail);
        cr_expect_eq(picture.channels, 1);
        if (f == 0)
            cr_expect_arr_eq(picture.pixels, greys, sizeof greys);
        picture_clear(&picture);
        free(files[f].bytes);
    }
}

Test(pictures, that_are_transparent_lie_on_white)
{
    const uint8_t pixels[] = {200, 0, 50, 0, 200, 0, 50, 255, 0, 0, 0, 128};
    struct picture_file file = picture_fixture_png_of(pixels, sizeof pixels, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 3, 1);
    struct picture picture;
    struct error error = {.detail = ""};
    const uint8_t expected[] = {255, 255, 255, 200, 0, 50, 127, 127, 127};
    cr_assert_eq(picture_decode(file.bytes, file.n, &picture, &error), STATUS_OK, "%s", error.detail);
    cr_expect_arr_eq(picture.pixels, expected, sizeof expected);
    picture_clear(&picture);
    free(file.bytes);
}

static void expect_refused(const uint8_t *bytes, size_t n, enum status status, const char *words)
{
    struct picture picture;
    struct error error = {.detail = ""};
    cr_expect_eq(picture_decode(bytes, n, &picture, &error), status, "%s: %s", words, error.detail);
    cr_expect(strstr(error.detail, words), "%s: %s", words, error.detail);
}

Test(pictures, that_are_cut_short_are_refused)
{
    for (size_t f = 0; f < FORMATS; f++) {
        struct picture_file file = formats[f].make();
        for (size_t n = 0; n + 4 < file.n; n++) { /* the last four are a checksum of nothing (PNG), or of the end itself */
            uint8_t *part = malloc(n + 1);        /* of exactly that length, so that a sanitizer sees every step outside */
            struct picture picture;
            struct error error = {.detail = ""};
            memcpy(part, file.bytes, n);
            cr_expect_neq(picture_decode(part, n, &picture, &error), STATUS_OK, "%s, %zu of %zu bytes", formats[f].type, n, file.n);
            cr_expect(error.detail[0]);
            free(part);
        }
        free(file.bytes);
    }
}

Test(pictures, that_are_bombs_or_none_are_refused)
{
    struct picture_file file = picture_fixture_png();
    const uint8_t side[] = {0, 0, 0x75, 0x30}; /* 30 000 */
    memcpy(file.bytes + 16, side, 4);
    memcpy(file.bytes + 20, side, 4);
    expect_refused(file.bytes, 0, STATUS_INVALID, "empty");
    expect_refused((const uint8_t *)"GIF89a, and more", 16, STATUS_INVALID, "no PNG, JPEG or WebP");
    expect_refused(file.bytes, file.n, STATUS_LIMIT, "30000 x 30000");
    free(file.bytes);
    uint8_t *large = calloc(1, PICTURE_BYTES_MAX + 1);
    expect_refused(large, PICTURE_BYTES_MAX + 1, STATUS_LIMIT, "at most 8388608");
    free(large);
}

Test(pictures, of_30000_by_30000_are_refused_by_their_header)
{
    const uint8_t start[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0x75, 0x30, 0x75, 0x30, 1, 1,
                             0x11, 0,    0xFF, 0xDA, 0, 8,  1, 1,    0,    0,    63,   0, 0};
    expect_refused(start, sizeof start, STATUS_LIMIT, "30000 x 30000");
}

Test(pictures, that_are_mutated_never_do_harm)
{
    uint64_t state = 1;
    for (size_t f = 0; f < FORMATS; f++) {
        struct picture_file file = formats[f].make();
        uint8_t *changed = malloc(file.n);
        for (int turn = 0; turn < 1500; turn++) {
            memcpy(changed, file.bytes, file.n);
            for (int k = 0; k <= turn % 4; k++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                changed[12 + (state >> 33) % (file.n - 12)] = (uint8_t)(state >> 24);
            }
            struct picture picture;
            struct error error = {.detail = ""};
            if (picture_decode(changed, file.n, &picture, &error) == STATUS_OK)
                picture_clear(&picture);
            else
                cr_expect(error.detail[0]);
        }
        free(changed);
        free(file.bytes);
    }
}

Test(pictures, are_brought_to_another_size)
{
    uint8_t pixels[] = {0, 100, 50, 150, 20, 120, 70, 170};
    struct picture picture = {4, 2, 1, pixels};
    uint8_t half[2], same[8], colour[24], square[16];
    picture_fit(&picture, 1, 2, 1, half);
    cr_expect_eq(half[0], 60);
    cr_expect_eq(half[1], 110);
    picture_fit(&picture, 2, 4, 1, same);
    cr_expect_arr_eq(same, pixels, sizeof pixels);
    picture_fit(&picture, 2, 4, 3, colour);
    for (int i = 0; i < 24; i++)
        cr_expect_eq(colour[i], pixels[i / 3]);
    picture_fit(&picture, 4, 4, 1, square); /* in the middle, on the corner's colour */
    for (int j = 0; j < 4; j++) {
        cr_expect_eq(square[j], pixels[0]);
        cr_expect_eq(square[4 + j], pixels[j]);
        cr_expect_eq(square[8 + j], pixels[4 + j]);
        cr_expect_eq(square[12 + j], pixels[0]);
    }
    uint8_t red[] = {255, 0, 0}, grey;
    picture_fit(&(struct picture){1, 1, 3, red}, 1, 1, 1, &grey);
    cr_expect_eq(grey, 76);
}

Test(pictures, are_made_small_with_their_channels)
{
    struct picture large = {200, 100, 1, calloc(1, 200 * 100)}, small = {PICTURE_SMALL_SIDE, 3, 3, calloc(1, PICTURE_SMALL_SIDE * 3 * 3)};
    const uint8_t *pixels = small.pixels;
    cr_assert_eq(picture_make_small(&large, NULL), STATUS_OK);
    cr_expect(large.width == PICTURE_SMALL_SIDE && large.height == PICTURE_SMALL_SIDE && large.channels == 1);
    cr_assert_eq(picture_make_small(&small, NULL), STATUS_OK);
    cr_expect(small.pixels == pixels && small.width == PICTURE_SMALL_SIDE && small.height == 3);
    picture_clear(&large);
    picture_clear(&small);
}
