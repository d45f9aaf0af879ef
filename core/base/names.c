/* An open-addressing table of numbers beside an array of texts, under one read-write lock: it is held for a probe, some 50 ns. */
#include "core/base/names.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h> /* xxHash: fast, seeded; BSD */

struct names {
    pthread_rwlock_t lock; /* guards everything below */
    char **texts;          /* [n_texts], NULL is a hole */
    uint32_t n_texts, texts_capacity;
    uint32_t *slots; /* [n_slots] number + 1; 0 is free, TOMBSTONE was forgotten */
    uint32_t n_slots, n_used;
    struct graveyard {
        struct graveyard *next;
        char *text;
    } * forgotten;
    uint64_t seed;
};

#define TOMBSTONE UINT32_MAX
#define FIRST_SLOTS 64u

struct names *names_create(void)
{
    struct names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    names->slots = calloc(FIRST_SLOTS, sizeof *names->slots);
    names->n_slots = FIRST_SLOTS;
    names->seed = (uint64_t)(size_t)names; /* differs from run to run: nobody can prepare names that collide */
    if (!names->slots || pthread_rwlock_init(&names->lock, NULL)) {
        free(names->slots);
        free(names);
        return NULL;
    }
    return names;
}

void names_destroy(struct names *names)
{
    if (!names)
        return;
    for (uint32_t i = 0; i < names->n_texts; i++)
        free(names->texts[i]);
    while (names->forgotten) {
        struct graveyard *grave = names->forgotten;
        names->forgotten = grave->next;
        free(grave->text);
        free(grave);
    }
    free(names->texts);
    free(names->slots);
    (void)pthread_rwlock_destroy(&names->lock);
    free(names);
}

static uint32_t first_slot(const struct names *names, const char *text)
{
    return (uint32_t)XXH3_64bits_withSeed(text, strlen(text), names->seed) & (names->n_slots - 1);
}

/* The slot that holds text, or the free one where the probe for it ends. */
static uint32_t probe(const struct names *names, const char *text)
{
    uint32_t slot = first_slot(names, text);
    while (names->slots[slot]) {
        uint32_t entry = names->slots[slot];
        if (entry != TOMBSTONE && strcmp(names->texts[entry - 1], text) == 0)
            return slot;
        slot = (slot + 1) & (names->n_slots - 1);
    }
    return slot;
}

/* Twice the slots, without the tombstones. */
static bool grow_slots(struct names *names)
{
    uint32_t *old = names->slots, n_old = names->n_slots;
    uint32_t *slots = n_old < (UINT32_MAX >> 2) ? calloc((size_t)n_old * 2, sizeof *slots) : NULL;
    if (!slots)
        return false;
    names->slots = slots;
    names->n_slots = n_old * 2;
    names->n_used = 0;
    for (uint32_t i = 0; i < n_old; i++) {
        if (!old[i] || old[i] == TOMBSTONE)
            continue;
        slots[probe(names, names->texts[old[i] - 1])] = old[i];
        names->n_used++;
    }
    free(old);
    return true;
}

/* Room for one more text. */
static bool reserve_text(struct names *names)
{
    if (names->n_texts < names->texts_capacity)
        return true;
    uint32_t capacity = names->texts_capacity ? names->texts_capacity * 2 : 64;
    if (capacity <= names->texts_capacity)
        return false;
    char **texts = realloc(names->texts, capacity * sizeof *texts);
    if (!texts)
        return false;
    names->texts = texts;
    names->texts_capacity = capacity;
    return true;
}

static enum status add_locked(struct names *names, const char *text, uint32_t *out_number)
{
    uint32_t slot = probe(names, text);
    if (names->slots[slot]) {
        *out_number = names->slots[slot] - 1;
        return STATUS_OK;
    }
    if ((uint64_t)(names->n_used + 1) * 4 > (uint64_t)names->n_slots * 3) {
        if (!grow_slots(names))
            return STATUS_NOMEM;
        slot = probe(names, text);
    }
    char *copy = reserve_text(names) ? strdup(text) : NULL;
    if (!copy)
        return STATUS_NOMEM;
    *out_number = names->n_texts;
    names->texts[names->n_texts++] = copy;
    names->slots[slot] = names->n_texts;
    names->n_used++;
    return STATUS_OK;
}

enum status names_add(struct names *names, const char *text, uint32_t *out_number)
{
    (void)pthread_rwlock_wrlock(&names->lock);
    enum status status = add_locked(names, text, out_number);
    (void)pthread_rwlock_unlock(&names->lock);
    return status;
}

enum status names_add_hole(struct names *names)
{
    (void)pthread_rwlock_wrlock(&names->lock);
    enum status status = STATUS_NOMEM;
    if (reserve_text(names)) {
        names->texts[names->n_texts++] = NULL;
        status = STATUS_OK;
    }
    (void)pthread_rwlock_unlock(&names->lock);
    return status;
}

/* The lock is not part of the value: readers take it through a const pointer. */
static pthread_rwlock_t *lock_of(const struct names *names)
{
    return &((struct names *)(size_t)names)->lock;
}

uint32_t names_find(const struct names *names, const char *text)
{
    (void)pthread_rwlock_rdlock(lock_of(names));
    uint32_t entry = names->slots[probe(names, text)];
    (void)pthread_rwlock_unlock(lock_of(names));
    return entry ? entry - 1 : NAMES_NONE;
}

const char *names_text(const struct names *names, uint32_t number)
{
    (void)pthread_rwlock_rdlock(lock_of(names));
    const char *text = number < names->n_texts ? names->texts[number] : NULL;
    (void)pthread_rwlock_unlock(lock_of(names));
    return text;
}

void names_forget(struct names *names, uint32_t number)
{
    struct graveyard *grave = malloc(sizeof *grave);
    (void)pthread_rwlock_wrlock(&names->lock);
    char *text = number < names->n_texts ? names->texts[number] : NULL;
    if (text) {
        names->slots[probe(names, text)] = TOMBSTONE;
        names->texts[number] = NULL;
        if (grave) { /* without memory for the grave the text is leaked: a reader may still hold it */
            *grave = (struct graveyard){.next = names->forgotten, .text = text};
            names->forgotten = grave;
            grave = NULL;
        }
    }
    (void)pthread_rwlock_unlock(&names->lock);
    free(grave);
}

uint32_t names_count(const struct names *names)
{
    (void)pthread_rwlock_rdlock(lock_of(names));
    uint32_t count = names->n_texts;
    (void)pthread_rwlock_unlock(lock_of(names));
    return count;
}
