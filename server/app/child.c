/* fork and exec by hand instead of posix_spawn: the child must ask to die with its parent, and that can only be asked between the two.
 * Between them only calls are made that are safe after a fork of a process with threads. */
#include "server/app/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICENESS    10
#define CANNOT_EXEC 126

_Noreturn static void become(char *const arguments[], int out, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* the service waits for its signals with all of them blocked: that would be inherited */
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    int nothing = open("/dev/null", O_RDONLY);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(CANNOT_EXEC);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    (void)execv(arguments[0], arguments);
    _exit(CANNOT_EXEC);
}

enum status child_start(struct child *child, char *const arguments[], struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return fail(error, STATUS_IO, "no pipe for a child process: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(arguments, ends[1], parent);
    int reason = errno;
    (void)close(ends[1]);
    if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK)) {
        (void)close(ends[0]);
        return fail(error, STATUS_IO, "no child process: %s", strerror(reason));
    }
    *child = (struct child){.pid = pid, .out = ends[0]};
    return STATUS_OK;
}

static void take(struct child *child, char byte, void (*visit)(void *context, const char *line, size_t n_bytes), void *context)
{
    if (byte == '\n') {
        child->line[child->n_bytes] = '\0';
        if (!child->is_too_long)
            visit(context, child->line, child->n_bytes);
        child->n_bytes = 0;
        child->is_too_long = false;
    } else if (child->n_bytes + 1 < sizeof child->line) {
        child->line[child->n_bytes++] = byte;
    } else {
        child->is_too_long = true;
    }
}

void child_read(struct child *child, void (*visit)(void *context, const char *line, size_t n_bytes), void *context)
{
    char bytes[4096];
    ssize_t n;
    while (child->out >= 0 && (n = read(child->out, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return; /* nothing more for now */
        for (ssize_t i = 0; i < n; i++)
            take(child, bytes[i], visit, context);
    }
    if (child->out >= 0)
        (void)close(child->out);
    child->out = -1;
}

bool child_has_ended(struct child *child, int *out_result)
{
    int result = 0;
    pid_t ended = waitpid(child->pid, &result, WNOHANG);
    if (ended == 0 || (ended < 0 && errno != ECHILD)) /* ECHILD: somebody ignores SIGCHLD; the result is lost, the end is not */
        return false;
    *out_result = result;
    return true;
}

void child_clear(struct child *child)
{
    if (child->out >= 0)
        (void)close(child->out);
    *child = (struct child){.out = -1};
}
