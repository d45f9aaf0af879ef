/* Normalisation is utf8proc's, on code points in memory of our own: utf8proc_map would allocate for every text. */
#include "core/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#define POINTS_A_BYTE 6u /* at most: U+FDFA, three bytes, becomes 18 characters */
#define SHORTEST_RUN  3u
#define LONGEST_RUN   5u
#define WORD_SEED     UINT64_C(0x696E6B6C696E6701)

#define FORM (UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPCC)

struct words {
    struct word_limits limits;
    size_t max_points;
    utf8proc_int32_t *points; /* [max_points] the text in its one form */
    uint32_t *starts;         /* [max_words + 1] */
    uint32_t *buckets;        /* [max_words · max_features] */
    uint32_t n_words, n_features;
};

void words_destroy(struct words *words)
{
    if (!words)
        return;
    free(words->points);
    free(words->starts);
    free(words->buckets);
    free(words);
}

static enum status check_limit(const char *name, uint32_t value, uint32_t least, uint32_t most, struct error *error)
{
    if (value < least || value > most)
        return fail(error, STATUS_INVALID, "%s is %u; it must be from %u to %u", name, value, least, most);
    return STATUS_OK;
}

enum status words_create(const struct word_limits *limits, struct words **out_words, struct error *error)
{
    TRY(check_limit("n_buckets", limits->n_buckets, 2, UINT32_MAX, error));
    TRY(check_limit("max_words", limits->max_words, 1, TEXT_WORDS_MAX, error));
    TRY(check_limit("max_features", limits->max_features, 1, WORD_FEATURES_MAX, error));
    TRY(check_limit("max_bytes", limits->max_bytes, 1, TEXT_BYTES_MAX, error));
    SCOPED(words_destroy) struct words *words = calloc(1, sizeof *words);
    if (!words)
        return fail(error, STATUS_NOMEM, "no memory for words");
    words->limits = *limits;
    words->max_points = (size_t)POINTS_A_BYTE * limits->max_bytes;
    words->points = malloc(words->max_points * sizeof *words->points);
    words->starts = calloc((size_t)limits->max_words + 1, sizeof *words->starts);
    words->buckets = malloc((size_t)limits->max_words * limits->max_features * sizeof *words->buckets);
    if (!words->points || !words->starts || !words->buckets)
        return fail(error, STATUS_NOMEM, "no memory for words");
    *out_words = words;
    words = NULL;
    return STATUS_OK;
}

/* --- characters --- */

enum character { CHARACTER_OTHER, CHARACTER_LETTER, CHARACTER_MARK, CHARACTER_SINGLE };

