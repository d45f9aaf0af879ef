/* The way from an exchange to the service. */
#include "server/api/api.h"

unsigned api_enter(void *context)
{
    const struct api *api = context;
    return app_enter(api->app);
}

void api_leave(void *context, unsigned slot)
{
    const struct api *api = context;
    app_leave(api->app, slot);
}

struct api *api_of(const struct exchange *exchange)
{
    return exchange_context(exchange);
}
