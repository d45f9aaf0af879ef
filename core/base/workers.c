/* Threads that sleep on a condition between jobs and take blocks from one atomic counter during a job. */
#include "core/base/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct thread {
    struct workers *workers;
    unsigned worker;
    pthread_t handle;
};

struct workers {
    unsigned n_threads;
    atomic_uint next_block;
    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t job_given, job_done;
    uint64_t job; /* counts the jobs given */
    unsigned n_busy;
    bool stopping;
    uint32_t n_blocks;
    void (*run)(void *context, uint32_t block, unsigned worker);
    void *context;
    struct thread threads[];
};

static void take_blocks(struct workers *workers, unsigned worker)
{
    for (;;) {
        uint32_t block = atomic_fetch_add(&workers->next_block, 1);
        if (block >= workers->n_blocks)
            return;
        workers->run(workers->context, block, worker);
    }
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    struct workers *workers = thread->workers;
    uint64_t seen = 0;
    (void)pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (workers->job == seen && !workers->stopping)
            (void)pthread_cond_wait(&workers->job_given, &workers->lock);
        if (workers->stopping)
            break;
        seen = workers->job;
        (void)pthread_mutex_unlock(&workers->lock);
        take_blocks(workers, thread->worker);
        (void)pthread_mutex_lock(&workers->lock);
        if (--workers->n_busy == 0)
            (void)pthread_cond_signal(&workers->job_done);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return NULL;
}

struct workers *workers_create(unsigned n_threads)
{
    struct workers *workers = calloc(1, sizeof *workers + n_threads * sizeof workers->threads[0]);
    if (!workers)
        return NULL;
    workers->n_threads = 1;
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->job_given, NULL);
    (void)pthread_cond_init(&workers->job_done, NULL);
    for (unsigned i = 1; i < n_threads; i++) {
        workers->threads[i] = (struct thread){.workers = workers, .worker = i};
        if (pthread_create(&workers->threads[i].handle, NULL, thread_main, &workers->threads[i])) {
            workers_destroy(workers);
            return NULL;
        }
        workers->n_threads++;
    }
    return workers;
}

void workers_destroy(struct workers *workers)
{
    if (!workers)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->job_given);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 1; i < workers->n_threads; i++)
        (void)pthread_join(workers->threads[i].handle, NULL);
    (void)pthread_cond_destroy(&workers->job_given);
    (void)pthread_cond_destroy(&workers->job_done);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}

unsigned workers_count(const struct workers *workers)
{
    return workers->n_threads;
}

void workers_run(struct workers *workers, uint32_t n_blocks, void (*run)(void *, uint32_t, unsigned), void *context)
{
    (void)pthread_mutex_lock(&workers->lock);
    workers->n_blocks = n_blocks;
    workers->run = run;
    workers->context = context;
    atomic_store(&workers->next_block, 0);
    workers->n_busy = workers->n_threads - 1;
    workers->job++;
    if (workers->n_busy)
        (void)pthread_cond_broadcast(&workers->job_given);
    (void)pthread_mutex_unlock(&workers->lock);
    take_blocks(workers, 0);
    (void)pthread_mutex_lock(&workers->lock);
    while (workers->n_busy)
        (void)pthread_cond_wait(&workers->job_done, &workers->lock);
    (void)pthread_mutex_unlock(&workers->lock);
}

unsigned workers_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}
