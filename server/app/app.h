/* The running service: everything that a request can ask for, as plain calls. It knows nothing of HTTP or JSON.
 *
 * Reads (recommend, popular, similar, item, …) never touch the database (but for a behaviour that was forgotten and app_user_events), take
 * no lock longer than a pointer copy and allocate from the caller's arena. Call them between app_enter and app_leave; what they return by
 * pointer is good until app_leave. Writes go to one writer thread that puts what waits into one transaction: fill the request, call
 * app_submit, and done(context) is called on the writer thread after commit (fsync) and after memory shows the change, or after failure;
 * then status and error are set. */
#ifndef APP_APP_H
#define APP_APP_H

#include "core/base/arena.h"
#include "core/model.h"
#include "core/picture_network.h"
#include "core/popularity.h"
#include "server/app/catalogue.h"
#include "server/app/settings.h"
#include "server/pictures/decoder.h"
#include "server/wire/event_input.h"
#include "server/wire/item_input.h"

struct app;

/* Open the store, load memory from it, load the live model (or fall back, marking it damaged), start writer and watcher. settings is
 * borrowed. */
enum status app_open(const struct settings *settings, struct app **out_app, struct error *error) MUST_CHECK;
void app_close(struct app *app); /* commits what waits, stops children and threads */
DEFINE_SCOPED(struct app *, app_close);

unsigned app_enter(struct app *app);
void app_leave(struct app *app, unsigned slot);

/* --- writes --- */

/* A picture on its way to an item. */
struct picture_input {
    struct decoding decoding; /* bytes and n_bytes are the caller's; width, height and channels are good when the write is done */
    /* the service's */
    struct app *app;
    struct write *write;
};

struct write {
    /* filled by the caller */
    enum write_kind {
        WRITE_EVENTS,
        WRITE_ITEMS,
        WRITE_ITEM_DELETE,    /* and its picture */
        WRITE_PICTURE,        /* of an item; decoded first, away from the writer */
        WRITE_PICTURE_DELETE, /* n_accepted is 1, or 0 if there was none */
        WRITE_USER,
        WRITE_USER_ERASE,
        WRITE_MODEL_ACTIVATE,
        WRITE_MODEL_ADOPT, /* the watcher's: register files of DIR/models that the registry does not know, activate those that may */
    } kind;
    const char *id;                   /* of WRITE_ITEM_DELETE, WRITE_PICTURE, WRITE_PICTURE_DELETE, WRITE_USER, WRITE_USER_ERASE; version
                                         of WRITE_MODEL_ACTIVATE, and of WRITE_MODEL_ADOPT (or NULL) */
    const struct event_input *events; /* [n], completed */
    const struct item_input *items;   /* [n] */
    size_t n;
    struct picture_input *picture; /* WRITE_PICTURE */
    const char *attributes;        /* WRITE_USER */
    void (*done)(void *context);
    void *context;
    /* set when done is called */
    enum status status;
    struct error error;
    size_t n_accepted, n_duplicates;
    bool created;       /* WRITE_USER, WRITE_PICTURE, or a WRITE_ITEMS of one item: it was new */
    uint64_t seq;       /* the highest sequence number given so far */
    struct write *next; /* the writer's */
};

/* Takes write until done is called. STATUS_BUSY at once (done is not called) if the queue is full or the service is stopping. A
 * WRITE_PICTURE is to be submitted inside the epoch: STATUS_NOT_FOUND at once if there is no such item, STATUS_LIMIT if it has more than
 * pictures.max_bytes. Its status is as of struct decoding if it cannot be decoded; done may be called on a thread of the decoder then. */
enum status app_submit(struct app *app, struct write *write, struct error *error) MUST_CHECK;

/* --- reads --- */

/* How much of the arena one of the lists below takes at most with today's catalogue (besides 40 bytes a context event). Outside or inside
 * the epoch. */
