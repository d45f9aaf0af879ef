/* Where leaks are looked for. Criterion runs every test in a process of its own and watches over it from the first one; its watcher loses
 * 48 bytes of a time limit when that limit is lifted just as the program ends (libcriterion 2.4.1), which has failed a run in which all
 * claims held. No code of ours runs in the first process, so leaks are looked for in the others alone. */
#include <stdlib.h>

/* LeakSanitizer asks this at the end of a process; without it nobody does. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    const char *test_process = getenv("BXFI_MAP"); /* libcriterion sets it for the processes of tests */
    return test_process == NULL;
}
