/* Files of every packing give the same bytes; those that are not whole are refused. And their lines. */
#include "server/app/input_stream.h"
#include "server/app/line_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define N_TEXT 1000000u

static char path[64];
static struct error error;
static char text[N_TEXT], packed[2 * N_TEXT];

static void make(void)
{
    (void)snprintf(path, sizeof path, "/tmp/inkling-stream-XXXXXX");
    int file = mkstemp(path);
    cr_assert(file >= 0);
    (void)close(file);
    for (unsigned i = 0; i < N_TEXT; i++)
        text[i] = (char)("0123456789abcdef"[(i * 2654435761u >> 7) % 16] + (i % 61 == 60 ? '\n' - '0' : 0));
}

static void clear(void)
{
    (void)unlink(path);
}

TestSuite(input_stream, .init = make, .fini = clear);
TestSuite(line_reader, .init = make, .fini = clear);

static void write_file(const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

static size_t pack_gzip(const char *from, size_t n_from, char *to, size_t n_to)
{
    z_stream deflater = {.next_in = (unsigned char *)(size_t)from,
                         .avail_in = (unsigned)n_from,
                         .next_out = (unsigned char *)to,
                         .avail_out = (unsigned)n_to};
    cr_assert_eq(deflateInit2(&deflater, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&deflater, Z_FINISH), Z_STREAM_END);
    size_t n = n_to - deflater.avail_out;
    (void)deflateEnd(&deflater);
    return n;
}

static size_t pack_zstd(const char *from, size_t n_from, char *to, size_t n_to)
{
    size_t n = ZSTD_compress(to, n_to, from, n_from, 3);
    cr_assert_not(ZSTD_isError(n));
    return n;
}

/* Read the whole file in pieces of at most piece bytes; how many bytes came before the end or failure. */
static enum status read_all(size_t piece, char *bytes, size_t room, size_t *out_n)
{
    struct input_stream *stream = NULL;
    size_t n = 1, sum = 0;
    enum status status = input_stream_open(path, &stream, &error);
    while (status == STATUS_OK && n > 0 && sum + piece <= room) {
        status = input_stream_read(stream, bytes + sum, piece, &n, &error);
        sum += status == STATUS_OK ? n : 0;
    }
    input_stream_close(stream);
    *out_n = sum;
    return status;
}

static void expect_text(size_t piece, size_t n_expected)
{
    size_t n = 0;
    static char bytes[N_TEXT + 70000];
    enum status status = read_all(piece, bytes, sizeof bytes, &n);
    cr_assert_eq(status, STATUS_OK, "%s", error.detail);
    cr_assert_eq(n, n_expected);
    cr_assert_eq(memcmp(bytes, text, n), 0);
}

static void expect_refused(const char *words)
{
    size_t n = 0;
    static char bytes[N_TEXT + 70000];
    cr_assert_eq(read_all(65536, bytes, sizeof bytes, &n), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, words), "%s", error.detail);
}

Test(input_stream, reads_plain_files)
{
    write_file(text, N_TEXT);
    expect_text(65536, N_TEXT);
    write_file(text, 3); /* shorter than any magic */
    expect_text(65536, 3);
    write_file(text, 0);
    expect_text(65536, 0);
}

Test(input_stream, unpacks_gzip_of_several_members)
{
    size_t n = pack_gzip(text, 400000, packed, sizeof packed);
    n += pack_gzip(text + 400000, N_TEXT - 400000, packed + n, sizeof packed - n);
    write_file(packed, n);
    expect_text(65536, N_TEXT);
}

Test(input_stream, unpacks_zstd_of_several_frames)
{
    size_t n = pack_zstd(text, 400000, packed, sizeof packed);
    n += pack_zstd(text + 400000, N_TEXT - 400000, packed + n, sizeof packed - n);
    write_file(packed, n);
    expect_text(65536, N_TEXT);
}

Test(input_stream, gives_small_pieces_of_what_unpacks_to_much)
{
    write_file(packed, pack_gzip(text, N_TEXT, packed, sizeof packed));
    expect_text(1, N_TEXT);
    write_file(packed, pack_zstd(text, N_TEXT, packed, sizeof packed));
    expect_text(1, N_TEXT);
}

