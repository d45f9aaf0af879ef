/* A service on a temporary directory, for tests: open it, write and wait, ask and get texts. Everything that fails ends the test. */
#ifndef TESTS_APP_FIXTURE_H
#define TESTS_APP_FIXTURE_H

#include "server/app/service.h"

#include <sys/resource.h>

struct fixture {
    char directory[64];
    char script[96]; /* what training runs; not there until fixture_program */
    struct settings settings;
    struct job_program program;
    struct app *app;
    struct arena *arena;
};

void fixture_open(struct fixture *fixture); /* a fresh directory, and the service on it */
void fixture_close(struct fixture *fixture);
void fixture_stop(struct fixture *fixture); /* the service only; the directory stays */
void fixture_start(struct fixture *fixture);
void fixture_program(struct fixture *fixture, const char *shell); /* the program that training runs from now on */

/* Submit and wait for done. */
enum status fixture_write(struct fixture *fixture, struct write *write);

/* From now on files cannot grow beyond what the log of the store has now: commits fail, until setrlimit(RLIMIT_FSIZE, out_before). */
void fixture_fill_disk(const struct fixture *fixture, struct rlimit *out_before);

/* One event; timestamps rise from call to call. */
enum status fixture_event(struct fixture *fixture, const char *user_id, const char *item_id, const char *type);

/* One item of kind content; categories: JSON-free, up to one. */
enum status fixture_item(struct fixture *fixture, const char *item_id, const char *category);

struct event_input fixture_event_input(const char *user_id, const char *item_id, const char *type);
struct item_input fixture_item_input(const char *item_id);

/* The items of an answer, best first, as "a b c"; good until the next call. */
const char *fixture_items(struct fixture *fixture, const struct recommendations *answer);
const char *fixture_recommend(struct fixture *fixture, const char *user_id, uint32_t limit);

/* Enough behaviour to train on: n users who go through n_items items in circles. */
void fixture_fill(struct fixture *fixture, unsigned n_users, unsigned n_items);

/* Train on what is stored, with few epochs; writes the model file. */
void fixture_train(struct fixture *fixture, int64_t seed, char out_version[MODEL_VERSION_BYTES]);
void fixture_model_path(const struct fixture *fixture, const char *version, char out_path[160]);

/* The state of a model in the registry, or NULL; reason (may be NULL) goes to *out_reason. */
const char *fixture_model_state(struct fixture *fixture, const char *version, const char **out_reason);
const char *fixture_live_version(struct fixture *fixture); /* NULL: none */

#endif
