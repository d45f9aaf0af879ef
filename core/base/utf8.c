/* Decoding is utf8proc's. */
#include "core/base/utf8.h"

#include <utf8proc.h>

static bool walk(const char *bytes, size_t n_bytes, bool allow_controls)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)bytes;
    while (n_bytes) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used = utf8proc_iterate(at, (utf8proc_ssize_t)n_bytes, &point);
        if (used <= 0)
            return false;
        if (!allow_controls && (point < 0x20 || (point >= 0x7f && point <= 0x9f)))
            return false;
        at += used;
        n_bytes -= (size_t)used;
    }
    return true;
}

bool utf8_valid(const char *bytes, size_t n_bytes)
{
    return walk(bytes, n_bytes, true);
}

bool utf8_is_id(const char *bytes, size_t n_bytes)
{
    return n_bytes >= 1 && n_bytes <= ID_MAX_BYTES && walk(bytes, n_bytes, false);
}
