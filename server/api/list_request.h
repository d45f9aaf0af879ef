/* What may be asked of the answers that are lists of items: one record, and a table for each of the questions that says which part of it is
 * theirs. */
#ifndef API_LIST_REQUEST_H
#define API_LIST_REQUEST_H

#include "server/app/app.h"
#include "server/http/exchange.h"

#define SCORE_DIGITS 7 /* of a float, in all answers */

struct list_request {
    const char *user_id; /* NULL: a stranger */
    int64_t limit;
    int kind;   /* enum item_kind or KIND_ANY */
    int window; /* enum window */
    struct texts categories, exclude, fields;
    bool exclude_seen;
    const char *context; /* JSON */
    /* read from the above */
    unsigned parts; /* of item_json.h */
    const struct context_event *context_events;
    size_t n_context_events;
};

extern const struct fields recommend_query_fields, recommend_body_fields, popular_query_fields, similar_query_fields;

/* Read parameters, or the body. STATUS_INVALID with mistakes, STATUS_NOMEM. */
enum status list_request_from_query(struct exchange *exchange, const struct fields *fields, struct list_request *out_request,
                                    struct mistakes *mistakes) MUST_CHECK;
enum status list_request_from_body(struct exchange *exchange, const struct fields *fields, struct list_request *out_request,
                                   struct mistakes *mistakes) MUST_CHECK;

#endif
