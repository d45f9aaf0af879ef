/* Events are few, so an item that was met before is looked for among them: no table, no memory. */
#include "core/returns.h"

#include "core/kernels/kernels.h"

#include <math.h>
#include <stdbool.h>

unsigned returns_class(uint32_t n_since)
{
    unsigned class = n_since < 4 ? n_since : 4;
    for (uint32_t limit = 8; limit <= n_since && class + 1 < RETURN_CLASSES; limit *= 2)
        class ++;
    return class;
}

void returns_classes(const uint32_t newest_first[], uint32_t n, uint8_t out_classes[])
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t newest = 0;
        while (newest_first[newest] != newest_first[i])
            newest++;
        out_classes[i] = (uint8_t)(newest == i ? returns_class(i) : RETURN_CLASSES);
    }
}

static bool are_known(const struct returns *returns)
{
    bool is_any = false;
    for (unsigned c = 0; c < RETURN_CLASSES; c++)
        is_any = is_any || returns->weights[c] > 0;
    return is_any;
}

void returns_raise(const struct returns *returns, const struct kernels *kernels, const uint32_t newest_first[], uint32_t n, float scores[],
                   uint32_t n_scores)
{
    uint8_t classes[RETURNS_REACH];
    float most;
    if (!are_known(returns) || n_scores == 0)
        return;
    n = n < RETURNS_REACH ? n : RETURNS_REACH;
    returns_classes(newest_first, n, classes);
    double sum = kernels->sum_powers(scores, n_scores, &most);
    for (uint32_t i = 0; i < n; i++) {
        if (classes[i] == RETURN_CLASSES || newest_first[i] >= n_scores)
            continue;
        double power = exp((double)scores[newest_first[i]] - (double)most) + (double)returns->weights[classes[i]] * sum;
        scores[newest_first[i]] = power > 0 ? most + (float)log(power) : scores[newest_first[i]];
    }
}
