/* Two lists under one lock. */
#include "server/app/import_queue.h"

#include <pthread.h>
#include <stdlib.h>

#define ARENA_BLOCK_BYTES 65536u
#define ARENA_MAX_BYTES   (64u << 20) /* far above what BATCH_BYTES of lines and their mistakes can need */

struct import_queue {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct import_batch *empty, *first_full, *last_full;
    bool is_finished, is_abandoned;
};

static struct import_batch *batch_create(void)
{
    struct import_batch *batch = malloc(sizeof *batch);
    if (!batch)
        return NULL;
    batch->next = NULL;
    batch->n_records = batch->n_bytes = 0;
    batch->arena = arena_create(ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    if (batch->arena)
        return batch;
    free(batch);
    return NULL;
}

static void destroy_batches(struct import_batch *batch)
{
    while (batch) {
        struct import_batch *next = batch->next;
        arena_destroy(batch->arena);
        free(batch);
        batch = next;
    }
}

struct import_queue *import_queue_create(unsigned n_batches)
{
    struct import_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
    for (unsigned i = 0; i < n_batches; i++) {
        struct import_batch *batch = batch_create();
        if (!batch) {
            import_queue_destroy(queue);
            return NULL;
        }
        batch->next = queue->empty;
        queue->empty = batch;
    }
    return queue;
}

void import_queue_destroy(struct import_queue *queue)
{
    if (!queue)
        return;
    destroy_batches(queue->empty);
    destroy_batches(queue->first_full);
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->lock);
    free(queue);
}

struct import_batch *import_queue_take_empty(struct import_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    while (!queue->empty && !queue->is_abandoned)
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    struct import_batch *batch = queue->is_abandoned ? NULL : queue->empty;
    if (batch)
        queue->empty = batch->next;
    (void)pthread_mutex_unlock(&queue->lock);
    return batch;
}

void import_queue_give_full(struct import_queue *queue, struct import_batch *batch)
{
    (void)pthread_mutex_lock(&queue->lock);
    batch->next = NULL;
    if (queue->last_full)
        queue->last_full->next = batch;
    else
        queue->first_full = batch;
    queue->last_full = batch;
    (void)pthread_cond_signal(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

static void set_flag(struct import_queue *queue, bool *flag)
{
    (void)pthread_mutex_lock(&queue->lock);
    *flag = true;
    (void)pthread_cond_signal(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

void import_queue_finish(struct import_queue *queue)
{
    set_flag(queue, &queue->is_finished);
}

void import_queue_abandon(struct import_queue *queue)
{
    set_flag(queue, &queue->is_abandoned);
}

struct import_batch *import_queue_take_full(struct import_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    while (!queue->first_full && !queue->is_finished)
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    struct import_batch *batch = queue->first_full;
    if (batch) {
        queue->first_full = batch->next;
        if (!queue->first_full)
            queue->last_full = NULL;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return batch;
}

void import_queue_give_empty(struct import_queue *queue, struct import_batch *batch)
{
    arena_reset(batch->arena);
    batch->n_records = batch->n_bytes = 0;
    (void)pthread_mutex_lock(&queue->lock);
    batch->next = queue->empty;
    queue->empty = batch;
    (void)pthread_cond_signal(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}
