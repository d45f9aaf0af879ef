/* fork and exec by hand, as server/app/child.c does: the child must ask to die with its parent between the two, and only calls are made
 * there that are safe after a fork of a process with threads. Reading and writing never block longer than the deadline. */
#include "server/pictures/decoder_process.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICENESS        10
#define CANNOT_EXEC     126
#define START_MS        30000u /* loading a large program on a machine that is busy */
#define ENVIRONMENT_MAX 8

/* --- start --- */

/* What a child is told: nothing that this process may have been told in confidence. */
static void choose_environment(char *out_environment[ENVIRONMENT_MAX])
{
    static const char *const passed_on[] = {
        "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS=", "OPENBLAS_CORETYPE="};
    static char one_thread[] = "OPENBLAS_NUM_THREADS=1"; /* the library is loaded with the program, and would start one a processor */
    size_t n = 0;
    out_environment[n++] = one_thread;
    for (char **variable = environ; variable && *variable; variable++)
        for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
            if (n < ENVIRONMENT_MAX - 1 && strncmp(*variable, passed_on[i], strlen(passed_on[i])) == 0)
                out_environment[n++] = *variable;
    out_environment[n] = NULL;
}

_Noreturn static void become(char *const arguments[], char *const environment[], int socket, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    int nothing = open("/dev/null", O_WRONLY);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0 || dup2(socket, STDIN_FILENO) < 0)
        _exit(CANNOT_EXEC);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    (void)execve(arguments[0], arguments, environment);
    _exit(CANNOT_EXEC);
}

/* --- bytes, by a deadline --- */

enum transfer { TRANSFER_DONE, TRANSFER_LATE, TRANSFER_BROKEN };

/* Wait until the socket can go on. */
static enum transfer wait_for(int socket, short events, uint64_t until_ns)
{
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        if (now_ns >= until_ns)
            return TRANSFER_LATE;
        struct pollfd file = {.fd = socket, .events = events};
        int n = poll(&file, 1, (int)((until_ns - now_ns) / 1000000) + 1);
        if (n > 0)
            return TRANSFER_DONE;
        if (n < 0 && errno != EINTR)
            return TRANSFER_BROKEN;
    }
}

