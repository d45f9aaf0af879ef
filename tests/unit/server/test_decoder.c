/* The decoder over children that crash, turn in circles, lie and ask for too much (picture_child.c): every file gets an answer, and the
 * next one is decoded. HAS_LIMITS: the build has no sanitizer, so the child is held by all of its limits. */
#include "server/pictures/decoder.h"

#include "core/base/log.h"
#include "server/pictures/decoder_child.h"
#include "tests/unit/server/picture_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_MS 120000 /* no test waits for it */

static struct decoder *decoder;

static void open_decoder(unsigned n_children, unsigned max_waiting, unsigned deadline_ms)
{
    struct decoder_options options = {
        .program = PICTURE_CHILD, .n_children = n_children, .max_waiting = max_waiting, .deadline_ms = deadline_ms};
    struct error error = {.detail = ""};
    log_set_level(LOG_ERROR);
    cr_assert_eq(decoder_start(&options, &decoder, &error), STATUS_OK, "%s", error.detail);
}

static void close_decoder(void)
{
    decoder_stop(decoder);
}

TestSuite(decoder, .fini = close_decoder, .timeout = 120);

static void post(void *context)
{
    (void)sem_post(context);
}

/* Decode and wait. */
static enum status decode(const void *bytes, size_t n, struct decoding *out_decoding)
{
    sem_t is_done;
    (void)sem_init(&is_done, 0, 0);
    *out_decoding = (struct decoding){.bytes = bytes, .n_bytes = n, .done = post, .context = &is_done};
    cr_assert_eq(decoder_submit(decoder, out_decoding, &out_decoding->error), STATUS_OK, "%s", out_decoding->error.detail);
    while (sem_wait(&is_done))
        continue;
    (void)sem_destroy(&is_done);
    return out_decoding->status;
}

static void expect_refused(const void *bytes, size_t n, enum status status, const char *words)
{
    struct decoding decoding;
    cr_expect_eq(decode(bytes, n, &decoding), status, "%s: %s", words, decoding.error.detail);
    cr_expect(strstr(decoding.error.detail, words), "%s: %s", words, decoding.error.detail);
}

static void expect_word_refused(const char *word, enum status status, const char *words)
{
    expect_refused(word, strlen(word), status, words);
}

static void expect_decoded(void)
{
    struct picture_file file = picture_fixture_png();
    struct decoding decoding;
    cr_expect_eq(decode(file.bytes, file.n, &decoding), STATUS_OK, "%s", decoding.error.detail);
    cr_expect(decoding.width == PICTURE_FIXTURE_WIDTH && decoding.height == PICTURE_FIXTURE_HEIGHT && decoding.channels == 3);
    free(file.bytes);
}

/* --- what is good --- */

Test(decoder, gives_the_pixels_that_picture_decode_gives)
{
    struct picture_file (*const makers[])(void) = {picture_fixture_png, picture_fixture_jpeg, picture_fixture_webp};
    open_decoder(1, 4, LONG_MS);
    for (size_t i = 0; i < 3; i++) {
        struct picture_file file = makers[i]();
        struct picture picture;
        struct decoding decoding;
        cr_assert_eq(picture_decode(file.bytes, file.n, &picture, NULL), STATUS_OK);
        cr_assert_eq(decode(file.bytes, file.n, &decoding), STATUS_OK, "%s", decoding.error.detail);
        cr_expect(decoding.small.width == picture.width && decoding.small.height == picture.height &&
                  decoding.small.channels == picture.channels);
        cr_expect_arr_eq(decoding.small.pixels, picture.pixels, (size_t)picture.width * picture.height * picture.channels);
        picture_clear(&picture);
        free(file.bytes);
    }
    cr_expect_eq(decoder_children(decoder), 1, "one child for all of them");
}

Test(decoder, makes_large_ones_small)
{
    struct picture_file file = picture_fixture_large_png(100);
    struct decoding decoding;
    open_decoder(1, 4, LONG_MS);
    cr_assert_eq(decode(file.bytes, file.n, &decoding), STATUS_OK, "%s", decoding.error.detail);
    cr_expect(decoding.width == 100 && decoding.height == 100);
    cr_expect(decoding.small.width == PICTURE_SMALL_SIDE && decoding.small.height == PICTURE_SMALL_SIDE && decoding.small.channels == 3);
    for (size_t i = 0; i < PICTURE_SMALL_BYTES; i++)
        cr_assert_eq(decoding.small.pixels[i], 0x50);
    free(file.bytes);
}

