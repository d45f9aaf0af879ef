/* A table of items, each with a row: an open-addressing table of 64-bit words (item << 32 | bits of the count as float), so that a reader
 * gets an item and its count in one load. The writer counts in place; a row that must grow, or whose weaker half must go, is built anew,
 * swapped in through an atomic pointer and the old one retired to the epoch. The table of items grows the same way. A count is never 0, so
 * a word of 0 is a free slot. */
#include "core/neighbours.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 8u
#define FIRST_ITEMS 1024u

#define WEIGHT_LEAST 1e-6f /* what is lighter counts as this: no count may be 0 */

struct row {
    uint32_t n_slots; /* a power of two */
    uint32_t n_used;  /* the writer's */
    _Atomic uint64_t slots[];
};

struct entry {
    _Atomic(struct row *) row; /* NULL: no neighbours yet */
    _Atomic float n_events;    /* an item that came only as someone's past counts as used once */
    _Atomic float damping;     /* n_events^(-1/4); 1 before the first */
};

struct table {
    uint32_t n_items;
    struct entry entries[];
};

struct neighbours {
    struct epoch *epoch;
    uint32_t max_row;
    _Atomic(struct table *) table;
};

static uint64_t pack(uint32_t item, float count)
{
    uint32_t bits;
    memcpy(&bits, &count, sizeof bits);
    return (uint64_t)item << 32 | bits;
}

static uint32_t packed_item(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static float packed_count(uint64_t word)
{
    uint32_t bits = (uint32_t)word;
    float count;
    memcpy(&count, &bits, sizeof count);
    return count;
}

static struct table *table_create(uint32_t n_items)
{
    struct table *table = malloc(sizeof *table + (size_t)n_items * sizeof table->entries[0]);
    if (!table)
        return NULL;
    table->n_items = n_items;
    for (uint32_t item = 0; item < n_items; item++) {
        atomic_init(&table->entries[item].row, NULL);
        atomic_init(&table->entries[item].n_events, 0);
        atomic_init(&table->entries[item].damping, 1);
    }
    return table;
}

static struct row *row_create(uint32_t n_slots)
{
    struct row *row = malloc(sizeof *row + (size_t)n_slots * sizeof row->slots[0]);
    if (!row)
        return NULL;
    row->n_slots = n_slots;
    row->n_used = 0;
    for (uint32_t i = 0; i < n_slots; i++)
        atomic_init(&row->slots[i], 0);
    return row;
}

struct neighbours *neighbours_create(struct epoch *epoch, uint32_t max_row)
{
    struct neighbours *neighbours = calloc(1, sizeof *neighbours);
    struct table *table = table_create(FIRST_ITEMS);
    if (!neighbours || !table) {
        free(neighbours);
        free(table);
        return NULL;
    }
    neighbours->epoch = epoch;
    neighbours->max_row = max_row < 2 ? 2 : max_row > (1u << 24) ? 1u << 24 : max_row;
    atomic_init(&neighbours->table, table);
    return neighbours;
}

void neighbours_destroy(struct neighbours *neighbours)
{
    if (!neighbours)
        return;
    struct table *table = atomic_load(&neighbours->table);
    for (uint32_t item = 0; item < table->n_items; item++)
        free(atomic_load(&table->entries[item].row));
    free(table);
    free(neighbours);
}

/* --- the writer's half --- */

/* Make the table hold item. */
static enum status reserve_item(struct neighbours *neighbours, uint32_t item)
{
    struct table *old = atomic_load_explicit(&neighbours->table, memory_order_relaxed);
    if (item < old->n_items)
        return STATUS_OK;
    if (item == UINT32_MAX)
        return STATUS_INVALID;
    uint32_t n_items = old->n_items > UINT32_MAX / 2 ? UINT32_MAX : old->n_items * 2;
    struct table *table = table_create(n_items > item ? n_items : item + 1);
    if (!table)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < old->n_items; i++) {
        struct entry *from = &old->entries[i], *to = &table->entries[i];
        atomic_init(&to->row, atomic_load_explicit(&from->row, memory_order_relaxed));
        atomic_init(&to->n_events, atomic_load_explicit(&from->n_events, memory_order_relaxed));
        atomic_init(&to->damping, atomic_load_explicit(&from->damping, memory_order_relaxed));
    }
    atomic_store(&neighbours->table, table);
    epoch_retire(neighbours->epoch, old, free);
    return STATUS_OK;
}

