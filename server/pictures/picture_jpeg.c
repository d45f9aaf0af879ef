/* JPEG, by libjpeg-turbo: what it would only warn of is refused, and a file of very many scans too. */
#include "server/pictures/formats.h"

#include <stdlib.h>
#include <turbojpeg.h>

static void tjhandle_close_scoped(tjhandle *handle)
{
    if (*handle)
        (void)tjDestroy(*handle);
}

/* Cyan, magenta, yellow, black, the way Adobe writes them (inverted). */
static void colours_of_print(uint8_t *rgb, const uint8_t *cmyk, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            rgb[3 * i + (size_t)c] = (uint8_t)(cmyk[4 * i + (size_t)c] * cmyk[4 * i + 3] / 255);
}

enum status picture_decode_jpeg(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error)
{
    SCOPED(tjhandle_close) tjhandle handle = tjInitDecompress();
    SCOPED(memory_free) uint8_t *pixels = NULL;
    int width, height, sampling, space;
    if (!handle)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    if (tjDecompressHeader3(handle, bytes, (unsigned long)n_bytes, &width, &height, &sampling, &space) != 0 || width < 0 || height < 0)
        return fail(error, STATUS_INVALID, "the JPEG is damaged or cut short: %s", tjGetErrorStr2(handle));
    TRY(picture_check_size((uint64_t)width, (uint64_t)height, error));
    bool is_grey = space == TJCS_GRAY, is_print = space == TJCS_CMYK || space == TJCS_YCCK;
    size_t n = (size_t)width * (size_t)height;
    int format = is_grey ? TJPF_GRAY : is_print ? TJPF_CMYK : TJPF_RGB;
    pixels = malloc(n * (size_t)tjPixelSize[format]);
    if (!pixels)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    if (tjDecompress2(handle, bytes, (unsigned long)n_bytes, pixels, width, 0, height, format,
                      TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT) != 0)
        return fail(error, STATUS_INVALID, "the JPEG is damaged or cut short: %s", tjGetErrorStr2(handle));
    if (is_print)
        colours_of_print(pixels, pixels, n);
    *out_picture = (struct picture){(uint32_t)width, (uint32_t)height, is_grey ? 1 : 3, pixels};
    pixels = NULL;
    return STATUS_OK;
}
