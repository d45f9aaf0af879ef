/* Words: which texts are the same, where they are cut, what their features are, and that nothing passes its limits. */
#include "core/words.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BUCKETS 1000003u

static const struct word_limits usual = {.n_buckets = BUCKETS, .max_words = 64, .max_features = 100, .max_bytes = 4096};

static struct words *create(const struct word_limits *limits)
{
    struct words *words = NULL;
    struct error error = {.detail = ""};
    cr_assert_eq(words_create(limits, &words, &error), STATUS_OK, "%s", error.detail);
    return words;
}

/* The bucket of a feature as the header says it, by itself. */
static uint32_t bucket_of(const char *feature)
{
    return 1 + (uint32_t)(XXH3_64bits_withSeed(feature, strlen(feature), UINT64_C(0x696E6B6C696E6701)) % (BUCKETS - 1));
}

/* The text has these words: the first feature of each is as expected, an ideograph itself, any other word with its marked ends. */
static void expect_words(const char *text, const char *const expected[], uint32_t n)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    struct word_bags bags = words_read(words, text, strlen(text));
    cr_expect_eq(bags.n_words, n, "\"%s\": %u words instead of %u", text, bags.n_words, n);
    for (uint32_t w = 0; w < n && w < bags.n_words; w++)
        cr_expect_eq(bags.buckets[bags.starts[w]], bucket_of(expected[w]), "\"%s\": word %u is not %s", text, w + 1, expected[w]);
}

#define EXPECT_WORDS(text, ...)                                                                                                            \
    expect_words(text, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void expect_same(const char *a, const char *b)
{
    SCOPED(words_destroy) struct words *of_a = create(&usual), *of_b = create(&usual);
    struct word_bags x = words_read(of_a, a, strlen(a)), y = words_read(of_b, b, strlen(b));
    cr_assert_eq(x.n_words, y.n_words, "\"%s\" has %u words, \"%s\" %u", a, x.n_words, b, y.n_words);
    cr_assert_gt(x.n_words, 0);
    cr_expect_arr_eq(x.starts, y.starts, (x.n_words + 1) * sizeof *x.starts, "\"%s\", \"%s\"", a, b);
    cr_expect_arr_eq(x.buckets, y.buckets, x.starts[x.n_words] * sizeof *x.buckets, "\"%s\", \"%s\"", a, b);
}

static void expect_bag(struct word_bags bags, uint32_t word, const char *const features[], uint32_t n)
{
    cr_assert_eq(bags.starts[word + 1] - bags.starts[word], n, "%u features", bags.starts[word + 1] - bags.starts[word]);
    for (uint32_t i = 0; i < n; i++)
        cr_expect_eq(bags.buckets[bags.starts[word] + i], bucket_of(features[i]), "feature %u is not %s", i + 1, features[i]);
}

Test(words, are_letters_and_digits_between_everything_else)
{
    EXPECT_WORDS("The cat,  (2nd) sat-on\tmat_4.", "<the>", "<cat>", "<2nd>", "<sat>", "<on>", "<mat>", "<4>");
    EXPECT_WORDS("Привет мир", "<привет>", "<мир>");
    EXPECT_WORDS("שלום עולם", "<שלום>", "<עולם>");
}

Test(words, have_themselves_and_their_runs_of_characters_as_features)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    struct word_bags bags = words_read(words, "a go cats", 9);
    const char *const a[] = {"<a>"}, *const go[] = {"<go>", "<go", "go>"};
    const char *const cats[] = {"<cats>", "<ca", "cat", "ats", "ts>", "<cat", "cats", "ats>", "<cats", "cats>"};
    cr_assert_eq(bags.n_words, 3);
    expect_bag(bags, 0, a, 1);
    expect_bag(bags, 1, go, 3);
    expect_bag(bags, 2, cats, 10);
}

Test(words, of_ideographs_are_single_with_the_pairs_they_begin)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    const char text[] = "你好吗";
    struct word_bags bags = words_read(words, text, strlen(text));
    const char *const first[] = {"你", "你好"}, *const second[] = {"好", "好吗"}, *const third[] = {"吗"};
    cr_assert_eq(bags.n_words, 3);
    expect_bag(bags, 0, first, 2);
    expect_bag(bags, 1, second, 2);
    expect_bag(bags, 2, third, 1);
}

