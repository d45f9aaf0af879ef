/* The program that decoders run in tests, in place of `inkling decode-pictures`: the real child, but a file that begins with one of the
 * words below does what it says. */
#include "server/pictures/decoder_child.h"
#include "server/pictures/decoder_frame.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool says(const uint8_t *bytes, size_t n_bytes, const char *word)
{
    return n_bytes >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

static _Noreturn void spin(void)
{
    for (volatile unsigned turn = 0;; turn = turn + 1)
        continue;
}

/* An answer with impossible numbers, in place of the real one. */
static void lie(void)
{
    struct decoder_answer answer = {.status = STATUS_OK, .width = 5, .height = 5, .channels = 3, .small_width = 5000, .small_height = 5000};
    ssize_t n = write(STDIN_FILENO, &answer, sizeof answer);
    (void)n;
}

static enum status decode(const uint8_t *bytes, size_t n_bytes, struct picture *out_picture, struct error *error)
{
    if (says(bytes, n_bytes, "crash"))
        abort();
    if (says(bytes, n_bytes, "leave"))
        _exit(0);
    if (says(bytes, n_bytes, "spin"))
        spin();
    if (says(bytes, n_bytes, "lie"))
        lie();
    if (says(bytes, n_bytes, "open"))
        return open("/dev/null", O_RDONLY) < 0 ? fail(error, STATUS_INVALID, "may not open") : STATUS_NOMEM;
    if (says(bytes, n_bytes, "fork"))
        return fork() < 0 ? fail(error, STATUS_INVALID, "may not fork") : STATUS_NOMEM;
    if (says(bytes, n_bytes, "hog")) {
        volatile char *memory = malloc(DECODER_MEMORY_BYTES);
        if (!memory)
            return fail(error, STATUS_NOMEM, "no memory");
        memory[0] = 1;
        free((void *)(size_t)memory);
        return fail(error, STATUS_INVALID, "took all that memory");
    }
    return picture_decode(bytes, n_bytes, out_picture, error);
}

int main(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], "decode-pictures") == 0 ? decoder_child_run(STDIN_FILENO, decode) : 2;
}
