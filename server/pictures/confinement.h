/* Confinement: what a child process gives up before it reads a file that may break the library that reads it. */
#ifndef PICTURES_CONFINEMENT_H
#define PICTURES_CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>

/* From here on this process has so much memory at most, writes no core, gains no rights, and this thread may read and write what it has
 * open, take memory, and end; any other call to the kernel fails with EPERM. A filter that the kernel does not take (or a processor that is
 * not known here) is not insisted on, limits are: false, and errno, if one cannot be set. A build with sanitizers, which map terabytes and
 * ask the kernel much, keeps its memory and its calls. */
bool confine_process(size_t memory_bytes);

/* Lower a limit (RLIMIT_…) for good, unless it is lower. */
bool confine_limit(int resource, size_t limit);

#endif
