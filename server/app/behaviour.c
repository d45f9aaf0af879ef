/* Shards of users (user % n_shards), each with its table, its list in order of use and its share of the memory.
 *
 * A user is ABSENT (nothing known: a stranger), WHOLE (the history is what the store has), PARTIAL (forgotten: must be read again) or
 * ERASED. What makes a rebuild safe without a lock: it carries the highest seq that it has seen, and the shard remembers the highest that
 * was applied. A rebuild that is behind is dropped and read again; one that is ahead (committed, not yet applied) makes the writer's later
 * call a no-op. */
#include "server/app/history.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY       UINT32_MAX
#define FIRST_USERS  16u
#define REBUILDS_MAX 8 /* tries: a rebuild is behind only if the same user was written and forgotten meanwhile */

enum user_state { USER_ABSENT, USER_WHOLE, USER_PARTIAL, USER_ERASED };

struct user {
    struct history *history; /* NULL: no events in memory */
    uint64_t last_seq;       /* of the events applied, also of a forgotten user */
    uint32_t newer, older;   /* in the list of use; only with a history */
    enum user_state state;
};

struct shard {
    pthread_mutex_t lock; /* guards everything below */
    struct user *users;   /* [n_users]: user number / n_shards */
    uint32_t n_users;
    uint32_t newest, oldest; /* list of use */
    uint64_t bytes, n_forgotten, n_rebuilt;
};

struct behaviour {
    struct behaviour_limits limits;
    struct behaviour_source source;
    uint64_t shard_bytes;
    atomic_bool is_loaded;
    struct shard shards[];
};

struct behaviour_rebuild {
    const struct behaviour_limits *limits;
    struct history *history;
    uint64_t last_seq;
};

static void history_destroy(struct history *history)
{
    if (history)
        history_clear(history);
    free(history);
}

static enum status keep_event(struct history *history, const struct behaviour_event *event, enum arrival arrival,
                              const struct behaviour_limits *limits)
{
    return event->feedback == FEEDBACK_WEAK ? history_insert_weak(history, event, arrival, limits->max_weak)
                                            : history_insert(history, event, arrival, limits->max_events);
}

static uint64_t cost_of(const struct history *history)
{
    return history ? sizeof *history + history_bytes(history) : 0;
}

struct behaviour *behaviour_create(const struct behaviour_limits *limits, const struct behaviour_source *source)
{
    assert(limits->n_shards && limits->max_events);
    struct behaviour *behaviour = calloc(1, sizeof *behaviour + limits->n_shards * sizeof behaviour->shards[0]);
    if (!behaviour)
        return NULL;
    behaviour->limits = *limits;
    behaviour->source = *source;
    behaviour->shard_bytes = limits->max_bytes / limits->n_shards;
    atomic_init(&behaviour->is_loaded, false);
    for (uint32_t i = 0; i < limits->n_shards; i++) {
        behaviour->shards[i].newest = behaviour->shards[i].oldest = NOBODY;
        (void)pthread_mutex_init(&behaviour->shards[i].lock, NULL); /* cannot fail with default attributes */
    }
    return behaviour;
}