size_t app_scratch_bytes(struct app *app);

enum reason {
    REASON_BEHAVIOUR /* encoder and neighbours */,
    REASON_NEIGHBOURS /* no model yet */,
    REASON_CONTENT /* what it is: its words and its picture */,
    REASON_POPULAR
};
extern const char *const reason_names[]; /* "behaviour", "neighbours", "content", "popular" */

struct context_event {
    const char *item_id, *type;
};

#define KIND_ANY (-1)

struct recommend_query {
    const char *user_id;           /* NULL: a stranger */
    uint32_t limit;                /* 1 … recommend.max_limit */
    int kind;                      /* enum item_kind or KIND_ANY */
    const char *const *categories; /* any of these; n_categories = 0: all */
    size_t n_categories;
    const char *const *exclude; /* item ids */
    size_t n_exclude;
    bool exclude_seen;
    const struct context_event *context_events; /* oldest first; counted behind the stored behaviour, not kept */
    size_t n_context_events;
};

struct recommended {
    uint32_t item;
    float score;
    enum reason reason;
};

struct recommendations {
    char recommendation_id[33];
    const char *model_version; /* NULL: no model yet */
    uint64_t seen_seq;
    bool degraded;
    struct recommended *items; /* in the arena */
    size_t n_items;
};

/* Never empty while any item is eligible: what the personal part cannot fill is filled by popularity. */
enum status app_recommend(struct app *app, const struct recommend_query *query, struct arena *arena, struct recommendations *out,
                          struct error *error) MUST_CHECK;

struct popular_query {
    enum window window;
    uint32_t limit;
    int kind;
    const char *const *categories;
    size_t n_categories;
};
/* What the window does not fill is filled from the wider ones; scores are comparable within a window only. */
enum status app_popular(struct app *app, const struct popular_query *query, struct arena *arena, struct recommendations *out,
                        struct error *error) MUST_CHECK;

/* STATUS_NOT_FOUND: no such item. */
enum status app_similar(struct app *app, const char *item_id, uint32_t limit, struct arena *arena, struct recommendations *out,
                        struct error *error) MUST_CHECK;

struct classified {
    const char *category;
    float probability;
};

struct classification {
    const char *model_version;
    struct classified *categories; /* all that the model knows, best first; in the arena */
    size_t n_categories;
    const struct recommended *similar; /* items by the cosine of their pictures, best first; in the arena */
    size_t n_similar;
};

/* Decode a picture that is nobody's: decoding is filled as decoder_submit wants it, done is called on a thread of the decoder.
 * STATUS_LIMIT: more than pictures.max_bytes; STATUS_BUSY. */
enum status app_decode(struct app *app, struct decoding *decoding, struct error *error) MUST_CHECK;

/* What the picture model says of a small picture (server/pictures/picture.h), and the limit items whose pictures are most like it.
 * STATUS_CONFLICT: there is no picture model yet; STATUS_NOMEM. */
enum status app_classify(struct app *app, const struct picture *picture, uint32_t limit, struct arena *arena, struct classification *out,
                         struct error *error) MUST_CHECK;

/* NULL: no such item (or deleted). */
const struct item *app_find_item(struct app *app, const char *item_id);
const struct item *app_item(struct app *app, uint32_t number);
uint32_t app_count_items(struct app *app); /* numbers 0 … count - 1; some may be deleted */
const char *app_category_name(struct app *app, uint32_t category);

/* Append the file of an item's picture to out, as it was sent; out_media_type is a constant. From the store. STATUS_NOT_FOUND: no such
 * item, no picture, or its file was not kept; error says which. */
enum status app_read_picture(struct app *app, const char *item_id, struct buffer *out, const char **out_media_type,
                             struct error *error) MUST_CHECK;

