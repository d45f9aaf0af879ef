/* The encoder cache with made-up states: what it says of a sequence, who gives way, and that it never mixes up users or models. */
#include "server/app/encoder_cache.h"

#include "core/base/random.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { FIELD = 4, FLOATS = 8, ROW = 2, MOST = 3 };

static const struct state_shape shape = {.n_floats = FLOATS, .n_row = ROW, .field = FIELD, .most = MOST};
static const struct state_shape other_shape = {.n_floats = 40, .n_row = 5, .field = 8, .most = 4};
static struct encoder_cache *cache;

static void create(uint64_t max_bytes, uint32_t n_shards)
{
    cache = encoder_cache_create(max_bytes, n_shards);
    cr_assert(cache);
}

static void destroy(void)
{
    encoder_cache_destroy(cache);
    cache = NULL;
}

TestSuite(encoder_cache, .fini = destroy, .timeout = 120);

static struct encoder_cache_key key_of(uint32_t user)
{
    return (struct encoder_cache_key){.version = "m0000000000000001", .shape = &shape, .user = user};
}

/* A sequence from a text, a letter an input; its state says which it is. */
static uint32_t inputs_of(const char *text, uint32_t out_inputs[64])
{
    uint32_t n = (uint32_t)strlen(text);
    cr_assert(n >= 1 && n <= 64);
    for (uint32_t i = 0; i < n; i++)
        out_inputs[i] = (uint32_t)(unsigned char)text[i] + 70000;
    return n;
}

static void write_state(uint32_t user, const char *text, float mark)
{
    uint32_t inputs[64], n = inputs_of(text, inputs);
    float state[FLOATS];
    struct encoder_cache_key key = key_of(user);
    for (int i = 0; i < FLOATS; i++)
        state[i] = mark + (float)i / FLOATS;
    encoder_cache_write(cache, &key, inputs, n, state);
}

/* d, or -1 for a miss; what was copied must be the state with this mark. */
static int ahead(uint32_t user, const char *text, float mark)
{
    uint32_t inputs[64], n = inputs_of(text, inputs);
    float state[FLOATS];
    struct encoder_cache_key key = key_of(user);
    for (int i = 0; i < FLOATS; i++)
        state[i] = -1;
    uint32_t d = encoder_cache_read(cache, &key, inputs, n, MOST, state);
    int n_copied = d == ENCODER_CACHE_MISS ? 0 : d == 0 ? ROW : FLOATS;
    for (int i = 0; i < FLOATS; i++)
        cr_assert_eq(state[i], i < n_copied ? mark + (float)i / FLOATS : -1, "number %d after a distance of %d", i, (int)d);
    return d == ENCODER_CACHE_MISS ? -1 : (int)d;
}

Test(encoder_cache, gives_back_the_state_of_the_same_inputs)
{
    create(1 << 16, 2);
    write_state(7, "abc", 1);
    cr_assert_eq(ahead(7, "abc", 1), 0);
}

Test(encoder_cache, says_how_many_inputs_are_new)
{
    create(1 << 16, 2);
    write_state(7, "abcdef", 1);
    cr_assert_eq(ahead(7, "abcdefg", 1), 1);
    cr_assert_eq(ahead(7, "abcdefgh", 1), 2);
    cr_assert_eq(ahead(7, "abcdefghi", 1), 3);
    cr_assert_eq(ahead(7, "abcdefghij", 1), -1, "more than is worth it");
}

Test(encoder_cache, goes_on_from_a_state_shorter_than_the_field)
{
    create(1 << 16, 2);
    write_state(7, "a", 1);
    cr_assert_eq(ahead(7, "ab", 1), 1);
    cr_assert_eq(ahead(7, "abcd", 1), 3);
}

Test(encoder_cache, does_not_mind_what_is_before_the_field)
{
    create(1 << 16, 2);
    write_state(7, "abcdef", 1);
    cr_assert_eq(ahead(7, "xxcdef", 1), 0);
    cr_assert_eq(ahead(7, "xdefgh", 1), 2, "of cdef only def reaches into efgh's field");
}

Test(encoder_cache, misses_when_an_input_in_the_field_is_another)
{
    create(1 << 16, 2);
    write_state(7, "abcdef", 1);
    cr_assert_eq(ahead(7, "abXdef", 1), -1);
    cr_assert_eq(ahead(7, "abcdXefg", 1), -1, "one came late");
    cr_assert_eq(ahead(7, "abcde", 1), -1, "one is gone");
}

Test(encoder_cache, misses_when_a_short_sequence_starts_elsewhere)
{
    create(1 << 16, 2);
    write_state(7, "bc", 1);
    cr_assert_eq(ahead(7, "abc", 1), -1);
    write_state(7, "abc", 1);
    cr_assert_eq(ahead(7, "bc", 1), -1);
    cr_assert_eq(ahead(7, "abcd", 1), 1);
    cr_assert_eq(ahead(7, "xabcd", 1), 1, "what is before the field does not count");
    cr_assert_eq(ahead(7, "xabc", 1), -1, "a whole field must be known");
}

Test(encoder_cache, keeps_the_last_state_of_a_user)
{
    create(1 << 16, 2);
    write_state(7, "abc", 1);
    write_state(7, "abcd", 2);
    cr_assert_eq(ahead(7, "abcd", 2), 0);
    cr_assert_eq(ahead(7, "abc", 1), -1);
}

Test(encoder_cache, keeps_users_apart)
{
    create(1 << 18, 3);
    for (uint32_t user = 0; user < 200; user++)
        write_state(user, "abc", (float)user);
    for (uint32_t user = 0; user < 200; user++)
        cr_assert_eq(ahead(user, "abc", (float)user), 0);
    cr_assert_eq(ahead(200, "abc", 0), -1);
}