/* The slot that holds item, or the free one where it would go. A row is never full. */
static uint32_t find_slot(const struct row *row, uint32_t item)
{
    uint32_t slot = (item * 2654435769u) >> 7 & (row->n_slots - 1);
    for (;;) {
        uint64_t word = atomic_load_explicit(&row->slots[slot], memory_order_relaxed);
        if (word == 0 || packed_item(word) == item)
            return slot;
        slot = (slot + 1) & (row->n_slots - 1);
    }
}

static void put_word(struct row *row, uint64_t word)
{
    atomic_store_explicit(&row->slots[find_slot(row, packed_item(word))], word, memory_order_relaxed);
    row->n_used++;
}

/* Larger counts first, among equals the smaller item. */
static int compare_words(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    float count_a = packed_count(*a), count_b = packed_count(*b);
    if (count_a != count_b)
        return count_a > count_b ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

/* The words of row, strongest first if sorted. Returns how many. */
static uint32_t collect(const struct row *row, uint64_t words[])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < row->n_slots; i++) {
        uint64_t word = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        if (word)
            words[n++] = word;
    }
    return n;
}

/* A new row with the n_kept strongest words of old (which may be NULL) and n_slots slots. */
static struct row *rebuild(const struct row *old, uint32_t n_slots, uint32_t n_kept)
{
    SCOPED(memory_free) uint64_t *words = malloc(((size_t)(old ? old->n_used : 0) + 1) * sizeof *words);
    struct row *row = row_create(n_slots);
    if (!words || !row) {
        free(row);
        return NULL;
    }
    uint32_t n = old ? collect(old, words) : 0;
    if (n > n_kept) {
        qsort(words, n, sizeof *words, compare_words);
        n = n_kept;
    }
    for (uint32_t i = 0; i < n; i++)
        put_word(row, words[i]);
    return row;
}

/* Make the entry's row have room for one more neighbour: at most three quarters of the slots are used, and at most max_row. */
static enum status reserve_neighbour(struct neighbours *neighbours, struct entry *entry)
{
    struct row *old = atomic_load_explicit(&entry->row, memory_order_relaxed);
    uint32_t n_used = old ? old->n_used : 0, n_slots = old ? old->n_slots : FIRST_SLOTS / 2;
    bool is_full = n_used >= neighbours->max_row;
    if (old && !is_full && (n_used + 1) * 4 <= n_slots * 3)
        return STATUS_OK;
    struct row *row = rebuild(old, is_full ? n_slots : n_slots * 2, is_full ? neighbours->max_row / 2 : n_used);
    if (!row)
        return STATUS_NOMEM;
    atomic_store(&entry->row, row);
    if (old)
        epoch_retire(neighbours->epoch, old, free);
    return STATUS_OK;
}

/* c[item of entry, other] += gain. */
static enum status count_pair(struct neighbours *neighbours, struct entry *entry, uint32_t other, float gain)
{
    struct row *row = atomic_load_explicit(&entry->row, memory_order_relaxed);
    uint32_t slot = row ? find_slot(row, other) : 0;
    uint64_t word = row ? atomic_load_explicit(&row->slots[slot], memory_order_relaxed) : 0;
    if (!word) {
        TRY(reserve_neighbour(neighbours, entry));
        row = atomic_load_explicit(&entry->row, memory_order_relaxed);
        slot = find_slot(row, other);
        row->n_used++;
    }
    float count = word ? packed_count(word) + gain : gain;
    atomic_store_explicit(&row->slots[slot], pack(other, count), memory_order_relaxed);
    return STATUS_OK;
}

static bool is_repeated(const uint32_t recent[], uint32_t i)
{
    for (uint32_t earlier = 0; earlier < i; earlier++) {
        if (recent[earlier] == recent[i])
            return true;
    }
    return false;
}

enum status neighbours_add(struct neighbours *neighbours, uint32_t item, float weight, const uint32_t recent[], uint32_t n_recent)
{
    weight = weight > WEIGHT_LEAST ? weight : WEIGHT_LEAST;
    n_recent = n_recent < NEIGHBOURS_WINDOW ? n_recent : NEIGHBOURS_WINDOW;
    uint32_t largest = item;
    for (uint32_t i = 0; i < n_recent; i++)
        largest = recent[i] > largest ? recent[i] : largest;
    TRY(reserve_item(neighbours, largest));
    struct table *table = atomic_load_explicit(&neighbours->table, memory_order_relaxed);
    struct entry *entry = &table->entries[item];
    float n_events = atomic_load_explicit(&entry->n_events, memory_order_relaxed) + weight;
    atomic_store_explicit(&entry->n_events, n_events, memory_order_relaxed);
    atomic_store_explicit(&entry->damping, 1 / sqrtf(sqrtf(n_events < 1 ? 1 : n_events)), memory_order_relaxed);
    float gain = weight;
    for (uint32_t i = 0; i < n_recent; i++, gain *= NEIGHBOURS_DISTANCE) {
        if (is_repeated(recent, i))
            continue;
        TRY(count_pair(neighbours, &table->entries[recent[i]], item, gain));
        if (recent[i] != item) /* it follows itself in one direction only */
            TRY(count_pair(neighbours, entry, recent[i], gain * NEIGHBOURS_BACKWARD));
    }
    return STATUS_OK;
}

