/* The API: what handlers are given, and the bracket around them. Everything else in this folder is reached through routes.h.
 *
 * Threads: constant once the listener has started; handlers run on any of its threads. */
#ifndef API_API_H
#define API_API_H

#include "server/app/app.h"
#include "server/http/listener.h"

/* The exchange_context of every handler. Borrows all three. */
struct api {
    struct app *app;
    struct listener *_Atomic listener; /* set once it has started; NULL before: /metrics is then the app's part alone */
    const struct settings *settings;
};

/* enter and leave of listener_options; context is a struct api. */
unsigned api_enter(void *context);
void api_leave(void *context, unsigned slot);

/* The api of an exchange, for handlers. */
struct api *api_of(const struct exchange *exchange);

#endif
