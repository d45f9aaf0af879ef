/* A list under a lock and a condition. done is called after the batch is recorded and without the lock: whoever is told may submit again.
 */
#include "server/app/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_SECONDS 2

struct writer {
    pthread_mutex_t lock; /* guards the queue and is_stopping */
    pthread_cond_t changed;
    struct write *first, *last;
    uint32_t n_waiting, max_waiting;
    bool is_stopping;
    struct writer_actions actions;
    pthread_t thread;
};

/* Deletes, erasures, pictures and models look at memory that the writes before them change: each has a batch to itself. */
static bool is_alone(const struct write *write)
{
    switch (write->kind) {
    case WRITE_EVENTS:
    case WRITE_ITEMS:
    case WRITE_USER: return false;
    case WRITE_PICTURE: /* so that a transaction is not many files large */
    case WRITE_PICTURE_DELETE:
    case WRITE_ITEM_DELETE:
    case WRITE_USER_ERASE:
    case WRITE_MODEL_ACTIVATE:
    case WRITE_MODEL_ADOPT: return true;
    }
    return true;
}

static size_t rows_of(const struct write *write)
{
    return write->kind == WRITE_EVENTS || write->kind == WRITE_ITEMS ? write->n : 1;
}

/* Cut the next batch off the queue. */
static struct write *take_batch(struct writer *writer)
{
    struct write *first = writer->first, *last = first;
    size_t rows = rows_of(first);
    writer->n_waiting--;
    while (last->next && !is_alone(first) && !is_alone(last->next) && rows + rows_of(last->next) <= WRITER_BATCH_ROWS) {
        last = last->next;
        rows += rows_of(last);
        writer->n_waiting--;
    }
    writer->first = last->next;
    if (!writer->first)
        writer->last = NULL;
    last->next = NULL;
    return first;
}

/* Wait for work. False: none will come. Inside the lock, which is let go while the idle action runs. */
static bool wait_for_work(struct writer *writer, bool *has_rested)
{
    while (!writer->first && !writer->is_stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_SECONDS;
        if (*has_rested)
            (void)pthread_cond_wait(&writer->changed, &writer->lock);
        else if (pthread_cond_timedwait(&writer->changed, &writer->lock, &until) == ETIMEDOUT) {
            *has_rested = true;
            (void)pthread_mutex_unlock(&writer->lock);
            writer->actions.idle(writer->actions.context);
            (void)pthread_mutex_lock(&writer->lock);
        }
    }
    return writer->first != NULL;
}

static void *run(void *context)
{
    struct writer *writer = context;
    bool has_rested = true; /* nothing was written yet */
    (void)pthread_mutex_lock(&writer->lock);
    while (wait_for_work(writer, &has_rested)) {
        struct write *batch = take_batch(writer);
        (void)pthread_mutex_unlock(&writer->lock);
        writer->actions.record(writer->actions.context, batch);
        while (batch) {
            struct write *next = batch->next; /* done gives the write back */
            batch->done(batch->context);
            batch = next;
        }
        has_rested = false;
        (void)pthread_mutex_lock(&writer->lock);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* Monotonic, so that a corrected clock neither hurries nor delays the idle action. */
static bool init_locks(struct writer *writer)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes))
        return false;
    bool is_good = !pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) && !pthread_cond_init(&writer->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (is_good && pthread_mutex_init(&writer->lock, NULL)) {
        (void)pthread_cond_destroy(&writer->changed);
        return false;
    }
    return is_good;
}

static void free_writer(struct writer *writer)
{
    (void)pthread_cond_destroy(&writer->changed);
    (void)pthread_mutex_destroy(&writer->lock);
    free(writer);
}

enum status writer_start(uint32_t max_waiting, const struct writer_actions *actions, struct writer **out_writer, struct error *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer || !init_locks(writer)) {
        free(writer);
        return fail(error, STATUS_NOMEM, "no memory for the writer");
    }
    writer->max_waiting = max_waiting;
    writer->actions = *actions;
    if (pthread_create(&writer->thread, NULL, run, writer)) {
        free_writer(writer);
        return fail(error, STATUS_BUSY, "no thread for the writer");
    }
    *out_writer = writer;
    return STATUS_OK;
}

void writer_stop(struct writer *writer)
{
    if (!writer)
        return;
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_stopping = true;
    (void)pthread_cond_signal(&writer->changed);
    (void)pthread_mutex_unlock(&writer->lock);
    (void)pthread_join(writer->thread, NULL);
    free_writer(writer);
}

enum status writer_submit(struct writer *writer, struct write *write, struct error *error)
{
    enum status status = STATUS_OK;
    (void)pthread_mutex_lock(&writer->lock);
    if (writer->is_stopping) {
        status = fail(error, STATUS_BUSY, "the service is stopping");
    } else if (writer->n_waiting >= writer->max_waiting) {
        status = fail(error, STATUS_BUSY, "%u writes are waiting for the disk already; try again", writer->n_waiting);
    } else {
        write->next = NULL;
        *(writer->last ? &writer->last->next : &writer->first) = write;
        writer->last = write;
        writer->n_waiting++;
        (void)pthread_cond_signal(&writer->changed);
    }
    (void)pthread_mutex_unlock(&writer->lock);
    return status;
}

uint32_t writer_waiting(struct writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    uint32_t n_waiting = writer->n_waiting;
    (void)pthread_mutex_unlock(&writer->lock);
    return n_waiting;
}
