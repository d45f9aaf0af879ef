/* JSON from anywhere: what the parser accepts, it must accept again after writing it. */
#include "core/base/node.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct error error;
    struct node *first = NULL, *second = NULL;
    if (node_parse((const char *)bytes, n_bytes, &first, &error) != STATUS_OK) {
        assert(error.detail[0] != '\0'); /* a refusal says why */
        return 0;
    }
    struct buffer text, again;
    buffer_init(&text, SIZE_MAX);
    buffer_init(&again, SIZE_MAX);
    node_dump(first, &text);
    assert(node_parse(text.bytes, text.n_bytes, &second, &error) == STATUS_OK);
    node_dump(second, &again);
    assert(text.n_bytes == again.n_bytes && memcmp(text.bytes, again.bytes, text.n_bytes) == 0);
    buffer_clear(&text);
    buffer_clear(&again);
    node_destroy(first);
    node_destroy(second);
    return 0;
}