static uint64_t n_evicted(void)
{
    struct encoder_cache_figures figures;
    encoder_cache_measure(cache, &figures);
    return figures.n_evicted;
}

/* One shard with three places: 64 bytes of chains, and 64 + 64 a user. */
static void create_for_three(void)
{
    create(64 + 3 * 128, 1);
}

Test(encoder_cache, lets_the_least_recently_used_give_way)
{
    create_for_three();
    for (uint32_t user = 1; user <= 3; user++)
        write_state(user, "abc", (float)user);
    cr_assert_eq(n_evicted(), 0);
    cr_assert_eq(ahead(1, "abc", 1), 0); /* to read is to use */
    write_state(4, "abc", 4);
    cr_assert_eq(ahead(2, "abc", 2), -1);
    cr_assert_eq(ahead(1, "abc", 1), 0);
    cr_assert_eq(ahead(3, "abc", 3), 0);
    cr_assert_eq(ahead(4, "abc", 4), 0);
    cr_assert_eq(n_evicted(), 1);
}

Test(encoder_cache, stays_in_its_bytes)
{
    create(10000, 4);
    for (uint32_t user = 0; user < 1000; user++)
        write_state(user, "abcdef", 1);
    struct encoder_cache_figures figures;
    encoder_cache_measure(cache, &figures);
    cr_assert_leq(figures.bytes, 10000);
    cr_assert_gt(figures.bytes, 8000, "most of them are of use");
    cr_assert_eq(figures.n_users + figures.n_evicted, 1000);
}

Test(encoder_cache, keeps_nothing_without_room)
{
    create(100, 1);
    write_state(1, "abc", 1);
    cr_assert_eq(ahead(1, "abc", 1), -1);
    encoder_cache_forget(cache, 1);
}

Test(encoder_cache, forgets_a_user)
{
    create_for_three();
    for (uint32_t user = 1; user <= 3; user++)
        write_state(user, "abc", (float)user);
    encoder_cache_forget(cache, 3);
    encoder_cache_forget(cache, 9);
    cr_assert_eq(ahead(3, "abc", 3), -1);
    cr_assert_eq(ahead(1, "abc", 1), 0);
    write_state(4, "abc", 4); /* into the place of the forgotten, not of the oldest */
    cr_assert_eq(ahead(1, "abc", 1), 0);
    cr_assert_eq(ahead(2, "abc", 2), 0);
    cr_assert_eq(ahead(4, "abc", 4), 0);
    cr_assert_eq(n_evicted(), 0);
}

Test(encoder_cache, starts_empty_with_another_model)
{
    create(1 << 16, 1);
    uint32_t inputs[64], n = inputs_of("abc", inputs);
    float state[40] = {5}, found[40];
    write_state(7, "abc", 1);
    struct encoder_cache_key key = {.version = "m0000000000000002", .shape = &other_shape, .user = 7};
    cr_assert_eq(encoder_cache_read(cache, &key, inputs, n, 4, found), ENCODER_CACHE_MISS);
    cr_assert_eq(ahead(7, "abc", 1), 0, "who only asks changes nothing");
    encoder_cache_write(cache, &key, inputs, n, state);
    cr_assert_eq(encoder_cache_read(cache, &key, inputs, n, 4, found), 0);
    cr_assert_eq(found[0], 5);
    cr_assert_eq(ahead(7, "abc", 1), -1);
}

/* The definition: a state after s is good for t if s and the last d of t end in the same field as t. */
static bool is_good(const uint32_t s[], uint32_t n_s, const uint32_t t[], uint32_t n_t, uint32_t d)
{
    uint32_t joined[128], n = n_s + d, n_seen = n_t < FIELD ? n_t : FIELD;
    memcpy(joined, s, n_s * sizeof *s);
    memcpy(joined + n_s, t + n_t - d, d * sizeof *t);
    if (n_t < FIELD ? n != n_t : n < FIELD)
        return false;
    return memcmp(joined + n - n_seen, t + n_t - n_seen, n_seen * sizeof *t) == 0;
}

Test(encoder_cache, says_what_its_definition_says_of_random_sequences)
{
    struct random random;
    unsigned n_found[MOST + 2] = {0};
    random_init(&random, 20240607, 1);
    create(1 << 16, 1);
    for (unsigned round = 0; round < 200000; round++) {
        uint32_t s[16], t[16], n_s = 1 + (uint32_t)random_below(&random, 9), n_t = 1 + (uint32_t)random_below(&random, 9);
        float state[FLOATS] = {0}, found[FLOATS];
        for (uint32_t i = 0; i < 16; i++) { /* two letters: sequences are often alike */
            s[i] = (uint32_t)random_below(&random, 2);
            t[i] = (uint32_t)random_below(&random, 2);
        }
        struct encoder_cache_key key = key_of(round % 3);
        uint32_t expected = 0;
        while (expected <= MOST && (expected >= n_t || expected >= FIELD || !is_good(s, n_s, t, n_t, expected)))
            expected++;
        encoder_cache_write(cache, &key, s, n_s, state);
        uint32_t d = encoder_cache_read(cache, &key, t, n_t, MOST, found);
        cr_assert_eq(d, expected <= MOST ? expected : ENCODER_CACHE_MISS, "round %u", round);
        n_found[d == ENCODER_CACHE_MISS ? MOST + 1 : d]++;
    }
    for (unsigned d = 0; d < MOST + 2; d++)
        cr_assert_gt(n_found[d], 1000, "distance %u was tried %u times", d, n_found[d]);
}