void behaviour_destroy(struct behaviour *behaviour)
{
    if (!behaviour)
        return;
    for (uint32_t i = 0; i < behaviour->limits.n_shards; i++) {
        struct shard *shard = &behaviour->shards[i];
        for (uint32_t user = 0; user < shard->n_users; user++)
            history_destroy(shard->users[user].history);
        free(shard->users);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(behaviour);
}

void behaviour_loaded(struct behaviour *behaviour)
{
    atomic_store(&behaviour->is_loaded, true);
}

/* --- inside a shard's lock --- */

static void unlink_user(struct shard *shard, uint32_t index)
{
    struct user *user = &shard->users[index];
    *(user->newer == NOBODY ? &shard->newest : &shard->users[user->newer].older) = user->older;
    *(user->older == NOBODY ? &shard->oldest : &shard->users[user->older].newer) = user->newer;
}

static void link_newest(struct shard *shard, uint32_t index)
{
    struct user *user = &shard->users[index];
    user->newer = NOBODY;
    user->older = shard->newest;
    *(shard->newest == NOBODY ? &shard->oldest : &shard->users[shard->newest].newer) = index;
    shard->newest = index;
}

/* Take the history out of memory. */
static void drop_history(struct shard *shard, uint32_t index, enum user_state state)
{
    struct user *user = &shard->users[index];
    if (user->history) {
        unlink_user(shard, index);
        shard->bytes -= cost_of(user->history);
        history_destroy(user->history);
    }
    user->history = NULL;
    user->state = state;
}

static void use(struct shard *shard, uint32_t index)
{
    if (shard->newest != index) {
        unlink_user(shard, index);
        link_newest(shard, index);
    }
}

/* The newest in the list stays: it is being asked for. */
static void keep_bound(struct behaviour *behaviour, struct shard *shard)
{
    while (shard->bytes > behaviour->shard_bytes && shard->oldest != shard->newest) {
        drop_history(shard, shard->oldest, USER_PARTIAL);
        shard->n_forgotten++;
    }
}

static enum status reserve_user(struct shard *shard, uint32_t index)
{
    if (index < shard->n_users)
        return STATUS_OK;
    uint64_t n_users = shard->n_users ? shard->n_users : FIRST_USERS;
    while (n_users <= index)
        n_users *= 2;
    struct user *users = n_users <= NOBODY ? realloc(shard->users, n_users * sizeof *users) : NULL;
    if (!users)
        return STATUS_NOMEM;
    memset(users + shard->n_users, 0, (n_users - shard->n_users) * sizeof *users);
    shard->users = users;
    shard->n_users = (uint32_t)n_users;
    return STATUS_OK;
}

/* Give the user a history (an empty one or a rebuilt one, which is taken). */
static void place_history(struct shard *shard, uint32_t index, struct history *history)
{
    shard->users[index].history = history;
    shard->bytes += cost_of(history);
    link_newest(shard, index);
}

static enum status insert(struct behaviour *behaviour, struct shard *shard, uint32_t index, const struct behaviour_event *event)
{
    struct user *user = &shard->users[index];
    if (!user->history) {
        struct history *fresh = calloc(1, sizeof *fresh);
        if (!fresh)
            return STATUS_NOMEM;
        place_history(shard, index, fresh);
    }
    use(shard, index);
    uint64_t before = cost_of(user->history);
    enum status status = keep_event(user->history, event, ARRIVAL_NEWER, &behaviour->limits);
    shard->bytes += cost_of(user->history) - before;
    keep_bound(behaviour, shard);
    return status;
}

/* --- rebuilding --- */

enum status behaviour_rebuild_add(struct behaviour_rebuild *rebuild, uint64_t seq, const struct behaviour_event *event)
{
    if (seq > rebuild->last_seq)
        rebuild->last_seq = seq;
    return keep_event(rebuild->history, event, ARRIVAL_OLDER, rebuild->limits);
}

/* Put the rebuilt history in its place, unless it is not needed any more or is behind. */
static void install(struct behaviour *behaviour, struct shard *shard, uint32_t index, struct behaviour_rebuild *rebuild)
{
    struct user *user = &shard->users[index];
    if (user->state != USER_PARTIAL || rebuild->last_seq < user->last_seq)
        return;
    drop_history(shard, index, USER_WHOLE); /* the part that loading may have left */
    user->last_seq = rebuild->last_seq;
    place_history(shard, index, rebuild->history);
    rebuild->history = NULL;
    shard->n_rebuilt++;
    keep_bound(behaviour, shard);
}

/* Read a forgotten user again. Called without the lock. */
static enum status rebuild_user(struct behaviour *behaviour, uint32_t number, uint64_t before_seq, struct error *error)
{
    struct shard *shard = &behaviour->shards[number % behaviour->limits.n_shards];
    struct behaviour_rebuild rebuild = {.limits = &behaviour->limits, .history = calloc(1, sizeof *rebuild.history)};
    if (!rebuild.history)
        return fail(error, STATUS_NOMEM, "no memory to read a user again");
    enum status status = behaviour->source.read(behaviour->source.context, number, before_seq, &rebuild, error);
    if (status == STATUS_OK) {
        (void)pthread_mutex_lock(&shard->lock);
        install(behaviour, shard, number / behaviour->limits.n_shards, &rebuild);
        (void)pthread_mutex_unlock(&shard->lock);
    }
    history_destroy(rebuild.history);
    return status;
}

/* --- the calls --- */

enum status behaviour_reserve(struct behaviour *behaviour, uint32_t user)
{
    struct shard *shard = &behaviour->shards[user % behaviour->limits.n_shards];
    (void)pthread_mutex_lock(&shard->lock);
    enum status status = reserve_user(shard, user / behaviour->limits.n_shards);
    (void)pthread_mutex_unlock(&shard->lock);
    return status;
}

/* One try: STATUS_BUSY if the user was forgotten and must be read again first. */
static enum status try_add(struct behaviour *behaviour, uint32_t number, uint64_t seq, const struct behaviour_event *event)
{
    struct shard *shard = &behaviour->shards[number % behaviour->limits.n_shards];
    uint32_t index = number / behaviour->limits.n_shards;
    (void)pthread_mutex_lock(&shard->lock);
    enum status status = reserve_user(shard, index);
    struct user *user = status == STATUS_OK ? &shard->users[index] : NULL;
    if (user && user->state == USER_PARTIAL && atomic_load(&behaviour->is_loaded)) {
        status = STATUS_BUSY;
    } else if (user && user->state != USER_ERASED && seq > user->last_seq) {
        user->last_seq = seq;
        if (user->state == USER_ABSENT)
            user->state = USER_WHOLE;
        status = insert(behaviour, shard, index, event);
        if (status != STATUS_OK)
            drop_history(shard, index, USER_PARTIAL);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return status;
}

/* The event was committed but could not be applied: whoever rebuilds must have seen it. */
static void remember_missed(struct behaviour *behaviour, uint32_t number, uint64_t seq)
{
    struct shard *shard = &behaviour->shards[number % behaviour->limits.n_shards];
    uint32_t index = number / behaviour->limits.n_shards;
    (void)pthread_mutex_lock(&shard->lock);
    if (index < shard->n_users && shard->users[index].state == USER_PARTIAL && seq > shard->users[index].last_seq)
        shard->users[index].last_seq = seq;
    (void)pthread_mutex_unlock(&shard->lock);
}

enum status behaviour_add(struct behaviour *behaviour, uint32_t user, uint64_t seq, const struct behaviour_event *event,
                          struct error *error)
{
    enum status status = try_add(behaviour, user, seq, event);
    for (int tries = 0; status == STATUS_BUSY && tries < REBUILDS_MAX; tries++) {
        status = rebuild_user(behaviour, user, seq, error);
        if (status != STATUS_OK) {
            remember_missed(behaviour, user, seq);
            return status;
        }
        status = try_add(behaviour, user, seq, event);
    }
    if (status == STATUS_BUSY)
        remember_missed(behaviour, user, seq);
    return status == STATUS_OK ? STATUS_OK
                               : fail(error, status, "an event could not be kept in memory; its user is read again from the store");
}

void behaviour_erase(struct behaviour *behaviour, uint32_t user)
{
    struct shard *shard = &behaviour->shards[user % behaviour->limits.n_shards];
    uint32_t index = user / behaviour->limits.n_shards;
    (void)pthread_mutex_lock(&shard->lock);
    if (index < shard->n_users)
        drop_history(shard, index, USER_ERASED);
    (void)pthread_mutex_unlock(&shard->lock);
}

/* What a read wants. */
struct wanted {
    struct behaviour_event *events; /* [max] */
    uint32_t max;
    bool is_weak;
    struct marks *seen; /* may be NULL */
};

static enum status try_read(struct behaviour *behaviour, uint32_t number, const struct wanted *wanted, uint32_t *out_n)
{
    struct shard *shard = &behaviour->shards[number % behaviour->limits.n_shards];
    uint32_t index = number / behaviour->limits.n_shards, n = 0;
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&shard->lock);
    struct user *user = index < shard->n_users ? &shard->users[index] : NULL;
    if (user && user->state == USER_PARTIAL && atomic_load(&behaviour->is_loaded)) {
        status = STATUS_BUSY;
    } else if (user && user->history) {
        use(shard, index);
        n = (wanted->is_weak ? history_copy_weak : history_copy)(user->history, wanted->max, wanted->events);
        if (wanted->seen)
            history_mark(user->history, wanted->seen);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    if (status == STATUS_OK)
        *out_n = n;
    return status;
}

static enum status read_user(struct behaviour *behaviour, uint32_t number, const struct wanted *wanted, uint32_t *out_n,
                             struct error *error)
{
    enum status status = try_read(behaviour, number, wanted, out_n);
    for (int tries = 0; status == STATUS_BUSY && tries < REBUILDS_MAX; tries++) {
        TRY(rebuild_user(behaviour, number, UINT64_MAX, error));
        status = try_read(behaviour, number, wanted, out_n);
    }
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "a user's events are being written too fast to be read again");
}

enum status behaviour_read(struct behaviour *behaviour, uint32_t user, uint32_t max, struct behaviour_event out_events[],
                           struct marks *seen, uint32_t *out_n, struct error *error)
{
    return read_user(behaviour, user, &(struct wanted){.events = out_events, .max = max, .seen = seen}, out_n, error);
}

enum status behaviour_read_weak(struct behaviour *behaviour, uint32_t user, uint32_t max, struct behaviour_event out_events[],
                                uint32_t *out_n, struct error *error)
{
    return read_user(behaviour, user, &(struct wanted){.events = out_events, .max = max, .is_weak = true}, out_n, error);
}

void behaviour_measure(struct behaviour *behaviour, struct behaviour_figures *out_figures)
{
    struct behaviour_figures figures = {0};
    for (uint32_t i = 0; i < behaviour->limits.n_shards; i++) {
        struct shard *shard = &behaviour->shards[i];
        (void)pthread_mutex_lock(&shard->lock);
        figures.bytes += shard->bytes;
        figures.n_forgotten += shard->n_forgotten;
        figures.n_rebuilt += shard->n_rebuilt;
        (void)pthread_mutex_unlock(&shard->lock);
    }
    *out_figures = figures;
}
