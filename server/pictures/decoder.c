/* A queue under a lock, and a thread for each child: the thread takes a picture, has it decoded, and tells. Nobody else knows its child. */
#include "server/pictures/decoder.h"

#include "core/base/clock.h"
#include "server/pictures/decoder_process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct decoder_thread {
    struct decoder *decoder;
    struct decoder_process process;
    pthread_t thread;
};

struct decoder {
    struct decoder_options options;
    atomic_ulong n_started;
    pthread_mutex_t lock; /* guards the queue and is_stopping */
    pthread_cond_t changed;
    struct decoding *first, *last;
    unsigned n_waiting;
    bool is_stopping;
    unsigned n_threads;
    struct decoder_thread threads[]; /* [n_threads] */
};

/* --- one picture --- */

/* Detail goes into answers and logs: nothing but printable ASCII of it. */
static void take_detail(const char *detail, struct error *error)
{
    size_t i = 0;
    for (; detail[i] && i < sizeof error->detail - 1; i++)
        error->detail[i] = detail[i];
    error->detail[i] = '\0';
    for (i = 0; error->detail[i]; i++)
        if (error->detail[i] < ' ' || error->detail[i] > '~')
            error->detail[i] = '?';
}

static enum status decode(struct decoder_thread *thread, struct decoding *decoding)
{
    const struct decoder_options *options = &thread->decoder->options;
    struct decoder_answer answer;
    if (clock_monotonic_ns() - decoding->submitted_ns > options->deadline_ms * UINT64_C(1000000))
        return fail(&decoding->error, STATUS_BUSY, "the picture has waited for %u ms behind others; try again", options->deadline_ms);
    if (!decoder_process_is_ready(&thread->process)) {
        TRY(decoder_process_start(&thread->process, options->program, &decoding->error));
        atomic_fetch_add(&thread->decoder->n_started, 1);
    }
    TRY(decoder_process_ask(&thread->process, decoding->bytes, (uint32_t)decoding->n_bytes, options->deadline_ms, &answer,
                            &decoding->error));
    if (answer.status != STATUS_OK) {
        take_detail(answer.detail, &decoding->error);
        return (enum status)answer.status;
    }
    decoding->width = answer.width;
    decoding->height = answer.height;
    decoding->channels = answer.channels;
    decoding->small = (struct picture){answer.small_width, answer.small_height, answer.channels, decoding->small_pixels};
    memcpy(decoding->small_pixels, answer.pixels, (size_t)answer.small_width * answer.small_height * answer.channels);
    return STATUS_OK;
}

/* --- the queue --- */

static struct decoding *take(struct decoder *decoder)
{
    struct decoding *decoding = decoder->first;
    if (!decoding)
        return NULL;
    decoder->first = decoding->next;
    if (!decoder->first)
        decoder->last = NULL;
    decoder->n_waiting--;
    return decoding;
}

static void *run(void *context)
{
    struct decoder_thread *thread = context;
    struct decoder *decoder = thread->decoder;
    (void)pthread_mutex_lock(&decoder->lock);
    for (;;) {
        while (!decoder->first && !decoder->is_stopping)
            (void)pthread_cond_wait(&decoder->changed, &decoder->lock);
        struct decoding *decoding = take(decoder);
        bool is_stopping = decoder->is_stopping;
        if (!decoding)
            break;
        (void)pthread_mutex_unlock(&decoder->lock);
        decoding->error = (struct error){0};
        decoding->status = is_stopping ? fail(&decoding->error, STATUS_BUSY, "the service is stopping") : decode(thread, decoding);
        decoding->done(decoding->context); /* gives decoding back */
        (void)pthread_mutex_lock(&decoder->lock);
    }
    (void)pthread_mutex_unlock(&decoder->lock);
    decoder_process_end(&thread->process);
    return NULL;
}

enum status decoder_submit(struct decoder *decoder, struct decoding *decoding, struct error *error)
{
    enum status status = STATUS_OK;
    if (decoding->n_bytes > PICTURE_BYTES_MAX)
        return fail(error, STATUS_LIMIT, "the picture has %zu bytes; at most %u are allowed", decoding->n_bytes, PICTURE_BYTES_MAX);
    (void)pthread_mutex_lock(&decoder->lock);
    if (decoder->is_stopping) {
        status = fail(error, STATUS_BUSY, "the service is stopping");
    } else if (decoder->n_waiting >= decoder->options.max_waiting) {
        status = fail(error, STATUS_BUSY, "%u pictures are waiting to be decoded already; try again", decoder->n_waiting);
    } else {
        decoding->next = NULL;
        decoding->submitted_ns = clock_monotonic_ns();
        *(decoder->last ? &decoder->last->next : &decoder->first) = decoding;
        decoder->last = decoding;
        decoder->n_waiting++;
        (void)pthread_cond_signal(&decoder->changed);
    }
    (void)pthread_mutex_unlock(&decoder->lock);
    return status;
}

/* --- life --- */

enum status decoder_start(const struct decoder_options *options, struct decoder **out_decoder, struct error *error)
{
    struct decoder *decoder = calloc(1, sizeof *decoder + options->n_children * sizeof decoder->threads[0]);
    if (!decoder)
        return fail(error, STATUS_NOMEM, "no memory for the decoder of pictures");
    decoder->options = *options;
    (void)pthread_mutex_init(&decoder->lock, NULL); /* cannot fail with default attributes */
    (void)pthread_cond_init(&decoder->changed, NULL);
    for (; decoder->n_threads < options->n_children; decoder->n_threads++) {
        struct decoder_thread *thread = &decoder->threads[decoder->n_threads];
        *thread = (struct decoder_thread){.decoder = decoder, .process.socket = -1};
        if (pthread_create(&thread->thread, NULL, run, thread)) {
            decoder_stop(decoder);
            return fail(error, STATUS_BUSY, "no thread for the decoder of pictures");
        }
    }
    *out_decoder = decoder;
    return STATUS_OK;
}

void decoder_stop(struct decoder *decoder)
{
    if (!decoder)
        return;
    (void)pthread_mutex_lock(&decoder->lock);
    decoder->is_stopping = true;
    (void)pthread_cond_broadcast(&decoder->changed);
    (void)pthread_mutex_unlock(&decoder->lock);
    for (unsigned i = 0; i < decoder->n_threads; i++)
        (void)pthread_join(decoder->threads[i].thread, NULL);
    (void)pthread_cond_destroy(&decoder->changed);
    (void)pthread_mutex_destroy(&decoder->lock);
    free(decoder);
}

unsigned long decoder_children(const struct decoder *decoder)
{
    return atomic_load(&decoder->n_started);
}
