/* The verdict: what a training has decided about the model that it wrote, in a file of its own beside it, DIR/models/<version>.verdict. It
 * is not part of the model file, because a model's bytes are a function of data, settings and seed, and a verdict depends on the model that
 * was live. It is written before the model file appears, so whoever finds a model finds its verdict.
 *
 *   {"state": "rejected", "reason": "NDCG@10 .0510 …", "metric": "ndcg10", "fresh": 0.051, "live": 0.055, "margin": 0.02,
 *    "live_version": "m…", "n_cases": 1234}
 *
 * state is needed; figures that were not compared are null or not there; members of other names say nothing. Threads: any. */
#ifndef APP_VERDICT_H
#define APP_VERDICT_H

#include "core/model.h"

#define VERDICT_EXTENSION ".verdict"

enum verdict_state {
    VERDICT_LIVE,     /* goes live; also when there is no verdict */
    VERDICT_READY,    /* is kept beside another: the selected model of a refit */
    VERDICT_REJECTED, /* is kept, and goes live only if an operator says so */
};

extern const char *const verdict_state_names[]; /* "live", "ready", "rejected"; NULL */

struct verdict {
    enum verdict_state state;
    char reason[256];                       /* one sentence for people; may be empty */
    char metric[16];                        /* what was compared, "ndcg10"; empty: nothing */
    double fresh, live;                     /* the two figures; NAN: not compared */
    double margin;                          /* as gate.margin */
    char live_version[MODEL_VERSION_BYTES]; /* empty: nothing was live */
    uint32_t n_cases;                       /* held-out events that both were judged on; 0: stored figures, or none */
};

/* A verdict without figures. reason may be NULL. */
struct verdict verdict_of(enum verdict_state state, const char *reason);

/* Temporary name, fsync, rename, fsync of the directory; an older verdict on the version is replaced. STATUS_IO (nothing is left behind),
 * STATUS_NOMEM. */
enum status verdict_write(const char *directory, const char *version, const struct verdict *verdict, struct error *error) MUST_CHECK;

/* Take it back, if it is there: its model could not be written. */
void verdict_remove(const char *directory, const char *version);

/* No file, or one that is no verdict (which is logged): VERDICT_LIVE without a reason. STATUS_IO, STATUS_NOMEM: it cannot be read now. */
enum status verdict_read(const char *directory, const char *version, struct verdict *out_verdict, struct error *error) MUST_CHECK;

/* The file's text, by itself. STATUS_INVALID: it is no verdict, and why. STATUS_NOMEM. */
enum status verdict_parse(const char *bytes, size_t n_bytes, struct verdict *out_verdict, struct error *error) MUST_CHECK;

#endif
