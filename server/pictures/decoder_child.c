/* A loop around one decode. */
#include "server/pictures/decoder_child.h"

#include "server/pictures/confinement.h"
#include "server/pictures/decoder_frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The processor's time is counted from the start of the process, so each picture moves the limit on. */
static bool allow_seconds(uint32_t seconds)
{
    struct rusage used;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &used) || getrlimit(RLIMIT_CPU, &limit))
        return false;
    rlim_t wanted = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max ? wanted : limit.rlim_max;
    return setrlimit(RLIMIT_CPU, &limit) == 0;
}

/* How many of n_bytes were read before the end. */
static size_t read_all(int socket, void *bytes, size_t n_bytes)
{
    size_t n_read = 0;
    while (n_read < n_bytes) {
        ssize_t n = read(socket, (char *)bytes + n_read, n_bytes - n_read);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        n_read += n > 0 ? (size_t)n : 0;
    }
    return n_read;
}

static bool write_all(int socket, const void *bytes, size_t n_bytes)
{
    for (const char *at = bytes; n_bytes;) {
        ssize_t n = write(socket, at, n_bytes);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        n_bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static enum status fill(const uint8_t *bytes, size_t n_bytes,
                        enum status (*decode)(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error),
                        struct decoder_answer *answer, struct error *error)
{
    SCOPED(picture_clear) struct picture picture = {0};
    TRY(decode(bytes, n_bytes, &picture, error));
    answer->width = picture.width;
    answer->height = picture.height;
    answer->channels = picture.channels;
    TRY(picture_make_small(&picture, error));
    answer->small_width = picture.width;
    answer->small_height = picture.height;
    memcpy(answer->pixels, picture.pixels, (size_t)picture.width * picture.height * picture.channels);
    return STATUS_OK;
}

/* One request, whose head was read. False: the process cannot go on. */
static bool serve(int socket, const struct decoder_request *request,
                  enum status (*decode)(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error))
{
    if (request->n_bytes > PICTURE_BYTES_MAX)
        return false;
    SCOPED(memory_free)
    uint8_t *bytes = malloc(request->n_bytes ? request->n_bytes : 1); /* of just that size: a sanitizer sees every step outside */
    if (!bytes || read_all(socket, bytes, request->n_bytes) != request->n_bytes || !allow_seconds(request->cpu_seconds))
        return false;
    struct decoder_answer answer = {0};
    struct error error = {0};
    enum status status = fill(bytes, request->n_bytes, decode, &answer, &error);
    if (status == STATUS_NOMEM)
        status =
            fail(&error, STATUS_LIMIT, "the picture takes more than %u MiB of memory to decode", (unsigned)(DECODER_MEMORY_BYTES >> 20));
    answer.status = (uint32_t)status;
    memcpy(answer.detail, error.detail, sizeof answer.detail);
    return write_all(socket, &answer, sizeof answer);
}

int decoder_child_run(int socket,
                      enum status (*decode)(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error))
{
    const char ready = DECODER_READY;
    if (!(confine_limit(RLIMIT_NOFILE, STDERR_FILENO + 1) && confine_process(DECODER_MEMORY_BYTES)) || !write_all(socket, &ready, 1))
        return 1;
    for (;;) {
        struct decoder_request request;
        size_t n_read = read_all(socket, &request, sizeof request);
        if (n_read != sizeof request)
            return n_read != 0;
        if (!serve(socket, &request, decode))
            return 1;
    }
}
