/* Words are cut at everything that is no ASCII letter or digit: the sets that are measured have no others. */
#include "tests/bench/cold_rivals.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAILED    3
#define WORDS_MAX 64u

const char *const rival_names[RIVALS] = {"random", "category total", "category mean", "category profile"};

static void *need(void *memory)
{
    if (!memory)
        exit(FAILED);
    return memory;
}

/* The categories of one text, none twice; returns how many. */
static uint32_t read_words(struct cold_rivals *rivals, const struct item_content *content, uint32_t out[WORDS_MAX])
{
    uint32_t n = 0;
    for (size_t i = 0; i < content->n_bytes && n < WORDS_MAX;) {
        char word[64];
        size_t length = 0;
        for (; i < content->n_bytes && isalnum((unsigned char)content->text[i]); i++)
            if (length < sizeof word - 1)
                word[length++] = (char)tolower((unsigned char)content->text[i]);
        word[length] = 0;
        i++;
        if (length == 0)
            continue;
        uint32_t number, j = 0;
        if (names_add(rivals->categories, word, &number) != STATUS_OK)
            exit(FAILED);
        while (j < n && out[j] != number)
            j++;
        out[j] = number;
        n += j == n;
    }
    return n;
}

static void weigh(struct cold_rivals *rivals)
{
    const struct cold_protocol *protocol = rivals->protocol;
    uint32_t n_categories = names_count(rivals->categories);
    SCOPED(memory_free) uint32_t *events = need(calloc(protocol->n_items, sizeof *events));
    SCOPED(memory_free) double *n_items = need(calloc((size_t)n_categories + 1, sizeof *n_items));
    for (uint64_t i = 0; i < protocol->train->n_events; i++)
        events[protocol->train->items[i]]++;
    for (enum rival r = 0; r < RIVALS; r++)
        rivals->worth[r] = need(calloc((size_t)n_categories + 1, sizeof *rivals->worth[r]));
    for (uint32_t v = 0; v < protocol->n_items; v++)
        for (uint32_t i = rivals->starts[v]; i < rivals->starts[v + 1] && !protocol->is_cold[v]; i++) {
            n_items[rivals->numbers[i]]++;
            rivals->worth[RIVAL_TOTAL][rivals->numbers[i]] += events[v];
        }
    for (uint32_t a = 0; a < n_categories; a++) {
        rivals->worth[RIVAL_MEAN][a] = n_items[a] > 0 ? rivals->worth[RIVAL_TOTAL][a] / n_items[a] : 0;
        rivals->worth[RIVAL_PROFILE][a] = n_items[a] > 0 ? log(protocol->n_items / n_items[a]) : 0;
    }
}

void cold_rivals_init(struct cold_rivals *rivals, const struct cold_protocol *protocol)
{
    uint32_t words[WORDS_MAX], n = 0;
    *rivals = (struct cold_rivals){.protocol = protocol, .categories = need(names_create())};
    rivals->starts = need(calloc((size_t)protocol->n_items + 1, sizeof *rivals->starts));
    for (uint32_t v = 0; v < protocol->n_items; v++) {
        uint32_t n_words = read_words(rivals, &protocol->contents[v], words);
        rivals->numbers = need(realloc(rivals->numbers, (n + WORDS_MAX) * sizeof *rivals->numbers));
        memcpy(rivals->numbers + n, words, n_words * sizeof *words);
        rivals->starts[v + 1] = n += n_words;
    }
    rivals->shares = need(calloc((size_t)names_count(rivals->categories) + 1, sizeof *rivals->shares));
    weigh(rivals);
}

void cold_rivals_clear(struct cold_rivals *rivals)
{
    names_destroy(rivals->categories);
    free(rivals->starts);
    free(rivals->numbers);
    for (enum rival r = 0; r < RIVALS; r++)
        free(rivals->worth[r]);
    free(rivals->shares);
    *rivals = (struct cold_rivals){.protocol = NULL};
}

/* shares += by for the categories of everything that the user had. */
static void add_history(struct cold_rivals *rivals, uint32_t user, bool is_back)
{
    const struct dataset *train = rivals->protocol->train;
    uint64_t first = train->starts[user], end = train->starts[user + 1];
    for (uint64_t i = first; i < end; i++)
        for (uint32_t a = rivals->starts[train->items[i]]; a < rivals->starts[train->items[i] + 1]; a++)
            rivals->shares[rivals->numbers[a]] = is_back ? 0 : rivals->shares[rivals->numbers[a]] + 1 / (double)(end - first);
}

void cold_rivals_score(struct cold_rivals *rivals, enum rival rival, uint32_t user, float out_scores[])
{
    const struct cold_protocol *protocol = rivals->protocol;
    struct random random;
    random_init(&random, rivals->protocol->seed, user);
    add_history(rivals, user, false);
    for (uint32_t i = 0; i < protocol->n_cold; i++) {
        double score = 0;
        uint32_t item = protocol->cold_items[i];
        for (uint32_t a = rivals->starts[item]; a < rivals->starts[item + 1]; a++)
            score += rivals->shares[rivals->numbers[a]] * rivals->worth[rival][rivals->numbers[a]];
        out_scores[i] = rival == RIVAL_RANDOM ? random_uniform(&random) : (float)score;
    }
    add_history(rivals, user, true);
}
