/* The inside of the running service: what the files behind app.h share. Nothing outside of server/app (and its tests) includes it.
 *
 * Who may touch what: names, behaviour, catalogue, neighbours, popularity, live and pictures have one writer (the writer thread; before it
 * starts, app_open) and any readers by their own rules; into what is live the filler's thread fills what was stored before. store is the
 * writer thread's. figures are atomics. */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include "core/dataset.h"
#include "core/neighbours.h"
#include "server/app/app.h"
#include "server/app/behaviour.h"
#include "server/app/encoder_cache.h"
#include "server/app/filler.h"
#include "server/app/jobs.h"
#include "server/app/live.h"
#include "server/app/metrics.h"
#include "server/app/picture_live.h"
#include "server/app/readers.h"
#include "server/app/watcher.h"
#include "server/app/writer.h"
#include "storage/event_store.h"
#include "storage/model_registry.h"
#include "storage/name_store.h"

#include <pthread.h>

struct recorder;

struct app {
    const struct settings *settings;
    struct epoch *epoch;
    struct store *store;
    struct readers *readers;
    struct names *names[NAME_KINDS];
    _Atomic float type_weights[EVENT_TYPES_MAX];
    struct catalogue *catalogue;
    struct behaviour *behaviour;
    struct encoder_cache *encoder_cache; /* NULL: every user is encoded anew */
    struct neighbours *neighbours;
    struct popularity *popularity;
    struct live live;
    struct picture_live *pictures;
    struct filler *filler;
    struct recorder *recorder;
    struct writer *writer;
    struct decoder *decoder;
    struct jobs *jobs;
    struct watcher *watcher;
    struct figures figures;
    atomic_uint_fast64_t seen_seq; /* every event up to it is in memory */
    atomic_bool is_stopping;
    pthread_mutex_t trouble_lock; /* guards trouble */
    struct error trouble;         /* why the last commit failed; empty: it did not */
};

/* app_open with a program of the test's own in place of /proc/self/exe for training and for the decoding of pictures. */
enum status app_open_with(const struct settings *settings, const struct job_program *program, struct app **out_app,
                          struct error *error) MUST_CHECK;

/* --- learn.c: what an event changes in memory --- */

struct learned_event {
    uint64_t seq;
    int64_t at_ms;
    uint32_t user, item, type;
};

void learn_type(struct app *app, uint32_t type);                           /* after its name was added: look up its weight */
void learn_event(struct app *app, const struct learned_event *event);      /* behaviour, neighbours, popularity */
enum status learn_stored(struct app *app, struct error *error) MUST_CHECK; /* at start: everything that the store holds */
enum status learn_user_again(void *context, uint32_t user, uint64_t before_seq, struct behaviour_rebuild *rebuild,
                             struct error *error) MUST_CHECK;

/* --- record.c: what a batch of writes does in the transaction, and after it --- */

enum status recorder_create(struct app *app, struct recorder **out_recorder, struct error *error) MUST_CHECK;
void recorder_destroy(struct recorder *recorder);
void recorder_record(void *recorder, struct write *batch);
void recorder_rest(void *recorder);

/* --- item_pictures.c: decoded first, then written --- */

enum status submit_picture(struct app *app, struct write *write, struct error *error) MUST_CHECK; /* as app_submit */

/* --- adoption.c: from files to the live model --- */

/* Register files of DIR/models that are not known, each as its verdict says, and of each kind make the newest that may go live live.
 * trained (may be NULL): the model that a training has just come to; if it was known before, its new verdict is noted. STATUS_NOT_FOUND,
 * STATUS_CORRUPT: trained has no file, or a damaged one. */
enum status adopt_models(struct app *app, const char *trained, struct error *error) MUST_CHECK;
/* At start, of each kind of which adoption has made none live: open the live model; if it is damaged, the newest other that opens; else
 * none. */
enum status open_live_models(struct app *app, struct error *error) MUST_CHECK;
/* In the place of the live model of its kind. STATUS_NOT_FOUND, or STATUS_CORRUPT if its file is refused (it is then marked damaged). */
enum status activate_model(struct app *app, const char *version, struct error *error) MUST_CHECK;

/* Is it the model that answers now? Inside the epoch, or on the writer's thread. */
bool model_answers(const struct app *app, const char *version);

#endif
