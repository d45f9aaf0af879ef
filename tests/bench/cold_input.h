/* Behaviour with texts of the items, and what it is without some of the items: what measuring new items needs.
 *
 * The protocol: 5 % of the items, by a hash of a seed and their number, are cold: none of their events is in any training history. A user's
 * last event is never trained on. Is it on a cold item and is there a warm one before it, it is a cold case; is it on a warm item, a warm
 * case. Only first interactions of a user with an item count. A measuring tool: out of memory or a broken file ends the program. Threads:
 * one. */
#ifndef COLD_INPUT_H
#define COLD_INPUT_H

#include "core/content_tower.h"
#include "tests/bench/bench_input.h"

#define COLD_SHARE 0.05f
#define COLD_SEED  77u /* of the draw, when nobody says another */

struct cold_input {
    struct bench_input input;
    uint32_t n_texts;
    char **texts; /* [n_texts] of the first items; NULL: none */
};

/* Sequences "user item item …" from source, and the items' attributes, {"item": [1, 2], …}, from path: as the text "a1 a2". */
void cold_input_read_attributes(struct cold_input *cold, FILE *source, const char *path);

/* UCI Online Retail, CSV with the header InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country, in order
 * of time. Left out are rows without a customer, cancellations and returns, and codes that are no product (postage, fees). An item's text
 * is its first description. */
void cold_input_read_retail(struct cold_input *cold, FILE *source);

void cold_input_clear(struct cold_input *cold);

struct cold_case {
    uint32_t user, target; /* an item number */
};

struct cold_protocol {
    uint64_t seed; /* of the draw */
    uint32_t n_items, n_cold, n_cases;
    bool *is_cold;                 /* [n_items] */
    uint32_t *cold_items;          /* [n_cold] */
    bool *ends_cold;               /* [n_users] is the user's last event on a cold item? */
    struct cold_case *cases;       /* [n_cases] */
    struct dataset *train;         /* without cold items and last events; all of it stands before every case */
    struct dataset *warm;          /* without cold items, with last events */
    struct item_content *contents; /* [n_items], of the texts */
};

/* Another seed draws other cold items. It must not be the seed of the training, which draws its held-out items by the same hash: those
 * would be the cold ones. Borrows cold for its life. */
void cold_protocol_init(struct cold_protocol *protocol, const struct cold_input *cold, uint64_t seed);
void cold_protocol_clear(struct cold_protocol *protocol);

#endif
