/* Pairs sorted by what they are, then by whose: somebody else has one if the first or the last of its kind is not the asker's. */
#include "core/order.h"

#include <stdlib.h>

struct pair {
    uint64_t items; /* the earlier one above */
    uint32_t sequence;
};

static int compare(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    if (a->items != b->items)
        return a->items < b->items ? -1 : 1;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Of every stride-th sequence; out_pairs has room for all their events. */
static size_t collect(const struct sequences *sequences, uint32_t stride, struct pair out_pairs[])
{
    size_t n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s += stride) {
        for (uint64_t i = sequences->starts[s] + 1; i < sequences->starts[s + 1]; i++) {
            uint64_t earlier = sequences->items[i - 1], later = sequences->items[i];
            if (earlier != later)
                out_pairs[n++] = (struct pair){earlier << 32 | later, s};
        }
    }
    return n;
}

/* The first of the sorted pairs that is not before `wanted`. */
static size_t lower_bound(const struct pair pairs[], size_t n, const struct pair *wanted)
{
    size_t first = 0;
    while (n > 0) {
        size_t half = n / 2;
        if (compare(&pairs[first + half], wanted) < 0) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

static bool others_have(const struct pair pairs[], size_t n, uint64_t items, uint32_t sequence)
{
    size_t first = lower_bound(pairs, n, &(struct pair){items, 0}), own = lower_bound(pairs, n, &(struct pair){items, sequence});
    size_t behind = lower_bound(pairs, n, &(struct pair){items, sequence + 1});
    return own > first || (behind < n && pairs[behind].items == items);
}

enum status order_reversibility(const struct sequences *sequences, double *out_reversibility)
{
    uint32_t stride = (uint32_t)(sequences->n_events / ORDER_PAIRS + 1);
    uint64_t n_events = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s += stride)
        n_events += sequences->starts[s + 1] - sequences->starts[s];
    struct pair *pairs = calloc(n_events + 1, sizeof *pairs);
    if (!pairs)
        return STATUS_NOMEM;
    size_t n = collect(sequences, stride, pairs), n_same = 0, n_reversed = 0;
    qsort(pairs, n, sizeof *pairs, compare);
    for (size_t i = 0; i < n; i++) {
        uint64_t items = pairs[i].items;
        n_same += others_have(pairs, n, items, pairs[i].sequence);
        n_reversed += others_have(pairs, n, items << 32 | items >> 32, pairs[i].sequence);
    }
    free(pairs);
    *out_reversibility = n_same >= ORDER_PAIRS_MIN ? (double)n_reversed / (double)n_same : 0;
    return STATUS_OK;
}
