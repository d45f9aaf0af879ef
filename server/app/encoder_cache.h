/* The encoder cache: users' encoder states (core/encoder_state.h), so that a request advances one by what is new instead of encoding anew.
 *
 * Nobody tells it what happened to a user, and it asks nobody: beside a state it keeps the inputs that the state was made of, as far as
 * they reach into it (the model's field), and a state is used only for a sequence that those inputs and the new ones add up to. So a late
 * event, another weight of a type, an erased user or an item that the model does not know can cost a rebuild, never a wrong answer. An
 * input is one number; two are equal if the model is given the same. Sequences are oldest first.
 *
 * Bounded: max_bytes are reserved at create (touched as they are filled) and shared out among shards of users; a full shard drops the user
 * who was asked for least recently. With width 64, 16 taps and 2 blocks a user takes 8128 bytes: 64 MiB hold 8256 users. A shard holds
 * states of one model and starts empty when one of another model is written. Threads: any. A shard's lock is held for a comparison and a
 * copy. Failure: none; a state that has no room is not kept. */
#ifndef APP_ENCODER_CACHE_H
#define APP_ENCODER_CACHE_H

#include "core/model.h"

struct encoder_cache;

/* n_shards >= 1. NULL on no memory. */
struct encoder_cache *encoder_cache_create(uint64_t max_bytes, uint32_t n_shards);
void encoder_cache_destroy(struct encoder_cache *cache);
DEFINE_SCOPED(struct encoder_cache *, encoder_cache_destroy);

struct encoder_cache_key {
    const char *version; /* of the model; [MODEL_VERSION_BYTES] */
    const struct state_shape *shape;
    uint32_t user;
};

#define ENCODER_CACHE_MISS UINT32_MAX

/* Copy a state from which inputs[n], n >= 1, are reached by its last d <= most, and return d, or ENCODER_CACHE_MISS. With d = 0 only the
 * first n_row numbers are copied: they are the answer. out_state [n_floats]. */
uint32_t encoder_cache_read(struct encoder_cache *cache, const struct encoder_cache_key *key, const uint32_t inputs[], uint32_t n,
                            uint32_t most, float out_state[]);

/* Keep a copy of the state [n_floats] after inputs[n], n >= 1. */
void encoder_cache_write(struct encoder_cache *cache, const struct encoder_cache_key *key, const uint32_t inputs[], uint32_t n,
                         const float state[]);

/* Wipe what is kept of the user. */
void encoder_cache_forget(struct encoder_cache *cache, uint32_t user);

struct encoder_cache_figures {
    uint64_t bytes, n_users, n_evicted; /* kept now; now; so far */
};
void encoder_cache_measure(struct encoder_cache *cache, struct encoder_cache_figures *out_figures);

#endif
