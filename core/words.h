/* Words: from a text in any language to numbers that a network can look up.
 *
 * The text is brought to one form (Unicode NFKC with full case folding, without ignorable and control characters), so that "Ｃａｆé",
 * "CAFÉ" and "café" with a combining accent are the same. Letters, marks and digits make words, everything else separates them; a mark
 * belongs to the letter or digit before it. Where no spaces are written (ideographs, kana, bopomofo; Hangul syllables go with them) each
 * character is a word.
 *
 * A word is a bag of features, after Bojanowski et al. 2017, section 3.2: itself and all runs of 3 to 5 of its characters, "<" and ">" set
 * at its ends: "<cat>" has "<cat>", "<ca", "cat", "at>", "<cat", "cat>". So an unknown or misspelt word is near those that look like it. An
 * ideograph's are itself and the pair that it makes with the next one. A feature is the number of the bucket that its UTF-8 is hashed into
 * (XXH3); features that fall into one bucket are the same to the network. Models depend on all this: to change it is to make their texts
 * meaningless.
 *
 * Threads: one at a time an object; different ones side by side. */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include "core/base/random.h"
#include "core/base/status.h"

#include <stdint.h>

/* Limits of limits. */
#define TEXT_WORDS_MAX    65536u
#define WORD_FEATURES_MAX 256u
#define TEXT_BYTES_MAX    (1u << 20)

#define WORD_CHARACTERS_MAX 32u /* a longer word is cut into pieces of so many characters, each a word */

struct word_limits {
    uint32_t n_buckets;    /* 2 or more; features are in buckets 1 to n_buckets - 1, bucket 0 stands for nothing */
    uint32_t max_words;    /* of a text, 1 to TEXT_WORDS_MAX: its first ones */
    uint32_t max_features; /* of a word, 1 to WORD_FEATURES_MAX: itself, then short runs before long ones; no word has more than 94 */
    uint32_t max_bytes;    /* of a text, 1 to TEXT_BYTES_MAX: what is behind them is not read */
};

/* Word w has the features buckets[starts[w]] … buckets[starts[w + 1] - 1], at least one. */
struct word_bags {
    uint32_t n_words;
    const uint32_t *starts;  /* [n_words + 1], from 0 */
    const uint32_t *buckets; /* [starts[n_words]] */
};

struct words;

/* All memory that reading takes: about 24 max_bytes + 4 max_words · max_features. STATUS_INVALID names the limit that is out of its own;
 * STATUS_NOMEM. */
enum status words_create(const struct word_limits *limits, struct words **out_words, struct error *error) MUST_CHECK;
void words_destroy(struct words *words);
DEFINE_SCOPED(struct words *, words_destroy);

/* The words of a text of valid UTF-8, in their order; of bytes that are none, no words. Borrowed until the next call. */
struct word_bags words_read(struct words *words, const char *text, size_t n_bytes);

/* Leave out each of the words last read with this probability; one stays, if there is any. What is left. Borrowed until the next call. */
struct word_bags words_thin(struct words *words, float probability, struct random *random);

#endif
