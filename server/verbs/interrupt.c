/* A blocked signal stays pending until someone takes it; nobody does, so the answer stays yes. */
#include "server/verbs/interrupt.h"

#include <signal.h>
#include <stddef.h>

void interrupt_begin(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

bool interrupt_pending(void)
{
    sigset_t pending;
    if (sigpending(&pending))
        return false;
    return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}
