/* Arrays of floats for vector operations. Threads: any. */
#ifndef BASE_FLOATS_H
#define BASE_FLOATS_H

#include <stddef.h>

/* n floats, 64-byte aligned; NULL on no memory. Freed with free. */
float *aligned_floats(size_t n);

#endif
