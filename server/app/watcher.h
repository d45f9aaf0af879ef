/* The watcher: a thread that drives training jobs and looks for model files that others have put into DIR/models.
 * It changes nothing itself: new models are adopted through the writer's queue. */
#ifndef APP_WATCHER_H
#define APP_WATCHER_H

#include "server/app/app.h"

struct watcher;

enum status watcher_start(struct app *app, struct watcher **out_watcher, struct error *error) MUST_CHECK;
void watcher_wake(struct watcher *watcher); /* there is something new to do */
void watcher_stop(struct watcher *watcher); /* ends a running child first. Accepts NULL */
DEFINE_SCOPED(struct watcher *, watcher_stop);

#endif
