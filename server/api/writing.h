/* Writing: a handler that changes something hands it to the writer thread and waits, without a thread, for the commit.
 *
 * Use: fill a struct write that lives in the exchange's arena (alone, or as the first member of something larger that finish needs), and
 * `return writing_submit(exchange, write, finish)`. finish gets it back by writing_done. */
#ifndef API_WRITING_H
#define API_WRITING_H

#include "server/app/app.h"
#include "server/http/exchange.h"

/* Submit write and suspend the exchange until it is done. A write that cannot be queued fails in finish, like one that fails later. Takes
 * the exchange's kept thing. STATUS_OK always. */
enum status writing_submit(struct exchange *exchange, struct write *write,
                           enum status (*finish)(struct exchange *exchange, struct error *error)) MUST_CHECK;

/* In finish: the write (*out_write), or its failure. */
enum status writing_done(const struct exchange *exchange, struct write **out_write, struct error *error) MUST_CHECK;

/* A finish for what has nothing to say: 204. */
enum status writing_reply_nothing(struct exchange *exchange, struct error *error) MUST_CHECK;

#endif
