/* Texts of any bytes: what they are read as stays within its limits, and is the same at the second reading. */
#include "core/words.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static const struct word_limits limits = {.n_buckets = 1000, .max_words = 20, .max_features = 90, .max_bytes = 200};
    static uint32_t first[20 * 90];
    SCOPED(words_destroy) struct words *words = NULL;
    if (words_create(&limits, &words, NULL) != STATUS_OK)
        return 0;
    struct word_bags bags = words_read(words, (const char *)bytes, n_bytes);
    assert(bags.n_words <= limits.max_words && bags.starts[0] == 0);
    for (uint32_t w = 0; w < bags.n_words; w++) {
        assert(bags.starts[w] < bags.starts[w + 1] && bags.starts[w + 1] - bags.starts[w] <= limits.max_features);
        for (uint32_t i = bags.starts[w]; i < bags.starts[w + 1]; i++)
            assert(bags.buckets[i] > 0 && bags.buckets[i] < limits.n_buckets);
    }
    uint32_t n_words = bags.n_words, n_features = bags.starts[n_words];
    memcpy(first, bags.buckets, n_features * sizeof *first);
    bags = words_read(words, (const char *)bytes, n_bytes);
    assert(bags.n_words == n_words && bags.starts[n_words] == n_features);
    assert(memcmp(first, bags.buckets, n_features * sizeof *first) == 0);
    return 0;
}