/* visit is called newest first. STATUS_NOT_FOUND: no such user. item_id and type are texts that last. */
struct user_event {
    const char *event_id, *item_id, *type;
    uint64_t seq;
    int64_t at_ms;
    double value;
    int64_t quantity, position;
    const char *session_id, *recommendation_id, *slot, *context;
};
enum status app_user_events(struct app *app, const char *user_id, uint64_t before_seq, uint32_t limit,
                            enum status (*visit)(void *context, const struct user_event *event), void *context,
                            struct error *error) MUST_CHECK;

struct user_profile {
    const char *user_id, *attributes;     /* attributes: JSON or NULL; in the arena */
    int64_t created_at_ms, updated_at_ms; /* INT64_MIN: only events have named the user */
    uint64_t n_events;                    /* in memory */
};
enum status app_user(struct app *app, const char *user_id, struct arena *arena, struct user_profile *out, struct error *error) MUST_CHECK;

/* --- models and jobs --- */

struct model_row {
    const char *version, *kind, *state, *facts, *reason; /* in the arena; facts is a JSON object */
    int64_t created_at_ms, activated_at_ms;
};
/* Newest first; facts without "report". */
enum status app_models(struct app *app, struct arena *arena, struct model_row **out_rows, size_t *out_n, struct error *error) MUST_CHECK;
/* One of them, with all of its facts. STATUS_NOT_FOUND. */
enum status app_model(struct app *app, const char *version, struct arena *arena, struct model_row *out_row, struct error *error) MUST_CHECK;

enum job_state { JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED };
extern const char *const job_state_names[];

#define BUDGET_DEFAULT      (-1)  /* the setting retrain.budget */
#define RETRAIN_BUDGET_MOST 86400 /* seconds */

struct retrain_query {
    enum split_kind split;
    int64_t epochs, seed, n_threads;            /* 0 epochs or threads: the default; seed >= 0 */
    int64_t budget_seconds;                     /* to search settings in; 0: no search; BUDGET_DEFAULT */
    char settings_version[MODEL_VERSION_BYTES]; /* reuse the settings of this model without a search; "live"; empty: search */
    bool no_refit;                              /* the selected model goes live as it is */
    bool force;                                 /* whatever the gate says */
    bool fresh;                                 /* do not continue from the live model */
    bool only_pictures;                         /* the network that names pictures instead: of the others epochs, seed, n_threads and
                                                   no_refit count */
    enum picture_preset preset;                 /* of that */
};

struct job {
    char job_id[33];
    enum job_state state;
    int64_t created_at_ms, finished_at_ms; /* INT64_MIN: not yet */
    char phase[64];                        /* "training" */
    char note[160];                        /* "epoch 7, NDCG@10 .0512" */
    uint64_t done, total;
    char model_version[MODEL_VERSION_BYTES]; /* empty: none yet */
    char model_state[16];                    /* "live", "ready" or "rejected": what became of it; empty: none yet */
    char detail[256];                        /* why it failed, or why the model was rejected */
};

/* Starts the child process `inkling retrain`. STATUS_CONFLICT: one is running (error names it). */
enum status app_retrain(struct app *app, const struct retrain_query *query, struct job *out_job, struct error *error) MUST_CHECK;
enum status app_job(struct app *app, const char *job_id, struct job *out_job) MUST_CHECK;
size_t app_jobs(struct app *app, size_t max, struct job out_jobs[]); /* newest first; the last 64 are kept, until the service stops */
enum status app_cancel_job(struct app *app, const char *job_id, struct job *out_job,
                           struct error *error) MUST_CHECK; /* STATUS_CONFLICT: it has ended */

/* --- operation --- */

/* STATUS_OK, or STATUS_BUSY with the reason (stopping, or the last commit failed). */
enum status app_ready(struct app *app, struct error *error) MUST_CHECK;
void app_begin_stop(struct app *app); /* readyz turns 503; requests are still answered */

/* Prometheus text of the app's own figures; server/http adds its own. */
void app_metrics(struct app *app, struct buffer *out);

#endif