Test(input_stream, refuses_packed_files_that_are_cut)
{
    size_t n = pack_gzip(text, N_TEXT, packed, sizeof packed);
    for (size_t cut = n - 1; cut > 4; cut = cut * 2 / 3) {
        write_file(packed, cut);
        expect_refused("ends in the middle");
    }
    n = pack_zstd(text, N_TEXT, packed, sizeof packed);
    for (size_t cut = n - 1; cut > 4; cut = cut * 2 / 3) {
        write_file(packed, cut);
        expect_refused("ends in the middle");
    }
}

Test(input_stream, refuses_packed_files_that_are_damaged)
{
    size_t n = pack_gzip(text, N_TEXT, packed, sizeof packed);
    memset(packed + n / 2, 0xff, 100);
    write_file(packed, n);
    expect_refused("damaged gzip");
    n = pack_zstd(text, N_TEXT, packed, sizeof packed);
    memset(packed + n / 2, 0xff, 100);
    write_file(packed, n);
    expect_refused("damaged zstd");
}

Test(input_stream, tells_its_position_in_the_file)
{
    char byte;
    size_t n = 0;
    struct input_stream *stream = NULL;
    write_file(text, N_TEXT);
    cr_assert_eq(input_stream_open(path, &stream, &error), STATUS_OK);
    cr_assert_eq(input_stream_position(stream), 0);
    cr_assert_eq(input_stream_read(stream, &byte, 1, &n, &error), STATUS_OK);
    cr_assert_eq(input_stream_position(stream), 1);
    input_stream_close(stream);
}

Test(input_stream, refuses_a_folder)
{
    struct input_stream *stream = NULL;
    cr_assert_eq(input_stream_open("/tmp", &stream, &error), STATUS_IO);
}

/* --- lines --- */

Test(line_reader, gives_lines_with_their_numbers)
{
    static const char bytes[] = "\xef\xbb\xbf"
                                "one\n\r\n\nfour";
    static const char *const lines[] = {"one\n", "\r\n", "\n", "four"};
    struct line line;
    bool has_line = false;
    struct input_stream *stream = NULL;
    write_file(bytes, sizeof bytes - 1);
    cr_assert_eq(input_stream_open(path, &stream, &error), STATUS_OK);
    struct line_reader *reader = line_reader_create(stream);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
        cr_assert(has_line && line.number == i + 1 && line.n_bytes == strlen(lines[i]) && memcmp(line.bytes, lines[i], line.n_bytes) == 0);
        cr_expect_eq(line_is_blank(&line), i == 1 || i == 2);
    }
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
    cr_assert_not(has_line);
    line_reader_destroy(reader);
    input_stream_close(stream);
}

Test(line_reader, peeks_past_blanks_without_taking_them)
{
    char first = 0;
    struct line line;
    bool has_line = false;
    struct input_stream *stream = NULL;
    write_file("\n  {}", 5);
    cr_assert_eq(input_stream_open(path, &stream, &error), STATUS_OK);
    struct line_reader *reader = line_reader_create(stream);
    cr_assert_eq(line_reader_peek(reader, &first, &error), STATUS_OK);
    cr_assert_eq(first, '{');
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
    cr_assert(has_line && line.n_bytes == 1 && line.number == 1);
    line_reader_destroy(reader);
    input_stream_close(stream);
}

/* The longest line that is allowed, one byte more, and the line behind. */
Test(line_reader, tells_lines_that_are_too_long)
{
    struct line line;
    bool has_line = false;
    struct input_stream *stream = NULL;
    char *bytes = malloc(3 * (size_t)LINE_MAX_BYTES);
    memset(bytes, 'x', 3 * (size_t)LINE_MAX_BYTES);
    bytes[LINE_MAX_BYTES - 1] = bytes[2 * LINE_MAX_BYTES] = '\n';
    write_file(bytes, 2 * (size_t)LINE_MAX_BYTES + 5);
    free(bytes);
    cr_assert_eq(input_stream_open(path, &stream, &error), STATUS_OK);
    struct line_reader *reader = line_reader_create(stream);
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
    cr_assert(has_line && !line.is_too_long && line.n_bytes == LINE_MAX_BYTES);
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
    cr_assert(has_line && line.is_too_long && line.number == 2 && line.n_bytes == 0);
    cr_assert_eq(line_reader_next(reader, &line, &has_line, &error), STATUS_OK);
    cr_assert(has_line && !line.is_too_long && line.number == 3 && line.n_bytes == 4);
    line_reader_destroy(reader);
    input_stream_close(stream);
}
