/* Three decoders behind one function pointer. gzip files may have several members and zstd files several frames, one behind the other, as
 * `cat a.gz b.gz` makes them; the end of the file is good only between two of them. */
#include "server/app/input_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK_BYTES      131072u
#define ZSTD_WINDOW_MOST 27 /* 2^27 = 128 MiB, what `zstd` itself stops at without --long */

struct input_stream {
    const char *path;
    int file;
    bool is_at_end;     /* of the file */
    bool is_between;    /* two members or frames: the file may end here */
    uint64_t n_read;    /* bytes of the file */
    size_t at, n_chunk; /* chunk[at … n_chunk) is not used yet */
    enum status (*read)(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error);
    z_stream inflater;
    ZSTD_DStream *decompressor;
    unsigned char chunk[CHUNK_BYTES];
};

/* Fill the chunk once it is used up. */
static enum status refill(struct input_stream *stream, struct error *error)
{
    if (stream->at < stream->n_chunk || stream->is_at_end)
        return STATUS_OK;
    ssize_t n;
    do
        n = read(stream->file, stream->chunk, sizeof stream->chunk);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(error, STATUS_IO, "cannot be read: %s", strerror(errno));
    stream->is_at_end = n == 0;
    stream->at = 0;
    stream->n_chunk = (size_t)n;
    stream->n_read += (uint64_t)n;
    return STATUS_OK;
}

static enum status read_plain(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error)
{
    TRY(refill(stream, error));
    size_t n = stream->n_chunk - stream->at;
    if (n > max)
        n = max;
    memcpy(bytes, stream->chunk + stream->at, n);
    stream->at += n;
    *out_n = n;
    return STATUS_OK;
}

/* One step of inflate. */
static enum status inflate_some(struct input_stream *stream, struct error *error)
{
    stream->inflater.next_in = stream->chunk + stream->at;
    stream->inflater.avail_in = (unsigned)(stream->n_chunk - stream->at);
    int code = inflate(&stream->inflater, Z_NO_FLUSH);
    stream->at = stream->n_chunk - stream->inflater.avail_in;
    stream->is_between = code == Z_STREAM_END;
    if (code == Z_STREAM_END)
        code = inflateReset(&stream->inflater);
    if (code == Z_MEM_ERROR)
        return fail(error, STATUS_NOMEM, "no memory to unpack it");
    if (code != Z_OK && code != Z_BUF_ERROR)
        return fail(error, STATUS_CORRUPT, "damaged gzip data (%s)", stream->inflater.msg ? stream->inflater.msg : "no reason given");
    return STATUS_OK;
}

static enum status read_gzip(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error)
{
    stream->inflater.next_out = (unsigned char *)bytes;
    stream->inflater.avail_out = (unsigned)max;
    while (stream->inflater.avail_out == max) {
        TRY(refill(stream, error));
        if (stream->is_at_end && stream->is_between)
            break;
        TRY(inflate_some(stream, error)); /* also at the end of the file: there may be bytes left to give */
        if (stream->is_at_end && !stream->is_between && stream->inflater.avail_out == max)
            return fail(error, STATUS_CORRUPT, "the gzip data ends in the middle: the file is not whole");
    }
    *out_n = max - stream->inflater.avail_out;
    return STATUS_OK;
}

static enum status read_zstd(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error)
{
    ZSTD_outBuffer out = {.dst = bytes, .size = max};
    while (out.pos == 0) {
        TRY(refill(stream, error));
        if (stream->is_at_end && stream->is_between)
            break;
        ZSTD_inBuffer in = {.src = stream->chunk, .size = stream->n_chunk, .pos = stream->at};
        size_t left = ZSTD_decompressStream(stream->decompressor, &out, &in);
        if (ZSTD_isError(left))
            return fail(error, STATUS_CORRUPT, "damaged zstd data (%s)", ZSTD_getErrorName(left));
        if (stream->is_at_end && out.pos == 0)
            return fail(error, STATUS_CORRUPT, "the zstd data ends in the middle: the file is not whole");
        stream->at = in.pos;
        stream->is_between = left == 0;
    }
    *out_n = out.pos;
    return STATUS_OK;
}

/* Look at the first bytes; there must be a chunk. */
static enum status choose_decoder(struct input_stream *stream, struct error *error)
{
    static const unsigned char gzip_magic[] = {0x1f, 0x8b}, zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (stream->n_chunk >= sizeof gzip_magic && memcmp(stream->chunk, gzip_magic, sizeof gzip_magic) == 0) {
        stream->read = read_gzip;
        if (inflateInit2(&stream->inflater, 15 + 16) != Z_OK)
            return fail(error, STATUS_NOMEM, "no memory to unpack it");
    } else if (stream->n_chunk >= sizeof zstd_magic && memcmp(stream->chunk, zstd_magic, sizeof zstd_magic) == 0) {
        stream->read = read_zstd;
        stream->decompressor = ZSTD_createDStream();
        if (!stream->decompressor)
            return fail(error, STATUS_NOMEM, "no memory to unpack it");
        (void)ZSTD_DCtx_setParameter(stream->decompressor, ZSTD_d_windowLogMax, ZSTD_WINDOW_MOST);
    }
    return STATUS_OK;
}

/* A pipe may give one byte at a time; four are needed to choose. */
static enum status read_first_bytes(struct input_stream *stream, struct error *error)
{
    while (stream->n_chunk < 4) {
        ssize_t n = read(stream->file, stream->chunk + stream->n_chunk, sizeof stream->chunk - stream->n_chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(error, STATUS_IO, "cannot be read: %s", strerror(errno));
        if (n == 0)
            break; /* the next read will see the end again */
        stream->n_chunk += (size_t)n;
        stream->n_read += (uint64_t)n;
    }
    return STATUS_OK;
}

enum status input_stream_open(const char *path, struct input_stream **out_stream, struct error *error)
{
    SCOPED(input_stream_close) struct input_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return fail(error, STATUS_NOMEM, "no memory to read it");
    stream->path = path;
    stream->read = read_plain;
    stream->file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (stream->file < 0)
        return fail(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot be opened: %s", strerror(errno));
    TRY(read_first_bytes(stream, error));
    TRY(choose_decoder(stream, error));
    *out_stream = stream;
    stream = NULL;
    return STATUS_OK;
}

void input_stream_close(struct input_stream *stream)
{
    if (!stream)
        return;
    if (stream->file > STDIN_FILENO)
        (void)close(stream->file);
    if (stream->read == read_gzip)
        (void)inflateEnd(&stream->inflater);
    (void)ZSTD_freeDStream(stream->decompressor);
    free(stream);
}

enum status input_stream_read(struct input_stream *stream, char *bytes, size_t max, size_t *out_n, struct error *error)
{
    return stream->read(stream, bytes, max, out_n, error);
}

uint64_t input_stream_position(const struct input_stream *stream)
{
    return stream->n_read - (stream->n_chunk - stream->at);
}
