/* WebP, by libwebp. Moving pictures are refused: there is no one picture to learn from. */
#include "server/pictures/formats.h"

#include <stdlib.h>
#include <webp/decode.h>

enum status picture_decode_webp(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error)
{
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(bytes, n_bytes, &features) != VP8_STATUS_OK || features.width < 0 || features.height < 0)
        return fail(error, STATUS_INVALID, "the WebP is damaged or cut short");
    if (features.has_animation)
        return fail(error, STATUS_INVALID, "the WebP moves; a still picture is expected");
    TRY(picture_check_size((uint64_t)features.width, (uint64_t)features.height, error));
    size_t n_decoded = (size_t)features.width * (size_t)features.height * 4;
    SCOPED(memory_free) uint8_t *pixels = malloc(n_decoded);
    if (!pixels)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    if (!WebPDecodeRGBAInto(bytes, n_bytes, pixels, n_decoded, features.width * 4))
        return fail(error, STATUS_INVALID, "the WebP is damaged or cut short");
    *out_picture = picture_from_rgba(pixels, (uint32_t)features.width, (uint32_t)features.height, false);
    pixels = NULL;
    return STATUS_OK;
}
