/* A finished tower asked about one item at a time, without allocation. */
#include "core/content_placement.h"

#include <stdlib.h>

void content_placement_clear(struct content_placement *placement)
{
    free(placement->weights);
    *placement = (struct content_placement){0};
}

void content_placement_place(const struct content_placement *placement, struct content_pass *pass, const struct item_content *content,
                             float out[])
{
    content_place(pass, placement->weights, content, out);
    evidence_mix(&placement->evidence, NULL, 0, out, out);
}

float content_placement_neutral(const struct content_placement *placement)
{
    return placement->weights[placement->tower.neutral] + placement->evidence.shift;
}
