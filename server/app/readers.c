/* A small stack of stores under a lock. */
#include "server/app/readers.h"

#include <pthread.h>
#include <stdlib.h>

struct readers {
    pthread_mutex_t lock; /* guards stores and n_free */
    pthread_cond_t freed;
    struct store *stores[READERS];
    unsigned n_free;
};

enum status readers_open(const char *directory, struct readers **out_readers, struct error *error)
{
    struct readers *readers = calloc(1, sizeof *readers);
    if (!readers)
        return fail(error, STATUS_NOMEM, "no memory for read connections");
    (void)pthread_mutex_init(&readers->lock, NULL); /* cannot fail with default attributes */
    (void)pthread_cond_init(&readers->freed, NULL);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && readers->n_free < READERS) {
        status = store_open(directory, STORE_READ, &readers->stores[readers->n_free], error);
        readers->n_free += status == STATUS_OK;
    }
    if (status != STATUS_OK) {
        readers_close(readers);
        return status;
    }
    *out_readers = readers;
    return STATUS_OK;
}

void readers_close(struct readers *readers)
{
    if (!readers)
        return;
    while (readers->n_free)
        store_close(readers->stores[--readers->n_free]);
    (void)pthread_cond_destroy(&readers->freed);
    (void)pthread_mutex_destroy(&readers->lock);
    free(readers);
}

struct store *readers_acquire(struct readers *readers)
{
    (void)pthread_mutex_lock(&readers->lock);
    while (!readers->n_free)
        (void)pthread_cond_wait(&readers->freed, &readers->lock);
    struct store *store = readers->stores[--readers->n_free];
    (void)pthread_mutex_unlock(&readers->lock);
    return store;
}

void readers_release(struct readers *readers, struct store *store)
{
    (void)pthread_mutex_lock(&readers->lock);
    readers->stores[readers->n_free++] = store;
    (void)pthread_cond_signal(&readers->freed);
    (void)pthread_mutex_unlock(&readers->lock);
}
