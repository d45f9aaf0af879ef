/* PNG, by libspng: checksums are checked, ancillary chunks are bounded and left alone. */
#include "server/pictures/formats.h"

#include <spng.h>
#include <stdlib.h>

#define CHUNK_BYTES_MAX (256u << 10) /* of text, profiles and the like */

static void spng_ctx_free_scoped(spng_ctx **context)
{
    spng_ctx_free(*context);
}

static enum status refuse(int code, struct error *error)
{
    if (code == SPNG_EMEM)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    return fail(error, STATUS_INVALID, "the PNG is damaged or cut short: %s", spng_strerror(code));
}

enum status picture_decode_png(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error)
{
    SCOPED(spng_ctx_free) spng_ctx *context = spng_ctx_new(0);
    SCOPED(memory_free) uint8_t *pixels = NULL;
    struct spng_ihdr header;
    size_t n_decoded = 0;
    if (!context)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    int code = spng_set_chunk_limits(context, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
    code = code ? code : spng_set_png_buffer(context, bytes, n_bytes);
    code = code ? code : spng_get_ihdr(context, &header);
    if (code)
        return refuse(code, error);
    TRY(picture_check_size(header.width, header.height, error));
    code = spng_decoded_image_size(context, SPNG_FMT_RGBA8, &n_decoded);
    if (code)
        return refuse(code, error);
    pixels = malloc(n_decoded);
    if (!pixels)
        return fail(error, STATUS_NOMEM, "no memory to decode the picture");
    code = spng_decode_image(context, pixels, n_decoded, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    code = code ? code : spng_decode_chunks(context); /* up to the end, or what is missing there is not noticed */
    if (code)
        return refuse(code, error);
    bool is_grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE || header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    *out_picture = picture_from_rgba(pixels, header.width, header.height, is_grey);
    pixels = NULL;
    return STATUS_OK;
}