Test(words, of_mixed_scripts_keep_their_order)
{
    EXPECT_WORDS("Apple手机iPhone 15,红色", "<apple>", "手", "机", "<iphone>", "<15>", "红", "色");
    EXPECT_WORDS("カメラ・レンズ", "カ", "メ", "ラ", "レ", "ン", "ズ");
    EXPECT_WORDS("한국 가방", "한", "국", "가", "방");
    EXPECT_WORDS("人々と𠮷野", "人", "々", "と", "𠮷", "野");
}

Test(words, do_not_pair_ideographs_across_a_separator)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    const char text[] = "红 色a";
    struct word_bags bags = words_read(words, text, strlen(text));
    cr_assert_eq(bags.n_words, 3);
    cr_expect_eq(bags.starts[1], 1);
    cr_expect_eq(bags.starts[2], 2);
}

Test(words, are_the_same_with_accents_composed_or_not)
{
    expect_same("café Ångström", "cafe\u0301 A\u030Angstro\u0308m");
    expect_same("q\u0307\u0323", "q\u0323\u0307");
    expect_same("か\u3099", "が");
    expect_same("각", "\u1100\u1161\u11A8");
}

Test(words, are_the_same_in_any_case)
{
    expect_same("STRASSE Straße straẞe", "strasse strasse strasse");
    expect_same("ΣΊΣΥΦΟΣ", "σίσυφος");
    expect_same("İzmir", "i\u0307zmir");
    expect_same("ﬁne", "FINE");
}

Test(words, are_the_same_full_width_or_narrow)
{
    expect_same("Ｃａｆé　１２３", "café 123");
    expect_same("ｶﾞﾗｽ", "ガラス");
    expect_same("x²", "x2");
}

Test(words, do_not_see_what_is_ignorable)
{
    expect_same("co\u00ADoperate", "cooperate");
    expect_same("zero\u200Dwidth\u2060", "zerowidth");
    expect_same("葛\U000E0100城", "葛城");
    expect_same("bell\ahere", "bellhere");
    expect_same("two\r\nlines", "two lines");
}