Test(decoder, has_memory_for_the_largest_of_every_format)
{
    struct picture_file (*const makers[])(uint32_t) = {picture_fixture_large_png, picture_fixture_large_jpeg, picture_fixture_large_webp};
    open_decoder(1, 4, LONG_MS);
    for (size_t i = 0; i < 3; i++) {
        struct picture_file file = makers[i](4096);
        struct decoding decoding;
        cr_expect_eq(decode(file.bytes, file.n, &decoding), STATUS_OK, "%zu: %s", i, decoding.error.detail);
        cr_expect(decoding.width == 4096 && decoding.height == 4096);
        free(file.bytes);
    }
    cr_expect_eq(decoder_children(decoder), 1);
}

/* --- what is bad, but harmless --- */

Test(decoder, passes_on_what_picture_decode_refuses)
{
    struct picture_file file = picture_fixture_png();
    const uint8_t side[] = {0, 0, 0x75, 0x30}; /* 30 000 */
    open_decoder(1, 4, LONG_MS);
    expect_refused("", 0, STATUS_INVALID, "empty");
    expect_refused("GIF89a, and more", 16, STATUS_INVALID, "no PNG, JPEG or WebP");
    expect_refused(file.bytes, file.n / 2, STATUS_INVALID, "cut short");
    memcpy(file.bytes + 16, side, 4);
    memcpy(file.bytes + 20, side, 4);
    expect_refused(file.bytes, file.n, STATUS_LIMIT, "30000 x 30000");
    expect_decoded();
    cr_expect_eq(decoder_children(decoder), 1, "none of them cost a child");
    free(file.bytes);
}

Test(decoder, refuses_too_many_bytes_at_once)
{
    struct decoding decoding = {.bytes = (const uint8_t *)"", .n_bytes = PICTURE_BYTES_MAX + 1, .done = post};
    struct error error = {.detail = ""};
    open_decoder(1, 4, LONG_MS);
    cr_expect_eq(decoder_submit(decoder, &decoding, &error), STATUS_LIMIT);
    cr_expect(strstr(error.detail, "at most 8388608"), "%s", error.detail);
}

/* --- what is bad for the child --- */

Test(decoder, outlives_a_picture_that_crashes_it)
{
    open_decoder(1, 4, LONG_MS);
    for (int turn = 0; turn < 3; turn++) {
        expect_word_refused("crash", STATUS_INVALID, "breaks the decoder");
        expect_decoded();
    }
    cr_expect_eq(decoder_children(decoder), 4);
}

Test(decoder, outlives_a_child_that_leaves)
{
    open_decoder(1, 4, LONG_MS);
    expect_word_refused("leave", STATUS_INVALID, "breaks the decoder");
    expect_decoded();
}

Test(decoder, believes_no_impossible_answer)
{
    open_decoder(1, 4, LONG_MS);
    expect_word_refused("lie", STATUS_INVALID, "breaks the decoder");
    expect_decoded();
}

Test(decoder, outlives_a_picture_that_takes_too_long)
{
    open_decoder(1, 4, 3000);
    expect_word_refused("spin", STATUS_INVALID, "within 3000 ms");
    expect_decoded();
    cr_expect_eq(decoder_children(decoder), 2);
}

Test(decoder, limits_what_a_child_may_do)
{
    open_decoder(1, 4, LONG_MS);
    expect_word_refused("open", STATUS_INVALID, "may not open");
    if (HAS_LIMITS) {
        expect_word_refused("fork", STATUS_INVALID, "may not fork");
        expect_word_refused("hog", STATUS_LIMIT, "more than 512 MiB");
    }
    expect_decoded();
    cr_expect_eq(decoder_children(decoder), 1);
}

