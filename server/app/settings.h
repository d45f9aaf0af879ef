/* Settings: one table of name, kind, limits, default and help. Read from DIR/inkling.conf (INI: [section] name = value), then the
 * environment (INKLING_HTTP_PORT for http.port), then `--set http.port=8080`; the later wins. Unknown names and bad values are errors that
 * say where they stand. The same table prints `serve --help`. Constant once loaded. */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "core/base/buffer.h"
#include "core/dataset.h"

#include <stdbool.h>

struct settings {
    char data_directory[4096];
    /* [http] */
    char http_address[64];
    int64_t http_port;    /* 0: any free port, printed at start */
    int64_t http_threads; /* 0: one a processor */
    int64_t http_max_connections, http_max_body_bytes, http_max_batch;
    int64_t http_max_bodies_bytes; /* all bodies together */
    int64_t http_idle_seconds, http_deadline_seconds, http_drain_seconds;
    /* [recommend] */
    int64_t recommend_max_limit;
    /* [behaviour] */
    int64_t behaviour_max_events; /* a user */
    int64_t behaviour_max_bytes;  /* all users together */
    /* [encoder] */
    int64_t encoder_cache_bytes; /* states of users; 0: none are kept */
    /* [events] */
    int64_t events_queue; /* writes that may wait for the writer thread; more are answered 503 */
    /* [neighbours] */
    double neighbours_weight; /* < 0: the live model's */
    int64_t neighbours_max_row;
    /* [retrain] */
    int64_t retrain_budget; /* seconds to search settings in; 0: no search */
    bool retrain_clock;     /* a search that is slower than reckoned gets fewer epochs */
    bool retrain_content;   /* train a tower that places new items by their words and pictures, if there are any */
    /* [pictures] */
    bool pictures_keep_originals;
    double pictures_predict; /* an item without categories gets the likeliest one of a picture that is PUT from there on; 0: never */
    int64_t pictures_max_bytes, pictures_decoders, pictures_deadline; /* of a file; children; seconds */
    /* [gate] */
    char gate_metric[16]; /* a name of model_figures (core/model_header.h) */
    double gate_margin;   /* a new model is rejected if its figure < the live one's · (1 - margin); 1: never */
    /* [weights] one per event type: weights.click = 1, … */
    char weights_by_name[64][160]; /* "name=weight", see settings_type_weight */
    uint32_t n_weights;
    /* [log] */
    char log_level[16];
};

void settings_default(struct settings *settings);

/* "http.port" = "8080"; where names the source in messages ("inkling.conf line 3", "--set"). */
enum status settings_set(struct settings *settings, const char *name, const char *value, const char *where, struct error *error) MUST_CHECK;

/* File (if it is there) and environment. data_directory must be set. */
enum status settings_load(struct settings *settings, struct error *error) MUST_CHECK;

/* Checks across settings. */
enum status settings_check(const struct settings *settings, struct error *error) MUST_CHECK;

/* "20min", "90s", "1h", "0": a time in seconds. False: it is none. */
bool parse_seconds(const char *text, int64_t *out_seconds);

/* Visit every setting that decides what a training makes of its data: [neighbours], [retrain], [gate] and the weights. */
void settings_for_training(const struct settings *settings, void (*visit)(void *context, const char *name, const char *value),
                           void *context);

/* The weight of an event type (core/feedback.h says what it means): configured, or impression -0.05, dislike -1, anything else 1. */
float settings_type_weight(const struct settings *settings, const char *type);

/* The table for people. */
void settings_help(struct buffer *out);

#endif
