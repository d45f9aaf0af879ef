/* A blocked signal stays pending until someone takes it; without a sigwait nobody does, so the answer stays yes.
 *
 * Libraries may have started threads before main (OpenBLAS does), which do not have our mask. The handler runs in those alone: it blocks the
 * signal there for good and sends it to the process again, where it waits for whoever asks. */
#include "server/verbs/interrupt.h"

#include <stddef.h>
#include <ucontext.h>
#include <unistd.h>

static void give_back(int number, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    (void)info;
    (void)sigaddset(&interrupted->uc_sigmask, number); /* the mask that this thread returns to */
    (void)kill(getpid(), number);
}

void interrupt_begin(sigset_t *out_signals)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_sigaction = give_back, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t signals;
    (void)sigemptyset(&signals);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaddset(&signals, numbers[i]);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaction(numbers[i], &action, NULL);
    if (out_signals)
        *out_signals = signals;
}

bool interrupt_pending(void)
{
    sigset_t pending;
    if (sigpending(&pending))
        return false;
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}