/* The process ids of this process's children. */
static size_t find_children(pid_t out_pids[], size_t max)
{
    size_t n = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        char path[300], text[512] = "";
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        char *end = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
        (void)fclose(file);
        if (end && strlen(end) > 4 && end[2] != 'Z' && strtol(end + 4, NULL, 10) == getpid() && n < max)
            out_pids[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    if (processes)
        (void)closedir(processes);
    return n;
}

Test(decoder, starts_a_fresh_child_when_one_was_killed_between_two_pictures)
{
    pid_t pids[4];
    open_decoder(1, 4, LONG_MS);
    expect_decoded();
    cr_assert_eq(find_children(pids, 4), 1);
    cr_assert_eq(kill(pids[0], SIGKILL), 0);
    while (find_children(pids, 4)) /* until it is gone: the signal is on its way */
        continue;
    expect_decoded();
    cr_expect_eq(decoder_children(decoder), 2);
}

Test(decoder, leaves_no_child_behind)
{
    pid_t pids[4];
    open_decoder(2, 4, LONG_MS);
    expect_decoded();
    decoder_stop(decoder);
    decoder = NULL;
    cr_expect_eq(find_children(pids, 4), 0);
}

Test(decoder, says_that_its_program_cannot_be_run)
{
    struct decoder_options options = {.program = "/nowhere/at-all", .n_children = 1, .max_waiting = 1, .deadline_ms = LONG_MS};
    cr_assert_eq(decoder_start(&options, &decoder, NULL), STATUS_OK);
    expect_word_refused("picture", STATUS_IO, "cannot be started");
}

/* --- many at once --- */

struct caller {
    struct picture_file file;
    unsigned n_wrong;
};

static void *call(void *context)
{
    struct caller *caller = context;
    for (int turn = 0; turn < 20; turn++) {
        struct decoding decoding;
        bool is_bad = turn % 10 == 9;
        enum status status = is_bad ? decode("crash", 5, &decoding) : decode(caller->file.bytes, caller->file.n, &decoding);
        caller->n_wrong += status != (is_bad ? STATUS_INVALID : STATUS_OK) || (!is_bad && decoding.width != PICTURE_FIXTURE_WIDTH);
    }
    return NULL;
}

Test(decoder, serves_many_callers_at_once)
{
    enum { CALLERS = 6 };
    pthread_t threads[CALLERS];
    struct caller callers[CALLERS];
    open_decoder(2, CALLERS, LONG_MS);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.file = i % 2 ? picture_fixture_jpeg() : picture_fixture_webp()};
        cr_assert_eq(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(threads[i], NULL);
        cr_expect_eq(callers[i].n_wrong, 0);
        free(callers[i].file.bytes);
    }
}

Test(decoder, refuses_what_its_queue_has_no_room_for)
{
    enum { WAITING = 3 };
    sem_t is_done;
    struct decoding first = {.bytes = (const uint8_t *)"spin", .n_bytes = 4, .done = post, .context = &is_done}, waiting[WAITING], one_more;
    struct error error = {.detail = ""};
    (void)sem_init(&is_done, 0, 0);
    open_decoder(1, WAITING, 1000);
    cr_assert_eq(decoder_submit(decoder, &first, &error), STATUS_OK);
    while (decoder_children(decoder) == 0) /* until the first has left the queue */
        continue;
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = (struct decoding){.bytes = (const uint8_t *)"spin", .n_bytes = 4, .done = post, .context = &is_done};
        cr_assert_eq(decoder_submit(decoder, &waiting[i], &error), STATUS_OK);
    }
    one_more = waiting[0];
    cr_expect_eq(decoder_submit(decoder, &one_more, &error), STATUS_BUSY);
    cr_expect(strstr(error.detail, "3 pictures are waiting"), "%s", error.detail);
    for (int i = 0; i < 1 + WAITING; i++)
        while (sem_wait(&is_done))
            continue;
    cr_expect_eq(first.status, STATUS_INVALID);
    for (int i = 0; i < WAITING; i++)
        cr_expect(waiting[i].status == STATUS_INVALID || waiting[i].status == STATUS_BUSY, "tried, or waited too long");
    cr_expect_eq(waiting[WAITING - 1].status, STATUS_BUSY);
}

Test(decoder, answers_what_waits_when_it_stops)
{
    sem_t is_done;
    struct decoding both[2];
    (void)sem_init(&is_done, 0, 0);
    open_decoder(1, 4, 1000);
    for (int i = 0; i < 2; i++) {
        both[i] = (struct decoding){.bytes = (const uint8_t *)"spin", .n_bytes = 4, .done = post, .context = &is_done};
        cr_assert_eq(decoder_submit(decoder, &both[i], NULL), STATUS_OK);
        while (i == 0 && decoder_children(decoder) == 0)
            continue;
    }
    decoder_stop(decoder);
    decoder = NULL;
    cr_expect_eq(both[0].status, STATUS_INVALID);
    cr_expect_eq(both[1].status, STATUS_BUSY);
    cr_expect_str_eq(both[1].error.detail, "the service is stopping");
}
