/* Events from anywhere, as an HTTP body or a line of a file: what the field table accepts is a whole event, and what it refuses is named. */
#include "core/base/arena.h"
#include "server/wire/event_input.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    SCOPED(node_destroy) struct node *document = NULL;
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096, 1 << 20);
    struct event_input event;
    struct mistakes mistakes = {.n_mistakes = 0};
    struct error error = {0};
    uint64_t present = 0;
    if (!arena || node_parse((const char *)bytes, n_bytes, &document, &error) != STATUS_OK)
        return 0;
    if (fields_read(&event_input_fields, document, "", arena, &event, &present, &mistakes) != STATUS_OK) {
        assert(mistakes.n_mistakes > 0 && mistakes.n_mistakes <= MISTAKES_MAX && mistakes.mistakes[0].detail);
        return 0;
    }
    assert(event.user_id && event.item_id && event.type && mistakes.n_mistakes == 0 && present != 0);
    assert(event.quantity >= 0 && event.position >= -1 && !isinf(event.value));
    if (event_input_complete(&event, INT64_C(1700000000000), &error) == STATUS_OK)
        assert(event.at_ms >= 0 && event.at_ms <= INT64_C(1700000000000) + 86400000);
    return 0;
}