/* Characters of scripts that are written without spaces, each a word; only those that are letters or digits play a part. */
static bool is_single(utf8proc_int32_t point)
{
    static const struct {
        utf8proc_int32_t first, last;
    } ranges[] = {
        {0x3005, 0x3007},   /* ideographic repetition, closing, zero */
        {0x3041, 0x31BF},   /* kana, bopomofo */
        {0x31F0, 0x31FF},   /* small kana */
        {0x3400, 0x4DBF},   /* ideographs, extension A */
        {0x4E00, 0x9FFF},   /* ideographs */
        {0xAC00, 0xD7A3},   /* Hangul syllables */
        {0xF900, 0xFAFF},   /* compatibility ideographs that have no other form */
        {0x1AFF0, 0x1B16F}, /* kana, supplements */
        {0x20000, 0x3FFFF}, /* ideographs, extensions B and on */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

static enum character character_of(utf8proc_int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return is_single(point) ? CHARACTER_SINGLE : CHARACTER_LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return CHARACTER_MARK;
    default: return CHARACTER_OTHER; /* utf8proc's categories are an open list */
    }
}

/* --- features --- */

/* A word with its marked ends: its UTF-8, and where each character begins in it. */
struct spelling {
    utf8proc_uint8_t bytes[4 * (WORD_CHARACTERS_MAX + 2)];
    size_t starts[WORD_CHARACTERS_MAX + 3];
    size_t n_characters;
};

static void spell(struct spelling *spelling, utf8proc_int32_t point)
{
    size_t start = spelling->starts[spelling->n_characters++];
    spelling->starts[spelling->n_characters] = start + (size_t)utf8proc_encode_char(point, spelling->bytes + start);
}

/* The features of a word end where the next word's begin; one that has no room is left out. */
static void add_feature(struct words *words, const struct spelling *spelling, size_t first, size_t n_characters)
{
    size_t start = spelling->starts[first], n_bytes = spelling->starts[first + n_characters] - start;
    if (words->n_features - words->starts[words->n_words] == words->limits.max_features)
        return;
    uint64_t hash = XXH3_64bits_withSeed(spelling->bytes + start, n_bytes, WORD_SEED);
    words->buckets[words->n_features++] = 1 + (uint32_t)(hash % (words->limits.n_buckets - 1));
}

static void end_word(struct words *words)
{
    words->starts[++words->n_words] = words->n_features;
}

/* A word of spaced scripts from its n characters. */
static void add_word(struct words *words, const utf8proc_int32_t *points, size_t n)
{
    struct spelling spelling = {.n_characters = 0};
    spell(&spelling, '<');
    for (size_t i = 0; i < n; i++)
        spell(&spelling, points[i]);
    spell(&spelling, '>');
    add_feature(words, &spelling, 0, spelling.n_characters);
    for (size_t run = SHORTEST_RUN; run <= LONGEST_RUN && run < spelling.n_characters; run++)
        for (size_t first = 0; first + run <= spelling.n_characters; first++)
            add_feature(words, &spelling, first, run);
    end_word(words);
}

/* A character that is a word, and the one behind it, 0: none. */
static void add_single(struct words *words, utf8proc_int32_t point, utf8proc_int32_t next)
{
    struct spelling spelling = {.n_characters = 0};
    spell(&spelling, point);
    add_feature(words, &spelling, 0, 1);
    if (next) {
        spell(&spelling, next);
        add_feature(words, &spelling, 0, 2);
    }
    end_word(words);
}

/* --- texts --- */

/* How many of n_bytes are read: no character is cut. */
static size_t readable(const struct words *words, const char *text, size_t n_bytes)
{
    if (n_bytes <= words->limits.max_bytes)
        return n_bytes;
    n_bytes = words->limits.max_bytes;
    while (n_bytes > 0 && ((unsigned char)text[n_bytes] & 0xC0) == 0x80)
        n_bytes--;
    return n_bytes;
}

/* How many code points the text is in its one form. */
static size_t normalise(struct words *words, const char *text, size_t n_bytes)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t n = utf8proc_decompose(bytes, (utf8proc_ssize_t)readable(words, text, n_bytes), words->points,
                                            (utf8proc_ssize_t)words->max_points, FORM);
    if (n <= 0 || (size_t)n > words->max_points) /* nothing, or not UTF-8, or a Unicode to come that makes more of a byte */
        return 0;
    n = utf8proc_normalize_utf32(words->points, n, FORM);
    return n > 0 ? (size_t)n : 0;
}

/* The first place from i on that is no mark. */
static size_t behind_marks(const struct words *words, size_t i, size_t n)
{
    while (i < n && character_of(words->points[i]) == CHARACTER_MARK)
        i++;
    return i;
}

/* The place behind the word that begins at i. */
static size_t word_end(const struct words *words, size_t i, size_t n)
{
    size_t most = n - i < WORD_CHARACTERS_MAX ? n : i + WORD_CHARACTERS_MAX;
    for (i++; i < most; i++) {
        enum character character = character_of(words->points[i]);
        if (character != CHARACTER_LETTER && character != CHARACTER_MARK)
            break;
    }
    return i;
}

struct word_bags words_read(struct words *words, const char *text, size_t n_bytes)
{
    words->n_words = words->n_features = 0;
    size_t n = normalise(words, text, n_bytes), next;
    for (size_t i = 0; i < n && words->n_words < words->limits.max_words; i = next) {
        enum character character = character_of(words->points[i]);
        next = i + 1;
        if (character == CHARACTER_LETTER) {
            next = word_end(words, i, n);
            add_word(words, words->points + i, next - i);
        } else if (character == CHARACTER_SINGLE) {
            next = behind_marks(words, next, n);
            bool has_next = next < n && character_of(words->points[next]) == CHARACTER_SINGLE;
            add_single(words, words->points[i], has_next ? words->points[next] : 0);
        }
    }
    return (struct word_bags){words->n_words, words->starts, words->buckets};
}

struct word_bags words_thin(struct words *words, float probability, struct random *random)
{
    uint32_t n_left = 0, n_features = 0, n_words = words->n_words;
    uint32_t always = n_words ? random_below(random, n_words) : 0;
    for (uint32_t w = 0; w < n_words; w++) {
        uint32_t first = words->starts[w], n = words->starts[w + 1] - first;
        if (random_uniform(random) < probability && w != always)
            continue;
        memmove(words->buckets + n_features, words->buckets + first, n * sizeof *words->buckets);
        words->starts[n_left++] = n_features;
        n_features += n;
    }
    words->starts[n_left] = n_features;
    words->n_words = n_left;
    words->n_features = n_features;
    return (struct word_bags){n_left, words->starts, words->buckets};
}