static enum transfer send_all(int socket, const void *bytes, size_t n_bytes, uint64_t until_ns)
{
    const char *at = bytes;
    while (n_bytes) {
        ssize_t n = send(socket, at, n_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            at += n;
            n_bytes -= (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return TRANSFER_BROKEN;
        enum transfer waited = wait_for(socket, POLLOUT, until_ns);
        if (waited != TRANSFER_DONE)
            return waited;
    }
    return TRANSFER_DONE;
}

static enum transfer receive_all(int socket, void *bytes, size_t n_bytes, uint64_t until_ns)
{
    char *at = bytes;
    while (n_bytes) {
        enum transfer waited = wait_for(socket, POLLIN, until_ns);
        if (waited != TRANSFER_DONE)
            return waited;
        ssize_t n = recv(socket, at, n_bytes, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return TRANSFER_BROKEN;
        at += n > 0 ? n : 0;
        n_bytes -= n > 0 ? (size_t)n : 0;
    }
    return TRANSFER_DONE;
}

/* --- life --- */

/* Kill what still lives. Returns what waitpid says of its end; 0 if that is not known. */
static int end(struct decoder_process *process)
{
    int result = 0;
    (void)kill(process->pid, SIGKILL);
    while (waitpid(process->pid, &result, 0) < 0) {
        if (errno != EINTR) { /* ECHILD: somebody ignores SIGCHLD */
            result = 0;
            break;
        }
    }
    (void)close(process->socket);
    *process = (struct decoder_process){.socket = -1};
    return result;
}

void decoder_process_end(struct decoder_process *process)
{
    if (process->pid)
        (void)end(process);
}

enum status decoder_process_start(struct decoder_process *process, const char *program, struct error *error)
{
    char name[] = "decode-pictures", path[256], *environment[ENVIRONMENT_MAX], *arguments[] = {path, name, NULL};
    int ends[2];
    char word = 0;
    size_t n_path = strlen(program);
    if (n_path >= sizeof path)
        return fail(error, STATUS_IO, "the path of the decoder of pictures is longer than %zu bytes", sizeof path - 1);
    memcpy(path, program, n_path + 1);
    choose_environment(environment);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return fail(error, STATUS_BUSY, "no socket for the decoder of pictures: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(arguments, environment, ends[1], parent);
    int reason = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return fail(error, STATUS_BUSY, "no process for the decoder of pictures: %s", strerror(reason));
    }
    struct decoder_process started = {.pid = pid, .socket = ends[0]};
    if (receive_all(started.socket, &word, 1, clock_monotonic_ns() + START_MS * UINT64_C(1000000)) != TRANSFER_DONE ||
        word != DECODER_READY) {
        (void)end(&started);
        return fail(error, STATUS_IO, "the decoder of pictures cannot be started");
    }
    *process = started;
    return STATUS_OK;
}

bool decoder_process_is_ready(struct decoder_process *process)
{
    char byte;
    if (process->pid && recv(process->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
        return true; /* the socket of a process that has died has an end to be read */
    decoder_process_end(process);
    return false;
}

/* --- a picture --- */

static bool is_possible(const struct decoder_answer *answer)
{
    switch ((enum status)answer->status) {
    case STATUS_OK:
        return answer->width && answer->height && answer->width <= PICTURE_SIDE_MAX && answer->height <= PICTURE_SIDE_MAX &&
               (uint64_t)answer->width * answer->height <= PICTURE_PIXELS_MAX && (answer->channels == 1 || answer->channels == 3) &&
               answer->small_width && answer->small_height && answer->small_width <= PICTURE_SMALL_SIDE &&
               answer->small_height <= PICTURE_SMALL_SIDE;
    case STATUS_INVALID:
    case STATUS_LIMIT: return answer->detail[0] && memchr(answer->detail, '\0', sizeof answer->detail);
    case STATUS_NOT_FOUND:
    case STATUS_CONFLICT:
    case STATUS_BUSY:
    case STATUS_NOMEM:
    case STATUS_IO:
    case STATUS_CORRUPT: break;
    }
    return false;
}

static enum transfer exchange(const struct decoder_process *process, const uint8_t *bytes, uint32_t n_bytes, unsigned deadline_ms,
                              struct decoder_answer *answer)
{
    uint64_t until_ns = clock_monotonic_ns() + deadline_ms * UINT64_C(1000000);
    struct decoder_request request = {.n_bytes = n_bytes, .cpu_seconds = deadline_ms / 1000 + 1};
    enum transfer done = send_all(process->socket, &request, sizeof request, until_ns);
    if (done == TRANSFER_DONE)
        done = send_all(process->socket, bytes, n_bytes, until_ns);
    return done == TRANSFER_DONE ? receive_all(process->socket, answer, sizeof *answer, until_ns) : done;
}

enum status decoder_process_ask(struct decoder_process *process, const uint8_t *bytes, uint32_t n_bytes, unsigned deadline_ms,
                                struct decoder_answer *out_answer, struct error *error)
{
    struct decoder_answer answer;
    enum transfer done = exchange(process, bytes, n_bytes, deadline_ms, &answer);
    if (done == TRANSFER_DONE && is_possible(&answer)) {
        *out_answer = answer;
        return STATUS_OK;
    }
    int result = end(process);
    bool is_late = done == TRANSFER_LATE || (done == TRANSFER_BROKEN && WIFSIGNALED(result) && WTERMSIG(result) == SIGXCPU);
    if (is_late) {
        log_line(LOG_WARNING, "pictures", "a picture took longer than %u ms to decode; its decoder was ended", deadline_ms);
        return fail(error, STATUS_INVALID, "the picture cannot be decoded within %u ms", deadline_ms);
    }
    log_line(LOG_WARNING, "pictures", "a picture broke the decoder (%s %d)", WIFSIGNALED(result) ? "signal" : "exit code",
             WIFSIGNALED(result) ? WTERMSIG(result) : WEXITSTATUS(result));
    return fail(error, STATUS_INVALID, "the picture cannot be decoded: it breaks the decoder");
}
