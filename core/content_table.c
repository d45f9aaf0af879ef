/* Arrays over all items are cleared entry by entry, and the swaps of the order taken back, before the next step: a step costs what it
 * touches, and depends on no other. */
#include "core/content_table.h"

#include "core/base/random.h"

#include <stdlib.h>
#include <string.h>

enum coin { COIN_NOT_THROWN, COIN_ID, COIN_CONTENT };

void content_table_clear(struct content_table *table)
{
    free(table->items);
    free(table->contents);
    free(table->content_rows);
    free(table->targets);
    free(table->skips);
    free(table->order);
    free(table->swaps);
    free(table->shared_of);
    free(table->target_of);
    free(table->coins);
    free(table->thrown);
    *table = (struct content_table){0};
}

enum status content_table_init(struct content_table *table, uint32_t n_items, uint32_t max_shared, uint32_t max_targets,
                               uint32_t max_contents)
{
    size_t V = n_items, n_shared = n_items < max_shared ? n_items : max_shared, n_thrown = n_shared + max_targets;
    struct content_table made = {
        .n_items = n_items,
        .n_shared = (uint32_t)n_shared,
        .max_targets = max_targets,
        .max_contents = max_contents,
        .items = calloc(n_shared + max_targets, sizeof *made.items),
        .contents = calloc(max_contents, sizeof *made.contents),
        .content_rows = calloc(max_contents, sizeof *made.content_rows),
        .targets = calloc(max_targets, sizeof *made.targets),
        .skips = calloc(max_targets, sizeof *made.skips),
        .order = calloc(V, sizeof *made.order),
        .swaps = calloc(n_shared, sizeof *made.swaps),
        .shared_of = calloc(V, sizeof *made.shared_of),
        .target_of = calloc(V, sizeof *made.target_of),
        .coins = calloc(V, sizeof *made.coins),
        .thrown = calloc(n_thrown, sizeof *made.thrown),
    };
    if (!made.items || !made.contents || !made.content_rows || !made.targets || !made.skips || !made.order || !made.swaps ||
        !made.shared_of || !made.target_of || !made.coins || !made.thrown) {
        content_table_clear(&made);
        return STATUS_NOMEM;
    }
    for (uint32_t v = 0; v < n_items; v++)
        made.order[v] = made.shared_of[v] = v;
    memset(made.target_of, 0xFF, V * sizeof *made.target_of);
    if (n_shared < V)
        memset(made.shared_of, 0xFF, V * sizeof *made.shared_of);
    *table = made;
    return STATUS_OK;
}

static void swap(uint32_t order[], uint32_t i, uint32_t j)
{
    uint32_t item = order[i];
    order[i] = order[j];
    order[j] = item;
}

/* Back to what init left. */
static void forget_step(struct content_table *table)
{
    for (uint32_t i = 0; i < table->n_thrown; i++)
        table->coins[table->thrown[i]] = COIN_NOT_THROWN;
    for (uint32_t row = 0; row < table->n_rows; row++) {
        table->target_of[table->items[row]] = CONTENT_NONE;
        if (!content_table_is_whole(table))
            table->shared_of[table->items[row]] = CONTENT_NONE;
    }
    for (uint32_t i = table->n_swaps; i-- > 0;)
        swap(table->order, i, table->swaps[i]);
    table->n_thrown = table->n_rows = table->n_contents = table->n_swaps = 0;
}

/* The shared rows; a whole catalogue needs a random order all the same, in which its items get their coins. */
static void draw_shared(struct content_table *table, struct random *random)
{
    uint32_t V = table->n_items, S = table->n_shared;
    for (uint32_t i = 0; i < S; i++) { /* the first S of a Fisher and Yates */
        table->swaps[i] = i + random_below(random, V - i);
        swap(table->order, i, table->swaps[i]);
        uint32_t item = table->order[i];
        table->items[i] = content_table_is_whole(table) ? i : item;
        if (!content_table_is_whole(table))
            table->shared_of[item] = i;
    }
    table->n_rows = table->n_swaps = S;
}

static void find_targets(struct content_table *table, const uint32_t targets[], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t item = targets[i];
        table->skips[i] = CONTENT_NONE;
        if (content_table_is_whole(table)) {
            table->targets[i] = item;
            continue;
        }
        if (table->target_of[item] == CONTENT_NONE) {
            table->target_of[item] = table->n_rows;
            table->items[table->n_rows++] = item;
        }
        table->targets[i] = table->target_of[item];
        table->skips[i] = table->shared_of[item];
    }
}

static void throw_coin(struct content_table *table, uint32_t item, const bool may[], float probability, struct random *random)
{
    if (table->coins[item] != COIN_NOT_THROWN || !may[item] || table->n_contents == table->max_contents)
        return;
    bool is_content = random_uniform(random) < probability;
    table->coins[item] = is_content ? COIN_CONTENT : COIN_ID;
    table->thrown[table->n_thrown++] = item;
    if (!is_content)
        return;
    uint32_t *rows = table->content_rows[table->n_contents];
    rows[0] = table->shared_of[item];
    rows[1] = table->target_of[item];
    if (rows[0] == CONTENT_NONE) {
        rows[0] = rows[1];
        rows[1] = CONTENT_NONE;
    }
    table->contents[table->n_contents++] = item;
}

void content_table_choose(struct content_table *table, const uint32_t targets[], uint32_t n, const bool may[], float probability,
                          uint64_t seed, uint64_t step)
{
    struct random random;
    random_init(&random, seed, UINT64_C(0x4349000000000000) | step);
    forget_step(table);
    draw_shared(table, &random);
    find_targets(table, targets, n);
    for (uint32_t i = 0; i < n; i++)
        throw_coin(table, targets[i], may, probability, &random);
    for (uint32_t i = 0; i < table->n_shared; i++)
        throw_coin(table, table->order[i], may, probability, &random);
}
