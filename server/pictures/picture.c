/* Which format it is, the limits, and size. */
#include "server/pictures/picture.h"

#include "server/pictures/formats.h"

#include <stdlib.h>
#include <string.h>

void picture_clear(struct picture *picture)
{
    free(picture->pixels);
    *picture = (struct picture){0};
}

const char *picture_media_type(const uint8_t *bytes, size_t n_bytes)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, jpeg[] = {0xFF, 0xD8, 0xFF};
    if (n_bytes >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return "image/png";
    if (n_bytes >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        return "image/jpeg";
    if (n_bytes >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return "image/webp";
    return NULL;
}

enum status picture_check_size(uint64_t width, uint64_t height, struct error *error)
{
    if (width == 0 || height == 0)
        return fail(error, STATUS_INVALID, "the picture has no pixels");
    if (width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX || width * height > PICTURE_PIXELS_MAX)
        return fail(error, STATUS_LIMIT, "the picture is %llu x %llu pixels; at most %u a side and %u in all are allowed",
                    (unsigned long long)width, (unsigned long long)height, PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX);
    return STATUS_OK;
}

struct picture picture_from_rgba(uint8_t *pixels, uint32_t width, uint32_t height, bool is_grey)
{
    uint32_t channels = is_grey ? 1 : 3;
    size_t n = (size_t)width * height;
    for (size_t i = 0; i < n; i++) {
        uint32_t opacity = pixels[4 * i + 3];
        for (uint32_t c = 0; c < channels; c++) /* what is written is never ahead of what is read */
            pixels[i * channels + c] = (uint8_t)((pixels[4 * i + c] * opacity + 255 * (255 - opacity) + 127) / 255);
    }
    uint8_t *smaller = realloc(pixels, n * channels);
    return (struct picture){width, height, channels, smaller ? smaller : pixels};
}

enum status picture_decode(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error)
{
    const char *type = picture_media_type(bytes, n_bytes);
    if (n_bytes == 0)
        return fail(error, STATUS_INVALID, "the picture is empty; PNG, JPEG or WebP is expected");
    if (n_bytes > PICTURE_BYTES_MAX)
        return fail(error, STATUS_LIMIT, "the picture has %zu bytes; at most %u are allowed", n_bytes, PICTURE_BYTES_MAX);
    if (!type)
        return fail(error, STATUS_INVALID, "the picture begins like no PNG, JPEG or WebP");
    if (strcmp(type, "image/png") == 0)
        return picture_decode_png(bytes, n_bytes, out_picture, error);
    if (strcmp(type, "image/jpeg") == 0)
        return picture_decode_jpeg(bytes, n_bytes, out_picture, error);
    return picture_decode_webp(bytes, n_bytes, out_picture, error);
}

/* --- another size --- */

/* The mean over columns [left, right) and rows [top, bottom) of channel c, edges counted as far as they are covered. */
static double mean_of(const struct picture *picture, double top, double bottom, double left, double right, uint32_t c)
{
    double sum = 0;
    for (uint32_t i = (uint32_t)top; i < picture->height && i < bottom; i++) {
        double high = (i + 1 < bottom ? i + 1 : bottom) - (i > top ? i : top);
        for (uint32_t j = (uint32_t)left; j < picture->width && j < right; j++) {
            double wide = (j + 1 < right ? j + 1 : right) - (j > left ? j : left);
            sum += high * wide * picture->pixels[((size_t)i * picture->width + j) * picture->channels + c];
        }
    }
    return sum / ((bottom - top) * (right - left));
}

/* Channel c of `channels` over an area. */
static uint8_t value_of(const struct picture *picture, double top, double bottom, double left, double right, uint32_t c, uint32_t channels)
{
    double value;
    if (picture->channels == channels || picture->channels == 1)
        value = mean_of(picture, top, bottom, left, right, picture->channels == 1 ? 0 : c);
    else
        value = 0.299 * mean_of(picture, top, bottom, left, right, 0) + 0.587 * mean_of(picture, top, bottom, left, right, 1) +
                0.114 * mean_of(picture, top, bottom, left, right, 2);
    return (uint8_t)(value + 0.5);
}

void picture_fit(const struct picture *picture, uint32_t height, uint32_t width, uint32_t channels, uint8_t *to)
{
    double shrink_rows = (double)picture->height / height, shrink_columns = (double)picture->width / width;
    double shrink = shrink_rows > shrink_columns ? shrink_rows : shrink_columns;
    uint32_t n_rows = (uint32_t)(picture->height / shrink + 0.5), n_columns = (uint32_t)(picture->width / shrink + 0.5);
    n_rows = n_rows < 1 ? 1 : n_rows > height ? height : n_rows;
    n_columns = n_columns < 1 ? 1 : n_columns > width ? width : n_columns;
    uint32_t above = (height - n_rows) / 2, left = (width - n_columns) / 2;
    double tall = (double)picture->height / n_rows, wide = (double)picture->width / n_columns;
    for (uint32_t i = 0; i < height; i++)
        for (uint32_t j = 0; j < width; j++) {
            bool is_inside = i >= above && i - above < n_rows && j >= left && j - left < n_columns;
            double top = is_inside ? (i - above) * tall : 0, column = is_inside ? (j - left) * wide : 0;
            double bottom = is_inside ? top + tall : 1, right = is_inside ? column + wide : 1;
            for (uint32_t c = 0; c < channels; c++)
                *to++ = value_of(picture, top, bottom, column, right, c, channels);
        }
}

enum status picture_make_small(struct picture *picture, struct error *error)
{
    if (picture->width <= PICTURE_SMALL_SIDE && picture->height <= PICTURE_SMALL_SIDE)
        return STATUS_OK;
    struct picture small = {PICTURE_SMALL_SIDE, PICTURE_SMALL_SIDE, picture->channels, malloc(PICTURE_SMALL_BYTES)};
    if (!small.pixels)
        return fail(error, STATUS_NOMEM, "no memory for the small picture");
    picture_fit(picture, small.height, small.width, small.channels, small.pixels);
    picture_clear(picture);
    *picture = small;
    return STATUS_OK;
}
