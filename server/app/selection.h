/* A selection: the items of one answer as they are picked from one score after another, each item once, filtered by what the question
 * allows.
 *
 * Threads: one request's; inside the epoch. All memory is the request's arena's. */
#ifndef APP_SELECTION_H
#define APP_SELECTION_H

#include "core/negatives.h"
#include "core/top_k.h"
#include "server/app/service.h"

struct selection {
    struct app *app;
    /* the question; set by the caller after selection_init */
    int kind;                   /* enum item_kind or KIND_ANY */
    const uint32_t *categories; /* any of these */
    size_t n_categories;
    bool is_filtered; /* by categories; with n_categories = 0 nothing passes */
    /* the catalogue at this moment */
    const struct model *model;         /* NULL: none */
    const struct newcomers *newcomers; /* that this model places; NULL: none */
    uint32_t n_items;                  /* V */
    int64_t now_ms;
    struct marks left_out; /* excluded, or picked already */
    struct marks had;      /* what the user had; past_read sets it */
    bool is_without_had;   /* nothing of that is picked */
    /* what the user turned down, and by how much it lowers what (core/negatives.h); NULL: nothing. Set by the caller */
    const struct negatives *negatives;
    const float *lowering; /* [V] */
    /* scratch: [max(V, the model's V)] each */
    float *scores, *others;
    /* the answer */
    uint32_t limit;
    struct scored *best, *places; /* scratch, [limit] */
    struct recommended *items;
    size_t n;
};

enum status selection_init(struct selection *selection, struct app *app, uint32_t limit, struct arena *arena,
                           struct error *error) MUST_CHECK;

/* Of how many of the items [V], from the first, the model says something. 0: there is none. */
uint32_t selection_known(const struct selection *selection);

/* Only items of these categories; names that no item has are left out. */
enum status selection_filter(struct selection *selection, const char *const names[], size_t n, struct arena *arena,
                             struct error *error) MUST_CHECK;

/* Pick from scores[V] until the limit is reached. Lowers scores by the negatives. */
void selection_pick(struct selection *selection, float scores[], enum reason reason);

/* The same from encoder's and blended scores, [V] each: what the user had keeps the place that the encoder gives it, and the other places
 * go to the rest in the order of the blend. Neighbours know what follows an item, the encoder also how likely the user is to come back to
 * it. A place has the encoder's score. */
void selection_pick_blended(struct selection *selection, float encoder[], float blended[], enum reason reason);

/* As selection_pick, only items with a score above 0 before it is lowered. Changes scores. */
void selection_pick_positive(struct selection *selection, float scores[], enum reason reason);

/* By popularity of the window, then of the wider ones: an old catalogue has an answer too. Uses others. */
void selection_fill_popular(struct selection *selection, enum window window);

/* By popularity of the month, then of all time, then whatever is eligible. Uses others. */
void selection_fill(struct selection *selection);

/* Give the items away: the answer but for its degraded and seen_seq. Counts it in the figures. */
void selection_finish(struct selection *selection, struct recommendations *out);

#endif
