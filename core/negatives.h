/* Negatives: what a user turned down, and by how much it lowers the scores of an answer (negative feedback; core/feedback.h says which
 * events are). As Rocchio (1971) moves a query away from what was not relevant, the scores move away from the negatives' vectors:
 *
 *   w[k] = sum over the strong events on item k of |weight| DECAY^j                    j behaviour events are newer
 *        + S (1 - exp(-x / S)), x = sum over the weak ones of |weight| DECAY^j         j weak events are newer; S = WEAK_MOST
 *   l[v] = max(0, sum over negatives k of w[k] <ê[v], ê[k]>)                           where the model knows v and k; ê = e / |e|
 *        + sum over negatives k of w[k] min(1, neighbours' similarity of k and v)      where it does not know both; of k and k: 1
 *   score[v] -= deviation of the scores · l[v], of a negative itself max(that, w[k] (best score - mean score))
 *
 * So a dislike (weight -1) takes the item itself from the very top down to the average of the catalogue, and an impression (-0.05) a
 * twentieth of that way; what is only like it moves by standard deviations, of which the best of a large catalogue are many above the mean.
 * That difference is deliberate: on the sample's ratings, people like much that is like what they dislike; weights of -2 and more, which
 * keep more of it away, lose more of what they like (server/app/README.md has the figures). Only likeness counts: to be unlike what was
 * turned down is no merit; the clipping is of the sum, so that however many negatives there are the model's part is one scan. Weak events
 * say little each, add up, and saturate below what the mildest strong event says. Not more than NEGATIVES_MAX items take part, the newest.
 * Pure functions, all results finite where the scores are. Threads: any. */
#ifndef CORE_NEGATIVES_H
#define CORE_NEGATIVES_H

#include "core/item_vectors.h"
#include "core/neighbours.h"

#define NEGATIVES_MAX       32    /* items in an answer */
#define NEGATIVES_STRONG    16    /* of which by strong events */
#define NEGATIVES_REACH     64    /* newest behaviour events among which strong ones are looked for: .95^64 = .04 */
#define NEGATIVES_DECAY     0.95F /* longer than what a user wants now lasts what they do not want */
#define NEGATIVES_WEAK_MOST 0.5F

struct negative {
    uint32_t item;
    float strength; /* w > 0 */
};

struct negatives {
    struct negative list[NEGATIVES_MAX]; /* items differ */
    uint32_t n;
};

/* Events newest first: items and weights [n] of the behaviour, positive events included (they age the others), and of the weak events that
 * no positive event has answered. */
void negatives_gather(struct negatives *negatives, const uint32_t items[], const float weights[], uint32_t n, const uint32_t weak_items[],
                      const float weak_weights[], uint32_t n_weak);

/* out_lowering[n_items] = l. vectors NULL: no model. direction [C] is scratch (unused without a model); out_lowering has room for the
 * larger of n_items and the model's. Inside the neighbours' epoch. */
void negatives_lowering(const struct negatives *negatives, const struct item_vectors *vectors, const struct neighbours *neighbours,
                        uint32_t n_items, float direction[], float out_lowering[]);

/* How far apart scores are: their deviation, and best - mean. Both finite and >= 0. */
struct score_scale {
    float deviation, height;
};
struct score_scale negatives_scale(const float scores[], uint32_t n_items);

/* Take l from scores [n_items] of that scale, as said above. -INFINITY stays. */
void negatives_lower(const struct negatives *negatives, const float lowering[], struct score_scale scale, float scores[], uint32_t n_items);

#endif
