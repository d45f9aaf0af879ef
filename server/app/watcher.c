/* One loop over poll: an eventfd to be woken by, the child's pipe, and a look at the models directory every second.
 *
 * The directory is looked into when its time of change has moved, or lies so close to the last look that a second change may have got the
 * same time. */
#include "server/app/watcher.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/service.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_POLL_MS 50 /* while a child runs: its end makes no file readable if something else holds its pipe */
#define IDLE_POLL_MS 1000
#define SETTLED_MS   2000 /* a change older than this at the time of a look was seen by it */

struct watcher {
    struct app *app;
    int wake;
    atomic_bool is_stopping;
    pthread_t thread;
    int64_t changed_at_ms; /* of the models directory at the last look */
    bool is_settled;
    struct job_outcome trained; /* to be registered, and made live unless it says otherwise */
};

/* --- a write that is waited for --- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
};

static void wake_waiter(void *context)
{
    struct waiter *waiter = context;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->is_done = true;
    (void)pthread_cond_signal(&waiter->changed);
    (void)pthread_mutex_unlock(&waiter->lock);
}

static enum status write_and_wait(struct app *app, enum write_kind kind, const char *id, struct error *error)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct write write = {.kind = kind, .id = id, .done = wake_waiter, .context = &waiter};
    TRY(app_submit(app, &write, error));
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        (void)pthread_cond_wait(&waiter.changed, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    *error = write.error;
    return write.status;
}

/* --- models --- */

static bool is_live(struct app *app, const char *version)
{
    unsigned slot = app_enter(app);
    bool is_it = model_answers(app, version);
    app_leave(app, slot);
    return is_it;
}

/* Adopt the file of the trained model as its verdict says. If it is to be live and was known already (the same data and seed give the same
 * version), activate it. */
static void adopt_trained(struct watcher *watcher)
{
    struct error error = {0};
    const struct job_outcome *trained = &watcher->trained;
    enum status status = write_and_wait(watcher->app, WRITE_MODEL_ADOPT, trained->version, &error);
    if (status == STATUS_OK && trained->state == VERDICT_LIVE && !is_live(watcher->app, trained->version))
        status = write_and_wait(watcher->app, WRITE_MODEL_ACTIVATE, trained->version, &error);
    if (status == STATUS_BUSY || status == STATUS_IO)
        return; /* the queue or the disk is full: the job stays as it is until it works or the service stops */
    jobs_finish(watcher->app->jobs, status == STATUS_OK ? NULL : &error);
    watcher->trained.version[0] = '\0';
}

static void look_for_models(struct watcher *watcher)
{
    struct stat facts;
    if (stat(store_models_directory(watcher->app->store), &facts))
        return;
    int64_t changed_at_ms = (int64_t)facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1000000;
    if (changed_at_ms == watcher->changed_at_ms && watcher->is_settled)
        return;
    int64_t looked_at_ms = clock_now_ms();
    struct error error = {0};
    enum status status = write_and_wait(watcher->app, WRITE_MODEL_ADOPT, NULL, &error);
    if (status != STATUS_OK) {
        log_line(LOG_WARNING, "models", "new model files could not be registered: %s", error.detail);
        return;
    }
    watcher->changed_at_ms = changed_at_ms;
    watcher->is_settled = looked_at_ms - changed_at_ms > SETTLED_MS;
}

/* --- the loop --- */

static void wait_for_something(struct watcher *watcher, bool is_busy)
{
    struct pollfd files[] = {{.fd = watcher->wake, .events = POLLIN}, {.fd = jobs_file(watcher->app->jobs), .events = POLLIN}};
    (void)poll(files, 2, is_busy ? BUSY_POLL_MS : IDLE_POLL_MS);
    uint64_t count;
    ssize_t n = read(watcher->wake, &count, sizeof count);
    (void)n; /* non-blocking: nothing there is fine */
}

static void *run(void *context)
{
    struct watcher *watcher = context;
    uint64_t look_at_ns = 0;
    while (!atomic_load(&watcher->is_stopping)) {
        bool is_busy = jobs_drive(watcher->app->jobs, &watcher->trained);
        if (watcher->trained.version[0])
            adopt_trained(watcher);
        if (clock_monotonic_ns() >= look_at_ns) {
            look_for_models(watcher);
            look_at_ns = clock_monotonic_ns() + (uint64_t)IDLE_POLL_MS * 1000000;
        }
        wait_for_something(watcher, is_busy);
    }
    jobs_end_all(watcher->app->jobs);
    return NULL;
}

enum status watcher_start(struct app *app, struct watcher **out_watcher, struct error *error)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        return fail(error, STATUS_NOMEM, "no memory for the watcher");
    watcher->app = app;
    atomic_init(&watcher->is_stopping, false);
    watcher->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watcher->wake < 0 || pthread_create(&watcher->thread, NULL, run, watcher)) {
        enum status status = fail(error, STATUS_BUSY, "no thread for the watcher: %s", strerror(errno));
        if (watcher->wake >= 0)
            (void)close(watcher->wake);
        free(watcher);
        return status;
    }
    *out_watcher = watcher;
    return STATUS_OK;
}

void watcher_wake(struct watcher *watcher)
{
    uint64_t one = 1;
    ssize_t n = write(watcher->wake, &one, sizeof one);
    (void)n; /* full: it is awake */
}

void watcher_stop(struct watcher *watcher)
{
    if (!watcher)
        return;
    atomic_store(&watcher->is_stopping, true);
    watcher_wake(watcher);
    (void)pthread_join(watcher->thread, NULL);
    (void)close(watcher->wake);
    free(watcher);
}
