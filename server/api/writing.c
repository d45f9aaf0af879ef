/* The exchange is suspended before the write is submitted: the writer thread may be done before this thread has returned. */
#include "server/api/writing.h"

#include "server/api/api.h"

static void wake(void *context)
{
    exchange_wake(context);
}

enum status writing_submit(struct exchange *exchange, struct write *write,
                           enum status (*finish)(struct exchange *exchange, struct error *error))
{
    struct error error = {0};
    write->done = wake;
    write->context = exchange;
    exchange_keep(exchange, write);
    exchange_suspend(exchange, finish);
    enum status status = app_submit(api_of(exchange)->app, write, &error);
    if (status != STATUS_OK) { /* done will not be called: the write is ours again */
        write->status = status;
        write->error = error;
        exchange_wake(exchange);
    }
    return STATUS_OK;
}

enum status writing_done(const struct exchange *exchange, struct write **out_write, struct error *error)
{
    struct write *write = exchange_kept(exchange);
    if (write->status != STATUS_OK) {
        if (error)
            *error = write->error;
        return write->status;
    }
    *out_write = write;
    return STATUS_OK;
}

enum status writing_reply_nothing(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    TRY(writing_done(exchange, &write, error));
    return exchange_reply(exchange, 204, NULL);
}
