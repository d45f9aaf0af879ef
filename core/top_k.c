/* One scan in the order of the items with a heap of the k best so far, its worst on top. Most stretches of 64 scores hold nothing above
 * that worst one, and a loop that the compiler turns into vectors finds that out. Going up in item numbers makes the tie rule free: an
 * equal score comes too late. */
#include "core/top_k.h"

#include <math.h>

#define STRETCH 64u

/* Is a worse than b? Lower score, or the same and a larger item. */
static bool is_worse(struct scored a, struct scored b)
{
    return a.score < b.score || (a.score == b.score && a.item > b.item);
}

/* Let the entry at index sink to where no child is worse. */
static void sink(struct scored heap[], size_t n, size_t index)
{
    struct scored entry = heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_worse(heap[child + 1], heap[child]))
            child++;
        if (!is_worse(heap[child], entry))
            break;
        heap[index] = heap[child];
        index = child;
    }
    heap[index] = entry;
}

static void rise(struct scored heap[], size_t index)
{
    struct scored entry = heap[index];
    while (index > 0 && is_worse(entry, heap[(index - 1) / 2])) {
        heap[index] = heap[(index - 1) / 2];
        index = (index - 1) / 2;
    }
    heap[index] = entry;
}

/* Take the worst off the heap again and again, and put it at the end: best first. */
static void sort_heap(struct scored heap[], size_t n)
{
    while (n > 1) {
        struct scored worst = heap[0];
        heap[0] = heap[--n];
        sink(heap, n, 0);
        heap[n] = worst;
    }
}

static bool has_above(const float scores[STRETCH], float threshold)
{
    int any = 0;
    for (uint32_t i = 0; i < STRETCH; i++)
        any |= scores[i] > threshold;
    return any != 0;
}

size_t top_k(const float scores[], uint32_t n_items, size_t k, bool (*allow)(void *context, uint32_t item), void *context,
             struct scored out_best[])
{
    size_t n = 0;
    float threshold = -INFINITY;
    if (k == 0)
        return 0;
    for (uint32_t first = 0; first < n_items; first += n_items - first < STRETCH ? n_items - first : STRETCH) {
        uint32_t end = n_items - first < STRETCH ? n_items : first + STRETCH;
        if (end - first == STRETCH && !has_above(scores + first, threshold))
            continue;
        for (uint32_t item = first; item < end; item++) {
            if (!(scores[item] > threshold) || (allow && !allow(context, item)))
                continue;
            struct scored entry = {.item = item, .score = scores[item]};
            if (n < k) {
                out_best[n] = entry;
                rise(out_best, n++);
            } else {
                out_best[0] = entry;
                sink(out_best, n, 0);
            }
            if (n == k)
                threshold = out_best[0].score;
        }
    }
    sort_heap(out_best, n);
    return n;
}