Test(words, are_not_made_by_emoji_or_marks_alone)
{
    EXPECT_WORDS("nice 👩‍👩‍👧 bag❤️!", "<nice>", "<bag>");
    SCOPED(words_destroy) struct words *words = create(&usual);
    const char *const none[] = {"", " ", "👍🏽🎉", "\u0301\u0302", "#\uFE0F\u20E3", "…—!?", "\u200B", "\n"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        cr_expect_eq(words_read(words, none[i], strlen(none[i])).n_words, 0, "%zu", i);
}

Test(words, of_more_than_32_characters_are_cut_into_pieces)
{
    char text[1000];
    SCOPED(words_destroy) struct words *words = create(&usual);
    memset(text, 'x', sizeof text);
    struct word_bags bags = words_read(words, text, 70);
    cr_assert_eq(bags.n_words, 3);
    cr_expect_eq(bags.starts[1], 94, "the word, 32 runs of 3, 31 of 4, 30 of 5");
    cr_expect_eq(bags.starts[3] - bags.starts[2], 1 + 6 + 5 + 4, "<xxxxxx>");
    cr_expect_eq(words_read(words, text, sizeof text).n_words, 32);
}

Test(words, stop_at_their_limits)
{
    const struct word_limits few = {.n_buckets = 2, .max_words = 3, .max_features = 4, .max_bytes = 16};
    SCOPED(words_destroy) struct words *words = create(&few);
    struct word_bags bags = words_read(words, "one two three four", 18);
    cr_assert_eq(bags.n_words, 3);
    for (uint32_t w = 0; w < 3; w++)
        cr_expect_leq(bags.starts[w + 1] - bags.starts[w], 4);
    for (uint32_t i = 0; i < bags.starts[3]; i++)
        cr_expect_eq(bags.buckets[i], 1, "there is no other");
    const char text[] = "............... é"; /* 16 bytes end in the middle of the last character */
    cr_expect_eq(words_read(words, text + 1, strlen(text) - 1).n_words, 0);
}

Test(words, refuse_limits_that_cannot_be)
{
    const struct word_limits wrong[] = {{1, 64, 32, 100},  {9, 0, 32, 100}, {9, 65537, 32, 100}, {9, 64, 0, 100},
                                        {9, 64, 257, 100}, {9, 64, 32, 0},  {9, 64, 32, 1048577}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct words *words = NULL;
        struct error error = {.detail = ""};
        cr_expect_eq(words_create(&wrong[i], &words, &error), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(error.detail, "must be from"), "%s", error.detail);
    }
}

/* Every character there is, as many of it as may be read: none becomes so many that there is no room for it. */
Test(words, have_room_for_whatever_a_character_becomes)
{
    const struct word_limits narrow = {.n_buckets = 50, .max_words = 200, .max_features = 3, .max_bytes = 48};
    SCOPED(words_destroy) struct words *words = create(&narrow);
    char text[52];
    for (uint32_t point = 0x80; point < 0x110000; point++) {
        if (point >= 0xD800 && point < 0xE000)
            continue;
        size_t n = 0;
        while (n + 4 <= 46) {
            if (point >= 0x10000)
                text[n++] = (char)(0xF0 | point >> 18);
            if (point >= 0x800)
                text[n++] = (char)(point >= 0x10000 ? 0x80 | (point >> 12 & 0x3F) : 0xE0 | point >> 12);
            text[n++] = (char)(point >= 0x800 ? 0x80 | (point >> 6 & 0x3F) : 0xC0 | point >> 6);
            text[n++] = (char)(0x80 | (point & 0x3F));
        }
        memcpy(text + n, " a", 2);
        cr_assert(words_read(words, text, n + 2).n_words > 0, "U+%04X leaves no room", point);
    }
}

Test(words, of_bytes_that_are_no_text_are_none)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    const char *const none[] = {"ab\xC3", "\xFF", "ab \xED\xA0\x80 cd", "\x80\x80\x80"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        cr_expect_eq(words_read(words, none[i], strlen(none[i])).n_words, 0, "%zu", i);
    uint32_t state = 1;
    char noise[64];
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)((state = state * 1664525u + 1013904223u) >> 24);
        (void)words_read(words, noise, sizeof noise); /* the sanitizers look on */
    }
    cr_expect_eq(words_read(words, "a\0b", 3).n_words, 1, "NUL is a control character like others");
}

Test(words, that_are_left_out_leave_the_others_as_they_were)
{
    const char *text = "one two three four five six seven eight nine ten";
    SCOPED(words_destroy) struct words *whole = create(&usual), *thinned = create(&usual);
    struct word_bags all = words_read(whole, text, strlen(text));
    struct random random;
    uint32_t n_left = 0;
    random_init(&random, 7, 1);
    for (unsigned time = 0; time < 200; time++) {
        (void)words_read(thinned, text, strlen(text));
        struct word_bags left = words_thin(thinned, .3f, &random);
        uint32_t next = 0; /* of all */
        for (uint32_t w = 0; w < left.n_words; w++, next++) {
            uint32_t n = left.starts[w + 1] - left.starts[w];
            while (next < all.n_words && all.buckets[all.starts[next]] != left.buckets[left.starts[w]])
                next++;
            cr_assert_lt(next, all.n_words, "a word that was not there, or another order");
            cr_assert_eq(n, all.starts[next + 1] - all.starts[next]);
            cr_assert_arr_eq(left.buckets + left.starts[w], all.buckets + all.starts[next], n * sizeof *left.buckets);
        }
        n_left += left.n_words;
    }
    cr_expect_float_eq(n_left / 2000., .7 + .3 / 10, .03, "one always stays: %u of 2000", n_left);
}

Test(words, are_never_all_left_out)
{
    SCOPED(words_destroy) struct words *words = create(&usual);
    struct random random;
    random_init(&random, 7, 2);
    (void)words_read(words, "one two three", 13);
    cr_expect_eq(words_thin(words, 1, &random).n_words, 1);
    (void)words_read(words, "...", 3);
    cr_expect_eq(words_thin(words, 1, &random).n_words, 0, "where none is, none stays");
}
