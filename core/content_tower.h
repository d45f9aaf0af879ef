/* Content tower: an item's place in the item space of a behaviour encoder, from what the item is instead of what users did with it.
 *
 *   D = C + 1 numbers of an item, its vector [C] and its bias:
 *   y = neutral + [its text has words] · text(words) + [it has a picture] · (p / |p| · W + w)
 *
 * text is a text network (core/text_network.h) with D outputs, p the vector of the item's picture [P], W [P, D], w [D]; neutral is a bias
 * alone. So an item without any content has the vector 0 and the neutral bias: it scores that bias with every user, with or without a
 * temperature. With a temperature only the direction of a vector counts (core/content_evidence.h brings it to a length).
 *
 * An item's text is everything in words that is known of it, one piece behind the other with spaces or line ends between: title,
 * categories, tags, text, in this order, because only its first words are read. Training and serving must put it together in the same way.
 *
 * All weights stand in one array of floats, each tensor at a multiple of 16 floats, the embeddings of words last.
 * Pure functions. Threads: any. */
#ifndef CORE_CONTENT_TOWER_H
#define CORE_CONTENT_TOWER_H

#include "core/tensors.h"
#include "core/text_network.h"
#include "core/words.h"

#define CONTENT_PICTURE_MAX 4096u

struct content_shape {
    uint32_t width;                              /* C, the encoder's */
    uint32_t picture_width;                      /* P; 0: no pictures */
    uint32_t n_buckets, embedding, channels;     /* of the text network: its V, C and O */
    uint32_t max_words, max_features, max_bytes; /* of an item's text (core/words.h) */
};

/* No pictures, 65 536 buckets of 64 floats, 256 channels; of a text 64 words of 24 features, in its first 1024 bytes. */
struct content_shape content_shape_default(uint32_t width);

struct content_tower {
    struct content_shape shape;
    struct text_network text;
    size_t neutral;               /* [1] */
    size_t picture, picture_bias; /* [P, D], [D] */
    size_t text_first;            /* where the text network's array begins in this one */
    size_t n_fixed;               /* floats in front of the embeddings */
    size_t n_floats;              /* of all weights, gaps included */
};

/* STATUS_INVALID names the number that is out of its limits. */
enum status content_tower_init(struct content_tower *tower, const struct content_shape *shape, struct error *error) MUST_CHECK;

/* weights [n_floats] = what training starts with; as text_network_start has them, W alike, w 0. */
void content_tower_start(const struct content_tower *tower, uint64_t seed, float neutral, float weights[]);

/* The table of its tensors, as core/tensors.h has one of the encoder's: what a file holds. Returns how many. */
#define CONTENT_TENSORS_MAX 8u
unsigned content_tensors(const struct content_tower *tower, struct tensor out[CONTENT_TENSORS_MAX]);

static inline uint32_t content_outputs(const struct content_tower *tower)
{
    return tower->shape.width + 1;
}

/* What is known of one item. Borrowed. {0}: nothing. */
struct item_content {
    const char *text; /* UTF-8; bytes that are none are no words */
    size_t n_bytes;
    const float *picture; /* [P], of any length but finite; NULL: none */
};

static inline int item_content_is_empty(const struct item_content *content)
{
    return content->n_bytes == 0 && !content->picture;
}

#endif