/* --- the readers' half --- */

static float uses_of(const struct entry *entry)
{
    float n_events = atomic_load_explicit(&entry->n_events, memory_order_relaxed);
    return n_events < 1 ? 1 : n_events;
}

/* out_scores[b] += weight * c[a,b] / (n[a]^(1/2) n[b]^(1/4)) for the entry of a and all b < n_items. */
static void add_row(const struct table *table, const struct entry *entry, float weight, float out_scores[], uint32_t n_items)
{
    const struct row *row = atomic_load_explicit(&entry->row, memory_order_acquire);
    if (!row)
        return;
    weight /= sqrtf(uses_of(entry));
    for (uint32_t i = 0; i < row->n_slots; i++) {
        uint64_t word = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        uint32_t other = packed_item(word);
        if (word && other < n_items && other < table->n_items)
            out_scores[other] += weight * packed_count(word) * atomic_load_explicit(&table->entries[other].damping, memory_order_relaxed);
    }
}

void neighbours_score(const struct neighbours *neighbours, const uint32_t items[], const float weights[], uint32_t n, float out_scores[],
                      uint32_t n_items)
{
    const struct table *table = atomic_load_explicit(&neighbours->table, memory_order_acquire);
    memset(out_scores, 0, n_items * sizeof *out_scores);
    n = n < NEIGHBOURS_REACH ? n : NEIGHBOURS_REACH;
    float recency = 1;
    for (uint32_t k = 0; k < n; k++, recency *= NEIGHBOURS_DECAY) {
        if (items[k] < table->n_items)
            add_row(table, &table->entries[items[k]], weights ? weights[k] * recency : recency, out_scores, n_items);
    }
}

/* Put candidate into best[n], sorted best first with at most max entries. Returns the new n. */
static uint32_t insert(struct neighbour best[], uint32_t n, uint32_t max, struct neighbour candidate)
{
    uint32_t at = n;
    while (at > 0 && (best[at - 1].similarity < candidate.similarity ||
                      (best[at - 1].similarity == candidate.similarity && best[at - 1].item > candidate.item)))
        at--;
    if (at == max)
        return n;
    n = n < max ? n + 1 : max;
    memmove(&best[at + 1], &best[at], (n - 1 - at) * sizeof *best);
    best[at] = candidate;
    return n;
}

static float cosine(const struct table *table, float n_item, uint64_t word)
{
    return packed_count(word) / sqrtf(n_item * uses_of(&table->entries[packed_item(word)]));
}

void neighbours_add_similar(const struct neighbours *neighbours, uint32_t item, float weight, uint32_t first, float scores[],
                            uint32_t n_items)
{
    const struct table *table = atomic_load_explicit(&neighbours->table, memory_order_acquire);
    const struct row *row = item < table->n_items ? atomic_load_explicit(&table->entries[item].row, memory_order_acquire) : NULL;
    float n_item = row ? uses_of(&table->entries[item]) : 1;
    n_items = n_items < table->n_items ? n_items : table->n_items;
    for (uint32_t i = 0; row && i < row->n_slots; i++) {
        uint64_t word = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        uint32_t other = packed_item(word);
        if (!word || other == item || other < first || other >= n_items)
            continue;
        float similarity = cosine(table, n_item, word);
        scores[other] += weight * (similarity < 1 ? similarity : 1);
    }
}

uint32_t neighbours_of(const struct neighbours *neighbours, uint32_t item, uint32_t max, struct neighbour out_neighbours[])
{
    const struct table *table = atomic_load_explicit(&neighbours->table, memory_order_acquire);
    const struct row *row = item < table->n_items ? atomic_load_explicit(&table->entries[item].row, memory_order_acquire) : NULL;
    if (!row || max == 0)
        return 0;
    float n_item = uses_of(&table->entries[item]);
    uint32_t n = 0;
    for (uint32_t i = 0; i < row->n_slots; i++) {
        uint64_t word = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        uint32_t other = packed_item(word);
        if (!word || other == item || other >= table->n_items)
            continue;
        n = insert(out_neighbours, n, max, (struct neighbour){.item = other, .similarity = cosine(table, n_item, word)});
    }
    return n;
}
