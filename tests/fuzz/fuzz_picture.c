/* Pictures from anywhere: what is decoded has the sizes that are allowed, and can be made small; what is not is refused with words. */
#include "server/pictures/picture.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    SCOPED(picture_clear) struct picture picture = {0};
    struct error error = {0};
    if (picture_decode(bytes, n_bytes, &picture, &error) != STATUS_OK) {
        assert(error.detail[0] && !picture.pixels);
        return 0;
    }
    assert(picture_media_type(bytes, n_bytes));
    assert(picture.width && picture.height && picture.width <= PICTURE_SIDE_MAX && picture.height <= PICTURE_SIDE_MAX);
    assert((uint64_t)picture.width * picture.height <= PICTURE_PIXELS_MAX && (picture.channels == 1 || picture.channels == 3));
    unsigned sum =
        picture.pixels[0] + picture.pixels[(size_t)picture.width * picture.height * picture.channels - 1]; /* all of it is there */
    assert(picture_make_small(&picture, &error) == STATUS_OK);
    assert(picture.width <= PICTURE_SMALL_SIDE && picture.height <= PICTURE_SMALL_SIDE);
    assert(sum <= 2 * 255);
    return 0;
}
